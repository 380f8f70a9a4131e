"""What the decoder says at a moment of a dialog, after second thoughts.

Where it points it looks again, at parts of the frame, and without what the person has just said is
not meant; what it asks is tried out beside other questions.
"""

from __future__ import annotations

from collections.abc import Sequence

from clue_ros import looks
from clue_ros.box import Box
from clue_ros.box import decode_locations
from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidBox
from clue_ros.looks import Look
from clue_ros.model.adapters import Adapters
from clue_ros.model.backbone import Backbone
from clue_ros.model.checkpoint import CheckpointConfig
from clue_ros.model.decoder import BOX_TOKENS
from clue_ros.model.decoder import MAX_QUESTION_TOKENS
from clue_ros.model.decoder import Decoder
from clue_ros.model.decoder import Form
from clue_ros.model.decoder import Suffix
from clue_ros.model.device import named_out_of_memory
from clue_ros.offers import denied
from clue_ros.offers import offers
from clue_ros.offers import without_denial
from clue_ros.prompt import readable
from clue_ros.response import Absent
from clue_ros.response import Grounding
from clue_ros.response import Invalid
from clue_ros.response import Question
from clue_ros.response import Response
from clue_ros.tryout import TryOut
from clue_ros.view import Part
from clue_ros.view import View
from clue_ros.view import see

# A frame and what was said about it: what the decoder answers.
Moment = tuple[View, Dialog]
# What an answer that points says.
Pointed = Grounding | Absent


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
        responses = self._answer(moments, forms)
        better = map(self._better_form, forms, responses)
        again = {row: form for row, form in enumerate(better) if form is not None}
        if again:
            answers = self._answer([moments[row] for row in again], list(again.values()))
            for row, answer in zip(again, answers, strict=True):
                responses[row] = answer
        if self._config.look_away:
            self._look_away(moments, responses)
        return responses

    def _look_away(self, moments: Sequence[Moment], responses: list[Response]) -> None:
        """Point again where the last reply says what is not meant: with that thing covered."""
        again: dict[int, Moment] = {}
        for row, ((view, dialog), said) in enumerate(zip(moments, responses, strict=True)):
            box = self._denied(view, dialog) if isinstance(said, Pointed) else None
            if box is not None:
                windows = [part.window for part in view.parts]
                without = see(self._backbone, [looks.covered(view.image, box)], [windows])[0]
                again[row] = (without, without_denial(dialog))
        if again:
            answers = self._answer(list(again.values()), [Form.BOX] * len(again))
            for row, answer in zip(again, answers, strict=True):
                if isinstance(answer, Grounding):
                    responses[row] = answer

    def _denied(self, view: View, dialog: Dialog) -> Box | None:
        """Where the thing is that the last reply says is not meant; None where none is found."""
        offer = denied(dialog.turns[-1]) if dialog.turns else None
        if offer is None:
            return None
        before = Dialog(dialog.request, dialog.turns[:-1])
        text = self._config.prompts.probe_text(before.add(dialog.turns[-1].question, offer))
        with named_out_of_memory(self._backbone.device):
            prefix = self._backbone.prefix([view.features], [text], BOX_TOKENS)
            [(probability, suffix)] = self._decoder.detect(prefix)
        said = _read(suffix, view)
        return said.box if probability >= 0.5 and isinstance(said, Grounding) else None

    def _better_form(self, form: Form, response: Response) -> Form | None:
        """In what form to answer again; None where the response stands."""
        if form is not Form.UNLESS_ABSENT:
            return None
        if isinstance(response, Grounding):
            return Form.QUESTION  # the whole frame hid what its parts show
        offering = self._config.tried_questions  # the decoder was taught to offer replies
        if offering and isinstance(response, Question) and not offers(response.text):
            return Form.BOX  # "Which": there is nothing to choose from
        return None

    def _answer(self, moments: Sequence[Moment], forms: Sequence[Form]) -> list[Response]:
        suffixes = self._write(moments, forms)
        if self._config.tried_questions:
            suffixes = self._tried_out(moments, suffixes)
        responses = [_read(*pair) for pair in zip(suffixes, (v for v, _ in moments), strict=True)]
        first = {
            moment: response
            for moment, response in zip(moments, responses, strict=True)
            if isinstance(response, Pointed)
        }
        joined = self._look_again(first)
        return [
            joined[moment] if isinstance(response, Pointed) else response
            for moment, response in zip(moments, responses, strict=True)
        ]

    def _tried_out(self, moments: Sequence[Moment], suffixes: Sequence[Suffix]) -> list[Suffix]:
        """The best question at each moment that asks; in several forms it is often the same."""
        asked = {
            (moment, suffix): self._try_out.best(*moment, suffix)
            for moment, suffix in dict.fromkeys(zip(moments, suffixes, strict=True))
            if _is_question(suffix)
        }
        pairs = zip(moments, suffixes, strict=True)
        return [asked.get((moment, suffix), suffix) for moment, suffix in pairs]

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

    def _look_again(self, first: dict[Moment, Pointed]) -> dict[Moment, Pointed]:
        """What looks at whole frames, at their parts, and then closer ones say together."""
        seen = {moment: [_look(moment[0].whole, said)] for moment, said in first.items()}
        self._point(seen, [(moment, part) for moment in seen for part in moment[0].parts])
        self._point(seen, self._closer_parts(seen))
        return {m: looks.join(seen[m]) if len(seen[m]) > 1 else said for m, said in first.items()}

    def _closer_parts(self, seen: dict[Moment, list[Look]]) -> list[tuple[Moment, Part]]:
        """Parts of each frame around what was found so far, encoded."""
        found = {moment: looks.surest(looked) for moment, looked in seen.items()}
        windows = [
            (moment, looks.around(so_far.box, share, moment[0].width, moment[0].height))
            for moment, so_far in found.items()
            if so_far is not None
            for share in self._config.closer_looks
        ]
        if not windows:
            return []
        images = [looks.cut(view.image, window) for (view, _), window in windows]
        with named_out_of_memory(self._backbone.device):
            features = self._backbone.encode(images)
        return [
            (moment, Part(window, View(image, row)))
            for (moment, window), image, row in zip(windows, images, features, strict=True)
        ]

    def _point(self, seen: dict[Moment, list[Look]], parts: Sequence[tuple[Moment, Part]]) -> None:
        """Add to `seen` where the decoder points in parts of the frames of moments."""
        if not parts:
            return
        moments = [(part.view, dialog) for (_, dialog), part in parts]
        suffixes = self._write(moments, [Form.BOX] * len(moments))
        for (moment, part), suffix in zip(parts, suffixes, strict=True):
            seen[moment].append(_look(part.window, _read(suffix, part.view)))


def _look(window: Box, said: Response) -> Look:
    """A look at a window, in which something was `said` in the window's own pixels."""
    return Look(window, looks.moved(said, window) if isinstance(said, Grounding) else None)


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
