"""What all experiments share: the model, the data, the machine's device, and what is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from clue_ros.errors import InvalidRun
from clue_ros.evaluate.provenance import checkpoint_hash
from clue_ros.model.backbone import Backbone
from clue_ros.model.checkpoint import Checkpoint
from clue_ros.train.corpus import Corpus
from clue_ros.train.settings import hash_files

TRAIN, VALIDATION, TEST, OOD = 'train', 'validation', 'test', 'ood'

Arrays: TypeAlias = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Setting:
    """Where an experiment finds its model and its data, and what it runs on."""

    backbone: Path  # folder of a PaliGemma 2
    corpus: Path  # folder of `clue train corpus`
    ood: Path | None  # another one, rendered with --ood; None leaves these tests out
    seed: int  # of the corpus: it decides the splits
    device: torch.device
    dtype: torch.dtype
    command: str  # that was typed, for the record

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits that there is data for."""
        return (TRAIN, VALIDATION, TEST, OOD) if self.ood else (TRAIN, VALIDATION, TEST)

    @property
    def tests(self) -> tuple[str, ...]:
        """Those of the splits that figures are counted on."""
        return self.splits[2:]

    def load(self) -> Backbone:
        """A fresh copy of the backbone; raises CheckpointError."""
        return Backbone.load(self.backbone, self.device, self.dtype)

    def scenes(self, split: str) -> Corpus:
        """The scenes of a split; raises InvalidSource when there are none."""
        if split != OOD:
            return Corpus(self.corpus, self.seed, split)
        if self.ood is None:
            raise InvalidRun('wanted scenes out of distribution; name their corpus with --ood')
        return Corpus(self.ood, self.seed, '')

    def digest(self) -> str:
        """SHA-256 over the backbone and the scene graphs of all corpora."""
        parts = [checkpoint_hash(Checkpoint('', self.backbone))]
        parts += [
            hash_files(folder, '*.scenes.jsonl') for folder in (self.corpus, self.ood) if folder
        ]
        return hashlib.sha256(' '.join(parts).encode()).hexdigest()


def check_block(backbone: Backbone, layer: int) -> None:
    """Raise InvalidRun unless the backbone has a block `layer`."""
    if layer >= backbone.layers:
        raise InvalidRun(f'wanted block {layer}, there are blocks 0..{backbone.layers - 1}')


def kept(path: Path, make: Callable[[], Arrays]) -> Arrays:
    """The arrays in a file; when it is not there they are made and written, whole or not at all."""
    if not path.exists():
        arrays = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix('.part.npz')
        np.savez_compressed(part, **arrays)  # type: ignore[arg-type]
        part.rename(path)
    with np.load(path) as stored:
        return dict(stored)
