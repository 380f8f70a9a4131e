"""What has no name in the language: surfaces and light, drawn at random."""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Texture = npt.NDArray[np.uint8]  # (side, side, 3), RGB
Rgb = tuple[float, float, float]
Field = npt.NDArray[np.float64]  # (side, side), in [0, 1]

TEXTURE_SIDE = 256


@dataclass(frozen=True)
class Surface:
    """A texture, as the few numbers it is made from."""

    pattern: str  # of PATTERNS
    first: Rgb  # in [0, 1]; the pattern mixes it with the second
    second: Rgb
    seed: int

    def paint(self) -> Texture:
        """The texture as an RGB image, the same one for the same numbers."""
        rng = np.random.default_rng(self.seed)
        share = PATTERNS[self.pattern](rng)[..., None]
        grain = rng.normal(0, 0.012, (TEXTURE_SIDE, TEXTURE_SIDE, 1))
        mixed = np.array(self.first) * (1 - share) + np.array(self.second) * share + grain
        return (mixed.clip(0, 1) * 255).astype(np.uint8)


@dataclass(frozen=True)
class Look:
    """Surfaces and light of one scene."""

    table: Surface
    wall: Surface
    floor: Surface
    table_turn: float  # radians about the vertical
    light_azimuth: float  # radians; where the light comes from
    light_elevation: float  # radians
    brightness: float  # of that light, 0 to 1
    ambient: float  # light from everywhere, 0 to 1
    warmth: float  # -1 bluish to 1 reddish


@dataclass(frozen=True)
class LookConfig:
    """Which looks may be drawn; ranges are (lowest, highest)."""

    patterns: tuple[str, ...] = ('plain', 'wood', 'cloth', 'marble')
    saturation: tuple[float, float] = (0.0, 0.35)
    lightness: tuple[float, float] = (0.25, 0.75)
    light_azimuth: tuple[float, float] = (-1.2, 1.2)
    light_elevation: tuple[float, float] = (0.7, 1.3)
    brightness: tuple[float, float] = (0.45, 0.75)
    ambient: tuple[float, float] = (0.3, 0.5)
    warmth: tuple[float, float] = (-0.5, 0.5)

    def __post_init__(self) -> None:
        unknown = set(self.patterns) - set(PATTERNS)
        if unknown or not self.patterns:
            raise ValueError(f'patterns must be of {", ".join(PATTERNS)}, got {self.patterns}')
        for name, value in vars(self).items():
            if name != 'patterns' and not value[0] <= value[1]:
                raise ValueError(f'{name} must be (lowest, highest), got {value}')


def sample_look(rng: np.random.Generator, config: LookConfig) -> Look:
    """Draw surfaces and light."""
    return Look(
        table=_sample_surface(rng, config),
        wall=_sample_surface(rng, config),
        floor=_sample_surface(rng, config),
        table_turn=float(rng.uniform(-0.5, 0.5)),
        light_azimuth=float(rng.uniform(*config.light_azimuth)),
        light_elevation=float(rng.uniform(*config.light_elevation)),
        brightness=float(rng.uniform(*config.brightness)),
        ambient=float(rng.uniform(*config.ambient)),
        warmth=float(rng.uniform(*config.warmth)),
    )


def _sample_surface(rng: np.random.Generator, config: LookConfig) -> Surface:
    hue = float(rng.uniform())
    saturation = float(rng.uniform(*config.saturation))
    lightness = float(rng.uniform(*config.lightness))
    contrast = float(rng.uniform(0.06, 0.2)) * float(rng.choice([-1.0, 1.0]))
    other = float(np.clip(lightness + contrast, 0.08, 0.92))
    return Surface(
        pattern=str(rng.choice(config.patterns)),
        first=colorsys.hls_to_rgb(hue, lightness, saturation),
        second=colorsys.hls_to_rgb(hue + float(rng.normal(0, 0.03)), other, saturation),
        seed=int(rng.integers(2**31)),
    )


def _noise(rng: np.random.Generator, rows: int, columns: int) -> Field:
    """Smooth noise in [0, 1] with that many bumps down and across; it tiles."""
    coarse = rng.uniform(0, 1, (rows, columns))
    for axis, count in enumerate((rows, columns)):
        at = np.arange(TEXTURE_SIDE) * count / TEXTURE_SIDE
        low = at.astype(int)
        share = at - low
        share = share * share * (3 - 2 * share)
        share = share[:, None] if axis == 0 else share
        below = np.take(coarse, low, axis)
        above = np.take(coarse, (low + 1) % count, axis)
        coarse = below * (1 - share) + above * share
    return coarse


def _grid() -> tuple[Field, Field]:
    """Row and column of each texel, in [0, 1)."""
    line = np.arange(TEXTURE_SIDE) / TEXTURE_SIDE
    rows, columns = np.meshgrid(line, line, indexing='ij')
    return rows, columns


def _plain(rng: np.random.Generator) -> Field:
    return _noise(rng, 4, 4)


def _wood(rng: np.random.Generator) -> Field:
    rows, _ = _grid()
    rings = np.sin(2 * np.pi * (6 * rows + 1.2 * _noise(rng, 6, 2)))
    return 0.35 * (rings + 1) / 2 + 0.65 * _noise(rng, 64, 3)


def _cloth(rng: np.random.Generator) -> Field:
    rows, columns = _grid()
    weave = np.sin(2 * np.pi * 32 * rows) * np.sin(2 * np.pi * 32 * columns)
    return 0.5 * (weave + 1) / 2 + 0.5 * _noise(rng, 5, 5)


def _marble(rng: np.random.Generator) -> Field:
    rows, columns = _grid()
    turbulence = _noise(rng, 4, 4) + 0.5 * _noise(rng, 9, 9) + 0.25 * _noise(rng, 21, 21)
    return np.abs(np.sin(np.pi * (2 * rows + columns + 2 * turbulence)))


def _checker(rng: np.random.Generator) -> Field:
    rows, columns = _grid()
    count = 2 * int(rng.integers(2, 6))
    fields: Field = ((rows * count).astype(int) + (columns * count).astype(int)) % 2.0
    return fields


def _stripes(rng: np.random.Generator) -> Field:
    rows, _ = _grid()
    return (rows * 2 * int(rng.integers(3, 9))).astype(int) % 2.0


def _dots(rng: np.random.Generator) -> Field:
    rows, columns = _grid()
    count = int(rng.integers(4, 10))
    down, across = rows * count % 1 - 0.5, columns * count % 1 - 0.5
    return (down**2 + across**2 < 0.09).astype(float)


def _patches(rng: np.random.Generator) -> Field:
    """Blots with hard edges, as of camouflage."""
    bumps = int(rng.integers(4, 14))
    return (_noise(rng, bumps, bumps) > 0.5).astype(float)


def _mosaic(rng: np.random.Generator) -> Field:
    """Each texel as the nearest of some random stones."""
    rows, columns = _grid()
    count = int(rng.integers(20, 60))
    nearest, shade = np.full(rows.shape, 2.0), np.zeros(rows.shape)
    for down, across, one in rng.uniform(0, 1, (count, 3)):
        far = (abs((rows - down + 0.5) % 1 - 0.5)) ** 2 + (
            abs((columns - across + 0.5) % 1 - 0.5)
        ) ** 2
        shade = np.where(far < nearest, one, shade)
        nearest = np.minimum(far, nearest)
    return shade


def _waves(rng: np.random.Generator) -> Field:
    """Bands that bend, their edges soft."""
    rows, columns = _grid()
    bent = (
        int(rng.integers(3, 8)) * rows + 0.8 * _noise(rng, 3, 3) + 0.5 * np.sin(2 * np.pi * columns)
    )
    return (np.sin(2 * np.pi * bent) + 1) / 2


PATTERNS: dict[str, Callable[[np.random.Generator], Field]] = {
    'plain': _plain,
    'wood': _wood,
    'cloth': _cloth,
    'marble': _marble,
    'patches': _patches,
    'mosaic': _mosaic,
    'waves': _waves,
    'checker': _checker,
    'stripes': _stripes,
    'dots': _dots,
}
