"""Another question than the first one, where the model does not find what that one offers.

A greedy decoder writes the likeliest word and has to go on from it. Among the questions that it
nearly wrote there is often one that names nothing wrong, and the same model can tell which.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from clue_ros.dialog import Dialog
from clue_ros.model.adapters import Adapters
from clue_ros.model.backbone import Backbone
from clue_ros.model.checkpoint import CheckpointConfig
from clue_ros.model.decoder import MAX_QUESTION_TOKENS
from clue_ros.model.decoder import Decoder
from clue_ros.model.decoder import Suffix
from clue_ros.model.device import named_out_of_memory
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
        """A question if all it offers is there, else the best of it and others in its place."""
        found = self._found(view, dialog, [question])
        if is_fair(found[0]):
            return question
        questions = [question, *self._others(view, dialog, question)]
        found += self._found(view, dialog, questions[1:])
        return questions[
            best([Trial(each.confidence, f) for each, f in zip(questions, found, strict=True)])
        ]

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

    def _found(
        self, view: View, dialog: Dialog, questions: Sequence[Suffix]
    ) -> list[tuple[float, ...]]:
        """For each question how likely the model finds what each of its offers fits, in [0, 1].

        Nothing for one that offers the same thing twice.
        """
        prompts = self._config.prompts
        taken_up = [
            [prompts.probe_text(dialog.add(each.text, offer)) for offer in offers(each.text)]
            for each in questions
        ]
        texts = list(dict.fromkeys(itertools.chain(*taken_up)))
        if not texts:
            return [() for _ in questions]
        with named_out_of_memory(self._backbone.device):
            prefix = self._backbone.prefix([view.features] * len(texts), texts)
            found = dict(zip(texts, self._decoder.finds(prefix).tolist(), strict=True))
        return [
            tuple(found[text] for text in mine) if len(set(mine)) == len(mine) else ()
            for mine in taken_up
        ]
