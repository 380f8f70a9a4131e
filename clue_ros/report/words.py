"""A record in words: what was said, how it ended, and how that fits the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from clue_ros.evaluate.log import FALSE_ABSENT
from clue_ros.evaluate.log import FALSE_NEGATIVE
from clue_ros.evaluate.log import FALSE_POSITIVE
from clue_ros.evaluate.log import INVALID
from clue_ros.evaluate.log import NONE
from clue_ros.evaluate.log import ONE
from clue_ros.evaluate.log import SEVERAL
from clue_ros.evaluate.log import SUCCESS
from clue_ros.evaluate.log import TRUE_NEGATIVE
from clue_ros.evaluate.log import TRUE_POSITIVE
from clue_ros.evaluate.log import UNREADABLE
from clue_ros.evaluate.log import UNRESOLVED
from clue_ros.evaluate.log import WRONG_GRASP
from clue_ros.evaluate.log import Record

_MEANING = {
    WRONG_GRASP: 'pointed at something else than what was meant',
    INVALID: 'wrote neither a question nor a box',
    FALSE_ABSENT: 'said that there is no such thing, but there is',
    UNRESOLVED: 'still did not know which one is meant',
    FALSE_NEGATIVE: 'took the request for clear, but it fits several things',
    FALSE_POSITIVE: 'took the request for ambiguous, but it is not',
    SUCCESS: 'found what was meant',
    TRUE_POSITIVE: 'saw that the request is ambiguous',
    TRUE_NEGATIVE: 'saw that the request is not ambiguous',
    UNREADABLE: 'could not be used',
}
_MEANING_OF_NOTHING = {  # where nothing in the picture is meant
    WRONG_GRASP: 'pointed at something, but there is no such thing',
    SUCCESS: 'rightly said that there is no such thing',
}

# Of conversations, in which the robot could ask.
_ENDS = (SUCCESS, WRONG_GRASP, FALSE_ABSENT, UNRESOLVED, INVALID)


@dataclass(frozen=True)
class Line:
    """One line of what was said."""

    speaker: str  # person or robot
    text: str
    probability: float | None = None  # of ambiguity, at the look before the robot says this


def transcript(record: Record) -> Iterator[Line]:
    """What was said, with the robot's probability of ambiguity at each look."""
    looks = iter(record.probabilities)
    yield Line('person', record.request)
    for turn in record.turns:
        yield Line('robot', turn.question, next(looks, None))
        yield Line('person', turn.reply)
    if record.box:
        yield Line('robot', '(points at it)', next(looks, None))
    elif record.outcome in (SUCCESS, FALSE_ABSENT):
        yield Line('robot', '(says that there is no such thing)', next(looks, None))
    elif record.outcome == UNRESOLVED:
        yield Line('robot', '(gives up)', next(looks, None))
    elif record.probabilities:
        yield Line('robot', '', next(looks, None))


def explain(record: Record) -> str:
    """One sentence: what happened, and how it fits the truth."""
    meaning = _MEANING[record.outcome]
    if record.verdict == NONE and record.target is None:
        meaning = _MEANING_OF_NOTHING.get(record.outcome, meaning)
    sentence = meaning[0].upper() + meaning[1:]
    if record.iou is not None:
        sentence += f' (IoU {record.iou:.2f})'
    return f'{sentence}{_asking(record)}.'


def _asking(record: Record) -> str:
    """How asking fits the truth, as the rest of the sentence."""
    if not record.policy or record.outcome not in _ENDS:
        return ''
    fits = len(record.candidates or ())
    if record.verdict == SEVERAL and not record.turns:
        return f', without asking, though the request fits {fits or "several"} things'
    if record.verdict == ONE and record.turns:
        return f', after {_questions(record)} that a clear request did not need'
    return f', after {_questions(record)}' if record.turns else ''


def _questions(record: Record) -> str:
    number = len(record.turns)
    return '1 question' if number == 1 else f'{number} questions'
