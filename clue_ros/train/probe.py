"""The ambiguity probe: a LoRA on q and k of one block, and the CNN on that block's map.

Only the queries and keys of the probed block get a gradient through the map; the blocks before it
are frozen and run without one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch import nn

from clue_ros.errors import InvalidRun
from clue_ros.model.attention import block_rows
from clue_ros.model.attention import mean_attention
from clue_ros.model.attention import min_max
from clue_ros.model.attention import run_blocks
from clue_ros.model.backbone import Backbone
from clue_ros.model.backbone import PrefixTokens
from clue_ros.model.probe import Probe
from clue_ros.train import lora
from clue_ros.train.calibration import Calibration
from clue_ros.train.calibration import best_threshold
from clue_ros.train.calibration import calibrate
from clue_ros.train.loop import LoopConfig
from clue_ros.train.loop import fit
from clue_ros.train.loop import is_first_process
from clue_ros.train.loop import to_device


@dataclass(frozen=True)
class ProbeConfig:
    """The paper's values are the defaults; the CNN learns at the loop's rate."""

    loop: LoopConfig
    layer: int  # L, 0-based index of the probed block
    queries: str = 'expression'  # rows the map is read from, as in clue.json
    rank: int = 16
    alpha: int = 32
    lora_rate: float = 0.05  # relative to the CNN's: 5e-6 beside 1e-4

    def __post_init__(self) -> None:
        if self.layer < 0 or min(self.rank, self.alpha) < 1:
            raise ValueError('layer counts from 0, rank and alpha from 1')
        if self.queries not in ('expression', 'words'):
            raise ValueError(f'queries must be expression or words, got {self.queries!r}')
        if self.lora_rate < 0:
            raise ValueError(f'lora_rate must not be negative, got {self.lora_rate}')


class ProbeModel(nn.Module):
    """A frozen backbone with the LoRA of one block, and the CNN."""

    def __init__(self, backbone: Backbone, layer: int, queries: str) -> None:
        super().__init__()
        self.model = backbone.model
        self.probe = Probe()
        self._backbone = backbone
        self._layer = layer
        self._queries = queries

    def forward(self, pixels: Tensor, ambiguous: Tensor, **tokens: Tensor) -> dict[str, Tensor]:
        """Loss of labels (batch,) in {0, 1}; `tokens` are the fields of PrefixTokens.

        `pixels` (n, 3, side, side) may be fewer than the requests: those about one picture stand
        together, as many about each.
        """
        logits = self.logits(pixels, **tokens)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, ambiguous.float())
        return {'loss': loss, 'right': ((logits > 0) == ambiguous.bool()).float().mean()}

    def logits(self, pixels: Tensor, **tokens: Tensor) -> Tensor:
        """(batch,) log-odds of ambiguity."""
        maps = self.maps(pixels, **tokens)
        logits: Tensor = self.probe(maps)
        return logits

    def maps(self, pixels: Tensor, **tokens: Tensor) -> Tensor:
        """M (batch, side, side) in [0, 1]."""
        backbone = self._backbone
        with torch.no_grad():
            features = self.model.get_image_features(pixels.to(backbone.dtype)).pooler_output
            features = features.repeat_interleave(len(tokens['ids']) // len(features), dim=0)
            prefix = backbone.join(features, PrefixTokens(**tokens))
            hidden = run_blocks(backbone, prefix, self._layer)
        rows = block_rows(backbone, prefix, hidden, self._layer)
        queries = prefix.words if self._queries == 'words' else prefix.expression
        side = backbone.grid_side
        return min_max(mean_attention(rows, queries)).view(-1, side, side)


def train_probe(
    backbone: Backbone,
    batches: Callable[[int], dict[str, Tensor]],
    held_out: list[dict[str, Tensor]],
    out: Path,
    config: ProbeConfig,
) -> tuple[dict[str, float], Calibration]:
    """Train, calibrate on `held_out`, write `out/adapter_ambiguity` and `out/probe.safetensors`.

    Raises InvalidRun for a block that the backbone does not have.
    """
    if config.layer >= backbone.layers:
        raise InvalidRun(
            f'wanted to probe block {config.layer}, there are blocks 0..{backbone.layers - 1}'
        )
    decoder: Any = backbone.language_model
    adapter, added = lora.inject(
        decoder, ('q_proj', 'k_proj'), (config.layer,), config.rank, config.alpha, 0.0
    )
    model = ProbeModel(backbone, config.layer, config.queries)
    truth = np.concatenate([batch['ambiguous'].numpy() for batch in held_out]).astype(bool)

    @torch.no_grad()
    def scores() -> npt.NDArray[np.float64]:
        rows = []
        for batch in held_out:
            moved = to_device(batch, backbone.device)
            del moved['ambiguous']
            rows.append(model.logits(**moved).double().cpu().numpy())
        return np.concatenate(rows)

    def validate() -> dict[str, float]:
        logits = scores()
        loss = float(np.mean(np.logaddexp(0, np.where(truth, -logits, logits))))
        threshold, f1 = best_threshold(1 / (1 + np.exp(-logits)), truth)
        return {'score': -loss, 'loss': loss, 'f1': f1, 'threshold': threshold}

    groups: list[dict[str, Any]] = [
        {'params': list(model.probe.parameters())},
        {'params': added, 'scale': config.lora_rate},
    ]
    best = fit(model, groups, batches, validate, config.loop, out)
    calibration = calibrate(scores(), truth)
    if is_first_process():
        save_file(model.probe.state_dict(), out / 'probe.safetensors')
        (out / 'calibration.json').write_text(json.dumps(asdict(calibration)) + '\n')
        lora.save(decoder, adapter, out / 'adapter_ambiguity')
    lora.remove(decoder)
    return best, calibration
