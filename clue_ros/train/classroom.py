"""Batches of packed lessons from a corpus: the n-th batch depends on n and the seed alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import filterfalse
from typing import Any

import numpy as np
import torch

from clue_ros.sim.dialogs import DialogConfig
from clue_ros.sim.expressions import SEVERAL
from clue_ros.sim.scene import Scene
from clue_ros.train.corpus import Corpus
from clue_ros.train.dense import COLOR
from clue_ros.train.dense import patch_labels
from clue_ros.train.dense import patch_owners
from clue_ros.train.lessons import Lesson
from clue_ros.train.lessons import clarify
from clue_ros.train.lessons import complete
from clue_ros.train.lessons import detect
from clue_ros.train.lessons import draw_sample
from clue_ros.train.lessons import names_color
from clue_ros.train.lessons import narrow
from clue_ros.train.packing import encode
from clue_ros.train.packing import fill
from clue_ros.train.packing import pack
from clue_ros.train.pictures import PictureConfig
from clue_ros.train.pictures import stacked
from clue_ros.train.pictures import vary


@dataclass(frozen=True)
class ClassroomConfig:
    """How batches are made."""

    rows: int  # pictures of a batch
    length: int = 208  # tokens of a row behind the image tokens
    most: int = 14  # lessons of a row
    joined: bool = False  # one lesson per row, which the image tokens see
    detect: float = 0.4  # share of the lessons; the others are dialogs
    narrow: float = 0.0  # share of ambiguous requests to detect that a reply makes more specific
    complete: float = 0.0  # share of lessons before all others that complete a box

    def __post_init__(self) -> None:
        if min(self.rows, self.length, self.most) < 1:
            raise ValueError('rows, length and most count from 1')
        if self.joined and self.most != 1:
            raise ValueError('the image tokens can see one lesson only: joined needs most=1')
        for name in ('detect', 'narrow', 'complete'):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f'{name} must lie in [0, 1], got {getattr(self, name)}')


class Classroom:
    """Makes batches for `PackedModel`."""

    def __init__(
        self,
        corpus: Corpus,
        tokenizer: Any,
        grid: int,
        config: ClassroomConfig,
        pictures: PictureConfig,
        dialogs: DialogConfig,
        seed: int,
    ) -> None:
        self._corpus = corpus
        self._tokenizer = tokenizer
        self._grid = grid
        self._config = config
        self._pictures = pictures
        self._dialogs = dialogs
        self._seed = seed

    def batch(self, number: int) -> dict[str, Any]:
        """Batch `number` of the run."""
        rng = np.random.default_rng([self._seed, number])
        config, images = self._config, self._grid**2
        rows, pictures, classes, numbers = [], [], [], []
        referents = np.zeros((config.rows, config.most, images), bool)
        spoken = np.zeros((config.rows, config.length, images), bool)
        for row, index in enumerate(rng.integers(len(self._corpus), size=config.rows)):
            picture = vary(self._corpus, int(index), rng, self._pictures)
            pictures.append(picture)
            scene = picture.scene
            owners = patch_owners(picture.owners, self._grid)
            names, places = patch_labels(owners, scene)
            lessons = self._lessons(rng, scene)
            if picture.recolored:
                names[:, COLOR] = -1
                lessons = filterfalse(names_color, lessons)
            classes.append(names)
            numbers.append(places)
            encoded = (encode(self._tokenizer, lesson) for lesson in lessons)
            chosen = fill(encoded, config.length, config.most)
            rows.append(chosen)
            # by thing, the patches that show it
            shown = owners == np.arange(len(scene.things))[:, None]
            start = 0
            for k, lesson in enumerate(chosen):
                referents[row, k] = shown[list(lesson.referents)].any(axis=0)
                first = start + len(lesson.prefix) - 1 + lesson.given
                for position, things in enumerate(lesson.spoken[lesson.given :], start=first):
                    spoken[row, position] = shown[list(things)].any(axis=0)
                start += len(lesson)
        end = self._tokenizer.eos_token_id
        return {
            **pack(rows, config.length, config.most, images, end),
            'joined': config.joined,
            'referents': torch.from_numpy(referents),
            'spoken': torch.from_numpy(spoken),
            **stacked(pictures),
            'classes': torch.from_numpy(np.stack(classes)),
            'numbers': torch.from_numpy(np.stack(numbers)),
        }

    def _lessons(self, rng: np.random.Generator, scene: Scene) -> Iterator[Lesson]:
        """Endless lessons about one scene."""
        while True:
            sample = draw_sample(rng, scene, self._dialogs)
            if sample is None:
                continue
            if rng.uniform() < self._config.complete:
                yield complete(rng, sample)
            elif rng.uniform() < self._config.detect:
                told = sample.verdict == SEVERAL and rng.uniform() < self._config.narrow
                yield narrow(rng, sample) if told else detect(sample)
            else:
                talk = clarify(sample)
                # one row has room for one lesson: any turn of the dialog
                yield from [talk[int(rng.integers(len(talk)))]] if self._config.joined else talk
