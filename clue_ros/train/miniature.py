"""A small PaliGemma 2 from scratch, in the classes of transformers, with a tokenizer of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers import decoders
from tokenizers import models
from tokenizers import pre_tokenizers
from tokenizers import trainers
from torch import Tensor
from transformers import PaliGemmaConfig
from transformers import PaliGemmaForConditionalGeneration
from transformers import PaliGemmaProcessor
from transformers import PreTrainedTokenizerFast
from transformers import SiglipImageProcessor

from clue_ros.box import LOCATION_COUNT

# transformers leaves these untyped
_Tokenizer: Any = PreTrainedTokenizerFast
_Processor: Any = PaliGemmaProcessor

_SPECIAL = ('<pad>', '<eos>', '<bos>', '<unk>', '<image>')  # ids 0 to 4
_IDS: dict[str, Any] = {f'{name}_token_id': k for k, name in enumerate(('pad', 'eos', 'bos'))}
_QUIET = 0.1  # of the norm of the residual stream
_COMMON = 0.4  # of the length of a word, what all words have in common
_DRAWN = 8.0  # a score that outweighs hundreds of image tokens
_SHARP = 6.0  # times the usual size of random keys: alike is then clearly more than unlike
# Higher than usual: at the distances here most of a small head can then compare contents.
_ROTARY_BASE = 1e6
_SEGMENTS = 128  # PaliGemma's `<seg000>`..: nothing here writes them, its processor expects them


@dataclass(frozen=True)
class MiniatureConfig:
    """Sizes; as few as fit a CPU."""

    side: int = 224  # pixels
    patch: int = 16  # pixels
    vision_width: int = 256
    vision_layers: int = 5
    width: int = 256
    layers: int = 8
    heads: int = 4
    hidden: int = 768  # of the decoder's feed-forward part
    words: int = 512  # entries of the tokenizer for text

    def __post_init__(self) -> None:
        if self.side % self.patch:
            raise ValueError(f'side {self.side} must be a multiple of patch {self.patch}')
        if self.width % (2 * self.heads) or self.vision_width % self.heads:
            raise ValueError(f'widths must be multiples of twice the {self.heads} heads')
        if min(self.layers, self.vision_layers) < 2 or self.words < 300:
            raise ValueError('wanted 2 layers or more and 300 words or more')


def build_processor(texts: Iterable[str], config: MiniatureConfig) -> Any:
    """A byte-level BPE learned from `texts`, the location tokens, and the picture's size."""
    tokenizer = Tokenizer(models.BPE(unk_token='<unk>'))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=config.words + len(_SPECIAL),
        special_tokens=list(_SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([f'<loc{value:04d}>' for value in range(LOCATION_COUNT)])
    tokenizer.add_tokens([f'<seg{value:03d}>' for value in range(_SEGMENTS)])
    fast: Any = _Tokenizer(
        tokenizer_object=tokenizer,
        pad_token='<pad>',
        eos_token='<eos>',
        bos_token='<bos>',
        unk_token='<unk>',
        extra_special_tokens=['<image>'],
        model_max_length=512,
        padding_side='right',
    )
    images: Any = SiglipImageProcessor(
        size={'height': config.side, 'width': config.side},
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    )
    images.image_seq_length = (config.side // config.patch) ** 2
    return _Processor(image_processor=images, tokenizer=fast)


def build_model(vocabulary: int, config: MiniatureConfig) -> PaliGemmaForConditionalGeneration:
    """Random weights; without Gemma 2's soft-capping, which a model this small has no use for."""
    head = config.width // config.heads
    return PaliGemmaForConditionalGeneration(
        PaliGemmaConfig(
            vision_config={
                'model_type': 'siglip_vision_model',
                'hidden_size': config.vision_width,
                'intermediate_size': 3 * config.vision_width,
                'num_hidden_layers': config.vision_layers,
                'num_attention_heads': config.heads,
                'image_size': config.side,
                'patch_size': config.patch,
                'projection_dim': config.width,
                'vision_use_head': False,
            },
            text_config={
                'model_type': 'gemma2',
                'hidden_size': config.width,
                'intermediate_size': config.hidden,
                'num_hidden_layers': config.layers,
                'num_attention_heads': config.heads,
                'num_key_value_heads': config.heads,
                'head_dim': head,
                'query_pre_attn_scalar': head,
                'rope_parameters': {'rope_theta': _ROTARY_BASE, 'rope_type': 'default'},
                'vocab_size': vocabulary,
                'num_image_tokens': (config.side // config.patch) ** 2,
                'max_position_embeddings': 512,
                'sliding_window': 512,
                'attn_logit_softcapping': None,
                'final_logit_softcapping': None,
                'use_bidirectional_attention': True,
                **_IDS,
            },
            projection_dim=config.width,
            image_token_index=_SPECIAL.index('<image>'),
            **_IDS,
        )
    )


def share_out_heads(model: Any) -> None:
    """Let the first head of each block begin as a reader of the words around it.

    At random every word attends to itself and to the patches that fit it alone: "purple" to purple
    ones, "ring" to rings, the token that is to answer to nothing. That "the purple ring" is what
    fits both has to be gathered, from a few words among hundreds of image tokens.

    All words get a direction in common, by which queries and keys of the first head attract each
    other and those of other heads repel. What the first head reads and writes is one projection:
    the sum of the words then still resembles the patches that fit them. In the first two blocks
    it is as loud as the words themselves.
    """
    decoder = model.model.language_model
    embeddings = decoder.embed_tokens.weight
    width = embeddings.shape[1]
    with torch.no_grad():
        common = torch.randn(width)
        common /= common.norm()
        length = float(embeddings.norm(dim=1).mean())
        embeddings.add_(_COMMON * length * common)
        embeddings.mul_(length / embeddings.norm(dim=1, keepdim=True))
        for number, block in enumerate(decoder.layers):
            attention = block.self_attn
            size = attention.head_dim
            slow = torch.zeros(size, 1)
            slow[5 * size // 16 : size // 2] = 1  # hardly turned by the rotary embedding
            score = _DRAWN * size**0.5 / (width * _COMMON**2)  # of words, over that of `slow`
            told = slow * common * (score / slow.sum()) ** 0.5
            attention.q_proj.weight[:size] = told
            attention.k_proj.weight[:size] = told
            for head in range(size, len(attention.q_proj.weight), size):
                attention.q_proj.weight[head : head + size] += told
                attention.k_proj.weight[head : head + size] -= told
            reader = torch.linalg.qr(torch.randn(width, size)).Q
            attention.v_proj.weight[:size] = reader.T
            attention.o_proj.weight[:, :size] = reader
            if number < 2:
                block.post_attention_layernorm.weight.zero_()  # it is added to 1


def save_backbone(model: Any, processor: Any, folder: Path) -> None:
    """Write a folder that `clue_ros.model.backbone` and transformers load, weights in bfloat16."""
    folder.mkdir(parents=True, exist_ok=True)
    copy = type(model)(model.config)
    copy.load_state_dict(model.state_dict())
    copy.to(torch.bfloat16).save_pretrained(folder)
    processor.save_pretrained(folder)


def smooth_positions(model: Any) -> None:
    """Start the vision tower's positions as waves across and down, as strong as the patches.

    Random ones drown: the model would spend its first thousand steps on finding out where it is.
    """
    weight = model.model.vision_tower.embeddings.position_embedding.weight
    side, waves = round(len(weight) ** 0.5), weight.shape[1] // 4
    at = torch.arange(len(weight))
    # periods from four pictures to four patches
    rates = (
        2 * torch.pi / torch.exp(torch.linspace(1.4, float(torch.tensor(4.0 * side).log()), waves))
    )
    parts = []
    for place in (at % side, at // side):
        angle = place[:, None] * rates
        parts += [angle.sin(), angle.cos()]
    with torch.no_grad():
        weight.copy_(0.4 * torch.cat(parts, dim=1))


def smooth_locations(model: Any, first_location: int) -> None:
    """Start the location tokens as smooth curves: neighbours alike, ends apart."""
    weight = model.model.language_model.embed_tokens.weight
    share = torch.arange(LOCATION_COUNT)[:, None] / LOCATION_COUNT
    waves = torch.randn(1, weight.shape[1]) * 4
    phase = torch.rand(1, weight.shape[1]) * 2 * torch.pi
    with torch.no_grad():
        curve = torch.cos(2 * torch.pi * share * waves + phase) * 2**0.5
        weight[first_location : first_location + LOCATION_COUNT] = curve * weight.std()


def start_quietly(model: Any) -> None:
    """Let words and patches pass the decoder as they are, and attend to what is like them.

    Gemma 2 normalises what each part of a block adds to the residual stream, so that at random
    weights the first block already drowns the embeddings. Here they begin at a norm of 1 per
    number, parts add a tenth of that, and queries equal keys. Without this, no word finds its
    patches within the first thousand steps.
    """
    decoder = model.model.language_model
    with torch.no_grad():
        weight = decoder.embed_tokens.weight
        weight.mul_(weight.shape[1] ** -0.5 / weight.std())
        for block in decoder.layers:
            # these weights are added to 1
            block.post_attention_layernorm.weight.fill_(_QUIET - 1)
            block.post_feedforward_layernorm.weight.fill_(_QUIET - 1)
            attention = block.self_attn
            attention.k_proj.weight.mul_(_SHARP)
            heads = attention.q_proj.weight.shape[0] // attention.k_proj.weight.shape[0]
            attention.q_proj.weight.copy_(attention.k_proj.weight.repeat(heads, 1))


def name_features(model: Any, tokenizer: Any, directions: dict[str, Tensor]) -> None:
    """Start words as the directions in which the image tokens say the same.

    `directions` (hidden,) by word, as `DenseHeads.directions` gives them.
    """
    weight = model.model.language_model.embed_tokens.weight
    length = float(weight.detach().std()) * weight.shape[1] ** 0.5
    with torch.no_grad():
        for word, direction in directions.items():
            ids = tokenizer(f' {word}', add_special_tokens=False).input_ids
            if len(ids) == 1:
                weight[ids[0]] = direction / direction.norm() * length
