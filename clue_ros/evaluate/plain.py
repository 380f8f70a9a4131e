"""A checkpoint as transformers alone runs it: processor and `generate`.

One of the baselines, and what the speed of an evaluation is measured against. It has three rules of
this package's decoding: the likeliest kind of answer begins, without which a model that is not sure
of the last pixel would end instead of writing a box; a question does not begin in the middle; and
locations are told by their neighbourhood. It looks once: a checkpoint's looks at parts of a picture
are left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor
from transformers import AutoProcessor
from transformers import LogitsProcessor
from transformers import LogitsProcessorList
from transformers import PaliGemmaForConditionalGeneration

from clue_ros.box import LOCATION_COUNT
from clue_ros.box import decode_locations
from clue_ros.data.samples import Image
from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidBox
from clue_ros.model.backbone import IMAGE_TOKEN
from clue_ros.model.checkpoint import Checkpoint
from clue_ros.model.checkpoint import CheckpointConfig
from clue_ros.model.decoder import BOX_TOKENS
from clue_ros.model.decoder import MAX_QUESTION_TOKENS
from clue_ros.model.decoder import Form
from clue_ros.model.decoder import first_tokens
from clue_ros.model.decoder import most_likely_kind
from clue_ros.model.decoder import question_openings
from clue_ros.model.decoder import smooth_locations
from clue_ros.prompt import Prompts
from clue_ros.prompt import readable
from clue_ros.response import Absent
from clue_ros.response import Grounding
from clue_ros.response import Invalid
from clue_ros.response import Question
from clue_ros.response import Response

_BOX = re.compile(r'(?:<loc\d{4}>){4}')
_DETECT_TOKENS = 80  # some ten boxes with their labels


class Plain:
    """A second copy of the checkpoint's backbone."""

    def __init__(self, checkpoint: Checkpoint, device: str, adapter: str = '') -> None:
        """Load it in float32; with `adapter`, which must be one of the checkpoint's, merged."""
        model: Any = PaliGemmaForConditionalGeneration.from_pretrained(
            checkpoint.backbone, dtype=torch.float32, local_files_only=True
        )
        if adapter:
            folder = checkpoint.adapters[adapter]
            model = PeftModel.from_pretrained(model, str(folder)).merge_and_unload()
        self._model = model.to(device).eval()
        load: Any = AutoProcessor.from_pretrained
        self._processor = load(checkpoint.backbone, local_files_only=True)
        # what is generated begins where the prompt ends
        self._processor.tokenizer.padding_side = 'left'
        self._first_location: int = self._processor.tokenizer.convert_tokens_to_ids('<loc0000>')
        tokenizer, vocabulary = self._processor.tokenizer, self._model.config.text_config.vocab_size
        kinds = first_tokens(vocabulary, self._first_location, tokenizer.eos_token_id)
        kinds[0] &= question_openings(tokenizer, vocabulary)
        self._kinds = kinds.to(device)
        config: CheckpointConfig | None = checkpoint.config
        self.prompts = config.prompts if config else Prompts()

    def count_boxes(self, images: Sequence[Image], dialogs: Sequence[Dialog]) -> list[int]:
        """How many boxes `detect` gives for what each dialog asks for."""
        texts = [self.prompts.probe_text(dialog) for dialog in dialogs]
        written = self.generate(images, texts, max_new_tokens=_DETECT_TOKENS)
        return [len(_BOX.findall(text)) for text in written]

    def respond(self, image: Image, dialog: Dialog, form: Form) -> Response:
        """What the decoder says about a dialog, in a form; no confidence is known."""
        if form is Form.UNLESS_ABSENT:
            said = self.respond(image, dialog, Form.EITHER)
            points = isinstance(said, Grounding | Invalid)
            return self.respond(image, dialog, Form.QUESTION) if points else said
        tokenizer = self._processor.tokenizer
        locations = list(range(self._first_location, self._first_location + LOCATION_COUNT))
        end = tokenizer.eos_token_id
        options: dict[str, Any] = {'max_new_tokens': MAX_QUESTION_TOKENS}
        if form is Form.QUESTION:
            options |= {'suppress_tokens': locations, 'begin_suppress_tokens': [end]}
        elif form is Form.BOX:
            options['max_new_tokens'] = BOX_TOKENS
            options['prefix_allowed_tokens_fn'] = lambda *_: [*locations, end]
        (text,) = self.generate([image], [self.prompts.decoder_text(dialog)], **options)
        return read_answer(text, image.shape[1], image.shape[0])

    @torch.inference_mode()
    def generate(self, images: Sequence[Image], texts: Sequence[str], **options: Any) -> list[str]:
        """What greedy decoding writes behind each prompt, in one batch.

        `options` are those of transformers' `generate`.
        """
        inputs = self._processor(
            text=[f'{IMAGE_TOKEN}{text}' for text in texts],
            images=[[image] for image in images],
            return_tensors='pt',
            padding=True,
        )
        inputs.pop('labels', None)
        length = inputs['input_ids'].shape[1]
        inputs = inputs.to(self._model.device)
        rules = LogitsProcessorList([_Rules(length, self._kinds, self._first_location)])
        written = self._model.generate(**inputs, do_sample=False, logits_processor=rules, **options)
        decoded: list[str] = self._processor.batch_decode(
            written[:, length:], skip_special_tokens=True
        )
        return decoded


class _Rules(LogitsProcessor):
    def __init__(self, length: int, kinds: Tensor, first_location: int) -> None:
        self._length = length  # of the prompt
        self._kinds = kinds
        self._first_location = first_location

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        if input_ids.shape[1] == self._length:
            kind = most_likely_kind(scores, self._kinds)
            scores = scores.masked_fill(~self._kinds[kind], -torch.inf)
        return smooth_locations(scores, self._first_location)


def read_answer(text: str, width: int, height: int) -> Response:
    """What a text of `generate` says about a picture of `width` x `height` pixels."""
    if not text:
        return Absent()
    try:
        return Grounding(decode_locations(text, width, height), math.nan)
    except InvalidBox as error:
        return Invalid(text, str(error)) if '<loc' in text else Question(readable(text))
