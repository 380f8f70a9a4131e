"""The guesser: told the whole dialog, where does the decoder point? It may not ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clue_ros.clue import Clue
from clue_ros.evaluate.cases import check_target
from clue_ros.evaluate.log import Record
from clue_ros.evaluate.mind import Mind
from clue_ros.evaluate.records import blank
from clue_ros.evaluate.records import ended
from clue_ros.evaluate.runner import Seen
from clue_ros.model.decoder import Form


class GroundingMeasure:
    """Points once for each case, after all turns that the data set brings."""

    policies = ('',)

    def __init__(self, clue: Clue, rows: int) -> None:
        """Ask `clue` about at most `rows` pictures in one call."""
        self._clue = clue
        self._rows = rows

    def __call__(self, seen: Sequence[Seen]) -> list[Record]:
        """One record for each case; raises InvalidSource when a case lacks a target."""
        for one in seen:
            check_target(one.case)
        mind = Mind(self._clue, None, seen, self._rows)
        moments = [(number, one.case.dialog) for number, one in enumerate(seen)]
        responses = mind.respond((moment, Form.BOX) for moment in moments)
        return [
            replace(
                ended(blank(one.case, '', one.view.width, one.view.height), response),
                turns=one.case.dialog.turns,
            )
            for one, response in zip(seen, responses, strict=True)
        ]
