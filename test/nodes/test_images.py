"""Every encoding, padding and byte order; every way an image can be unusable."""

import io
import math

import numpy as np
import PIL.Image
import pytest

pytest.importorskip('sensor_msgs', reason='needs the ROS messages')

from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from clue_ros.errors import InvalidImage
from clue_ros.nodes.images import image_from_message
from clue_ros.nodes.images import image_to_jpeg
from clue_ros.nodes.images import image_to_message
from clue_ros.nodes.images import map_to_message

pytestmark = pytest.mark.ros

RED, GREEN, BLUE, GRAY = (250, 20, 30), (40, 240, 60), (70, 80, 230), (77, 77, 77)
HEADER = Header(frame_id='optical')


def message(encoding, data, width=2, height=1, step=None, big=False):
    step = len(data) // height if step is None else step
    return Image(
        encoding=encoding,
        width=width,
        height=height,
        step=step,
        is_bigendian=int(big),
        data=data,
    )


def encoded(array, kind):
    file = io.BytesIO()
    PIL.Image.fromarray(array).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize(
    ('image', 'words'),
    [
        (message('yuv422_yuy2', bytes(4)), ['rgb8', "'yuv422_yuy2'", 'image_proc']),
        (message('', bytes(4)), ["''"]),
        (message('rgb8', b'', 0, 0, 0), ['empty', '0x0']),
        (message('rgb8', b'', 0, 4, 0), ['empty', '0x4']),
        (message('rgb8', bytes(5), step=5), ['rgb8 2x1', 'at least 6', 'got 5']),
        (message('16UC1', bytes(3), step=3), ['16UC1 2x1', 'at least 4', 'got 3']),
        (message('rgb8', bytes(5), step=6), ['needs 6 bytes', 'got 5']),
        (message('rgb8', bytes(7), step=6), ['needs 6 bytes', 'got 7']),
        (message('rgb8', b'', step=6), ['needs 6 bytes', 'got 0']),
        (message('mono8', bytes(6), 2, 2, 4), ['step 4', 'needs 8 bytes', 'got 6']),
        (CompressedImage(format='jpeg'), ['JPEG or PNG', "'jpeg'", '0 bytes', 'transport']),
        (CompressedImage(format='jpeg', data=b'no picture'), ['10 bytes', 'no such picture']),
        (CompressedImage(data=encoded(np.zeros((9, 9), np.uint8), 'GIF')), ['JPEG or PNG']),
        (
            CompressedImage(data=encoded(np.zeros((64, 64, 3), np.uint8), 'JPEG')[:400]),
            ['400 bytes'],
        ),
        (
            CompressedImage(data=encoded(np.zeros((64, 64, 3), np.uint8), 'PNG')[:60]),
            ['60 bytes'],
        ),
    ],
)
def test_an_unusable_image_says_why(image, words):
    with pytest.raises(InvalidImage) as caught:
        image_from_message(image)
    for word in words:
        assert word in str(caught.value)


def floats(*values):
    return np.array(values, '<f4').tobytes()


@pytest.mark.parametrize(
    ('image', 'pixels'),
    [
        (message('rgb8', bytes([*RED, *BLUE])), [RED, BLUE]),
        (message('bgr8', bytes([*RED[::-1], *BLUE[::-1]])), [RED, BLUE]),
        (message('rgba8', bytes([*RED, 9, *BLUE, 0])), [RED, BLUE]),
        (message('bgra8', bytes([*RED[::-1], 9, *BLUE[::-1], 0])), [RED, BLUE]),
        (message('mono8', bytes([77, 255])), [GRAY, (255, 255, 255)]),
        # 128 is the last value that rounds to 0, 65535 * 77 / 255 = 19789
        (message('mono16', bytes([128, 0, 129, 0])), [(0, 0, 0), (1, 1, 1)]),
        (message('16UC1', (19789).to_bytes(2, 'little') + b'\xff\xff'), [GRAY, (255,) * 3]),
        (message('16UC1', (19789).to_bytes(2, 'big') + b'\xff\xff', big=True), [GRAY, (255,) * 3]),
        (message('32FC1', floats(77 / 255, 1)), [GRAY, (255,) * 3]),
        (message('32FC1', np.array([77 / 255, 0], '>f4').tobytes(), big=True), [GRAY, (0,) * 3]),
        (message('32FC1', floats(-1, 2)), [(0, 0, 0), (255, 255, 255)]),
        (message('32FC1', floats(math.nan, math.inf)), [(0, 0, 0), (255, 255, 255)]),
    ],
)
def test_one_row_of_every_encoding(image, pixels):
    array = image_from_message(image)
    assert array.dtype == np.uint8
    assert array.shape == (1, 2, 3)
    assert array.flags.c_contiguous
    assert [tuple(pixel) for pixel in array[0].tolist()] == pixels


@pytest.mark.parametrize('padding', [0, 1, 5])
@pytest.mark.parametrize(
    ('encoding', 'scalar', 'channels'),
    [('rgb8', 'u1', 3), ('bgra8', 'u1', 4), ('mono8', 'u1', 1), ('16UC1', '<u2', 1)],
)
def test_padding_is_left_out(encoding, scalar, channels, padding):
    generator = np.random.default_rng(0)
    rows = generator.integers(0, 256, (4, 3 * channels), np.uint8).astype(scalar)
    plain = message(encoding, rows.tobytes(), 3, 4)
    padded = b''.join(row.tobytes() + b'\xee' * padding for row in rows)
    image = image_from_message(message(encoding, padded, 3, 4))
    assert image.flags.c_contiguous
    np.testing.assert_array_equal(image, image_from_message(plain))


def test_rgb_without_padding_is_not_copied():
    source = message('rgb8', bytes(6))
    assert np.shares_memory(image_from_message(source), np.frombuffer(source.data, np.uint8))


@pytest.mark.parametrize(
    ('data', 'pixel', 'tolerance'),
    [
        (encoded(np.full((8, 8, 3), RED, np.uint8), 'JPEG'), RED, 3),
        (encoded(np.full((8, 8, 3), RED, np.uint8), 'PNG'), RED, 0),
        (encoded(np.full((8, 8, 4), (*RED, 0), np.uint8), 'PNG'), RED, 0),
        (encoded(np.full((8, 8), 77, np.uint8), 'JPEG'), GRAY, 1),
        (encoded(np.full((8, 8), 77, np.uint8), 'PNG'), GRAY, 0),
        (encoded(np.full((8, 8), 19789, np.uint16), 'PNG'), GRAY, 0),
    ],
)
def test_compressed_images(data, pixel, tolerance):
    image = image_from_message(CompressedImage(data=data))
    assert image.dtype == np.uint8
    assert image.shape == (8, 8, 3)
    assert np.abs(image.astype(int) - pixel).max() <= tolerance


def test_an_image_survives_the_way_out_and_back():
    image = np.array([[RED, GREEN], [BLUE, GRAY], [RED, BLUE]], np.uint8)
    sent = image_to_message(image, HEADER)
    assert (sent.width, sent.height, sent.step, sent.encoding) == (2, 3, 6, 'rgb8')
    assert sent.header == HEADER
    np.testing.assert_array_equal(image_from_message(sent), image)


def test_a_map_goes_out_as_floats():
    values = np.array([[0.0, 0.25, 1.0], [0.5, 0.75, 0.125]], np.float32)
    sent = map_to_message(values, HEADER)
    assert (sent.width, sent.height, sent.step, sent.encoding) == (3, 2, 12, '32FC1')
    assert sent.header == HEADER
    np.testing.assert_array_equal(np.frombuffer(sent.data, '<f4').reshape(2, 3), values)


def test_a_jpeg_names_its_format_as_image_transport_does():
    sent = image_to_jpeg(np.full((8, 8, 3), GREEN, np.uint8), HEADER, quality=90)
    assert sent.format == 'rgb8; jpeg compressed bgr8'
    assert sent.header == HEADER
    assert np.abs(image_from_message(sent).astype(int) - GREEN).max() <= 3
