import math

import pytest

from clue_ros.box import Box
from clue_ros.box import decode_locations
from clue_ros.box import encode_locations
from clue_ros.errors import InvalidBox


@pytest.mark.parametrize(
    ('text', 'says'),
    [
        ('', 'exactly four'),
        ('the left one', 'exactly four'),
        ('<loc0001><loc0002><loc0003>', 'exactly four'),
        ('<loc0001><loc0002><loc0003><loc0004><loc0005>', 'exactly four'),
        ('<loc0001><loc0002><loc0003><loc0004> apple', 'exactly four'),
        ('<loc001><loc0002><loc0003><loc0004>', 'exactly four'),
        ('<loc0000><loc0000><loc1024><loc1023>', 'end at'),
        ('<loc0500><loc0000><loc0100><loc1023>', 'y1 < y2'),
        ('<loc0000><loc0500><loc1023><loc0100>', 'x1 < x2'),
        ('<loc0100><loc0000><loc0100><loc1023>', 'y1 < y2'),
    ],
)
def test_text_that_is_no_box_is_refused(text, says):
    with pytest.raises(InvalidBox, match=says):
        decode_locations(text, 640, 480)


@pytest.mark.parametrize(
    'corners',
    [(0, 0, 0, 1), (0, 5, 1, 5), (2, 0, 1, 1), (math.nan, 0, 1, 1), (0, 0, math.inf, 1)],
)
def test_corners_that_are_no_box_are_refused(corners):
    with pytest.raises(InvalidBox):
        Box(*corners)


@pytest.mark.parametrize(
    ('text', 'width', 'height', 'box'),
    [
        ('<loc0000><loc0000><loc1023><loc1023>', 640, 480, (0, 0, 640, 480)),
        # order y1 x1 y2 x2: a box in the top right of a wide image
        ('<loc0000><loc0512><loc0256><loc1023>', 1023, 512, (512, 0, 1023, 256 / 1023 * 512)),
        (' <loc0010><loc0020> <loc0030><loc0040> ', 1023, 1023, (20, 10, 40, 30)),
    ],
)
def test_decoding(text, width, height, box):
    assert decode_locations(text, width, height).corners == pytest.approx(box)


def test_encoding_is_undone_by_decoding_to_half_a_token():
    box = Box(143, 134, 180, 194)
    again = decode_locations(encode_locations(box, 480, 360), 480, 360)
    assert again.corners == pytest.approx(box.corners, abs=480 / 1023 / 2)
    outside = encode_locations(Box(-50, -1, 700, 400), 640, 360)
    assert outside == '<loc0000><loc0000><loc1023><loc1023>'


@pytest.mark.parametrize(
    ('other', 'iou'),
    [
        ((0, 0, 10, 10), 1.0),
        ((10, 0, 20, 10), 0.0),
        ((30, 30, 40, 40), 0.0),
        ((5, 0, 15, 10), 1 / 3),
        ((2, 2, 7, 7), 0.25),
    ],
)
def test_iou(other, iou):
    assert Box(0, 0, 10, 10).iou(Box(*other)) == pytest.approx(iou)
