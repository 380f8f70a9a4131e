"""Another question than the first one, where the model does not find what that one offers.

A greedy decoder writes the likeliest word and has to go on from it. Among the questions that it
nearly wrote there is often one that names nothing wrong, and the same model can tell which.
"""

from __future__ import annotations

from collections.abc import Sequence

from clue_ros.dialog import Dialog
from clue_ros.model.adapters import Adapters
from clue_ros.model.backbone import Backbone
from clue_ros.model.checkpoint import CheckpointConfig
from clue_ros.model.decoder import MAX_QUESTION_TOKENS
from clue_ros.model.decoder import Decoder
from clue_ros.model.decoder import Suffix
from clue_ros.model.device import named_out_of_memory
from clue_ros.offers import best
from clue_ros.offers import is_fair
from clue_ros.offers import shortened
from clue_ros.replies import Replies
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
        """A question if all it offers is there and apart, else the best of it and others.

        Looking for what a question offers, and then closely, only makes it worse. So it is the one
        that seems best which is looked at, until one still seems best after that.
        """
        replies = Replies(self._backbone, self._decoder, self._config, view, dialog)
        questions, shorter = [question], set[str]()
        tried_others = False
        while True:
            leader = questions[best([replies.trial(each) for each in questions])]
            if replies.look(leader):
                continue
            trial = replies.trial(leader)
            fair, short = is_fair(trial), shortened(leader.text, trial)
            if (fair or tried_others) and replies.look_closely(leader):
                continue
            if short is not None and short not in shorter:
                shorter.add(short)
                questions += self._write(view, dialog, [self._tokens(short)])
            elif not (fair or tried_others):
                tried_others = True
                questions += self._write(view, dialog, self._other_beginnings(question))
            else:
                return leader

    def _other_beginnings(self, question: Suffix) -> list[tuple[int, ...]]:
        """A question up to one of its tokens each, with another one there: the likeliest of all."""
        choices = [
            (probability, place, token)
            for place, others in enumerate(question.others)
            for token, probability in others
        ]
        likeliest = sorted(choices, reverse=True)[: self._config.tried_questions]
        return [(*question.tokens[:place], token) for _, place, token in likeliest]

    def _tokens(self, text: str) -> tuple[int, ...]:
        return tuple(self._backbone.tokenizer(text, add_special_tokens=False).input_ids)

    def _write(
        self, view: View, dialog: Dialog, beginnings: Sequence[tuple[int, ...]]
    ) -> list[Suffix]:
        """The questions that go on from some beginnings, those that come to an end."""
        if not beginnings:
            return []
        text = self._config.prompts.decoder_text(dialog)
        with named_out_of_memory(self._backbone.device), self._adapters.use('ivg'):
            prefix = self._backbone.prefix([view.features], [text], MAX_QUESTION_TOKENS)
            suffixes = self._decoder.go_on(prefix, [(0, tokens) for tokens in beginnings])
        return [each for each in suffixes if each.complete]
