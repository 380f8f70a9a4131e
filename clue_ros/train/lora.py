"""LoRA on the language model for training, and its folder in PEFT's format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from peft import get_peft_model_state_dict
from peft import inject_adapter_in_model
from peft.tuners.lora import LoraLayer
from safetensors.torch import save_file
from torch import nn

ATTENTION = ('q_proj', 'k_proj', 'v_proj', 'o_proj')
FEED_FORWARD = ('gate_proj', 'up_proj', 'down_proj')
_DECODER = 'model.language_model.'


def inject(
    decoder: nn.Module,
    projections: tuple[str, ...],
    blocks: tuple[int, ...],
    rank: int,
    alpha: int,
    dropout: float,
) -> tuple[LoraConfig, list[nn.Parameter]]:
    """Add trainable float32 updates to `projections` of `blocks`; all else of it is frozen.

    They are named by whole paths inside the decoder: a bare `q_proj` would also adapt the vision
    tower of a model that holds one.
    """
    decoder.requires_grad_(False)
    part = dict.fromkeys(ATTENTION, 'self_attn') | dict.fromkeys(FEED_FORWARD, 'mlp')
    config = LoraConfig(
        r=rank,
        lora_alpha=alpha,
        lora_dropout=dropout,
        target_modules=[f'layers.{block}.{part[p]}.{p}' for block in blocks for p in projections],
    )
    inject_adapter_in_model(config, decoder, 'default')
    added = [parameter for name, parameter in decoder.named_parameters() if 'lora_' in name]
    for parameter in added:
        parameter.data = parameter.data.float()
        parameter.requires_grad_(True)
    return config, added


def save(decoder: Any, config: LoraConfig, folder: Path) -> None:
    """Write the adapter as PEFT would for the whole PaliGemma."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = get_peft_model_state_dict(decoder, adapter_name='default')
    stored = {
        f'base_model.model.{_DECODER}{key.removeprefix("base_model.model.")}': value.to(
            torch.float32
        ).contiguous()
        for key, value in weights.items()
    }
    save_file(stored, folder / 'adapter_model.safetensors')
    # from the keys: PEFT shortens a long list to bare names like `q_proj`
    config.target_modules = sorted({key.split('.', 2)[2].rpartition('.lora_')[0] for key in stored})
    config.inference_mode = True
    config.save_pretrained(str(folder))


def remove(decoder: nn.Module) -> None:
    """Take the updates off again: the decoder is what it was."""
    adapted: list[tuple[str, Any]] = [
        (path, module) for path, module in decoder.named_modules() if isinstance(module, LoraLayer)
    ]
    for path, layer in adapted:
        parent, _, attribute = path.rpartition('.')
        setattr(decoder.get_submodule(parent), attribute, layer.get_base_layer())
    if hasattr(decoder, 'peft_config'):
        del decoder.peft_config
