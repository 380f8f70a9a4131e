"""Random scenes: what stands on the table, who looks at it, in which light.

Scene `index` of seed `seed` depends on these two numbers and the configuration alone, so that
scenes can be made in any order, in as many processes as one likes.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace

import numpy as np

from clue_ros.box import Box
from clue_ros.sim.camera import Camera
from clue_ros.sim.catalog import VARIANTS
from clue_ros.sim.catalog import outline
from clue_ros.sim.catalog import placed
from clue_ros.sim.catalog import reach
from clue_ros.sim.look import LookConfig
from clue_ros.sim.look import sample_look
from clue_ros.sim.scene import CATEGORIES
from clue_ros.sim.scene import COLORS
from clue_ros.sim.scene import HELD_OUT
from clue_ros.sim.scene import SIZES
from clue_ros.sim.scene import Scene
from clue_ros.sim.scene import Thing

MAX_THINGS = 10
TABLE = (1.1, 0.8)  # metres, edges of its top; its middle is the origin
_STAND = (0.34, 0.26)  # metres from the middle within which things stand
_MARGIN = 4  # pixels between a thing and the edge of the picture
_TRIES = 60  # for a place of one thing

# Hue, lightness and saturation in [0, 1]; black, brown and white differ in more than hue.
_SHADES = {
    'black': (0.62, 0.09, 0.1),
    'blue': (0.62, 0.45, 0.85),
    'brown': (0.07, 0.23, 0.55),
    'green': (0.36, 0.35, 0.8),
    'orange': (0.075, 0.5, 0.98),
    'pink': (0.93, 0.77, 0.85),
    'purple': (0.77, 0.38, 0.75),
    'red': (0.99, 0.42, 0.9),
    'white': (0.1, 0.93, 0.1),
    'yellow': (0.15, 0.5, 0.95),
}
_SPREAD = (0.008, 0.025, 0.04)

Range = tuple[float, float]


@dataclass(frozen=True)
class SceneConfig:
    """Which scenes may be drawn; ranges are (lowest, highest), angles in radians."""

    width: int = 448  # pixels
    height: int = 448
    things: tuple[int, int] = (3, 8)
    look_alikes: float = 0.75  # share of scenes that have two to four things of one category
    twins: float = 0.35  # how likely such a thing also has the colour of the first of them
    held_out: float = 0.0  # how likely a thing has one of the held-out colours of its category
    variants: tuple[int, ...] = (0, 1, 2)
    distance: Range = (0.95, 1.3)  # metres
    elevation: Range = (0.6, 0.95)
    azimuth: Range = (-0.25, 0.25)
    roll: Range = (-0.04, 0.04)
    fovy: Range = (0.65, 0.8)
    min_visible: float = 0.6  # fraction of each thing that the camera must see
    look: LookConfig = field(default_factory=LookConfig)

    def __post_init__(self) -> None:
        if not (64 <= self.width <= 1920 and 64 <= self.height <= 1920):
            size = f'{self.width} x {self.height}'
            raise ValueError(f'the picture must be 64 to 1920 pixels wide and high, got {size}')
        if not 1 <= self.things[0] <= self.things[1] <= MAX_THINGS:
            raise ValueError(f'things must be (fewest, most) in 1..{MAX_THINGS}, got {self.things}')
        for name in ('look_alikes', 'twins', 'held_out', 'min_visible'):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f'{name} must lie in [0, 1], got {getattr(self, name)}')
        if not self.variants or not set(self.variants) <= set(range(len(VARIANTS))):
            raise ValueError(f'variants must be of 0..{len(VARIANTS) - 1}, got {self.variants}')
        for name in ('distance', 'elevation', 'azimuth', 'roll', 'fovy'):
            low, high = getattr(self, name)
            if not low <= high:
                raise ValueError(f'{name} must be (lowest, highest), got ({low}, {high})')
        if self.elevation[0] < 0.3 or self.elevation[1] > 1.5:
            raise ValueError(f'elevation must lie in 0.3..1.5 radians, got {self.elevation}')


# Colours, shapes, surfaces, light and views that training never shows.
OOD = SceneConfig(
    held_out=0.7,
    variants=(3,),
    distance=(1.3, 1.6),
    elevation=(0.95, 1.2),
    azimuth=(-0.45, 0.45),
    look=LookConfig(
        patterns=('checker', 'stripes', 'dots'),
        saturation=(0.4, 0.6),
        light_azimuth=(1.25, 1.57),  # from the side; behind the wall it would be night
        light_elevation=(0.5, 0.7),
        brightness=(0.55, 0.85),
        ambient=(0.22, 0.3),
        warmth=(-1.0, 1.0),
    ),
)

# To train on more than is measured, and never on what is out of distribution: other surfaces,
# views and lights, on both sides of those of OOD. Names and shapes are those of SceneConfig().
_WIDE_LOOK = LookConfig(
    patterns=('plain', 'wood', 'cloth', 'marble', 'patches', 'mosaic', 'waves'),
    saturation=(0.0, 0.39),
    lightness=(0.12, 0.88),
    light_elevation=(0.3, 0.5),
    brightness=(0.5, 1.0),
    ambient=(0.1, 0.22),
    warmth=(-0.8, 0.8),
)
_WIDE_VIEW = replace(SceneConfig(), fovy=(0.65, 1.0), roll=(-0.12, 0.12), look=_WIDE_LOOK)
_GAUDY_VIEW = replace(
    _WIDE_VIEW, azimuth=(-0.7, 0.7), look=replace(_WIDE_LOOK, saturation=(0.61, 0.95))
)
WIDE = (
    SceneConfig(),
    replace(_WIDE_VIEW, elevation=(1.2, 1.4)),
    replace(_WIDE_VIEW, elevation=(0.5, 0.94)),
    replace(_GAUDY_VIEW, elevation=(1.2, 1.4), distance=(0.8, 1.3)),
    replace(_GAUDY_VIEW, elevation=(0.5, 0.94), distance=(1.6, 1.9), fovy=(0.65, 0.8)),
)


def sample_scene(seed: int, index: int, config: SceneConfig, attempt: int = 0) -> Scene:
    """Draw a scene; boxes are those of the whole things, found without rendering.

    `attempt` gives another scene under the same name, for when the first one hid too much.
    """
    rng = np.random.default_rng([seed, index, attempt])
    while True:
        camera = _sample_camera(rng, config)
        things = _place(rng, config, camera, _sample_kinds(rng, config))
        if len(things) >= config.things[0]:
            return Scene(f'{index:06d}', things, camera, sample_look(rng, config.look))


def _sample_camera(rng: np.random.Generator, config: SceneConfig) -> Camera:
    return Camera(
        distance=float(rng.uniform(*config.distance)),
        elevation=float(rng.uniform(*config.elevation)),
        azimuth=float(rng.uniform(*config.azimuth)),
        roll=float(rng.uniform(*config.roll)),
        target=(float(rng.uniform(-0.05, 0.05)), float(rng.uniform(-0.05, 0.05))),
        fovy=float(rng.uniform(*config.fovy)),
        width=config.width,
        height=config.height,
    )


Kind = tuple[str, str, str]  # category, colour, size


def _sample_kinds(rng: np.random.Generator, config: SceneConfig) -> list[Kind]:
    """What stands on the table: look-alikes first, so that they find a place."""
    count = int(rng.integers(config.things[0], config.things[1] + 1))
    kinds: list[Kind] = []
    if count > 1 and rng.uniform() < config.look_alikes:
        category = str(rng.choice(CATEGORIES))
        kinds.append(_kind(rng, config, category))
        for _ in range(min(int(rng.integers(1, 4)), count - 1)):
            twin = rng.uniform() < config.twins
            color = kinds[0][1] if twin else _kind(rng, config, category)[1]
            kinds.append((category, color, str(rng.choice(SIZES))))
    while len(kinds) < count:
        category, color, size = _kind(rng, config, str(rng.choice(CATEGORIES)))
        # things of one colour make "the red one" worth asking about
        if kinds and rng.uniform() < 0.3:
            shared = str(rng.choice([kind[1] for kind in kinds]))
            if config.held_out or (category, shared) not in HELD_OUT:
                color = shared
        kinds.append((category, color, size))
    return kinds


def _kind(rng: np.random.Generator, config: SceneConfig, category: str) -> Kind:
    held_out = rng.uniform() < config.held_out
    colors = [color for color in COLORS if ((category, color) in HELD_OUT) == held_out]
    return category, str(rng.choice(colors)), str(rng.choice(SIZES))


def _place(
    rng: np.random.Generator, config: SceneConfig, camera: Camera, kinds: Sequence[Kind]
) -> tuple[Thing, ...]:
    """Find room for as many things as possible, wholly in the picture and apart on the table."""
    things: list[Thing] = []
    for category, color, size in kinds:
        variant = int(rng.choice(config.variants))
        radius = reach(category, size, variant)
        for _ in range(_TRIES):
            x, y = (float(rng.uniform(-limit, limit)) for limit in _STAND)
            turn = float(rng.uniform(-math.pi, math.pi))
            if category == 'mug':
                turn = -abs(turn)  # its handle is never hidden behind it
            if any(
                math.hypot(x - other.x, y - other.y)
                < 0.9 * (radius + reach(other.category, other.size, other.variant))
                for other in things
            ):
                continue
            box = camera.box(placed(outline(category, size, variant), x, y, turn))
            if not camera.sees(box, _MARGIN) or any(_hides(box, other.box) for other in things):
                continue
            tint = _tint(rng, color)
            things.append(Thing(category, color, size, x, y, turn, variant, tint, box))
            break
    return tuple(things[k] for k in rng.permutation(len(things)))


def _hides(one: Box, other: Box) -> bool:
    """Whether two boxes overlap so much that one of the things might hide the other."""
    width = min(one.x2, other.x2) - max(one.x1, other.x1)
    height = min(one.y2, other.y2) - max(one.y1, other.y1)
    return width > 0 and height > 0 and width * height > 0.4 * min(one.area, other.area)


def _tint(rng: np.random.Generator, color: str) -> tuple[float, float, float]:
    hue, lightness, saturation = (
        value + spread * float(rng.uniform(-1, 1))
        for value, spread in zip(_SHADES[color], _SPREAD, strict=True)
    )
    return colorsys.hls_to_rgb(hue % 1, min(max(lightness, 0), 1), min(max(saturation, 0), 1))
