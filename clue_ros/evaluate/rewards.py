"""What a conversation is worth: its end, less the price of its questions.

A wrong grasp costs what a right one earns, and a question a fifth of it, as in INVIGORATE. A robot
that leaves everything where it is earns nothing.
"""

from __future__ import annotations

from clue_ros.evaluate.log import FALSE_ABSENT
from clue_ros.evaluate.log import INVALID
from clue_ros.evaluate.log import SUCCESS
from clue_ros.evaluate.log import UNRESOLVED
from clue_ros.evaluate.log import WRONG_GRASP
from clue_ros.evaluate.log import Record

QUESTION = -2.0
ENDS = {SUCCESS: 10.0, WRONG_GRASP: -10.0, FALSE_ABSENT: 0.0, UNRESOLVED: 0.0, INVALID: 0.0}


def reward(record: Record) -> float:
    """Of one conversation; the higher the better."""
    return ENDS[record.outcome] + QUESTION * len(record.turns)
