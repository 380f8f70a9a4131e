"""Another question than the first one, where the model does not find what that one offers.

A greedy decoder writes the likeliest word and has to go on from it. Among the questions that it
nearly wrote there is often one that names nothing wrong, and the same model can tell which.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from clue_ros.box import Box
from clue_ros.box import decode_locations
from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidBox
from clue_ros.model.adapters import Adapters
from clue_ros.model.backbone import Backbone
from clue_ros.model.checkpoint import CheckpointConfig
from clue_ros.model.decoder import BOX_TOKENS
from clue_ros.model.decoder import MAX_QUESTION_TOKENS
from clue_ros.model.decoder import Decoder
from clue_ros.model.decoder import Suffix
from clue_ros.model.device import named_out_of_memory
from clue_ros.offers import Found
from clue_ros.offers import Trial
from clue_ros.offers import best
from clue_ros.offers import is_fair
from clue_ros.offers import offers
from clue_ros.view import View


class TryOut:
    """Tries questions out, one moment after the other: no answer depends on its neighbours."""

    def __init__(
        self, backbone: Backbone, adapters: Adapters, decoder: Decoder, config: CheckpointConfig
    ) -> None:
        """Ask with `decoder` under the adapter `ivg`, and detect without one."""
        self._backbone = backbone
        self._adapters = adapters
        self._decoder = decoder
        self._config = config

    def best(self, view: View, dialog: Dialog, question: Suffix) -> Suffix:
        """A question if all it offers is there and apart, else the best of it and others."""
        trials = self._try(view, dialog, [question])
        if is_fair(trials[0]):
            return question
        questions = [question, *self._others(view, dialog, question)]
        trials += self._try(view, dialog, questions[1:])
        return questions[best(trials)]

    def _others(self, view: View, dialog: Dialog, question: Suffix) -> list[Suffix]:
        """Questions that the decoder nearly wrote.

        They go on from the tokens of which it was least sure, with its second choice there.
        """
        turnings = sorted(range(len(question.tokens)), key=lambda k: -question.others[k][1])
        begun = [
            (0, (*question.tokens[:k], question.others[k][0]))
            for k in turnings[: self._config.tried_questions]
        ]
        text = self._config.prompts.decoder_text(dialog)
        with named_out_of_memory(self._backbone.device), self._adapters.use('ivg'):
            prefix = self._backbone.prefix([view.features], [text], MAX_QUESTION_TOKENS)
            return [each for each in self._decoder.go_on(prefix, begun) if each.complete]

    def _try(self, view: View, dialog: Dialog, questions: Sequence[Suffix]) -> list[Trial]:
        """What the model finds for each offer of each question."""
        offered = [offers(each.text) for each in questions]
        prompts = self._config.prompts
        taken_up = [
            [prompts.probe_text(dialog.add(each.text, offer)) for offer in mine]
            for each, mine in zip(questions, offered, strict=True)
        ]
        texts = list(dict.fromkeys(itertools.chain(*taken_up)))
        found: dict[str, tuple[float, Box | None]] = {}
        if texts:
            with named_out_of_memory(self._backbone.device):
                prefix = self._backbone.prefix([view.features] * len(texts), texts, BOX_TOKENS)
                detected = self._decoder.detect(prefix)
            found = {
                text: (probability, _box(suffix))
                for text, (probability, suffix) in zip(texts, detected, strict=True)
            }
        return [
            Trial(
                each.confidence,
                tuple(Found(offer, *found[text]) for offer, text in zip(mine, replies, strict=True))
                if len(set(replies)) == len(replies)
                else (),
            )
            for each, mine, replies in zip(questions, offered, taken_up, strict=True)
        ]


def _box(suffix: Suffix) -> Box | None:
    """What was written, in shares of the frame's sides; None where its corners are not in order."""
    try:
        return decode_locations(suffix.text, 1, 1)
    except InvalidBox:
        return None
