"""What the replies that a question offers would lead to: detected, and looked at closely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from clue_ros import looks
from clue_ros.box import Box
from clue_ros.box import decode_locations
from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidBox
from clue_ros.model.backbone import Backbone
from clue_ros.model.checkpoint import CheckpointConfig
from clue_ros.model.decoder import BOX_TOKENS
from clue_ros.model.decoder import Decoder
from clue_ros.model.decoder import Suffix
from clue_ros.model.device import named_out_of_memory
from clue_ros.offers import Found
from clue_ros.offers import Trial
from clue_ros.offers import offers
from clue_ros.view import View

LIKELY = 0.5  # the probability from which what was found is worth a closer look


@dataclass(frozen=True)
class _Seen:
    """What one reply leads to."""

    probability: float  # that anything is there, in [0, 1]
    written: str  # its box
    closely: bool = False  # whether it was looked at closely, too


class Replies:
    """The replies at one moment of a dialog: each is tried once, whichever questions offer it."""

    def __init__(
        self,
        backbone: Backbone,
        decoder: Decoder,
        config: CheckpointConfig,
        view: View,
        dialog: Dialog,
    ) -> None:
        """Detect with `decoder`, under no adapter of `backbone`."""
        self._backbone = backbone
        self._decoder = decoder
        self._config = config
        self._view = view
        self._dialog = dialog
        self._seen: dict[str, _Seen] = {}  # by what the model is told to detect then

    def trial(self, question: Suffix) -> Trial:
        """What is found for each offer of a question; all is, as long as nobody looked for it."""
        told = self._told(question.text)
        found = tuple(
            Found(offer, each.probability, _box(each.written, 1, 1))
            if (each := self._seen.get(text))
            else Found(offer, 1.0, None)
            for offer, text in zip(offers(question.text), told, strict=True)
        )
        # the same reply twice tells nothing apart
        return Trial(question.confidence, found if len(set(told)) == len(told) else ())

    def look(self, question: Suffix) -> bool:
        """Look for what the offers of a question lead to; False where that was done."""
        told = dict.fromkeys(self._told(question.text))
        new = [text for text in told if text not in self._seen]
        if not new:
            return False
        found = self._detect([self._view.features] * len(new), new)
        self._seen.update((text, _Seen(*each)) for text, each in zip(new, found, strict=True))
        return True

    def look_closely(self, question: Suffix) -> bool:
        """Look again at each thing that was likely found for an offer; False where that was done.

        From then on the lower one of both probabilities counts.
        """
        parts = {
            text: looks.cut(self._view.image, window)
            for text in self._told(question.text)
            if (window := self._window(self._seen[text])) is not None
        }
        if not parts:
            return False
        with named_out_of_memory(self._backbone.device):
            features = self._backbone.encode(list(parts.values()))
        again = self._detect(list(features), list(parts))
        for text, (probability, _) in zip(parts, again, strict=True):
            seen = self._seen[text]
            lower = min(seen.probability, probability)
            self._seen[text] = _Seen(lower, seen.written, closely=True)
        return True

    def _window(self, seen: _Seen) -> Box | None:
        """Where to look closely; None where that was done or is not worth it."""
        width, height = self._view.width, self._view.height
        box = _box(seen.written, width, height)
        closer = self._config.closer_looks
        if seen.closely or box is None or not closer or seen.probability < LIKELY:
            return None
        return looks.around(box, min(closer), width, height)

    def _told(self, question: str) -> list[str]:
        """What the model is told to detect after each reply that a question offers."""
        return [
            self._config.prompts.probe_text(self._dialog.add(question, offer))
            for offer in offers(question)
        ]

    def _detect(self, pictures: Sequence[Tensor], texts: Sequence[str]) -> list[tuple[float, str]]:
        """How likely something is there, and its box as written, in each picture for its text."""
        with named_out_of_memory(self._backbone.device):
            prefix = self._backbone.prefix(pictures, texts, BOX_TOKENS)
            detected = self._decoder.detect(prefix)
        return [(probability, suffix.text) for probability, suffix in detected]


def _box(written: str, width: int, height: int) -> Box | None:
    """What was written, in pixels; None where its corners are not in order."""
    try:
        return decode_locations(written, width, height)
    except InvalidBox:
        return None
