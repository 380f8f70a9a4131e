"""A backbone that goes on from another one of the same widths, with as many blocks or more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoProcessor
from transformers import PaliGemmaForConditionalGeneration

from clue_ros.errors import InvalidRun
from clue_ros.train.miniature import MiniatureConfig
from clue_ros.train.miniature import build_model


@torch.no_grad()
def mix(model: nn.Module, other: nn.Module, share: float) -> None:
    """Make the weights of `model` the mean of both models', in which `other` has `share` in [0, 1].

    Of two models of which one went on from the other, the mean is often better than either: what
    small batches pushed to and fro cancels out, what was learned remains (WiSE-FT).
    """
    theirs = dict(other.named_parameters())
    for name, value in model.named_parameters():  # what two parts share, it names once
        value.lerp_(theirs[name], share)


def grow(folder: Path, config: MiniatureConfig) -> tuple[Any, Any]:
    """The backbone in `folder` at the sizes of `config`, and its processor.

    Blocks that it lacks come behind its own and add nothing yet, so that the model says what the
    smaller one says. Raises InvalidRun where `folder` holds none, or one of other widths.
    """
    try:
        begun: Any = PaliGemmaForConditionalGeneration.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True
        )
        load_processor: Any = AutoProcessor.from_pretrained
        processor = load_processor(folder, local_files_only=True)
    # transformers names no error of its own: a broken file may raise almost anything
    except Exception as error:
        raise InvalidRun(
            f'{folder} does not load as a PaliGemma 2 backbone to go on from: {error}'
        ) from error
    model: Any = build_model(begun.config.text_config.vocab_size, config)
    own, given = model.state_dict(), begun.state_dict()
    unfit = [
        f'{name} is {tuple(value.shape)}'
        + (f', wanted {tuple(own[name].shape)}' if name in own else ', wanted no such block')
        for name, value in given.items()
        if name not in own or own[name].shape != value.shape
    ]
    if unfit:
        raise InvalidRun(
            f'{folder} does not fit into the sizes of `miniature`: {unfit[0]}; only the numbers '
            'of blocks may grow, and words are those of the given one'
        )
    model.load_state_dict(given, strict=False)
    before = begun.config
    with torch.no_grad():
        tower = model.model.vision_tower.encoder.layers
        for block in tower[before.vision_config.num_hidden_layers :]:
            for part in (block.self_attn.out_proj, block.mlp.fc2):
                part.weight.zero_()
                part.bias.zero_()
        decoder = model.model.language_model.layers
        for block in decoder[before.text_config.num_hidden_layers :]:
            # these weights are added to 1
            block.post_attention_layernorm.weight.fill_(-1)
            block.post_feedforward_layernorm.weight.fill_(-1)
    return model, processor
