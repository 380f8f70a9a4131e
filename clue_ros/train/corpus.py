"""Rendered pictures for training, kept on disk: drawn once, talked about anew in every epoch.

A corpus is a folder of shards, each written whole or not at all, so that rendering can stop at
any time and go on later, in as many processes as one likes:

    000012.images.npy    (count, side, side, 3) uint8, stretched to a square as the model sees it
    000012.owners.npy    (count, OWNERS, OWNERS) int8: which thing a spot of the picture shows
    000012.scenes.jsonl  the scene graphs, with boxes in pixels of the unstretched picture
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
from tqdm import tqdm

from clue_ros.box import Box
from clue_ros.errors import InvalidSource
from clue_ros.sim.camera import Camera
from clue_ros.sim.canvas import import_mujoco
from clue_ros.sim.folder import render_scene
from clue_ros.sim.folder import split_of
from clue_ros.sim.look import Look
from clue_ros.sim.look import Surface
from clue_ros.sim.render import Renderer
from clue_ros.sim.sampling import SceneConfig
from clue_ros.sim.scene import Scene
from clue_ros.sim.scene import Thing

OWNERS = 56  # spots to a side of the owners' map
# Width to height; a robot's camera is seldom square, and the model always sees a square.
ASPECTS = (1.0, 4 / 3, 1.0, 16 / 9, 4 / 3, 3 / 4)

Pixels = npt.NDArray[np.uint8]
Owners = npt.NDArray[np.int8]


@dataclass(frozen=True)
class CorpusConfig:
    """What is rendered."""

    side: int = 224  # pixels, of the stretched pictures
    seed: int = 1
    shard: int = 512  # scenes in a file
    wide: bool = False  # four fifths of the scenes under other views, lights, on other surfaces

    def __post_init__(self) -> None:
        if not 64 <= self.side <= 896 or self.side % OWNERS:
            raise ValueError(f'side must be a multiple of {OWNERS} in 64..896, got {self.side}')
        if self.shard < 1 or self.seed < 0:
            raise ValueError('shard counts from 1 and seed from 0')


def render_shard(out: Path, number: int, config: CorpusConfig, scenes: SceneConfig) -> None:
    """Write one shard unless it is there; raises MissingSimulator."""
    if (out / f'{number:06d}.scenes.jsonl').exists():
        return
    out.mkdir(parents=True, exist_ok=True)
    aspect = ASPECTS[number % len(ASPECTS)]
    # as many pixels as the square has, rounded to whole ones
    height = round(config.side / aspect**0.5)
    scenes = replace(scenes, width=round(height * aspect), height=height)
    size = (config.side, config.side)
    images = np.empty((config.shard, *size, 3), np.uint8)
    owners = np.empty((config.shard, OWNERS, OWNERS), np.int8)
    rows = []
    with Renderer() as renderer:
        for place in range(config.shard):
            index = number * config.shard + place
            picture = render_scene(renderer, config.seed, index, scenes)
            image = PIL.Image.fromarray(picture.image)
            images[place] = np.asarray(image.resize(size, PIL.Image.Resampling.BICUBIC))
            spots = PIL.Image.fromarray(picture.owners.astype(np.int32))
            owners[place] = np.asarray(spots.resize((OWNERS, OWNERS), PIL.Image.Resampling.NEAREST))
            rows.append(json.dumps(asdict(picture.scene)))
    np.save(out / f'{number:06d}.images.npy', images)
    np.save(out / f'{number:06d}.owners.npy', owners)
    # last, under its name only when whole: this file is what makes a shard count
    part = out / f'{number:06d}.scenes.part'
    part.write_text('\n'.join(rows) + '\n')
    part.rename(out / f'{number:06d}.scenes.jsonl')


def render_corpus(
    out: Path, scenes: int, config: CorpusConfig, kinds: Sequence[SceneConfig], processes: int
) -> None:
    """Write the shards that hold the first `scenes` scenes, those that are not there yet.

    One shard of each aspect is of the first kind, then one of each of the second, and so on.
    """
    import_mujoco()  # says here what is missing, not in another process
    numbers = range(-(-scenes // config.shard))
    # a graphics context does not survive a fork
    with get_context('spawn').Pool(processes) as pool:
        jobs = [
            pool.apply_async(
                render_shard, (out, number, config, kinds[number // len(ASPECTS) % len(kinds)])
            )
            for number in numbers
        ]
        for job in tqdm(jobs, desc='shards'):
            job.get()


class Corpus:
    """The scenes of all whole shards in a folder, of one split."""

    def __init__(self, folder: Path, seed: int, split: str) -> None:
        """Open the shards; raises InvalidSource when there is none.

        An empty `split` is all of them: scenes out of distribution are in no split.
        """
        self._shards: list[tuple[Pixels, Owners]] = []
        self.scenes: list[Scene] = []
        self._places: list[tuple[int, int]] = []
        for path in sorted(folder.glob('*.scenes.jsonl')):
            stem = path.name.removesuffix('.scenes.jsonl')
            images: Pixels = np.load(folder / f'{stem}.images.npy', mmap_mode='r')
            owners: Owners = np.load(folder / f'{stem}.owners.npy', mmap_mode='r')
            for place, line in enumerate(path.read_text().splitlines()):
                if split in ('', split_of(seed, int(stem) * len(images) + place)):
                    self._places.append((len(self._shards), place))
                    self.scenes.append(read_scene(json.loads(line)))
            self._shards.append((images, owners))
        if not self.scenes:
            raise InvalidSource(
                f'wanted rendered scenes of the split {split or "ood"} in {folder}, found none; '
                'write some with `clue train corpus`'
            )

    def __len__(self) -> int:
        return len(self.scenes)

    def picture(self, index: int) -> tuple[Pixels, Owners]:
        """The stretched picture (side, side, 3) of a scene and its owners' map."""
        shard, place = self._places[index]
        images, owners = self._shards[shard]
        return np.asarray(images[place]), np.asarray(owners[place])


def read_scene(row: dict[str, Any]) -> Scene:
    """The scene graph that `asdict` made into a row."""
    look = dict(row['look'])
    for name in ('table', 'wall', 'floor'):
        look[name] = Surface(**look[name])
    things = (Thing(**{**thing, 'box': Box(**thing['box'])}) for thing in row['things'])
    return Scene(row['name'], tuple(things), Camera(**row['camera']), Look(**look))
