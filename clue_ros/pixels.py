"""Camera images of messages as RGB arrays, from rclpy and from bags alike. Needs no ROS.

One path of our own, the same on every machine. cv_bridge would add nothing for these encodings,
is missing where ROS comes from pip, and its builds against NumPy 1 crash with NumPy 2; two paths
would be two behaviours, one of them untested. Where cv_bridge defines a result (layouts, 16 to 8
bit), this module has the same one.
"""

from __future__ import annotations

import io
from typing import Any
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import PIL.Image

from clue_ros.errors import InvalidImage

RgbImage = npt.NDArray[np.uint8]


class _Layout(NamedTuple):
    scalar: str  # NumPy type of one channel, byte order left out
    channels: int  # per pixel
    rgb: tuple[int, int, int]  # which channel is red, green, blue


_LAYOUTS = {
    'rgb8': _Layout('u1', 3, (0, 1, 2)),
    'bgr8': _Layout('u1', 3, (2, 1, 0)),
    'rgba8': _Layout('u1', 4, (0, 1, 2)),
    'bgra8': _Layout('u1', 4, (2, 1, 0)),
    'mono8': _Layout('u1', 1, (0, 0, 0)),
    'mono16': _Layout('u2', 1, (0, 0, 0)),
    '16UC1': _Layout('u2', 1, (0, 0, 0)),
    '32FC1': _Layout('f4', 1, (0, 0, 0)),
}


def read_raw(message: Any) -> RgbImage:
    """RGB array (height, width, 3), contiguous, of a message shaped like sensor_msgs/Image.

    Alpha is dropped and grey is repeated. 16 bit counts from 0 to 65535 as in cv_bridge (mono16
    to mono8), floats from 0 to 1; values outside are clipped and NaN is black. rgb8 without
    padding is not copied: the array is a view of the message's data. Raises InvalidImage.
    """
    layout = _LAYOUTS.get(message.encoding)
    if layout is None:
        raise InvalidImage(
            f'wanted an image with encoding {", ".join(_LAYOUTS)}, got {message.encoding!r}; '
            'set the camera driver to rgb8, or convert with image_proc'
        )
    pixels = _pixels(message, layout)
    if layout.scalar == 'u1' and layout.rgb == (0, 1, 2):
        return np.ascontiguousarray(pixels[..., :3])
    if layout.scalar != 'u1':
        pixels = _to_8_bit(pixels)
    # plane by plane: five times faster than indexing the last axis
    image = np.empty((*pixels.shape[:2], 3), np.uint8)
    for target, source in enumerate(layout.rgb):
        image[..., target] = pixels[..., source]
    return image


def read_compressed(message: Any) -> RgbImage:
    """RGB array (height, width, 3) of a message shaped like sensor_msgs/CompressedImage.

    JPEG and PNG are read. Raises InvalidImage.
    """
    try:
        return decode(bytes(message.data), ('JPEG', 'PNG'))
    except InvalidImage as error:
        raise InvalidImage(
            f'wanted a JPEG or PNG image, got format {message.format!r}: {error}; '
            'check the image transport of the camera'
        ) from error


def decode(data: bytes, formats: tuple[str, ...] | None = None) -> RgbImage:
    """RGB array (height, width, 3) of an encoded picture; `formats` are Pillow's names.

    Raises InvalidImage.
    """
    try:
        with PIL.Image.open(io.BytesIO(data), formats=formats) as picture:
            if picture.mode.startswith('I;16'):
                gray = _to_8_bit(np.asarray(picture))
                return np.repeat(gray[..., np.newaxis], 3, axis=2)
            return np.array(picture.convert('RGB'))
    # what Pillow raises for foreign, cut and oversized data
    except (OSError, SyntaxError, ValueError, PIL.Image.DecompressionBombError) as error:
        foreign = isinstance(error, PIL.UnidentifiedImageError)
        reason = 'they are no such picture' if foreign else str(error)
        raise InvalidImage(f'{len(data)} bytes cannot be decoded ({reason})') from error


def _pixels(message: Any, layout: _Layout) -> npt.NDArray[np.generic]:
    # a view (height, width, channels) of the message's data
    scalar = np.dtype(('>' if message.is_bigendian else '<') + layout.scalar)
    pixel_bytes = scalar.itemsize * layout.channels
    if not message.width or not message.height:
        raise InvalidImage(f'the image is empty: {_size(message)}; check the camera driver')
    if message.step < message.width * pixel_bytes:
        raise InvalidImage(
            f'a row of {message.encoding} {_size(message)} needs a step of at least '
            f'{message.width * pixel_bytes} bytes, got {message.step}; check the camera driver'
        )
    if len(message.data) != message.step * message.height:
        raise InvalidImage(
            f'{message.encoding} {_size(message)} with step {message.step} needs '
            f'{message.step * message.height} bytes of data, got {len(message.data)}; '
            'check the camera driver'
        )
    return np.ndarray(
        (message.height, message.width, layout.channels),
        scalar,
        np.frombuffer(message.data, np.uint8),
        strides=(message.step, pixel_bytes, scalar.itemsize),
    )


def _to_8_bit(pixels: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    if pixels.dtype.kind == 'u':
        # round(value * 255 / 65535), in integers
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    unit = np.clip(np.nan_to_num(pixels, posinf=1.0, neginf=0.0), 0.0, 1.0)
    scaled: RgbImage = np.rint(unit * 255).astype(np.uint8)
    return scaled


def _size(message: Any) -> str:
    return f'{message.width}x{message.height}'
