"""The first lesson: what patches show. It costs a fraction of a picture, for most of it is table.

Only the patches near things and a few others are computed, as masked autoencoders do; the
positions stay those of the whole picture.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch import nn

from clue_ros.train.corpus import Corpus
from clue_ros.train.dense import COLOR
from clue_ros.train.dense import DenseHeads
from clue_ros.train.dense import patch_labels
from clue_ros.train.dense import patch_owners
from clue_ros.train.pictures import PictureConfig
from clue_ros.train.pictures import stacked
from clue_ros.train.pictures import vary


class VisionModel(nn.Module):
    """The vision tower and the projection with their training heads."""

    def __init__(self, model: Any, loyal: float = 0.0) -> None:
        """With a weight `loyal` above 0 the model, as it is now, is kept to be compared with."""
        super().__init__()
        self.tower = model.model.vision_tower
        self.projector = model.model.multi_modal_projector
        self.dense = DenseHeads(model.config.text_config.hidden_size)
        self.loyal = loyal
        self.before = deepcopy(nn.ModuleList([self.tower, self.projector])) if loyal else None

    def compile_blocks(self) -> None:
        """Have torch.compile fuse what the tower's blocks do between their products of matrices.

        Attention is spelled out for it: the backward pass of torch's own is slow on a CPU.
        """
        self.tower.set_attn_implementation('eager')
        for block in self.tower.encoder.layers:
            block.compile(dynamic=False)

    def forward(
        self, pixels: Tensor, kept: Tensor, classes: Tensor, numbers: Tensor
    ) -> dict[str, Tensor]:
        """Named losses; `kept` (rows, patches that are computed), labels of these patches."""
        features = self.features(pixels, kept)
        losses = self.dense(features, classes, numbers)
        if self.before is None or not features.requires_grad:  # the tower stays as it is
            return {**losses, 'loss': losses['dense']}
        change = self._change(features, pixels, kept, classes)
        return {**losses, 'change': change, 'loss': losses['dense'] + self.loyal * change}

    def features(self, pixels: Tensor, kept: Tensor) -> Tensor:
        """Projected features (rows, kept, hidden)."""
        return _features(self.tower, self.projector, pixels, kept)

    def _change(self, features: Tensor, pixels: Tensor, kept: Tensor, classes: Tensor) -> Tensor:
        """How far features left those of before where these were right, as a share of their power.

        A decoder that was taught on the features of before then still knows them.
        """
        shown = classes[..., 0] >= 0
        # pictures of changed colours say nothing about names of colours: no thing in them has one
        rows = ~(shown & (classes[..., COLOR] < 0)).any(dim=1)
        if not rows.any():
            return features.sum() * 0
        with torch.no_grad():
            tower, projector = self.before  # type: ignore[misc]
            old = _features(tower, projector, pixels[rows], kept[rows])
            right = self.dense.reads(old, classes[rows]) | ~shown[rows]
        far = ((features[rows] - old) ** 2).mean(dim=-1)
        return (far * right).sum() / right.sum().clamp(min=1) / (old**2).mean()


def _features(tower: Any, projector: Any, pixels: Tensor, kept: Tensor) -> Tensor:
    hidden = tower.embeddings(pixels)
    hidden = hidden.gather(1, kept[..., None].expand(-1, -1, hidden.shape[-1]))
    for block in tower.encoder.layers:
        hidden = block(hidden, None)
    projected: Tensor = projector(tower.post_layernorm(hidden))
    return projected


def vision_batch(
    corpus: Corpus,
    indices: npt.NDArray[np.int64],
    rng: np.random.Generator,
    config: PictureConfig,
    grid: int,
    kept: int,
) -> dict[str, Tensor]:
    """Pictures with the labels of `kept` patches each: those near things before all others."""
    pictures = [vary(corpus, int(index), rng, config) for index in indices]
    chosen, classes, numbers = [], [], []
    for picture in pictures:
        owners = patch_owners(picture.owners, grid)
        names, places = patch_labels(owners, picture.scene)
        if picture.recolored:
            names[:, COLOR] = -1
        order = np.sort(np.argsort(_far(owners, grid) + rng.uniform(0, 1, grid**2))[:kept])
        chosen.append(order)
        classes.append(names[order])
        numbers.append(places[order])
    return {
        **stacked(pictures),
        'kept': torch.from_numpy(np.stack(chosen)),
        'classes': torch.from_numpy(np.stack(classes)),
        'numbers': torch.from_numpy(np.stack(numbers)),
    }


def _far(owners: npt.NDArray[np.int64], grid: int) -> npt.NDArray[np.float64]:
    """0 for patches that show a thing, 1 for their neighbours, 1.6 for all others."""
    shown = np.pad((owners >= 0).reshape(grid, grid), 1)
    rows = shown[:-2] | shown[1:-1] | shown[2:]
    near = rows[:, :-2] | rows[:, 1:-1] | rows[:, 2:]
    return np.where(owners >= 0, 0.0, np.where(near.ravel(), 1.0, 1.6))
