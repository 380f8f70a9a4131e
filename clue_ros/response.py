"""What the model has to say about a frame and a dialog. Plain values, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from clue_ros.box import Box


@dataclass(frozen=True)
class Region:
    """A connected part of the attention map above the region level."""

    box: Box  # pixels of the source image
    share: float  # of the attention on the whole image, in [0, 1]


@dataclass(frozen=True, eq=False)
class Ambiguity:
    """Whether a request under-specifies its referent in one frame, and where the confusion lies."""

    map: npt.NDArray[np.float32]  # M of the paper: (rows, columns), min-max scaled to [0, 1]
    regions: tuple[Region, ...]  # largest share first
    probability: float | None  # calibrated p_amb in [0, 1]; None when the checkpoint has no probe
    threshold: float | None  # the decision threshold stored with the probe

    @property
    def ambiguous(self) -> bool:
        """Whether the probability reaches the threshold; False without a probe."""
        if self.probability is None or self.threshold is None:
            return False
        return self.probability >= self.threshold


@dataclass(frozen=True)
class Question:
    """The robot should ask this."""

    text: str


@dataclass(frozen=True)
class Grounding:
    """The meant object."""

    box: Box  # pixels of the source image
    # in [0, 1]: probability that a side lies within 3 % of the image, less where looks differ
    confidence: float


@dataclass(frozen=True)
class Absent:
    """Nothing in the frame matches."""


@dataclass(frozen=True)
class Invalid:
    """The decoder gave neither a question nor a valid box."""

    text: str  # what it wrote
    reason: str


Response: TypeAlias = Question | Grounding | Absent | Invalid
