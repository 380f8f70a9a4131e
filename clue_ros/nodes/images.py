"""Pictures as messages: camera images in, overlays and maps out."""

from __future__ import annotations

import io
import sys

import numpy as np
import numpy.typing as npt
import PIL.Image
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from clue_ros.pixels import RgbImage
from clue_ros.pixels import read_compressed
from clue_ros.pixels import read_raw


def image_from_message(message: Image | CompressedImage) -> RgbImage:
    """Read a camera image as an RGB array (height, width, 3); raises InvalidImage."""
    return read_compressed(message) if isinstance(message, CompressedImage) else read_raw(message)


def image_to_message(image: RgbImage, header: Header) -> Image:
    """Write an RGB array (height, width, 3) as rgb8."""
    return _to_message(image, header, 'rgb8')


def map_to_message(values: npt.NDArray[np.float32], header: Header) -> Image:
    """Write an array (rows, columns) of float32 as 32FC1."""
    return _to_message(values, header, '32FC1')


def image_to_jpeg(image: RgbImage, header: Header, quality: int) -> CompressedImage:
    """Write an RGB array (height, width, 3) as JPEG with `quality` from 1 to 100."""
    file = io.BytesIO()
    PIL.Image.fromarray(image).save(file, 'JPEG', quality=quality)
    # the format string of image_transport: what it becomes again; what lies in the data
    return CompressedImage(header=header, format='rgb8; jpeg compressed bgr8', data=file.getvalue())


def _to_message(values: npt.NDArray[np.generic], header: Header, encoding: str) -> Image:
    height, width = values.shape[:2]
    return Image(
        header=header,
        encoding=encoding,
        height=height,
        width=width,
        step=values.nbytes // height,
        is_bigendian=int(sys.byteorder == 'big'),
        # bytes are taken over whole; an array or a list would be checked number by number
        data=values.tobytes(),
    )
