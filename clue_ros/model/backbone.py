"""A PaliGemma 2 as the method needs it: an image encoded once, text prefixes built around it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers import AutoImageProcessor
from transformers import AutoTokenizer
from transformers import PaliGemmaForConditionalGeneration

from clue_ros.box import LOCATION_COUNT
from clue_ros.errors import CheckpointError
from clue_ros.errors import InvalidRequest

IMAGE_TOKEN = '<image>'


@dataclass(frozen=True, eq=False)
class PrefixTokens:
    """A batch of prefixes as token ids; fields as in `Prefix`."""

    ids: Tensor  # (batch, length)
    present: Tensor
    words: Tensor
    expression: Tensor


@dataclass(frozen=True, eq=False)
class Prefix:
    """A batch of prefixes `<image>*N <bos> text \\n`, padded on the right, ready for block 0."""

    embeddings: Tensor  # (batch, length, hidden)
    present: Tensor  # (batch, length) bool, False where padding
    # which of the text positions (batch, length - N) ask, bool
    words: Tensor  # all but <bos>
    expression: Tensor  # all but <bos>, the conditioning word in front and the newline

    @property
    def positions(self) -> Tensor:
        """Rotary positions (batch, length); PaliGemma counts from 1."""
        batch, length = self.present.shape
        positions = torch.arange(1, length + 1, device=self.present.device)
        return positions.expand(batch, length)

    def attention_mask(self) -> Tensor:
        """Additive mask (batch, 1, 1, length): the whole prefix sees the whole prefix."""
        lowest = torch.finfo(self.embeddings.dtype).min
        mask = torch.zeros_like(self.present, dtype=self.embeddings.dtype)
        return mask.masked_fill(~self.present, lowest)[:, None, None, :]


class Backbone:
    """The loaded PaliGemma 2 with its tokenizer and image processor, on one device."""

    def __init__(self, model: Any, tokenizer: Any, image_processor: Any) -> None:
        self.model = model.eval().requires_grad_(False)
        self.tokenizer = tokenizer
        self.image_processor = image_processor
        self.language_model: Any = model.model.language_model
        self.image_token: int = model.config.image_token_id
        vision = model.config.vision_config
        self.grid_side: int = vision.image_size // vision.patch_size
        text = model.config.text_config
        self.vocabulary: int = text.vocab_size
        # Within the sliding window every block attends to everything, so one mask serves all.
        self.max_tokens: int = min(text.max_position_embeddings, text.sliding_window)
        self.first_location = self._find_locations()
        # a request that is followed is the same in every frame
        self._encode = lru_cache(maxsize=256)(self._encode_text)

    @classmethod
    def load(cls, folder: Path, device: torch.device, dtype: torch.dtype) -> Backbone:
        """Load a PaliGemma 2 folder; raises CheckpointError when it is not one or is incomplete."""
        _check_kind(folder)
        try:
            model: Any = PaliGemmaForConditionalGeneration.from_pretrained(
                folder,
                dtype=dtype,
                local_files_only=True,
                # sdpa would drop Gemma 2's soft-capping and hide the attention weights
                attn_implementation={'text_config': 'eager', 'vision_config': 'sdpa'},
            )
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            # transformers leaves this one untyped
            load_image_processor: Any = AutoImageProcessor.from_pretrained
            image_processor = load_image_processor(folder, local_files_only=True)
        # transformers names no error of its own: a broken file may raise almost anything
        except Exception as error:
            raise CheckpointError(
                f'{folder} does not load as a PaliGemma 2 backbone: {error}; it must hold '
                'config.json, model.safetensors, the tokenizer and the image processor files'
            ) from error
        return cls(model.to(device), tokenizer, image_processor)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        device: torch.device = self.model.device
        return device

    @property
    def dtype(self) -> torch.dtype:
        """Type of the weights."""
        dtype: torch.dtype = self.model.dtype
        return dtype

    @property
    def layers(self) -> int:
        """Number of decoder blocks."""
        return len(self.language_model.layers)

    @property
    def image_token_count(self) -> int:
        """N: image tokens in front of every prefix."""
        return self.grid_side**2

    @torch.inference_mode()
    def encode(self, images: Sequence[npt.NDArray[np.uint8]]) -> Tensor:
        """Projected vision features (batch, N, hidden) of RGB images (H, W, 3), one batch."""
        pixels = self.pixels(images).to(self.device, self.dtype)
        features: Tensor = self.model.get_image_features(pixels).pooler_output
        return features

    def pixels(self, images: Sequence[npt.NDArray[np.uint8]]) -> Tensor:
        """RGB images (H, W, 3) as the vision tower takes them: (batch, 3, side, side), float32."""
        # said, not guessed: a picture of 3 rows looks like 3 channels
        pixels: Tensor = self.image_processor(
            images=list(images), return_tensors='pt', input_data_format='channels_last'
        )['pixel_values']
        return pixels

    @torch.inference_mode()
    def prefix(self, features: Iterable[Tensor], texts: Sequence[str], reserve: int = 0) -> Prefix:
        """Join features (N, hidden) and text of each sample into one padded batch.

        `reserve` tokens are kept free for a suffix. Raises InvalidRequest when a text is too long.
        """
        return self.join(torch.stack(list(features)), self.tokens(texts, reserve))

    def tokens(self, texts: Sequence[str], reserve: int = 0) -> PrefixTokens:
        """The prefixes of texts as token ids; raises InvalidRequest when one is too long."""
        rows = [self._tokenize(text, reserve) for text in texts]
        length = max(len(ids) for ids, _ in rows)
        images = self.image_token_count
        ids = torch.full((len(rows), length), self.tokenizer.pad_token_id)
        words = torch.zeros((len(rows), length - images), dtype=torch.bool)
        expression = torch.zeros_like(words)
        present = torch.zeros((len(rows), length), dtype=torch.bool)
        for row, (tokens, is_expression) in enumerate(rows):
            ids[row, : len(tokens)] = torch.tensor(tokens)
            words[row, 1 : len(is_expression)] = True
            expression[row, : len(is_expression)] = torch.tensor(is_expression)
            present[row, : len(tokens)] = True
        return PrefixTokens(ids, present, words, expression)

    def join(self, features: Tensor, tokens: PrefixTokens) -> Prefix:
        """Features (batch, N, hidden) in place of the image tokens."""
        words = self.language_model.embed_tokens(
            tokens.ids[:, self.image_token_count :].to(self.device)
        )
        return Prefix(
            torch.cat([features.to(words.dtype), words], dim=1),
            tokens.present.to(self.device),
            tokens.words.to(self.device),
            tokens.expression.to(self.device),
        )

    @torch.inference_mode()
    def logits(self, hidden: Tensor) -> Tensor:
        """Float32 scores over the vocabulary (..., vocabulary) of final hidden states."""
        scores: Tensor = self.model.lm_head(hidden).float()
        softcap = self.model.config.text_config.final_logit_softcapping
        return scores if softcap is None else torch.tanh(scores / softcap) * softcap

    def _tokenize(self, text: str, reserve: int) -> tuple[list[int], list[bool]]:
        """Token ids of one prefix; which of those behind the image tokens are the expression."""
        words, offsets = self._encode(text)
        room = self.max_tokens - self.image_token_count - 1 - reserve
        if len(words) > room:
            raise InvalidRequest(
                f'the dialog has {len(words)} tokens, this model reads at most {room}; '
                'start a new request'
            )
        conditioning = len(text.split(maxsplit=1)[0])
        is_expression = [start >= conditioning and end <= len(text) for start, end in offsets]
        images = [self.image_token] * self.image_token_count
        return [*images, self.tokenizer.bos_token_id, *words], [False, *is_expression]

    def _encode_text(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """Token ids of a text and its newline, and where in it each begins and ends."""
        encoded = self.tokenizer(f'{text}\n', add_special_tokens=False, return_offsets_mapping=True)
        return encoded.input_ids, encoded.offset_mapping

    def _find_locations(self) -> int:
        ids = self.tokenizer.convert_tokens_to_ids(
            [f'<loc{value:04d}>' for value in range(LOCATION_COUNT)]
        )
        if ids != list(range(ids[0], ids[0] + LOCATION_COUNT)):
            raise CheckpointError(
                f'the tokenizer lacks the {LOCATION_COUNT} consecutive location tokens '
                '<loc0000>..<loc1023>; use the tokenizer of a PaliGemma 2'
            )
        first: int = ids[0]
        return first


def _check_kind(folder: Path) -> None:
    # before the weights: transformers would fill a missing config.json with a model of its own
    try:
        config = json.loads((folder / 'config.json').read_text(encoding='utf-8'))
        kind = (config['model_type'], config['text_config']['model_type'])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f'{folder} does not load as a PaliGemma 2 backbone: its config.json is missing or '
            f'incomplete ({error!r}); copy the whole model folder'
        ) from error
    if kind != ('paligemma', 'gemma2'):
        raise CheckpointError(
            f'{folder} holds a {kind[0]} with a {kind[1]} decoder; '
            'the method reads a PaliGemma 2 (paligemma with gemma2)'
        )
