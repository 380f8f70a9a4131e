"""Which samples of a run are worth looking at: the worst first, and some of every kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from clue_ros.evaluate.log import FALSE_ABSENT
from clue_ros.evaluate.log import FALSE_NEGATIVE
from clue_ros.evaluate.log import FALSE_POSITIVE
from clue_ros.evaluate.log import INVALID
from clue_ros.evaluate.log import SUCCESS
from clue_ros.evaluate.log import TRUE_NEGATIVE
from clue_ros.evaluate.log import TRUE_POSITIVE
from clue_ros.evaluate.log import UNREADABLE
from clue_ros.evaluate.log import UNRESOLVED
from clue_ros.evaluate.log import WRONG_GRASP
from clue_ros.evaluate.log import Record

LIMIT = 300  # cases of a page
EACH = 5  # of every policy and outcome
RULE = (
    'Worst first: by outcome, then by policy, then by how far off. Of every policy and outcome '
    f'the worst {EACH} are here, and the first of all others in what room is left; {LIMIT} at most.'
)

# Grasping the wrong thing does harm, giving up only costs time; not asking leads to the former.
# What could not be read says nothing about the robot.
OUTCOMES_WORST_FIRST = (
    *(WRONG_GRASP, INVALID, FALSE_ABSENT, UNRESOLVED, FALSE_NEGATIVE, FALSE_POSITIVE),
    *(SUCCESS, TRUE_POSITIVE, TRUE_NEGATIVE, UNREADABLE),
)


def choose(records: Sequence[Record], limit: int = LIMIT, each: int = EACH) -> list[Record]:
    """The cases to show, in the order that RULE describes for the default numbers."""
    worst_first = sorted(records, key=_Badness(records))
    kinds: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in worst_first:
        kinds[record.policy, record.outcome].append(record)
    # in turns, so that every kind is there even where all together are more than the limit
    turns = [kind[turn] for turn in range(each) for kind in kinds.values() if turn < len(kind)]
    chosen = {id(record) for record in turns[:limit]}
    chosen.update([id(r) for r in worst_first if id(r) not in chosen][: limit - len(chosen)])
    return [record for record in worst_first if id(record) in chosen]


class _Badness:
    """The key that sorts records worst first."""

    def __init__(self, records: Sequence[Record]) -> None:
        # the order of the log: the policy that a run is about comes first, the simple ones last
        self._policies = list(dict.fromkeys(record.policy for record in records))

    def __call__(self, record: Record) -> tuple[int, int, float, int, str]:
        return (
            OUTCOMES_WORST_FIRST.index(record.outcome),
            self._policies.index(record.policy),
            -_miss(record),
            -len(record.turns),
            record.id,
        )


def _miss(record: Record) -> float:
    """How far from right, in [0, 1]."""
    probability = record.probabilities[0] if record.probabilities else None
    if record.outcome in (TRUE_POSITIVE, FALSE_NEGATIVE) and probability is not None:
        return 1 - probability
    if record.outcome in (TRUE_NEGATIVE, FALSE_POSITIVE) and probability is not None:
        return probability
    return 0.0 if record.iou is None else 1 - record.iou
