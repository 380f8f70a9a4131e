"""Pictures and attention maps, small enough to be part of a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image

from clue_ros.errors import ClueError
from clue_ros.evaluate.sources import find_pictures
from clue_ros.overlay import color_table

WIDTH, HEIGHT = 320, 320  # pixels, at most
_QUALITY = 72  # WebP; 5 to 20 kB a picture
_MAP_SIDE = 64  # pixels, enough for a map that has no edges
_OPACITY = 0.6  # of the attention's highest value, as in the overlay

RgbImage = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Thumbnail:
    """A small picture."""

    uri: str  # data URI
    width: int  # pixels
    height: int


def thumbnail(image: RgbImage) -> Thumbnail:
    """An RGB picture (height, width, 3), made to fit WIDTH x HEIGHT."""
    picture = PIL.Image.fromarray(image)
    picture.thumbnail((WIDTH, HEIGHT), PIL.Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.save(stream, 'WEBP', quality=_QUALITY, method=4)
    return Thumbnail(_data_uri('webp', stream), picture.width, picture.height)


def find_thumbnails(data: Mapping[str, Any], names: Iterable[str]) -> dict[str, Thumbnail | str]:
    """Small pictures of a log's data by their names, or why there is none.

    `data` is `Header.data`. Nothing is raised: a page without a picture is still a page.
    """
    wanted = list(names)
    reason = 'it cannot be read from the data any more'
    found: dict[str, Thumbnail | str] = {}
    try:
        for name, image in find_pictures(data, wanted):
            found[name] = thumbnail(image)
    except (ClueError, OSError) as error:
        reason = str(error)
    return {name: found.get(name, reason) for name in wanted}


def heat(map_: npt.NDArray[np.float32]) -> str:
    """A map (rows, columns) in [0, 1] as the data URI of a picture to be laid over its frame.

    The colours and the opacity, which falls to 0 with the attention, are those of the overlay.
    """
    cells = PIL.Image.fromarray(np.rint(np.clip(map_, 0, 1) * 255).astype(np.uint8))
    level = cells.resize((_MAP_SIDE, _MAP_SIDE), PIL.Image.Resampling.BICUBIC)
    level.putpalette(color_table().tobytes())
    stream = io.BytesIO()
    opacity = bytes(round(value * _OPACITY) for value in range(256))
    level.save(stream, 'PNG', optimize=True, transparency=opacity)
    return _data_uri('png', stream)


def _data_uri(kind: str, stream: io.BytesIO) -> str:
    return f'data:image/{kind};base64,{base64.b64encode(stream.getvalue()).decode()}'
