"""Questions are tried out before they are asked: what if the person took up each of its offers?

A question offers replies, as in "which mug do you mean, the red one or the blue one?". The model
that writes it also detects: where it finds no mug that is a red one, or the same one as for "the
blue one", another question is better.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from clue_ros.box import Box
from clue_ros.dialog import Dialog
from clue_ros.dialog import Turn

FAIR = 0.95  # the probability of each offer from which a question is asked as it was written
AGREE = 0.4  # IoU from which two offers lead to the same thing
LEAD = 0.05  # of the frame's side: how much further left "the left one" lies than the others
UNCLEAR = 0.3  # what a question counts for that is not clear

_BREAKS = re.compile(r'[,.:;?!]|\b(?:or|and)\b')
_ASKING = re.compile(r'^\s*(?:do|does|is|are|should|shall|would|could|can|which|what)\b', re.I)
# which way things lie, to the right and to the front: what is nearer is lower in a frame
_SIDES = {
    **dict.fromkeys(('left', 'leftmost'), (-1, 0)),
    **dict.fromkeys(('right', 'rightmost'), (1, 0)),
    **dict.fromkeys(('front', 'closest', 'nearest'), (0, 1)),
    **dict.fromkeys(('back', 'farthest', 'furthest'), (0, -1)),
}
# "no, the red one", "the other one please"; but not "yes, the one by the other mug"
_DENIAL = re.compile(
    r'^\W*(?:no|nope|not|wrong)\b|^(?!\W*yes\b).*\bother(?: one| thing)?(?:,? please)?\W*$', re.I
)
# words of a reply that tell no thing from another
_NAMELESS = re.compile(
    r'\b(?:no|nope|not|wrong|sorry|please|i|want|mean|take|is|it|that|this|the|other|one|thing)\b'
)
_ARTICLE = re.compile(r'\b(?:the|a|an)\s', re.I)


def offers(question: str) -> tuple[str, ...]:
    """The replies that a question offers, from left to right: "the red one", "the blue one".

    They are what stands between commas, `or` and `and`; of a part that asks ("do you mean the
    mug"), what follows from its first article on.
    """
    found = []
    for part in _BREAKS.split(question):
        if _ASKING.match(part):
            article = _ARTICLE.search(part)
            part = part[article.start() :] if article else ''
        if part.strip():
            found.append(part.strip())
    return tuple(found)


def denied(turn: Turn) -> str | None:
    """The only thing that a question offers, where the reply says that it is not meant.

    As in "is it the red one?", "no, the other one". None for every other turn.
    """
    offered = offers(turn.question)
    return offered[0] if len(offered) == 1 and _DENIAL.search(turn.reply) else None


def without_denial(dialog: Dialog) -> Dialog:
    """What is left to be answered once the thing that the last reply denies is out of sight.

    The request, and the last turn if its reply names another thing: what was said before it led
    to the one that is not meant.
    """
    last = dialog.turns[-1]
    names = re.search('[a-z]', _NAMELESS.sub('', last.reply.lower()))
    return Dialog(dialog.request, (last,) if names else ())


@dataclass(frozen=True)
class Found:
    """What the model finds when the person takes up an offer."""

    offer: str
    probability: float  # that something is there which it fits, in [0, 1]; of all looks the least
    box: Box | None  # where, in shares of the frame's sides; None when what it wrote is no box


@dataclass(frozen=True)
class Trial:
    """What came of trying out one question."""

    confidence: float  # of the decoder that wrote it, in [0, 1]
    found: tuple[Found, ...]  # by offer; nothing for a question that offers the same thing twice

    @property
    def least(self) -> float:
        """The probability of the least likely offer, 0 where there is none."""
        return min((each.probability for each in self.found), default=0.0)

    @property
    def is_clear(self) -> bool:
        """Whether no two offers lead to the same thing, and each thing has the place it is told by.

        A thing has a place, as in "the left one", when it lies LEAD further there than all others.
        """
        located = [(each.offer, each.box) for each in self.found if each.box is not None]
        return all(
            box.iou(other) < AGREE and _leads(offer, box, other)
            for k, (offer, box) in enumerate(located)
            for _, other in located[:k] + located[k + 1 :]
        )


def _leads(offer: str, box: Box, other: Box) -> bool:
    """Whether a box lies further than another one to each side that the offer names."""
    across, down = (own - its for own, its in zip(box.center, other.center, strict=True))
    words = re.findall('[a-z]+', offer.lower())
    sides = [_SIDES[word] for word in words if word in _SIDES]
    return all(right * across + front * down >= LEAD for right, front in sides)


def is_fair(trial: Trial) -> bool:
    """Whether a question needs no other: all that it offers is there, and clear."""
    return trial.least >= FAIR and trial.is_clear


def shortened(question: str, trial: Trial) -> str | None:
    """The question without those of its offers that are not there.

    "The green one, the pink one or the red one?" becomes "the green one or the pink one?". None
    where all are there, or fewer than two.
    """
    kept = [each.offer for each in trial.found if each.probability >= FAIR]
    if not 2 <= len(kept) < len(trial.found):
        return None
    begin = question.index(trial.found[0].offer)
    last = trial.found[-1].offer
    end = question.rindex(last) + len(last)
    return f'{question[:begin]}{", ".join(kept[:-1])} or {kept[-1]}{question[end:]}'


def best(trials: Sequence[Trial]) -> int:
    """Which of some questions to ask, an earlier one of two that are as good.

    The one of the highest confidence times the probability of its least likely offer, in which a
    question that is not clear counts for less. One that offers nothing is asked only if none does.
    """
    # rounded, so that the last digits of a float, which depend on the batch, choose no question
    merits = [
        round(trial.confidence * trial.least * (1.0 if trial.is_clear else UNCLEAR), 3)
        for trial in trials
    ]
    return merits.index(max(merits))
