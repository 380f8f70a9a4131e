"""A checkpoint as transformers alone runs it: processor and `generate`, nothing of this package.

One of the baselines, and what the speed of an evaluation is measured against.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import torch
from peft import PeftModel
from transformers import AutoProcessor
from transformers import PaliGemmaForConditionalGeneration

from clue_ros.data.samples import Image
from clue_ros.dialog import Dialog
from clue_ros.model.backbone import IMAGE_TOKEN
from clue_ros.model.checkpoint import Checkpoint
from clue_ros.model.checkpoint import CheckpointConfig
from clue_ros.prompt import Prompts

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
        config: CheckpointConfig | None = checkpoint.config
        self.prompts = config.prompts if config else Prompts()

    def count_boxes(self, images: Sequence[Image], dialogs: Sequence[Dialog]) -> list[int]:
        """How many boxes `detect` gives for what each dialog asks for."""
        texts = [self.prompts.probe_text(dialog) for dialog in dialogs]
        return [len(_BOX.findall(text)) for text in self.generate(images, texts, _DETECT_TOKENS)]

    @torch.inference_mode()
    def generate(self, images: Sequence[Image], texts: Sequence[str], tokens: int) -> list[str]:
        """What greedy decoding writes behind each prompt, in one batch."""
        inputs = self._processor(
            text=[f'{IMAGE_TOKEN}{text}' for text in texts],
            images=[[image] for image in images],
            return_tensors='pt',
            padding=True,
        )
        inputs.pop('labels', None)
        length = inputs['input_ids'].shape[1]
        written = self._model.generate(
            **inputs.to(self._model.device), max_new_tokens=tokens, do_sample=False
        )
        decoded: list[str] = self._processor.batch_decode(
            written[:, length:], skip_special_tokens=True
        )
        return decoded
