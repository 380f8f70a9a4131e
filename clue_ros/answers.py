"""What the decoder says at a moment of a dialog, after second thoughts.

Where it points it looks again, closer; what it asks is tried out beside other questions.
"""

from __future__ import annotations

from collections.abc import Sequence

from clue_ros import closer
from clue_ros.box import decode_locations
from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidBox
from clue_ros.model.adapters import Adapters
from clue_ros.model.backbone import Backbone
from clue_ros.model.checkpoint import CheckpointConfig
from clue_ros.model.decoder import BOX_TOKENS
from clue_ros.model.decoder import MAX_QUESTION_TOKENS
from clue_ros.model.decoder import Decoder
from clue_ros.model.decoder import Form
from clue_ros.model.decoder import Suffix
from clue_ros.model.device import named_out_of_memory
from clue_ros.prompt import readable
from clue_ros.response import Absent
from clue_ros.response import Grounding
from clue_ros.response import Invalid
from clue_ros.response import Question
from clue_ros.response import Response
from clue_ros.tryout import TryOut
from clue_ros.view import View

# A frame and what was said about it: what the decoder answers.
Moment = tuple[View, Dialog]


class Answers:
    """The decoder of a checkpoint, with the second thoughts that its configuration asks for."""

    def __init__(self, backbone: Backbone, adapters: Adapters, config: CheckpointConfig) -> None:
        """Answer with `backbone`, under its adapter `ivg` if there is one."""
        self._backbone = backbone
        self._adapters = adapters
        self._config = config
        self._decoder = Decoder(backbone)
        self._try_out = TryOut(backbone, adapters, self._decoder, config)

    def decode_all(self, moments: Sequence[Moment], forms: Sequence[Form]) -> list[Response]:
        """A response in a given form at each moment; one may come with several forms."""
        suffixes = self._write(moments, forms)
        if self._config.tried_questions:
            suffixes = [
                self._try_out.best(*moment, suffix) if _is_question(suffix) else suffix
                for moment, suffix in zip(moments, suffixes, strict=True)
            ]
        responses = [_read(*pair) for pair in zip(suffixes, (v for v, _ in moments), strict=True)]
        boxes = {m: r for m, r in zip(moments, responses, strict=True) if isinstance(r, Grounding)}
        closest = self._look_closer(boxes)
        return [
            closest[moment] if isinstance(response, Grounding) else response
            for moment, response in zip(moments, responses, strict=True)
        ]

    def _write(self, moments: Sequence[Moment], forms: Sequence[Form]) -> list[Suffix]:
        """What the decoder writes at once; a moment is read once for all of its forms."""
        rows = {moment: row for row, moment in enumerate(dict.fromkeys(moments))}
        wanted = [(rows[moment], form) for moment, form in zip(moments, forms, strict=True)]
        reserve = BOX_TOKENS if set(forms) == {Form.BOX} else MAX_QUESTION_TOKENS
        prompts = self._config.prompts
        text = prompts.decoder_text if 'ivg' in self._adapters.names else prompts.probe_text
        with named_out_of_memory(self._backbone.device), self._adapters.use('ivg'):
            prefix = self._backbone.prefix(
                [view.features for view, _ in rows], [text(dialog) for _, dialog in rows], reserve
            )
            return self._decoder.decode(prefix, wanted)

    def _look_closer(self, first: dict[Moment, Grounding]) -> dict[Moment, Grounding | Absent]:
        """What the first looks and the checkpoint's closer looks say together."""
        shares = self._config.closer_looks
        again: dict[Moment, list[Grounding]] = {moment: [] for moment in first}
        for share in shares if first else ():
            windows = [
                closer.window(found.box, share, view.width, view.height)
                for (view, _), found in first.items()
            ]
            parts = [closer.cut(v.image, part) for (v, _), part in zip(first, windows, strict=True)]
            with named_out_of_memory(self._backbone.device):
                features = self._backbone.encode(parts)
            closely = [
                (View(part, row), dialog)
                for part, row, (_, dialog) in zip(parts, features, first, strict=True)
            ]
            said = self._write(closely, [Form.BOX] * len(closely))
            for moment, window, part, suffix in zip(first, windows, closely, said, strict=True):
                found = _read(suffix, part[0])
                if isinstance(found, Grounding):
                    again[moment].append(closer.moved(found, window))
        return {
            moment: closer.join(found, again[moment], len(shares)) if shares else found
            for moment, found in first.items()
        }


def _is_question(suffix: Suffix) -> bool:
    return bool(suffix.text) and not suffix.is_box


def _read(suffix: Suffix, view: View) -> Response:
    if suffix.is_box:
        try:
            box = decode_locations(suffix.text, view.width, view.height)
        except InvalidBox as error:
            return Invalid(suffix.text, str(error))
        return Grounding(box, suffix.confidence)
    if not suffix.text:
        return Absent()
    if not suffix.complete:
        return Invalid(suffix.text, f'the question did not end in {MAX_QUESTION_TOKENS} tokens')
    return Question(readable(suffix.text))
