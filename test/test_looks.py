import numpy as np
import pytest

from clue_ros.box import Box
from clue_ros.looks import Look
from clue_ros.looks import around
from clue_ros.looks import covered
from clue_ros.looks import cut
from clue_ros.looks import join
from clue_ros.looks import moved
from clue_ros.looks import surest
from clue_ros.looks import window
from clue_ros.response import Absent
from clue_ros.response import Grounding


@pytest.mark.parametrize(
    ('box', 'share', 'part'),
    [
        ((300, 200, 340, 260), 0.5, (160, 110, 480, 350)),  # around the box
        ((0, 0, 40, 60), 0.5, (0, 0, 320, 240)),  # moved to where there is room
        ((600, 440, 640, 480), 0.5, (320, 240, 640, 480)),
        ((220, 200, 420, 260), 0.5, (0, 110, 640, 350)),  # as wide as four boxes, if there is room
        ((300, 200, 340, 220), 0.01, (240, 170, 400, 250)),
        ((0, 0, 640, 480), 0.5, (0, 0, 640, 480)),
        ((300.4, 200.4, 300.6, 200.6), 0.001, (300, 200, 301, 201)),  # never empty
    ],
)
def test_parts_around_a_box(box, share, part):
    found = around(Box(*box), share, 640, 480)
    assert found.corners == part
    assert all(isinstance(side, int) for side in found.corners)


@pytest.mark.parametrize(
    ('part', 'size', 'corners'),
    [
        ((0.0, 0.25, 0.75), (640, 480), (0, 120, 480, 480)),
        ((0.25, 0.0, 0.75), (640, 480), (160, 0, 640, 360)),
        ((0.15, 0.15, 0.85), (333, 11), (50, 2, 333, 11)),  # rounded, and not beyond the picture
        ((0.0, 0.0, 1.0), (64, 48), (0, 0, 64, 48)),
        ((0.9, 0.9, 0.01), (3, 1), (2, 0, 3, 1)),  # never empty
    ],
)
def test_parts_of_a_frame(part, size, corners):
    found = window(*part, *size)
    assert found.corners == corners
    image = np.arange(size[0] * size[1]).reshape(size[1], size[0])
    pixels = cut(image, found)
    assert pixels.shape == (found.y2 - found.y1, found.x2 - found.x1)
    assert pixels[0, 0] == image[found.y1, found.x1]


def test_what_was_found_in_a_window_is_moved_to_the_picture():
    found = moved(Grounding(Box(1, 2, 30, 40), 0.5), Box(100, 200, 300, 400))
    assert found == Grounding(Box(101, 202, 130, 240), 0.5)


ALL, LEFT = Box(0, 0, 640, 480), Box(0, 0, 200, 480)
THING, NEAR, OTHER = (100, 100, 140, 140), (108, 100, 148, 140), (300, 300, 340, 340)


def look(corners=None, confidence=0.0, window=ALL):
    return Look(window, Grounding(Box(*corners), confidence) if corners else None)


@pytest.mark.parametrize(
    ('looks', 'box', 'confidence'),
    [
        ([look(THING, 0.7)], THING, 0.7),
        # what agrees is averaged, the surer one counting more
        ([look(THING, 0.5), look(NEAR, 0.5)], (104, 100, 144, 140), 0.5),
        ([look(THING, 0.75), look(NEAR, 0.25)], (102, 100, 142, 140), 0.5),
        # the surest thing wins, whoever saw it first
        ([look(THING, 0.9), look(OTHER, 0.5)], THING, 0.45),
        ([look(THING, 0.9), look(OTHER, 0.5), look(OTHER, 0.5)], OTHER, 1 / 3),
        # of equally sure ones the first look
        ([look(THING, 0.5), look(OTHER, 0.5)], THING, 0.25),
        # looks that found nothing make it less sure, but for those that could not see it
        ([look(THING, 0.8), look(THING, 0.8), look(), look()], THING, 0.4),
        ([look(), look(OTHER, 0.8), look(OTHER, 0.8), look(window=LEFT)], OTHER, 1.6 / 3),
        ([look(), look(THING, 0.8), look(THING, 0.8), look(window=LEFT)], THING, 0.4),
        # no look is sure of anything
        ([look(THING, 0.0), look(NEAR, 0.0)], (104, 100, 144, 140), 0.001),
        # a box at the edge of what was seen can be no surer than sure
        ([look(OTHER, 1.0, LEFT), look(OTHER, 1.0, Box(0, 0, 310, 480))], OTHER, 1.0),
    ],
)
def test_the_surest_of_several_looks(looks, box, confidence):
    found = surest(looks)
    assert found.box.corners == pytest.approx(box)
    assert found.confidence == pytest.approx(confidence)


@pytest.mark.parametrize(
    ('looks', 'present'),
    [
        ([look(THING, 0.9), look(NEAR, 0.9)], True),
        # different things of one kind, or none of them surely: something is there
        ([look(THING, 0.9), look(OTHER, 0.8), look(), look()], True),
        ([look(THING, 0.05), look(OTHER, 0.05)], True),
        # less than half find anything
        ([look(THING, 0.9), look(), look()], False),
        ([look(OTHER, 0.9), look(OTHER, 0.9), look(), look(), look()], False),
        # a look that could not see the thing counts, too: it could see others
        ([look(OTHER, 0.9), look(window=LEFT), look(window=LEFT)], False),
    ],
)
def test_what_is_there(looks, present):
    assert join(looks) == (surest(looks) if present else Absent())


@pytest.mark.parametrize('looks', [[], [look()], [look(), look(window=LEFT)]])
def test_what_no_look_finds_is_absent(looks):
    assert surest(looks) is None
    assert join(looks) == Absent()


def test_the_last_digits_of_a_confidence_move_no_box():
    once = surest([look(THING, 0.7), look(NEAR, 0.4)])
    assert surest([look(THING, 0.7000001), look(NEAR, 0.3999999)]) == once


@pytest.mark.parametrize(
    ('box', 'rows', 'columns'),
    [
        ((0.2, 0.4, 80, 60), (0, 60), (0, 80)),  # the whole picture
        ((20.5, 10, 30, 19.5), (8, 22), (18, 32)),
        ((70, 50, 79, 59), (48, 60), (68, 80)),  # in a corner
    ],
)
def test_what_is_covered_has_the_colour_around_it(box, rows, columns):
    image = np.full((60, 80, 3), (90, 60, 30), np.uint8)
    x1, y1, x2, y2 = (round(side) for side in box)
    image[y1:y2, x1:x2] = 255
    before = image.copy()
    seen = covered(image, Box(*box))
    inside = np.zeros((60, 80), bool)
    inside[slice(*rows), slice(*columns)] = True
    whole = inside.all()  # then there is no other colour
    assert (seen[inside] == (255 if whole else (90, 60, 30))).all()
    np.testing.assert_array_equal(seen[~inside], before[~inside])
    np.testing.assert_array_equal(image, before)
