"""One recipe per category: what makes a mug a mug. Lengths in metres, of the small size."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt

from clue_ros.sim.scene import SIZES
from clue_ros.sim.shapes import Part
from clue_ros.sim.shapes import Point
from clue_ros.sim.shapes import Rgb
from clue_ros.sim.shapes import cuboid
from clue_ros.sim.shapes import joined
from clue_ros.sim.shapes import lathe
from clue_ros.sim.shapes import tube

Array = npt.NDArray[np.float64]

LARGE = 1.5  # times as large as small in every direction
# Width and height of the variants of a shape. The last one is kept for held-out scenes.
VARIANTS = ((1.0, 1.0), (1.08, 0.9), (0.93, 1.1), (1.0, 1.16))
_ROUND = ('ball', 'cube', 'ring')  # would be something else when stretched

_METAL: Rgb = (0.72, 0.73, 0.75)
_DARK: Rgb = (0.2, 0.18, 0.17)
_PALE: Rgb = (0.9, 0.9, 0.88)
_WOOD: Rgb = (0.36, 0.24, 0.13)
_LEAF: Rgb = (0.25, 0.45, 0.12)


@cache
def parts(category: str, size: str, variant: int) -> tuple[Part, ...]:
    """The meshes of a thing that stands at the origin; one of them has no colour of its own."""
    width, height = VARIANTS[variant]
    if category in _ROUND:
        width = height = (width * height) ** 0.5
    scale = LARGE if size == SIZES[1] else 1.0
    factors = (width * scale, width * scale, height * scale)
    return tuple(part.scaled(*factors) for part in _RECIPES[category]())


@cache
def outline(category: str, size: str, variant: int) -> Array:
    """All vertices (n, 3) of a thing that stands at the origin."""
    return np.concatenate([part.vertices for part in parts(category, size, variant)])


@cache
def reach(category: str, size: str, variant: int) -> float:
    """Radius of the smallest circle on the table around its middle that holds a thing."""
    vertices = outline(category, size, variant)
    return float(np.hypot(vertices[:, 0], vertices[:, 1]).max())


def placed(vertices: Array, x: float, y: float, turn: float) -> Array:
    """Vertices (n, 3) turned about the vertical and moved on the table."""
    cos, sin = np.cos(turn), np.sin(turn)
    rotation = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    moved: Array = vertices @ rotation + (x, y, 0.0)
    return moved


def _arc(radius: float, start: float, end: float, count: int, height: float) -> list[Point]:
    """Points of a profile on a circle about the axis; 0 degrees is level, 90 is up."""
    angles = np.radians(np.linspace(start, end, count))
    return [(max(radius * np.cos(a), 0.0), height + radius * np.sin(a)) for a in angles]


def _circle(radius: float, start: float, end: float, count: int) -> Array:
    """Points (count, 2) on a circle, angles in degrees."""
    angles = np.radians(np.linspace(start, end, count))
    return radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _flat(points: Array, height: float) -> Array:
    return np.column_stack([points, np.full(len(points), height)])


def _apple() -> tuple[Part, ...]:
    angles = np.radians(np.linspace(-90, 90, 17))
    # a sphere drawn in at both poles, wider above its middle
    dent = 1 - 0.34 * np.abs(np.sin(angles)) ** 7
    width = 0.034 * np.cos(angles) * (1 + 0.1 * np.sin(angles))
    body = lathe(list(zip(width, 0.025 + 0.033 * np.sin(angles) * dent, strict=True)))
    stem = lathe([(0.0, 0.041), (0.0028, 0.042), (0.0022, 0.062), (0.0, 0.063)])
    leaf = lathe(_arc(0.01, -90, 90, 7, 0.0)).scaled(1.0, 0.5, 0.2).moved(0.011, 0, 0.058)
    return body, stem.painted(_WOOD), leaf.painted(_LEAF)


def _ball() -> tuple[Part, ...]:
    radius = 0.033
    caps = lathe(_arc(radius, -90, -14, 9, radius), _arc(radius, 14, 90, 9, radius))
    band = lathe(_arc(radius, -14, 14, 5, radius))
    return caps, band.painted(_PALE)


def _banana() -> tuple[Part, ...]:
    path = _flat(_circle(0.065, 30, 150, 17) - (0.0, 0.05), 0.016)
    share = np.linspace(-1, 1, 17)
    radius = 0.016 * np.clip(1.05 - np.abs(share) ** 3, 0.001, 1)
    radius[[0, -1]] = 1e-4
    body = tube(path, radius, (0, 0, 1))
    ends = [lathe(_arc(0.0055, -90, 90, 7, 0.0)).moved(*path[k]) for k in (0, -1)]
    return body, joined(*ends).painted(_DARK)


def _bottle() -> tuple[Part, ...]:
    body = lathe(
        [(0.0, 0.0), (0.027, 0.0)],
        [(0.027, 0.0), (0.028, 0.01), (0.028, 0.085), (0.024, 0.102), (0.013, 0.118)],
        [(0.013, 0.118), (0.0115, 0.14)],
    )
    cap = lathe([(0.0135, 0.14), (0.0135, 0.16)], [(0.0135, 0.16), (0.0, 0.16)])
    label = lathe([(0.0284, 0.03), (0.0284, 0.068)])
    return body, joined(cap, label).painted(_PALE)


def _bowl() -> tuple[Part, ...]:
    outer = [(0.026, 0.0), (0.042, 0.012), (0.054, 0.03), (0.06, 0.05)]
    inner = [(0.056, 0.05), (0.05, 0.031), (0.038, 0.015), (0.018, 0.007), (0.0, 0.006)]
    return (lathe([(0.0, 0.0), (0.026, 0.0)], outer, [outer[-1], inner[0]], inner),)


def _box() -> tuple[Part, ...]:
    tape = cuboid(0.014, 0.0424, 0.0004).moved(0, 0, 0.092)
    front = cuboid(0.014, 0.0424, 0.022).moved(0, 0, 0.0702)
    return cuboid(0.064, 0.042, 0.092), joined(tape, front).painted(_PALE)


def _can() -> tuple[Part, ...]:
    body = lathe([(0.027, 0.005), (0.027, 0.068)])
    rims = lathe(
        [(0.0, 0.0), (0.025, 0.0)],
        [(0.025, 0.0), (0.027, 0.005)],
        [(0.027, 0.068), (0.0245, 0.074)],
        [(0.0245, 0.074), (0.023, 0.074)],
        [(0.023, 0.074), (0.0225, 0.071)],
        [(0.0225, 0.071), (0.0, 0.071)],
    )
    return body, rims.painted(_METAL)


def _cone() -> tuple[Part, ...]:
    steps = np.linspace(0.0, 1.0, 8)
    side = [(0.038 * (1 - s), 0.088 * s) for s in steps]
    return (lathe([(0.0, 0.0), (0.038, 0.0)], side),)


def _cube() -> tuple[Part, ...]:
    return (cuboid(0.05, 0.05, 0.05),)


def _hammer() -> tuple[Part, ...]:
    along = np.array([-0.085, -0.084, -0.08, -0.05, -0.02, 0.0, 0.05, 0.051])
    radius = np.array([1e-4, 0.008, 0.0105, 0.011, 0.009, 0.008, 0.0075, 1e-4])
    grip = np.column_stack([along, np.zeros(8), np.full(8, 0.013)])
    disc = lathe(
        [(0.0, -0.034), (0.0145, -0.034)],
        [(0.0145, -0.034), (0.0145, -0.018)],
        [(0.0145, -0.018), (0.0, -0.018)],
    )
    # the lathe turns about z; the striking face looks along -y
    lying = Part(disc.vertices[:, [0, 2, 1]], disc.faces[:, ::-1])
    head = cuboid(0.02, 0.036, 0.02).moved(0.05, 0.0, 0.004)
    claw = cuboid(0.018, 0.03, 0.007).moved(0.05, 0.03, 0.011)
    steel = joined(head, claw, lying.moved(0.05, 0.0, 0.0145))
    return tube(grip, radius, (0, 0, 1)), steel.painted(_METAL)


def _lamp() -> tuple[Part, ...]:
    shade = lathe(
        [(0.047, 0.075), (0.026, 0.13)],
        [(0.026, 0.13), (0.024, 0.13)],
        [(0.024, 0.13), (0.045, 0.075)],
        [(0.045, 0.075), (0.047, 0.075)],
    )
    stand = lathe(
        [(0.0, 0.0), (0.032, 0.0)],
        [(0.032, 0.0), (0.03, 0.007), (0.006, 0.011), (0.0045, 0.02), (0.0045, 0.12)],
        [(0.0045, 0.12), (0.0, 0.12)],
    )
    return shade, stand.painted(_DARK)


def _mug() -> tuple[Part, ...]:
    wall = [(0.031, 0.0), (0.032, 0.004), (0.032, 0.074)]
    body = lathe([(0.0, 0.0), (0.031, 0.0)], wall, [(0.032, 0.074), (0.0285, 0.074)])
    inside = lathe([(0.0285, 0.074), (0.0285, 0.008)], [(0.0285, 0.008), (0.0, 0.008)])
    bow = _circle(0.021, -100, 100, 15)
    path = np.column_stack([bow[:, 0] * 1.05 + 0.033, np.zeros(15), bow[:, 1] + 0.038])
    handle = tube(path, np.full(15, 0.0052), (0, 1, 0))
    return joined(body, handle), inside.painted(_PALE)


def _plate() -> tuple[Part, ...]:
    body = lathe(
        [(0.0, 0.0), (0.045, 0.0)],
        [(0.045, 0.0), (0.075, 0.011)],
        [(0.075, 0.011), (0.074, 0.013)],
        [(0.074, 0.013), (0.05, 0.006)],
    )
    well = lathe([(0.05, 0.006), (0.047, 0.0035)], [(0.047, 0.0035), (0.0, 0.0035)])
    line = lathe([(0.0725, 0.0131), (0.0685, 0.0119)])
    return joined(body, well), line.painted(_PALE)


def _ring() -> tuple[Part, ...]:
    path = _flat(_circle(0.034, 0, 360, 29)[:-1], 0.0115)
    return (tube(path, np.full(28, 0.0115), (0, 0, 1), closed=True),)


def _spoon() -> tuple[Part, ...]:
    bowl = [*_arc(1.0, -90, 0, 8, 0.0), *((0.9 * r, 0.9 * z) for r, z in _arc(1.0, 0, -90, 8, 0.0))]
    scoop = lathe(bowl).scaled(0.027, 0.019, 0.013).moved(0.05, 0.0, 0.0135)
    along = np.linspace(-0.08, 0.026, 13)
    rise = 0.006 + 0.008 * np.linspace(1, 0, 13) ** 2 + 0.005 * np.linspace(0, 1, 13) ** 2
    radius = np.interp(along, [-0.08, -0.072, -0.04, 0.026], [1e-4, 0.0062, 0.004, 0.0036])
    grip = tube(np.column_stack([along, np.zeros(13), rise]), radius, (0, 1, 0))
    return (joined(scoop, grip.scaled(1, 1.25, 1)),)


def _vase() -> tuple[Part, ...]:
    heights = np.linspace(0, 1, 15)
    radius = 0.03 + 0.0085 * np.sin(2 * np.pi * (heights * 0.95 - 0.1)) - 0.012 * heights**2
    radius[-1] += 0.004
    outer: list[Point] = [(float(r), 0.105 * h) for r, h in zip(radius, heights, strict=True)]
    inner: list[Point] = [(r - 0.003, z) for r, z in reversed(outer[6:])]
    neck = [*inner, (0.0, inner[-1][1])]
    return (lathe([(0.0, 0.0), outer[0]], outer, [outer[-1], inner[0]], neck),)


_RECIPES: dict[str, Callable[[], tuple[Part, ...]]] = {
    'apple': _apple,
    'ball': _ball,
    'banana': _banana,
    'bottle': _bottle,
    'bowl': _bowl,
    'box': _box,
    'can': _can,
    'cone': _cone,
    'cube': _cube,
    'hammer': _hammer,
    'lamp': _lamp,
    'mug': _mug,
    'plate': _plate,
    'ring': _ring,
    'spoon': _spoon,
    'vase': _vase,
}
