"""Who answers the robot: a scripted person who knows the scene, or the model itself.

The model was never taught to answer, so it answers by pointing: it takes its own question apart
into the replies that it offers, points once for each of them, and says the one after which it
points closest to what is meant. That is a person who knows how the model understands words; the
figures it gives are the model's best case, and need no list of objects.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from clue_ros.box import Box
from clue_ros.clue import Clue
from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidSource
from clue_ros.evaluate.cases import Case
from clue_ros.evaluate.log import NONE
from clue_ros.person import NONE_OF_THEM
from clue_ros.person import Person
from clue_ros.response import Grounding
from clue_ros.response import Response
from clue_ros.view import View

# in front of the options; "I see two mugs:" counts them and offers nothing
_LEAD = re.compile(
    r'.*\b(?:do you (?:mean|want)|should i take|is it|which(?: \w+)?)\b'
    r'|(?:there (?:is|are)|i see|i found)\b[^:,]*[:,]'
)
# what one may say to a question that offers nothing
_PLACES = ('the left one', 'the right one', 'the one in front', 'the one at the back')
_BREAK = re.compile(r'[,.:;?!]|\bor\b|\band\b')


@dataclass(frozen=True, eq=False)
class Asked:
    """A question of the robot in the middle of a conversation."""

    case: Case
    view: View
    dialog: Dialog  # before the question
    question: str


class People(Protocol):
    """Somebody to answer questions."""

    def __call__(self, asked: Sequence[Asked]) -> list[str]:
        """A reply to each question."""


def scripted(asked: Sequence[Asked]) -> list[str]:
    """The replies of `clue_ros.person.Person`; raises InvalidSource without a list of objects."""
    return [_person(one).reply(one.question) for one in asked]


def _person(asked: Asked) -> Person:
    """Somebody who has taken part in the conversation so far."""
    case = asked.case
    boxes = [thing.box for thing in case.things]
    if case.verdict != NONE and case.target not in boxes:
        raise InvalidSource(
            f'{case.id}: the scripted person must know the objects of the picture and which is '
            'meant ("objects" and "target"); without them use --person model'
        )
    target = None if case.target is None else boxes.index(case.target)
    candidates = [boxes.index(box) for box in case.candidates or () if box in boxes]
    person = Person(
        case.things, target, case.dialog.request, candidates if len(candidates) > 1 else ()
    )
    for turn in asked.dialog.turns:
        person.reply(turn.question)
    return person


class ModelPerson:
    """The model answers its own questions."""

    def __init__(self, clue: Clue, rows: int) -> None:
        """Point with `clue`, at most `rows` pictures in one call."""
        self._clue = clue
        self._rows = rows

    def __call__(self, asked: Sequence[Asked]) -> list[str]:
        """See `People`; who means nothing that is there says so."""
        tried = [
            (one, reply)
            for one in asked
            if one.case.target
            for reply in offers(one.question) or _PLACES
        ]
        best: dict[int, tuple[float, float, str]] = {}
        for start in range(0, len(tried), self._rows):
            part = tried[start : start + self._rows]
            pointed = self._clue.respond_all(
                [one.view for one, _ in part],
                [one.dialog.add(one.question, reply) for one, reply in part],
                'never',
            )
            for (one, reply), response in zip(part, pointed, strict=True):
                assert one.case.target is not None
                rank = (*_closeness(response, one.case.target), reply)
                if id(one) not in best or rank[:2] > best[id(one)][:2]:
                    best[id(one)] = rank
        return [best[id(one)][2] if id(one) in best else NONE_OF_THEM for one in asked]


def offers(question: str) -> list[str]:
    """The replies that a question offers: its options, or yes and no when it names only one."""
    sentences = [text for text in re.split(r'(?<=[.!?])\s+', question.lower()) if text]
    chunks: list[str] = []
    # "I see two mugs: a red one and a blue one. Which one?": the last sentence that names any
    for sentence in reversed(sentences):
        rest = _LEAD.sub('', sentence)
        chunks = [chunk.strip() for chunk in _BREAK.split(rest) if chunk.strip()]
        if chunks:
            break
    if len(chunks) == 1:
        return ['yes', 'no, the other one']
    return [re.sub(r'^an?\b', 'the', chunk) for chunk in chunks]


def _closeness(response: Response, target: Box) -> tuple[float, float]:
    """How near an answer is to the target: overlap first, then the distance of the middles."""
    if not isinstance(response, Grounding):
        return -1.0, 0.0
    (x, y), (u, v) = response.box.center, target.center
    return response.box.iou(target), -((x - u) ** 2 + (y - v) ** 2)
