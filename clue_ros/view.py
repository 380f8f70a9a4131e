"""One frame as the model sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from torch import Tensor

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class View:
    """One frame, encoded."""

    image: Image  # (height, width, 3) RGB
    features: Tensor  # (image tokens, hidden)

    @property
    def width(self) -> int:
        """Pixels of the source image."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Pixels of the source image."""
        return int(self.image.shape[0])
