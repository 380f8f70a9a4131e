"""Boxes in pixels of the source image, and the location tokens that spell them.

PaliGemma writes a box as four tokens `<loc0000>`..`<loc1023>` in the order y1 x1 y2 x2, each the
coordinate divided by the side of the (square) network image, times 1023. The preprocessor
stretches the source image to that square, so x scales with the width and y with the height.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from clue_ros.errors import InvalidBox

LOCATION_COUNT = 1024
_LOCATION = re.compile(r'<loc(\d{4})>')


@dataclass(frozen=True)
class Box:
    """An axis-aligned box: corners in pixels, x to the right, y down, x1 < x2 and y1 < y2."""

    x1: float
    y1: float
    x2: float
    y2: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) for value in self.corners):
            raise InvalidBox(f'a box needs four finite numbers, got {self.corners}')
        if self.x1 >= self.x2 or self.y1 >= self.y2:
            raise InvalidBox(f'a box needs x1 < x2 and y1 < y2, got {self.corners}')

    @property
    def corners(self) -> tuple[float, float, float, float]:
        """(x1, y1, x2, y2) in pixels."""
        return (self.x1, self.y1, self.x2, self.y2)

    @property
    def center(self) -> tuple[float, float]:
        """(x, y) in pixels."""
        return ((self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2)

    @property
    def area(self) -> float:
        """Square pixels."""
        return (self.x2 - self.x1) * (self.y2 - self.y1)

    def iou(self, other: Box) -> float:
        """Intersection over union with another box, in [0, 1]."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        if width <= 0 or height <= 0:
            return 0.0
        intersection = width * height
        return intersection / (self.area + other.area - intersection)


def encode_locations(box: Box, width: int, height: int) -> str:
    """Spell `box` as four location tokens for a source image of `width` x `height` pixels."""
    values = (box.y1 / height, box.x1 / width, box.y2 / height, box.x2 / width)
    last = LOCATION_COUNT - 1
    return ''.join(f'<loc{min(max(round(v * last), 0), last):04d}>' for v in values)


def decode_locations(text: str, width: int, height: int) -> Box:
    """Read four location tokens back into pixels of a `width` x `height` source image.

    Raises InvalidBox unless `text` is exactly four location tokens with y1 < y2 and x1 < x2.
    """
    values = [int(value) for value in _LOCATION.findall(text)]
    if len(values) != 4 or _LOCATION.sub('', text).strip():
        raise InvalidBox(f'wanted exactly four location tokens <locNNNN>, got {text[:80]!r}')
    if max(values) >= LOCATION_COUNT:
        raise InvalidBox(f'location tokens end at <loc{LOCATION_COUNT - 1}>, got {text[:80]!r}')
    y1, x1, y2, x2 = (value / (LOCATION_COUNT - 1) for value in values)
    return Box(x1 * width, y1 * height, x2 * width, y2 * height)
