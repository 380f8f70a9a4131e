"""Triangle meshes from a few primitives: turned on a lathe, drawn along a path, or a cuboid.

Lengths in metres, z up. Faces wind counter-clockwise seen from outside: the renderer leaves out
the others. Neighbouring strips share no vertices where an edge shall look sharp.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Faces = npt.NDArray[np.int32]
Rgb = tuple[float, float, float]
Point = tuple[float, float]

AROUND = 28  # vertices of a full circle


@dataclass(frozen=True, eq=False)
class Part:
    """A mesh in one colour."""

    vertices: Array  # (n, 3)
    faces: Faces  # (m, 3), indices of vertices
    color: Rgb | None = None  # in [0, 1]; None takes the colour that the thing is called by

    def painted(self, color: Rgb) -> Part:
        """The same mesh in a colour of its own."""
        return Part(self.vertices, self.faces, color)

    def scaled(self, x: float, y: float, z: float) -> Part:
        """Stretched along the axes by positive factors."""
        return Part(self.vertices * (x, y, z), self.faces, self.color)

    def moved(self, x: float, y: float, z: float) -> Part:
        """Shifted."""
        return Part(self.vertices + (x, y, z), self.faces, self.color)

    @property
    def volume(self) -> float:
        """Cubic metres; positive when a closed mesh winds the right way."""
        a, b, c = (self.vertices[self.faces[:, k]] for k in range(3))
        return float(np.einsum('ij,ij->', a, np.cross(b, c)) / 6)


def joined(*parts: Part) -> Part:
    """Several meshes as one, in the colour of the first."""
    starts = np.cumsum([0, *(len(part.vertices) for part in parts[:-1])])
    faces = [part.faces + start for part, start in zip(parts, starts, strict=True)]
    vertices = np.concatenate([part.vertices for part in parts])
    return Part(vertices, np.concatenate(faces).astype(np.int32), parts[0].color)


def lathe(*profiles: Sequence[Point]) -> Part:
    """Turn profiles of (radius, height) about z; each is smooth, edges between them are sharp.

    A profile runs so that the outside lies to its right: upwards for an outer wall.
    """
    angles = np.arange(AROUND) * 2 * np.pi / AROUND
    strips = []
    for profile in profiles:
        radius, height = np.array(profile, float).T
        rings = np.stack(
            [
                radius[:, None] * np.cos(angles),
                radius[:, None] * np.sin(angles),
                np.repeat(height[:, None], AROUND, axis=1),
            ],
            axis=2,
        )
        strips.append(_skin(rings))
    return joined(*strips)


def tube(path: Array, radius: Array, plane: Sequence[float], closed: bool = False) -> Part:
    """Draw a circle of changing `radius` (n,) along a flat `path` (n, 3) normal to `plane`.

    An open tube ends in points: give it a radius of almost nothing there.
    """
    if closed:
        along = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0)
    else:
        along = np.gradient(path, axis=0)
    along = along / np.linalg.norm(along, axis=1, keepdims=True)
    up = np.broadcast_to(np.array(plane, float), path.shape)
    side = np.cross(up, along)
    angles = np.arange(AROUND) * 2 * np.pi / AROUND
    circle = np.cos(angles)[:, None] * side[:, None] + np.sin(angles)[:, None] * up[:, None]
    rings = path[:, None] + radius[:, None, None] * circle
    return _skin(np.concatenate([rings, rings[:1]]) if closed else rings)


def cuboid(x: float, y: float, z: float) -> Part:
    """A cuboid of these edge lengths that stands on the plane z = 0, with sharp edges."""
    vertices: list[Array] = []
    faces: list[tuple[int, int, int]] = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            face = np.zeros((4, 3))
            face[:, axis] = sign
            face[:, (axis + 1) % 3] = (-sign, sign, sign, -sign)
            face[:, (axis + 2) % 3] = (-1, -1, 1, 1)
            start = 4 * len(vertices)
            vertices.append(face * (x / 2, y / 2, z / 2) + (0, 0, z / 2))
            faces += [(start, start + 1, start + 2), (start, start + 2, start + 3)]
    return Part(np.concatenate(vertices), np.array(faces, np.int32))


def _skin(rings: Array) -> Part:
    """Close the space between rings (n, m, 3) that follow each other; no triangle is empty."""
    count, around = rings.shape[:2]
    low, at = (grid.ravel() for grid in np.mgrid[: count - 1, :around])
    high, after = low + 1, (at + 1) % around
    a, b = low * around + at, low * around + after
    c, d = high * around + after, high * around + at
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    vertices = rings.reshape(-1, 3)
    one, two, three = (vertices[faces[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(two - one, three - one), axis=1)
    return Part(vertices, faces[area > 1e-12].astype(np.int32))
