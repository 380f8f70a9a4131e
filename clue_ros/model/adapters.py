"""LoRA adapters on one backbone, switched without reloading: W' = W + (alpha / r) B A.

In float32 the sum is exact to rounding, so each adapted weight is kept merged beside the original
and switching exchanges the two; a forward pass then costs nothing extra. In bfloat16 the sum would
round most of a small update away, so the update stays a separate path (PEFT's layers).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig
from peft import inject_adapter_in_model
from peft import set_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch import nn

from clue_ros.errors import CheckpointError
from clue_ros.model.backbone import Backbone

# Where the decoder lives has changed between transformers versions, and with it the adapter keys.
_KEY = re.compile(
    r'^(?:base_model\.model\.)?(?:model\.language_model\.|language_model\.model\.)'
    r'(?P<module>layers\.\d+\.[\w.]+?)\.(?P<matrix>lora_[AB])\.weight$'
)


class Adapters:
    """The adapters of a checkpoint; none is active outside `use`."""

    def __init__(self, backbone: Backbone, folders: dict[str, Path]) -> None:
        """Load `folders` (adapter name -> PEFT folder) or raise CheckpointError."""
        self._merged: dict[str, list[tuple[nn.Parameter, Tensor]]] = {}
        self._layers: list[Any] = []
        self.names = tuple(folders)
        decoder = backbone.language_model
        configs = {
            name: _inject(decoder, name, folder, backbone.device)
            for name, folder in folders.items()
        }
        self._layers = [module for module in decoder.modules() if isinstance(module, LoraLayer)]
        plain = all(config.bias == 'none' and not config.use_dora for config in configs.values())
        if backbone.dtype == torch.float32 and plain:
            self._merge(decoder)
        else:
            for layer in self._layers:
                layer.enable_adapters(False)
                layer.to(backbone.dtype)
        decoder.requires_grad_(False)

    @contextmanager
    def use(self, name: str) -> Iterator[None]:
        """Run the block with adapter `name` active; as it is when there is none of that name."""
        if name not in self.names:
            yield
            return
        if self._layers:
            yield from self._switched(name)
            return
        pairs = self._merged[name]
        originals = [parameter.data for parameter, _ in pairs]
        for parameter, merged in pairs:
            parameter.data = merged
        try:
            yield
        finally:
            for (parameter, _), original in zip(pairs, originals, strict=True):
                parameter.data = original

    def _switched(self, name: str) -> Iterator[None]:
        adapted = [layer for layer in self._layers if name in layer.lora_A]
        for layer in adapted:
            layer.enable_adapters(True)
            layer.set_adapter(name, inference_mode=True)
        try:
            yield
        finally:
            for layer in adapted:
                layer.enable_adapters(False)

    def _merge(self, decoder: nn.Module) -> None:
        self._merged = {name: [] for name in self.names}
        adapted: list[tuple[str, Any]] = [
            (path, module)
            for path, module in decoder.named_modules()
            if isinstance(module, LoraLayer)
        ]
        for path, layer in adapted:
            linear = layer.get_base_layer()
            for name in layer.lora_A:
                merged = linear.weight.data + layer.get_delta_weight(name)
                self._merged[name].append((linear.weight, merged))
            parent, _, attribute = path.rpartition('.')
            setattr(decoder.get_submodule(parent), attribute, linear)
        self._layers = []


def _inject(decoder: nn.Module, name: str, folder: Path, device: torch.device) -> LoraConfig:
    try:
        config: LoraConfig = LoraConfig.from_pretrained(str(folder))
        stored = load_file(folder / 'adapter_model.safetensors', device=str(device))
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        raise CheckpointError(
            f'{folder} does not load as a LoRA adapter: {error}; it must hold '
            'adapter_config.json and adapter_model.safetensors as PEFT writes them'
        ) from error
    weights: dict[str, Tensor] = {}
    for key, value in stored.items():
        match = _KEY.match(key)
        if not match:
            raise CheckpointError(
                f'{folder} adapts {key!r}; only the language model may carry an adapter'
            )
        weights[f'base_model.model.{match["module"]}.{match["matrix"]}.weight'] = value
    config.target_modules = sorted(
        {key.removeprefix('base_model.model.').rpartition('.lora_')[0] for key in weights}
    )
    config.lora_dropout = 0.0
    try:
        inject_adapter_in_model(config, decoder, name)
        result: Any = set_peft_model_state_dict(decoder, weights, adapter_name=name)
        del decoder.peft_config  # else the next adapter is announced as a mistake
    except (RuntimeError, ValueError, KeyError) as error:
        raise CheckpointError(
            f'{folder} does not fit this backbone: {error}; use the adapter trained on it'
        ) from error
    missing = [key for key in result.missing_keys if f'.{name}.' in key]
    if missing or result.unexpected_keys:
        raise CheckpointError(
            f'{folder} does not fit this backbone: '
            f'missing {missing[:3]}, unexpected {result.unexpected_keys[:3]}'
        )
    return config
