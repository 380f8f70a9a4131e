"""The IVG adapter: a LoRA of the decoder that asks and points (method, section "IVG decoder").

Trained on whole dialogs revealed turn by turn, by cross-entropy on the suffix only. The vision
tower and all other weights stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch import nn

from clue_ros.model.backbone import Backbone
from clue_ros.train import lora
from clue_ros.train.loop import LoopConfig
from clue_ros.train.loop import fit
from clue_ros.train.loop import is_first_process
from clue_ros.train.loop import to_device
from clue_ros.train.packed_model import run_decoder
from clue_ros.train.packed_model import text_loss
from clue_ros.train.packing import IGNORED


@dataclass(frozen=True)
class IvgConfig:
    """The paper's values are the defaults."""

    loop: LoopConfig
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05
    spread: float = 0.0  # of location targets, see `text_loss`; 0 is the paper's cross-entropy

    def __post_init__(self) -> None:
        if min(self.rank, self.alpha) < 1:
            raise ValueError('rank and alpha count from 1')
        if not 0 <= self.dropout < 1 or self.spread < 0:
            raise ValueError('dropout must lie in [0, 1) and spread must not be negative')


class IvgModel(nn.Module):
    """A frozen backbone with its adapter; `forward` gives the loss of suffixes."""

    def __init__(self, backbone: Backbone, spread: float) -> None:
        super().__init__()
        self.model = backbone.model
        self._first = backbone.first_location
        self._spread = spread

    def forward(self, pixels: Tensor, labels: Tensor, **text: Any) -> dict[str, Tensor]:
        """Tensors as `pack` makes them, one lesson per row."""
        with torch.no_grad():
            features = self.model.get_image_features(pixels).pooler_output
        hidden, _, _ = run_decoder(self.model, features, joined=True, **text)
        taught = labels != IGNORED
        loss = text_loss(self.model, hidden[taught], labels[taught], self._first, self._spread)
        return {'loss': loss}


def train_ivg(
    backbone: Backbone,
    batches: Callable[[int], dict[str, Tensor]],
    held_out: list[dict[str, Tensor]],
    out: Path,
    config: IvgConfig,
) -> dict[str, float]:
    """Train on `batches` and write `out/adapter_ivg`; returns the best validation.

    Batches hold `pixels` and what `pack` makes, and nothing else.
    """
    decoder: Any = backbone.language_model
    projections = lora.ATTENTION + lora.FEED_FORWARD
    blocks = tuple(range(backbone.layers))
    settings = (config.rank, config.alpha, config.dropout)
    adapter, added = lora.inject(decoder, projections, blocks, *settings)
    ivg = IvgModel(backbone, config.spread)

    @torch.no_grad()
    def validate() -> dict[str, float]:
        losses = [float(ivg(**to_device(batch, backbone.device))['loss']) for batch in held_out]
        mean = sum(losses) / len(losses)
        return {'score': -mean, 'loss': mean}

    best = fit(ivg, [{'params': added}], batches, validate, config.loop, out)
    if is_first_process():
        lora.save(decoder, adapter, out / 'adapter_ivg')
    lora.remove(decoder)
    return best
