"""One picture of the corpus as the model sees it in one step: mirrored, lit and cluttered anew."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from clue_ros.box import Box
from clue_ros.sim.scene import Scene
from clue_ros.train.corpus import OWNERS
from clue_ros.train.corpus import Corpus
from clue_ros.train.corpus import Owners

Pixels = npt.NDArray[np.uint8]  # (side, side, 3)
Floats = npt.NDArray[Any]

_LIGHTNESS = (12, 230)  # of 255: the mean of what is painted anew lies between


@dataclass(frozen=True)
class PictureConfig:
    """How pictures are varied; shares in [0, 1]."""

    mirrored: float = 0.5
    zoomed: float = 0.25  # drawn smaller, or cut at its edges where nothing stands
    wider: float = 0.12  # of the picture, on each side: how far a window may reach beyond it
    background: float = 0.4  # the table of another picture shines through
    light: float = 0.3  # largest change of brightness, contrast and each colour channel
    noise: float = 0.03  # largest standard deviation, of a range of 1
    recolored: float = 0.0  # grey, or in other colours: none has its name

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value <= 1:
                raise ValueError(f'{name} must lie in [0, 1], got {value}')


_LIGHT = ('gain', 'shift', 'noise')

PLAIN = PictureConfig(mirrored=0, zoomed=0, background=0, light=0, noise=0)


@dataclass(frozen=True, eq=False)
class Varied:
    """A picture and what is known about it, changed alike."""

    pixels: Pixels
    gain: Floats  # (3,), of each colour channel
    shift: Floats  # (3,), added to channels in [0, 1]
    noise: float  # standard deviation
    owners: Owners
    scene: Scene
    recolored: bool


def vary(corpus: Corpus, index: int, rng: np.random.Generator, config: PictureConfig) -> Varied:
    """Draw what happens to a picture; what happens to its light, `lit` does."""
    pixels, owners = corpus.picture(index)
    scene = corpus.scenes[index]
    if rng.uniform() < config.background:
        other, theirs = corpus.picture(int(rng.integers(len(corpus))))
        share = int(rng.integers(50, 200))  # of 256
        scale = len(pixels) // OWNERS
        empty = ((owners < 0) & (theirs < 0)).repeat(scale, 0).repeat(scale, 1)[..., None]
        mixed = (pixels.astype(np.uint16) * (256 - share) + other.astype(np.uint16) * share) >> 8
        pixels = np.where(empty, mixed.astype(np.uint8), pixels)
    if rng.uniform() < config.mirrored:
        pixels, owners, scene = pixels[:, ::-1], owners[:, ::-1], mirrored(scene)
    if rng.uniform() < config.zoomed:
        pixels, owners, scene = _zoom(pixels, owners, scene, rng, config.wider)
    recolored = rng.uniform() < config.recolored
    if recolored:
        pixels = _recolor(pixels, owners, rng)
    span = config.light
    contrast = 1 + float(rng.uniform(-span, span))
    gain = (1 + float(rng.uniform(-span, span))) * (1 + rng.uniform(-span / 3, span / 3, 3))
    middle = float(pixels[::4, ::4].mean()) / 255
    shift = middle * (1 - contrast) * gain
    noise = float(rng.uniform(0, config.noise)) if config.noise else 0.0
    return Varied(pixels, contrast * gain, shift, noise, owners, scene, recolored)


def stacked(pictures: Sequence[Varied]) -> dict[str, Tensor]:
    """Pictures of a batch and what `lit` needs to show them under their light.

    `pixels` (n, side, side, 3) uint8, a quarter of what floats would take on their way to a GPU;
    `gain` and `shift` (n, 3); `noise` (n,).
    """
    light = {
        name: torch.tensor(np.array([getattr(p, name) for p in pictures]), dtype=torch.float32)
        for name in _LIGHT
    }
    return {'pixels': torch.from_numpy(np.stack([p.pixels for p in pictures])), **light}


def lit(batch: Mapping[str, Any]) -> dict[str, Any]:
    """The batch with its pictures as the model takes them: (n, 3, side, side) in [-1, 1].

    Where the batch lies; noise is drawn from torch's own generator there. One without `stacked`
    pictures stays as it is.
    """
    if 'gain' not in batch:
        return dict(batch)
    made = {key: value for key, value in batch.items() if key not in _LIGHT}
    gain, shift, noise = (batch[name].view(len(batch[name]), -1, 1, 1) for name in _LIGHT)
    pixels = batch['pixels']
    values = pixels.permute(0, 3, 1, 2).float().div_(255).mul_(gain).add_(shift)
    if noise.any():
        # in the order of the pixels: drawn in any other, it takes a CPU five times as long
        drawn = torch.randn(pixels.shape, device=pixels.device).permute(0, 3, 1, 2)
        values = values.add_(drawn.mul_(noise))
    return {**made, 'pixels': values.clamp_(0, 1).mul_(2).sub_(1)}


def mirrored(scene: Scene) -> Scene:
    """The scene as a mirror shows it: left is right."""
    width = scene.camera.width
    things = tuple(
        replace(
            thing,
            x=-thing.x,
            turn=-thing.turn,
            box=Box(width - thing.box.x2, thing.box.y1, width - thing.box.x1, thing.box.y2),
        )
        for thing in scene.things
    )
    return replace(scene, things=things)


def _recolor(pixels: Pixels, owners: Owners, rng: np.random.Generator) -> Pixels:
    """Grey in a third of the pictures; in the others each thing is painted anew by itself."""
    if rng.uniform() < 1 / 3:
        grey: Floats = pixels @ rng.dirichlet((2, 2, 2)).astype(np.float32)
        return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)
    scale = len(pixels) // OWNERS
    spots = owners.repeat(scale, 0).repeat(scale, 1)
    painted = pixels.copy()
    for owner in range(-1, int(owners.max()) + 1):
        where = spots == owner
        turned = pixels[where] @ _other_colors(rng)
        if owner < 0:
            turned = turned + rng.uniform(-40, 40, 3).astype(np.float32)
        elif where.any():
            turned = _other_paint(turned, rng)
        painted[where] = turned.clip(0, 255).astype(np.uint8)
    return painted


def _other_colors(rng: np.random.Generator) -> Floats:
    """What (3, 3) turns colours about the grey ones by any angle, paler or stronger, as light."""
    angle = rng.uniform(0, 2 * np.pi)
    grey = np.full((3, 3), 1 / 3)
    across = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    turned: Floats = np.cos(angle) * (np.eye(3) - grey) + np.sin(angle) * across
    return (grey + rng.uniform(0.0, 1.3) * turned).astype(np.float32)


def _other_paint(colors: Floats, rng: np.random.Generator) -> Floats:
    """Colours (n, 3) of a thing under paint that may be of any tint, and as good as black or white.

    Paint multiplies the light, so that what is round still looks round.
    """
    tinted = colors.clip(1, 255) * rng.uniform(0.3, 1, 3)
    light = np.exp(rng.uniform(*np.log(_LIGHTNESS)))
    painted: Floats = tinted * (light / tinted.mean())
    return painted


def _zoom(
    pixels: Pixels, owners: Owners, scene: Scene, rng: np.random.Generator, wider: float
) -> tuple[Pixels, Owners, Scene]:
    """Another window on the picture, its width and height chosen apart; it holds every thing."""
    whole = np.array([scene.camera.width, scene.camera.height] * 2)
    corners = np.array([thing.box.corners for thing in scene.things]) / whole
    tightest = np.concatenate([corners[:, :2].min(axis=0), corners[:, 2:].max(axis=0)])
    widest = np.array([-wider, -wider, 1 + wider, 1 + wider])
    window = widest + rng.uniform(0, 1, 4) * (tightest - widest)
    start, size = window[:2], window[2:] - window[:2]

    def at(count: int, axis: int) -> Floats:
        """Where in the picture the middles of `count` pixels of the window lie."""
        places: Floats = start[axis] + (np.arange(count) + 0.5) / count * size[axis]
        return places

    # beyond the edges their last pixels are drawn out: nothing stands that near to them
    rows, columns = (
        (at(len(pixels), axis).clip(0, 1 - 1e-6) * len(pixels)).astype(int) for axis in (1, 0)
    )
    down, across = at(OWNERS, 1), at(OWNERS, 0)
    spots = owners[(down.clip(0, 1 - 1e-6) * OWNERS).astype(int)]
    spots = spots[:, (across.clip(0, 1 - 1e-6) * OWNERS).astype(int)]
    spots[(down < 0) | (down > 1)] = -1
    spots[:, (across < 0) | (across > 1)] = -1
    moved = (corners - np.tile(start, 2)) / np.tile(size, 2) * whole
    things = tuple(
        replace(thing, box=Box(*map(float, box)))
        for thing, box in zip(scene.things, moved, strict=True)
    )
    return pixels[rows][:, columns], spots, replace(scene, things=things)
