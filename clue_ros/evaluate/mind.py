"""The model as several policies share it: asked once for each picture and dialog, in batches.

Policies differ in what they decide, not in what the model would say, so that their conversations
about one case meet again and again in the same dialog.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from typing import TypeVar

from clue_ros.clue import Clue
from clue_ros.dialog import Dialog
from clue_ros.evaluate.baselines import Baselines
from clue_ros.evaluate.runner import Seen
from clue_ros.model.decoder import Form
from clue_ros.response import Ambiguity
from clue_ros.response import Response
from clue_ros.view import View

# (number of a case in the batch, what was said about it)
Moment = tuple[int, Dialog]

T = TypeVar('T')


@dataclass(frozen=True, eq=False)
class Assessment:
    """What is found about one moment."""

    ambiguity: Ambiguity
    scores: Mapping[str, float]  # of the baselines


class Thinker(Protocol):
    """Answers for the model about a batch of cases."""

    def assess(self, moments: Iterable[Moment]) -> list[Assessment]:
        """How ambiguous each moment is."""

    def respond(self, wanted: Iterable[tuple[Moment, Form]]) -> list[Response]:
        """What the decoder writes at each moment, in a form."""


class Mind:
    """Remembers what the model said about a batch of cases."""

    def __init__(
        self, clue: Clue, baselines: Baselines | None, seen: Sequence[Seen], rows: int
    ) -> None:
        """Think about `seen`, at most `rows` of them in one call of the model."""
        self._clue = clue
        self._baselines = baselines
        self._views = [one.view for one in seen]
        self._rows = rows
        self._assessed: dict[Moment, Assessment] = {}
        self._responses: dict[tuple[Moment, Form], Response] = {}

    def assess(self, moments: Iterable[Moment]) -> list[Assessment]:
        """How ambiguous each moment is."""
        moments = list(moments)
        missing = [m for m in dict.fromkeys(moments) if m not in self._assessed]
        for part in _slices(missing, self._rows):
            self._assessed.update(zip(part, self._assess(part), strict=True))
        return [self._assessed[moment] for moment in moments]

    def respond(self, wanted: Iterable[tuple[Moment, Form]]) -> list[Response]:
        """What the decoder writes at each moment, in a form."""
        wanted = list(wanted)
        missing = [pair for pair in dict.fromkeys(wanted) if pair not in self._responses]
        for part in _slices(missing, self._rows):
            views, dialogs = self._split([moment for moment, _ in part])
            responses = self._clue.decode_all(views, dialogs, [form for _, form in part])
            self._responses.update(zip(part, responses, strict=True))
        return [self._responses[pair] for pair in wanted]

    def _assess(self, moments: Sequence[Moment]) -> list[Assessment]:
        views, dialogs = self._split(moments)
        found = self._clue.ambiguity_all(views, dialogs)
        if self._baselines is None:
            return [Assessment(ambiguity, {}) for ambiguity in found]
        scores = self._baselines.scores(views, dialogs, found)
        return [Assessment(*pair) for pair in zip(found, scores, strict=True)]

    def _split(self, moments: Sequence[Moment]) -> tuple[list[View], list[Dialog]]:
        return [self._views[k] for k, _ in moments], [dialog for _, dialog in moments]


def _slices(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
