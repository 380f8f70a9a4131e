"""One frame as the model sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from itertools import islice

import numpy as np
import numpy.typing as npt
from torch import Tensor

from clue_ros import looks
from clue_ros.box import Box
from clue_ros.model.backbone import Backbone
from clue_ros.model.device import named_out_of_memory

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


def see(
    backbone: Backbone, images: Sequence[Image], windows: Sequence[Sequence[Box]]
) -> list[View]:
    """Encode frames, each with the parts in its `windows`, in one batch."""
    seen = [
        part
        for image, mine in zip(images, windows, strict=True)
        for part in (image, *(looks.cut(image, window) for window in mine))
    ]
    with named_out_of_memory(backbone.device):
        views = map(View, seen, backbone.encode(seen))
    return [
        replace(next(views), parts=tuple(map(Part, mine, islice(views, len(mine)))))
        for mine in windows
    ]
