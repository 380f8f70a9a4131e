"""Looks: parts of a frame that are seen by themselves, and what looks at one frame say together.

A small thing covers few patches: it is overlooked, or its box is loose. In a part of the same
picture it covers more of them. But a part cuts off what stands around it, so that no single look
decides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clue_ros.box import Box
from clue_ros.response import Absent
from clue_ros.response import Grounding

Image = npt.NDArray[np.uint8]

TIMES = 4.0  # a window around a box is at least so many times as wide and high as the box
AGREE = 0.4  # IoU from which two looks speak of the same thing


@dataclass(frozen=True)
class Look:
    """What was found in a part of a picture; both in pixels of the whole picture."""

    window: Box
    found: Grounding | None  # None when nothing is there


def window(left: float, top: float, share: float, width: int, height: int) -> Box:
    """A part of a picture of `width` x `height` pixels, whole pixels, at least one.

    It has `share` of the picture's sides and begins at `left` and `top`, all shares of them too.
    """
    wide, high = max(1, round(share * width)), max(1, round(share * height))
    x, y = min(round(left * width), width - wide), min(round(top * height), height - high)
    return Box(x, y, x + wide, y + high)


def around(box: Box, share: float, width: int, height: int) -> Box:
    """The part around a box of a picture of `width` x `height` pixels, whole pixels.

    The box is in its middle where there is room. It is `share` in (0, 1] of the picture's width
    and height, or TIMES those of the box where that is more, and never reaches beyond the picture.
    """
    x1, x2 = _span(box.x1, box.x2, share, width)
    y1, y2 = _span(box.y1, box.y2, share, height)
    return Box(x1, y1, x2, y2)


def cut(image: Image, part: Box) -> Image:
    """The pixels of a part of `image` (height, width, 3)."""
    x1, y1, x2, y2 = map(int, part.corners)
    return image[y1:y2, x1:x2]


def covered(image: Image, box: Box) -> Image:
    """A copy of `image` (height, width, 3) in which a box is painted with the colour around it."""
    height, width = image.shape[:2]
    margin = max(2, round(0.05 * max(box.x2 - box.x1, box.y2 - box.y1)))  # pixels

    def grown(by: int) -> tuple[slice, slice]:
        return (
            slice(max(0, math.floor(box.y1) - by), min(height, math.ceil(box.y2) + by)),
            slice(max(0, math.floor(box.x1) - by), min(width, math.ceil(box.x2) + by)),
        )

    around = np.zeros((height, width), bool)
    around[grown(2 * margin)] = True
    around[grown(margin)] = False
    painted = image.copy()
    # nothing lies around a box that fills the picture
    painted[grown(margin)] = np.median(image[around] if around.any() else image, axis=0)
    return painted


def moved(found: Grounding, window: Box) -> Grounding:
    """What was found in a window, in pixels of the whole picture."""
    x1, y1, x2, y2 = found.box.corners
    box = Box(x1 + window.x1, y1 + window.y1, x2 + window.x1, y2 + window.y1)
    return Grounding(box, found.confidence)


def join(looks: Sequence[Look]) -> Grounding | Absent:
    """What several looks say together: `surest`, or Absent when less than half find anything.

    Looks that find different things, or are unsure which one is meant, agree that there is one.
    """
    found = surest(looks)
    finders = sum(look.found is not None for look in looks)
    return Absent() if found is None or 2 * finders < len(looks) else found


def surest(looks: Sequence[Look]) -> Grounding | None:
    """The mean box of looks that agree, weighted by their confidence; None when none has a box.

    Of all sets of looks that agree with one of them it is the surest as a whole, an earlier one
    when two are as sure. Its confidence is their sum divided by the number of looks that could see
    it: in whose window half of the box lies.
    """
    boxes = [look.found for look in looks if look.found is not None]
    if not boxes:
        return None
    # rounded, so that the last digits of a float, which depend on the batch, move no box
    sure = [round(each.confidence, 3) or 0.001 for each in boxes]
    groups = [[other.box.iou(each.box) >= AGREE for other in boxes] for each in boxes]
    weights = max((np.where(group, sure, 0.0) for group in groups), key=np.sum)
    box = Box(*np.average([each.box.corners for each in boxes], axis=0, weights=weights).tolist())
    could = sum(_covered(box, look.window) >= 0.5 for look in looks)
    return Grounding(box, min(1.0, float(weights.sum()) / max(1, could)))


def _covered(box: Box, window: Box) -> float:
    """The share of a box that lies in a window."""
    wide = min(box.x2, window.x2) - max(box.x1, window.x1)
    high = min(box.y2, window.y2) - max(box.y1, window.y1)
    return max(0.0, wide) * max(0.0, high) / ((box.x2 - box.x1) * (box.y2 - box.y1))


def _span(low: float, high: float, share: float, size: int) -> tuple[int, int]:
    """Where a window begins and ends along one side of the picture."""
    length = min(size, max(1, round(max(share * size, TIMES * (high - low)))))
    start = round((low + high - length) / 2)
    start = min(max(start, 0), size - length)
    return start, start + length
