"""Whether a request is ambiguous: what the probe says of each first request, and the baselines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clue_ros.clue import Clue
from clue_ros.dialog import Dialog
from clue_ros.errors import MissingAdapter
from clue_ros.evaluate.baselines import Baselines
from clue_ros.evaluate.log import FALSE_NEGATIVE
from clue_ros.evaluate.log import FALSE_POSITIVE
from clue_ros.evaluate.log import SEVERAL
from clue_ros.evaluate.log import TRUE_NEGATIVE
from clue_ros.evaluate.log import TRUE_POSITIVE
from clue_ros.evaluate.log import Record
from clue_ros.evaluate.log import pack_map
from clue_ros.evaluate.mind import Mind
from clue_ros.evaluate.policies import PROBE
from clue_ros.evaluate.records import blank
from clue_ros.evaluate.runner import Seen


class AmbiguityMeasure:
    """Assesses first requests; those of which the truth is unknown are for other measures."""

    policies = (PROBE,)

    def __init__(self, clue: Clue, baselines: Baselines | None, rows: int) -> None:
        """Ask `clue` about at most `rows` pictures in one call; raises MissingAdapter."""
        if not clue.has_probe:
            raise MissingAdapter(
                f'{clue.name} has no ambiguity probe to be evaluated; use a CLUE checkpoint, or '
                '`clue evaluate loop` with its other policies'
            )
        self._clue = clue
        self._baselines = baselines
        self._rows = rows

    def __call__(self, seen: Sequence[Seen]) -> list[Record]:
        """One record for each case."""
        seen = [one for one in seen if one.case.verdict]
        mind = Mind(self._clue, self._baselines, seen, self._rows)
        requests = [Dialog(one.case.dialog.request) for one in seen]
        records = []
        for one, found in zip(seen, mind.assess(enumerate(requests)), strict=True):
            records.append(
                replace(
                    blank(one.case, PROBE, one.view.width, one.view.height),
                    outcome=_outcome(one.case.verdict == SEVERAL, found.ambiguity.ambiguous),
                    probabilities=(found.ambiguity.probability,),
                    scores=found.scores,
                    map=pack_map(found.ambiguity.map),
                )
            )
        return records


def _outcome(truth: bool, found: bool) -> str:
    if found:
        return TRUE_POSITIVE if truth else FALSE_POSITIVE
    return FALSE_NEGATIVE if truth else TRUE_NEGATIVE
