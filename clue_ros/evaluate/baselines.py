"""Cheaper ways to tell that a request is ambiguous, for the probe to be measured against.

Each gives a score that is higher where more things may be meant. None was trained; where asking
begins is fitted on validation data, as it is for the probe.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from clue_ros.clue import Clue
from clue_ros.dialog import Dialog
from clue_ros.evaluate.plain import Plain
from clue_ros.response import Ambiguity
from clue_ros.view import View

PEAKS = 'peaks'  # regions of the map above the checkpoint's region level
ENTROPY = 'entropy'  # of the map, in nats
RELATIVE = 'relative'  # entropy of the map divided by that of a request which says nothing
BOXES = 'boxes'  # how many the bare backbone writes when it is told to detect the thing
BASELINES = (PEAKS, ENTROPY, RELATIVE, BOXES)

# What every picture answers alike; dividing by its map takes away what draws attention anyway.
NEUTRAL = Dialog('get the object')
# Keeps the quotient of two small numbers small; both maps are scaled to [0, 1].
_FLOOR = 0.05

Map = npt.NDArray[np.float32]


class Baselines:
    """The scores of all baselines for one checkpoint."""

    def __init__(self, clue: Clue, plain: Plain) -> None:
        self._clue = clue
        self._plain = plain

    def scores(
        self, views: Sequence[View], dialogs: Sequence[Dialog], found: Sequence[Ambiguity]
    ) -> list[dict[str, float]]:
        """For each (view, dialog) pair, of which `found` is what the probe says."""
        different = list({id(view): view for view in views}.values())
        neutral = self._clue.ambiguity_all(different, [NEUTRAL] * len(different))
        maps = {id(view): one.map for view, one in zip(different, neutral, strict=True)}
        boxes = self._plain.count_boxes([view.image for view in views], dialogs)
        return [
            {
                PEAKS: float(len(one.regions)),
                ENTROPY: entropy(one.map),
                RELATIVE: entropy(one.map / (maps[id(view)] + _FLOOR)),
                BOXES: float(count),
            }
            for view, one, count in zip(views, found, boxes, strict=True)
        ]


def entropy(map_: Map) -> float:
    """Of a map (rows, columns) of numbers >= 0 scaled to sum 1, in nats; 0 for an empty one."""
    total = float(map_.sum())
    if total <= 0:
        return 0.0
    shares = map_.ravel().astype(np.float64) / total
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())
