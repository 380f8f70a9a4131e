"""Questions are tried out before they are asked: what if the person took up each of its offers?

A question offers replies, as in "which mug do you mean, the red one or the blue one?". The model
that writes it also detects: where it finds no mug that is a red one, another question is better.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

FAIR = 0.95  # the probability of each offer from which a question is asked as it was written

_BREAKS = re.compile(r'[,.:;?!]|\b(?:or|and)\b')
_ASKING = re.compile(r'^\s*(?:do|does|is|are|should|shall|would|could|can|which|what)\b', re.I)
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


@dataclass(frozen=True)
class Trial:
    """What came of trying out one question. Probabilities in [0, 1]."""

    confidence: float  # of the decoder that wrote it
    found: tuple[float, ...]  # by offer, that something is there which it fits


def is_fair(found: Sequence[float]) -> bool:
    """Whether a question whose offers are there with these probabilities needs no other."""
    return min(found, default=0.0) >= FAIR


def best(trials: Sequence[Trial]) -> int:
    """Which of some questions to ask, an earlier one of two that are as good.

    The one of the highest confidence times the probability of its least likely offer. One that
    offers nothing is asked only if none does.
    """
    # rounded, so that the last digits of a float, which depend on the batch, choose no question
    merits = [round(trial.confidence * min(trial.found, default=0.0), 3) for trial in trials]
    return merits.index(max(merits))
