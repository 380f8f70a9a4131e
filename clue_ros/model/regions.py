"""Candidate regions: where on the map the confusion lies."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from clue_ros.box import Box
from clue_ros.response import Region

_EIGHT_NEIGHBOURS = np.ones((3, 3), dtype=np.int8)


def find_regions(
    map_: npt.NDArray[np.float32],
    attention: npt.NDArray[np.float32],
    level: float,
    width: int,
    height: int,
) -> tuple[Region, ...]:
    """Connected cells of `map_` (rows, columns; [0, 1]) at or above `level`, largest share first.

    `attention` (rows, columns; sums to 1) gives each region's share; boxes are pixels of the
    `width` x `height` source image.
    """
    labels, _ = ndimage.label(map_ >= level, structure=_EIGHT_NEIGHBOURS)
    rows, columns = map_.shape
    regions = []
    for label, (ys, xs) in enumerate(ndimage.find_objects(labels), start=1):
        box = Box(
            xs.start * width / columns,
            ys.start * height / rows,
            xs.stop * width / columns,
            ys.stop * height / rows,
        )
        regions.append(Region(box, share=float(attention[labels == label].sum())))
    return tuple(sorted(regions, key=lambda region: -region.share))
