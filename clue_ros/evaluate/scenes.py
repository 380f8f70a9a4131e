"""Simulated scenes as cases, drawn while they are evaluated: no folder, no memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count
from itertools import islice

from clue_ros.data import samples
from clue_ros.data.samples import DialogSample
from clue_ros.evaluate.cases import Case
from clue_ros.evaluate.cases import Place
from clue_ros.evaluate.cases import case_of
from clue_ros.person import Thing
from clue_ros.sim.dialogs import DialogConfig
from clue_ros.sim.dialogs import Sample
from clue_ros.sim.expressions import SEVERAL
from clue_ros.sim.expressions import form
from clue_ros.sim.folder import render_scene
from clue_ros.sim.folder import requests
from clue_ros.sim.folder import split_of
from clue_ros.sim.render import Image
from clue_ros.sim.render import Renderer
from clue_ros.sim.sampling import OOD
from clue_ros.sim.sampling import SceneConfig

SPLITS = ('validation', 'test')


@dataclass(frozen=True)
class Scenes:
    """Which scenes: the first `count` of a seed that belong to a split.

    Out-of-distribution scenes are in no split: nothing is ever trained on them.
    """

    count: int = 200
    seed: int = 0
    ood: bool = False
    split: str = 'test'  # of SPLITS

    def __post_init__(self) -> None:
        if self.count < 1 or self.seed < 0:
            raise ValueError(f'count starts at 1 and seed at 0, got {self.count} and {self.seed}')
        if self.split not in SPLITS:
            raise ValueError(f'split must be one of {SPLITS}, got {self.split!r}')

    def indices(self) -> Iterator[int]:
        """The numbers of these scenes among all scenes of the seed."""
        mine = (i for i in count() if self.ood or split_of(self.seed, i) == self.split)
        return islice(mine, self.count)

    def name(self, index: int) -> str:
        """Of the picture of a scene; the same in every run."""
        return f'{"ood" if self.ood else "scene"} {self.seed}:{index}'


def scene_places(scenes: Scenes) -> Iterator[Place]:
    """One place for each scene, rendered when its cases are asked for.

    Use it in one thread. Raises MissingSimulator.
    """
    with ExitStack() as stack:
        renderer = stack.enter_context(Renderer())
        for index in scenes.indices():
            yield Place(scenes.name(index), partial(_cases, renderer, scenes, index))


def scene_images(scenes: Scenes, names: frozenset[str]) -> Iterator[tuple[str, Image]]:
    """The pictures with these names, in the order of the scenes."""
    wanted = [index for index in scenes.indices() if scenes.name(index) in names]
    with Renderer() as renderer:
        for index in wanted:
            yield scenes.name(index), render_scene(renderer, *_drawn(scenes, index)).image


def _drawn(scenes: Scenes, index: int) -> tuple[int, int, SceneConfig]:
    return scenes.seed, index, OOD if scenes.ood else SceneConfig()


def _cases(renderer: Renderer, scenes: Scenes, index: int) -> list[Case]:
    drawn = render_scene(renderer, *_drawn(scenes, index))
    name = scenes.name(index)
    picture = samples.Picture(name, name, lambda: drawn.image)
    dialogs = DialogConfig(held_out=scenes.ood)
    return [
        case_of(_sample(f'{name}/{number}', picture, sample))
        for number, sample in enumerate(requests(drawn, scenes.seed, index, dialogs))
    ]


def _sample(id_: str, picture: samples.Picture, sample: Sample) -> DialogSample:
    things = tuple(
        Thing(f'{thing.size} {thing.color} {thing.category}', thing.box)
        for thing in sample.scene.things
    )
    return DialogSample(
        id=id_,
        picture=picture,
        dialog=sample.dialog,
        target=None if sample.target is None else things[sample.target].box,
        ambiguous=sample.verdict == SEVERAL,
        form=form(sample.expression),
        things=things,
        asked_about=sample.asked_about,
    )
