"""A pinhole camera over the table, and where points end up in its picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clue_ros.box import Box

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """Stands on the negative y side of the table and looks at a point of its top (z = 0).

    Angles in radians, lengths in metres, the picture in pixels.
    """

    distance: float  # to the point looked at
    elevation: float  # above the table's plane, of the view onto that point
    azimuth: float  # of the camera around that point; 0 looks along y
    roll: float  # about the line of sight
    target: tuple[float, float]  # x, y of the point looked at
    fovy: float  # vertical opening angle
    width: int
    height: int

    @property
    def position(self) -> Array:
        """(3,) metres."""
        level = self.distance * math.cos(self.elevation)
        return np.array(
            [
                self.target[0] + level * math.sin(self.azimuth),
                self.target[1] - level * math.cos(self.azimuth),
                self.distance * math.sin(self.elevation),
            ]
        )

    @property
    def axes(self) -> Array:
        """(3, 3): rows are the camera's right, up and backward directions in the world."""
        backward = self.position - np.array([*self.target, 0.0])
        backward /= np.linalg.norm(backward)
        right = np.cross([0.0, 0.0, 1.0], backward)
        right /= np.linalg.norm(right)
        up = np.cross(backward, right)
        cos, sin = math.cos(self.roll), math.sin(self.roll)
        return np.array([cos * right + sin * up, cos * up - sin * right, backward])

    def project(self, points: Array) -> Array:
        """Pixels (n, 2), x right and y down, of world points (n, 3) in front of the camera."""
        seen = (points - self.position) @ self.axes.T
        scale = self.height / 2 / math.tan(self.fovy / 2) / -seen[:, 2]
        x = self.width / 2 + seen[:, 0] * scale
        y = self.height / 2 - seen[:, 1] * scale
        return np.stack([x, y], axis=1)

    def box(self, points: Array) -> Box:
        """The box around world points (n, 3); it may reach beyond the picture."""
        pixels = self.project(points)
        (x1, y1), (x2, y2) = pixels.min(axis=0), pixels.max(axis=0)
        return Box(float(x1), float(y1), float(x2), float(y2))

    def sees(self, box: Box, margin: float) -> bool:
        """Whether a box lies in the picture, `margin` pixels or more from its edges."""
        return (
            min(box.x1, box.y1) >= margin
            and box.x2 <= self.width - margin
            and box.y2 <= self.height - margin
        )
