"""The ambiguity probe g: a small CNN on the attention map, and its calibrated decision."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch import nn

from clue_ros.errors import CheckpointError

POOLED_SIDE = 5


class Probe(nn.Module):
    """g_theta: [0, 1]^(rows x columns) -> one logit; 93k parameters, any grid size."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(
            nn.Sequential(nn.Conv2d(1, 24, 3, padding=1), nn.GELU()),
            nn.Sequential(nn.Conv2d(24, 24, 3, padding=1), nn.GELU()),
            nn.MaxPool2d(2),
            nn.Sequential(nn.Conv2d(24, 48, 3, padding=1), nn.GELU()),
            nn.AdaptiveAvgPool2d(POOLED_SIDE),
        )
        self.head = nn.Sequential(
            nn.Flatten(), nn.Linear(48 * POOLED_SIDE**2, 64), nn.GELU(), nn.Linear(64, 1)
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Logits (batch,) of maps (batch, rows, columns) in [0, 1]."""
        # centred input: the maps are mostly near 0
        logits: Tensor = self.head(self.net(maps.unsqueeze(1) * 4 - 1))
        return logits.squeeze(1)


def load_probe(path: Path) -> Probe:
    """Read the probe's weights; raises CheckpointError when they are not this probe's."""
    probe = Probe().eval().requires_grad_(False)
    try:
        probe.load_state_dict(load_file(path))
    except (RuntimeError, SafetensorError) as error:
        raise CheckpointError(
            f'{path} does not hold the weights of the ambiguity probe: {error}; '
            'put the probe.safetensors of this checkpoint there'
        ) from error
    return probe


def join_logits(logits: Sequence[Tensor]) -> Tensor:
    """Log-odds (samples,) of all looks together; `logits` holds those (looks,) of each sample.

    Their odds o become mean(sqrt(o))^2: one look that sees a second thing well says more than those
    in which it is small or cut off, and does not decide alone.
    """
    return torch.stack([2 * ((look / 2).logsumexp(0) - math.log(len(look))) for look in logits])
