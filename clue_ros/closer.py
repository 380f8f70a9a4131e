"""Closer looks: the decoder points again in windows around its box, and the looks are joined.

A small thing covers few patches, and its box is loose. In a window of the same picture it covers
more of them. But a window cuts off what stands around it, so that no single one decides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from clue_ros.box import Box
from clue_ros.response import Absent
from clue_ros.response import Grounding

Image = npt.NDArray[np.uint8]

TIMES = 4.0  # a window is at least so many times as wide and high as the box
AGREE = 0.4  # IoU from which two looks speak of the same thing


def window(box: Box, share: float, width: int, height: int) -> Box:
    """The part of a picture of `width` x `height` pixels to look at, whole pixels.

    It lies around `box` where there is room, is `share` in (0, 1] of the picture's width and
    height, or TIMES those of the box where that is more, and never reaches beyond the picture.
    """
    x1, x2 = _span(box.x1, box.x2, share, width)
    y1, y2 = _span(box.y1, box.y2, share, height)
    return Box(x1, y1, x2, y2)


def cut(image: Image, part: Box) -> Image:
    """The pixels of a window of `image` (height, width, 3)."""
    x1, y1, x2, y2 = map(int, part.corners)
    return image[y1:y2, x1:x2]


def moved(found: Grounding, window: Box) -> Grounding:
    """What was found in a window, in pixels of the whole picture."""
    x1, y1, x2, y2 = found.box.corners
    box = Box(x1 + window.x1, y1 + window.y1, x2 + window.x1, y2 + window.y1)
    return Grounding(box, found.confidence)


def join(first: Grounding, again: Sequence[Grounding], count: int) -> Grounding | Absent:
    """What a first look and `count` > 0 closer ones say together; `again` are those with a box.

    Absent when no closer look finds anything. Else the mean box of those that agree, weighted by
    their confidence: of all sets of looks that agree with one of them, the surest as a whole, an
    earlier one when two are as sure. Its confidence is their sum divided by the number of looks.
    """
    if not again:
        return Absent()
    looks = [first, *again]
    # rounded, so that the last digits of a float, which depend on the batch, move no box
    sure = [round(look.confidence, 3) or 0.001 for look in looks]
    groups = [[other.box.iou(one.box) >= AGREE for other in looks] for one in looks]
    weights = max((np.where(group, sure, 0.0) for group in groups), key=np.sum)
    corners = np.average([look.box.corners for look in looks], axis=0, weights=weights)
    return Grounding(Box(*corners.tolist()), float(weights.sum()) / (1 + count))


def _span(low: float, high: float, share: float, size: int) -> tuple[int, int]:
    """Where a window begins and ends along one side of the picture."""
    length = min(size, max(1, round(max(share * size, TIMES * (high - low)))))
    start = round((low + high - length) / 2)
    start = min(max(start, 0), size - length)
    return start, start + length
