"""Pictures in files: checked when a row names them, decoded when a sample is used."""

from __future__ import annotations

import io
import os
from functools import partial
from pathlib import Path

import PIL.Image

from clue_ros.data.samples import Image
from clue_ros.data.samples import Picture
from clue_ros.errors import InvalidImage
from clue_ros.pixels import decode

Size = tuple[int, int]  # width, height in pixels


def picture_in(root: Path, name: str, group: str = '', split: str = '') -> tuple[Picture, Size]:
    """The picture of a file, not yet decoded, and its size; a group of its own without `group`.

    Raises InvalidImage when there is no such file, or none that begins like a picture.
    """
    path = root / name
    if not os.path.isfile(path):  # unlike Path.is_file, also for names that no system allows
        raise InvalidImage(f'no picture at {path}')
    return Picture(name, group or name, partial(load_file, path), split), size_of(path)


def load_file(path: Path) -> Image:
    """Decode a file as RGB (height, width, 3); raises InvalidImage."""
    try:
        return decode(path.read_bytes())
    except (InvalidImage, OSError) as error:
        raise InvalidImage(f'{path}: {error}') from error


def size_of(source: Path | bytes) -> Size:
    """Width and height, from the first bytes of an encoded picture; raises InvalidImage."""
    try:
        with PIL.Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as picture:
            return picture.size
    # what Pillow raises for foreign, cut and oversized data
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        name = f'{len(source)} bytes' if isinstance(source, bytes) else source
        raise InvalidImage(f'{name} cannot be read as a picture') from error
