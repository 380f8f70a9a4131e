"""Whether one run is better than another, and by how much.

Both runs saw the same samples, so samples are compared one by one: what is hard for both takes
nothing away from the comparison. Intervals are those of the difference, resampled by scene.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clue_ros.evaluate.intervals import CONFIDENCE
from clue_ros.evaluate.intervals import Figure
from clue_ros.evaluate.intervals import by_scene
from clue_ros.evaluate.log import TRUE_POSITIVE
from clue_ros.evaluate.log import UNREADABLE
from clue_ros.evaluate.log import LogError
from clue_ros.evaluate.log import Record
from clue_ros.evaluate.metrics import Floats
from clue_ros.evaluate.rewards import reward
from clue_ros.report.run import Run
from clue_ros.report.run import read_run

BETTER, WORSE, SAME, NEITHER = 'better', 'worse', 'no difference shown', ''
_NAMED = 5  # of the samples that only one run has


@dataclass(frozen=True)
class Quantity:
    """What runs are compared by: a statistic of a table with one row for each record."""

    name: str
    row: Callable[[Record], tuple[float, ...]]
    statistic: Callable[[Floats], float]
    more_is_better: bool = True
    judged: bool = True  # whether more or less of it is better at all


@dataclass(frozen=True)
class Difference:
    """How run b differs from run a in one quantity under one policy."""

    policy: str
    quantity: Quantity
    a: float
    b: float
    change: Figure  # b - a

    @property
    def verdict(self) -> str:
        """BETTER or WORSE when the interval leaves out 0, else SAME; NEITHER when not judged."""
        if not self.quantity.judged:
            return NEITHER
        if self.change.low > 0:
            return BETTER if self.quantity.more_is_better else WORSE
        if self.change.high < 0:
            return WORSE if self.quantity.more_is_better else BETTER
        return SAME


@dataclass(frozen=True)
class Comparison:
    """Run b against run a, by the samples that both have."""

    a: Path
    b: Path
    differences: tuple[Difference, ...]  # the deciding one first
    notes: tuple[str, ...]  # what was left out

    @property
    def deciding(self) -> Difference:
        """That of the measure's first quantity under the run's first policy."""
        return self.differences[0]


def _mean(table: Floats) -> float:
    return float(table[:, 0].mean())


def _hit(record: Record) -> bool:
    return record.outcome == TRUE_POSITIVE


def _f1(table: Floats) -> float:
    hits, misses = table.sum(axis=0)
    return float(2 * hits / (2 * hits + misses)) if hits or misses else math.nan


_RIGHT = Quantity('right', lambda record: (record.success,), _mean)
# The first of each measure decides.
QUANTITIES: Mapping[str, tuple[Quantity, ...]] = {
    'ambiguity': (
        Quantity('F1', lambda record: (_hit(record), not record.success), _f1),
        _RIGHT,
    ),
    'grounding': (_RIGHT, Quantity('IoU', lambda record: (record.iou or 0.0,), _mean)),
    'loop': (
        Quantity('reward', lambda record: (reward(record),), _mean),
        _RIGHT,
        Quantity('questions', lambda record: (len(record.turns),), _mean, judged=False),
    ),
}


def compare(a: Path, b: Path) -> Comparison:
    """Compare the runs of two report.json, or of the folders that hold them.

    Raises LogError when one cannot be read, or when they are not about the same data.
    """
    run_a, run_b = read_run(a), read_run(b)
    _check_same_data(run_a, run_b)
    pairs, notes = _pair(run_a, run_b)
    differences = [
        _difference(policy, quantity, of_policy)
        for policy in dict.fromkeys(one.policy for one, _ in pairs)
        for of_policy in [[pair for pair in pairs if pair[0].policy == policy]]
        for quantity in QUANTITIES[run_a.measure]
    ]
    return Comparison(run_a.path, run_b.path, tuple(differences), tuple(notes))


def _check_same_data(a: Run, b: Run) -> None:
    if a.measure != b.measure:
        raise LogError(
            f'{a.path} measures {a.measure!r} and {b.path} {b.measure!r}; compare runs of one kind'
        )
    data = [_identity(run.log.header.data) for run in (a, b)]
    if data[0] != data[1]:
        raise LogError(
            f'{a.path} and {b.path} are about different data, {data[0]} and {data[1]}; a paired '
            'comparison needs both runs on the same samples: evaluate both on the same data'
        )


def _identity(data: Mapping[str, Any]) -> dict[str, Any]:
    """What the data is, wherever it lies and however much of it was evaluated."""
    same = {name: value for name, value in data.items() if name not in ('path', 'count')}
    return {name: _identity(v) if isinstance(v, dict) else v for name, v in same.items()}


def _pair(a: Run, b: Run) -> tuple[list[tuple[Record, Record]], list[str]]:
    """The records of the same samples and policies, and what was left out."""
    of_a, of_b = (
        {(record.policy, record.id): record for record in run.log.records} for run in (a, b)
    )
    notes = [
        f'Only in {run.path}, and left out: {_count(len(only))}, {_some(only)}.'
        for run, only in ((a, of_a.keys() - of_b.keys()), (b, of_b.keys() - of_a.keys()))
        if only
    ]
    pairs = [(record, of_b[key]) for key, record in of_a.items() if key in of_b]
    if not pairs:
        raise LogError(f'{a.path} and {b.path} have no sample and policy in common')
    for one, other in pairs:
        if (one.request, one.target, one.verdict) != (other.request, other.target, other.verdict):
            raise LogError(
                f'sample {one.id!r} is not the same in both runs: {one.request!r} and '
                f'{other.request!r} or another target; evaluate both on the same data'
            )
    readable = [p for p in pairs if UNREADABLE not in (p[0].outcome, p[1].outcome)]
    if len(readable) < len(pairs):
        unreadable = len(pairs) - len(readable)
        notes.append(f'Unreadable in one of the runs, and left out: {_count(unreadable)}.')
    if not readable:
        raise LogError(f'{a.path} and {b.path} have no readable sample in common')
    return readable, notes


def _count(records: int) -> str:
    return '1 record' if records == 1 else f'{records} records'


def _some(keys: set[tuple[str, str]]) -> str:
    named = [' '.join(key).strip() for key in sorted(keys)[:_NAMED]]
    return ', '.join(named) + (', ...' if len(keys) > _NAMED else '')


def _difference(
    policy: str, quantity: Quantity, pairs: Sequence[tuple[Record, Record]]
) -> Difference:
    table_a, table_b = (
        np.array([quantity.row(pair[side]) for pair in pairs], dtype=float) for side in (0, 1)
    )
    change = by_scene(
        [one.group for one, _ in pairs],
        lambda chosen: quantity.statistic(table_b[chosen]) - quantity.statistic(table_a[chosen]),
    )
    a, b = quantity.statistic(table_a), quantity.statistic(table_b)
    return Difference(policy, quantity, a, b, change)


def describe(comparison: Comparison) -> str:
    """The comparison as Markdown: a sentence, a table, and what was left out."""
    deciding = comparison.deciding
    change = deciding.change
    under = f' under the policy {deciding.policy}' if deciding.policy else ''
    sentence = _SENTENCES[deciding.verdict].format(
        f'{deciding.quantity.name} {change.value:+.3f} {_interval(change)}{under}'
    )
    lines = [
        sentence,
        '',
        f'a: {comparison.a}  ',
        f'b: {comparison.b}',
        '',
        f'| policy | | a | b | b - a | {100 * CONFIDENCE:g} % interval | b is | samples |',
        '|---|---|---|---|---|---|---|---|',
        *(_row(difference) for difference in comparison.differences),
        '',
        *(f'- {note}' for note in comparison.notes),
    ]
    return '\n'.join(lines).rstrip() + '\n'


_SENTENCES = {
    BETTER: '**b is better than a**: {}.',
    WORSE: '**b is worse than a**: {}.',
    SAME: '**No difference between a and b is shown**: {}.',
}


def _row(difference: Difference) -> str:
    change = difference.change
    cells = (
        difference.policy,
        difference.quantity.name,
        f'{difference.a:.3f}',
        f'{difference.b:.3f}',
        f'{change.value:+.3f}',
        _interval(change),
        difference.verdict,
        str(change.n),
    )
    return f'| {" | ".join(cells)} |'


def _interval(change: Figure) -> str:
    if math.isnan(change.low):
        return 'none, too few scenes'
    return f'[{change.low:+.3f}, {change.high:+.3f}]'
