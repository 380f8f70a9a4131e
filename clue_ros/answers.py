"""What the decoder says, and what it thinks twice about: boxes and questions.

A small model's first word is not its best. Where it points it looks again, closer
(`clue_ros.closer`); what it would ask it tries out (`clue_ros.rehearsal`).
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence

from clue_ros import closer
from clue_ros import rehearsal
from clue_ros.box import decode_locations
from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidBox
from clue_ros.errors import InvalidRequest
from clue_ros.model.adapters import Adapters
from clue_ros.model.backbone import Backbone
from clue_ros.model.backbone import Prefix
from clue_ros.model.checkpoint import CheckpointConfig
from clue_ros.model.decoder import BOX_TOKENS
from clue_ros.model.decoder import MAX_QUESTION_TOKENS
from clue_ros.model.decoder import Decoder
from clue_ros.model.decoder import Form
from clue_ros.model.decoder import Suffix
from clue_ros.model.device import named_out_of_memory
from clue_ros.prompt import readable
from clue_ros.question import offers
from clue_ros.response import Absent
from clue_ros.response import Grounding
from clue_ros.response import Invalid
from clue_ros.response import Question
from clue_ros.response import Response
from clue_ros.view import View

# A frame and what was said about it: what the decoder answers.
Moment = tuple[View, Dialog]

_ROWS = 48  # replies that are tried out in one batch


class Answers:
    """The decoder of a checkpoint, with the second thoughts that its configuration asks for."""

    def __init__(self, backbone: Backbone, adapters: Adapters, config: CheckpointConfig) -> None:
        """Answer with `backbone`, under its adapter `ivg` if there is one."""
        self._backbone = backbone
        self._adapters = adapters
        self._config = config
        self._decoder = Decoder(backbone)

    def decode_all(self, moments: Sequence[Moment], forms: Sequence[Form]) -> list[Response]:
        """A response in a given form at each moment; one may come with several forms."""
        responses = self._write(moments, forms)
        # by moment, so that what is the same stays the same
        boxes = {m: r for m, r in zip(moments, responses, strict=True) if isinstance(r, Grounding)}
        asked = {m: r for m, r in zip(moments, responses, strict=True) if isinstance(r, Question)}
        second: dict[type, Mapping[Moment, Response]] = {
            Grounding: self._look_closer(boxes),
            Question: self._rehearse(asked),
        }
        return [
            second.get(type(response), {}).get(moment, response)
            for moment, response in zip(moments, responses, strict=True)
        ]

    def _write(self, moments: Sequence[Moment], forms: Sequence[Form]) -> list[Response]:
        """What the decoder writes at once; a moment is read once for all of its forms."""
        rows = {moment: row for row, moment in enumerate(dict.fromkeys(moments))}
        wanted = [(rows[moment], form) for moment, form in zip(moments, forms, strict=True)]
        reserve = BOX_TOKENS if set(forms) == {Form.BOX} else MAX_QUESTION_TOKENS
        with named_out_of_memory(self._backbone.device), self._adapters.use('ivg'):
            suffixes = self._decoder.decode(self._prefix(list(rows), reserve), wanted)
        return [_read_suffix(*one) for one in zip(suffixes, (v for v, _ in moments), strict=True)]

    def _prefix(self, moments: Sequence[Moment], reserve: int) -> Prefix:
        return self._backbone.prefix(
            [view.features for view, _ in moments],
            [self._text(dialog) for _, dialog in moments],
            reserve,
        )

    def _text(self, dialog: Dialog) -> str:
        prompts = self._config.prompts
        has_adapter = 'ivg' in self._adapters.names
        return prompts.decoder_text(dialog) if has_adapter else prompts.probe_text(dialog)

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
            for moment, window, found in zip(first, windows, said, strict=True):
                if isinstance(found, Grounding):
                    again[moment].append(closer.moved(found, window))
        return {
            moment: closer.join(found, again[moment], len(shares)) if shares else found
            for moment, found in first.items()
        }

    def _rehearse(self, own: dict[Moment, Question]) -> dict[Moment, Question]:
        """The decoder's own questions where they do well when tried out, else the best there is."""
        others = self._config.fallback_questions
        if not own or not others:
            return own
        first = self._try([(moment, question.text) for moment, question in own.items()])
        tried = {m: {q.text: found} for (m, q), found in zip(own.items(), first, strict=True)}
        poor = [m for m, q in own.items() if not rehearsal.is_good(tried[m][q.text])]
        for other in others:
            new = [m for m in poor if all(other != turn.question for turn in m[1].turns)]
            for moment, found in zip(new, self._try([(m, other) for m in new]), strict=True):
                tried[moment][other] = found
            poor = [m for m in poor if not rehearsal.tells_apart(tried[m].get(other, []))]
        return {moment: Question(rehearsal.best(found)) for moment, found in tried.items()}

    def _try(self, asked: Sequence[tuple[Moment, str]]) -> list[list[Response]]:
        """What the decoder points at, at one look, after each reply that each question offers."""
        tried: list[list[Response]] = [[] for _ in asked]
        wanted: list[tuple[list[Response], Moment]] = []
        for found, (moment, question) in zip(tried, asked, strict=True):
            for reply in offers(question):
                then = self._after(moment, question, reply)
                if then:
                    wanted.append((found, then))
                else:
                    found.append(Absent())
        for start in range(0, len(wanted), _ROWS):
            part = wanted[start : start + _ROWS]
            pointed = self._write([then for _, then in part], [Form.BOX] * len(part))
            for (found, _), response in zip(part, pointed, strict=True):
                found.append(response)
        return tried

    def _after(self, moment: Moment, question: str, reply: str) -> Moment | None:
        """The moment after a reply, or None where the dialog becomes too long to be read."""
        view, dialog = moment
        try:
            dialog = dialog.add(question, reply)
            self._backbone.tokens([self._text(dialog)], BOX_TOKENS)
        except InvalidRequest:
            return None
        return view, dialog


def _read_suffix(suffix: Suffix, view: View) -> Response:
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
