"""One frame as the model sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

from clue_ros.box import Box

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class View:
    """One frame, encoded as a whole and, where the checkpoint looks so, in parts."""

    image: Image  # (height, width, 3) RGB
    features: Tensor  # (image tokens, hidden)
    parts: tuple[Part, ...] = ()

    @property
    def width(self) -> int:
        """Pixels of the source image."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Pixels of the source image."""
        return int(self.image.shape[0])

    @property
    def looks(self) -> tuple[View, ...]:
        """The frame itself, and its parts."""
        return (self, *(part.view for part in self.parts))

    @property
    def whole(self) -> Box:
        """The window that the frame itself is, in pixels."""
        return Box(0, 0, self.width, self.height)


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a frame, encoded by itself."""

    window: Box  # in pixels of the frame
    view: View
