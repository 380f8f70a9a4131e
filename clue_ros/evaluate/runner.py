"""Runs a measurement over cases: pictures looked at once, in batches; logged; resumed."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from itertools import islice
from typing import Protocol

from tqdm import tqdm

from clue_ros.clue import Clue
from clue_ros.errors import ClueError
from clue_ros.errors import InvalidImage
from clue_ros.errors import InvalidRequest
from clue_ros.evaluate.cases import Case
from clue_ros.evaluate.cases import Place
from clue_ros.evaluate.log import LogWriter
from clue_ros.evaluate.log import Record
from clue_ros.evaluate.records import blank
from clue_ros.view import Image
from clue_ros.view import View


@dataclass(frozen=True, eq=False)
class Seen:
    """A case and its picture, encoded."""

    case: Case
    view: View


class Measure(Protocol):
    """What is done with cases."""

    @property
    def policies(self) -> Sequence[str]:
        """Each case gets a record of each; the progress bar shows the first one's."""

    def __call__(self, seen: Sequence[Seen]) -> list[Record]:
        """The records of a batch; those of one case stand together."""


@dataclass(frozen=True)
class Pace:
    """How far a run had come at one moment; for the file of timings, never for the log."""

    cases: int  # evaluated in this run
    seconds: float  # since the run began
    memory: float  # most that the process held so far, in MB


def run(
    clue: Clue,
    places: Iterable[Place],
    measure: Measure,
    writer: LogWriter,
    batch: int,
    total: int | None = None,
) -> list[Pace]:
    """Evaluate what is not in the log yet, `batch` pictures at a time.

    `total` is the number of pictures, where it is known, for the progress bar. A resumed run forms
    the same batches as one that was never stopped, and so writes the same numbers.
    """
    done = {(record.id, record.policy) for record in writer.resumed}
    last = writer.resumed[-1].picture if writer.resumed else None
    shown = [record.success for record in writer.resumed if record.policy == measure.policies[0]]
    right, count = sum(shown), len(shown)
    pace, start, cases = [], time.perf_counter(), 0
    with tqdm(total=total, unit=' pictures', disable=not sys.stderr.isatty()) as bar:
        for chunk in chunks(places, batch):
            if last is not None and last not in {place.name for place in chunk}:
                bar.update(len(chunk))
                continue  # the log goes on behind it
            last = None
            records = [
                record
                for record in _evaluate(clue, chunk, measure)
                if (record.id, record.policy) not in done
            ]
            writer.write(records)
            shown = [record.success for record in records if record.policy == measure.policies[0]]
            right, count = right + sum(shown), count + len(shown)
            cases += len({record.id for record in records})
            pace.append(Pace(cases, time.perf_counter() - start, _memory()))
            bar.set_postfix_str(f'{right} of {count} right', refresh=False)
            bar.update(len(chunk))
    return pace


def chunks(places: Iterable[Place], size: int) -> Iterator[list[Place]]:
    """Lists of `size` places, the last one shorter."""
    remaining = iter(places)
    while chunk := list(islice(remaining, size)):
        yield chunk


def _evaluate(clue: Clue, chunk: Sequence[Place], measure: Measure) -> list[Record]:
    """Records of all cases of some pictures, in the order of the cases."""
    readable: list[tuple[Case, int]] = []  # with the number of its picture
    images: list[Image] = []
    records: dict[str, list[Record]] = {}
    for place in chunk:
        cases = place.cases()
        records.update((case.id, []) for case in cases)
        if not cases:
            continue
        try:
            image = cases[0].picture.load()
        except InvalidImage as error:
            for case in cases:
                records[case.id] = _unreadable(case, measure, error)
        else:
            readable += [(case, len(images)) for case in cases]
            images.append(image)
    views = clue.look_all(images) if images else []
    seen = [Seen(case, views[number]) for case, number in readable]
    for record in _measured(seen, measure):
        records[record.id].append(record)
    return [record for found in records.values() for record in found]


def _measured(seen: Sequence[Seen], measure: Measure) -> list[Record]:
    """The records of a batch; a case that the model cannot read costs none of the others."""
    try:
        return measure(seen) if seen else []
    except InvalidRequest as error:
        if len(seen) == 1:
            return _unreadable(seen[0].case, measure, error)
        return [record for one in seen for record in _measured([one], measure)]


def _unreadable(case: Case, measure: Measure, error: ClueError) -> list[Record]:
    return [replace(blank(case, policy), reason=str(error)) for policy in measure.policies]


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
