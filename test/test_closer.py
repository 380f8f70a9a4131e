import pytest

from clue_ros.box import Box
from clue_ros.closer import join
from clue_ros.closer import moved
from clue_ros.closer import window
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
def test_windows(box, share, part):
    found = window(Box(*box), share, 640, 480)
    assert found.corners == part
    assert all(isinstance(side, int) for side in found.corners)


def test_what_was_found_in_a_window_is_moved_to_the_picture():
    found = moved(Grounding(Box(1, 2, 30, 40), 0.5), Box(100, 200, 300, 400))
    assert found == Grounding(Box(101, 202, 130, 240), 0.5)


def look(corners: tuple[float, ...], confidence: float) -> Grounding:
    return Grounding(Box(*corners), confidence)


THING, NEAR, OTHER = (100, 100, 140, 140), (108, 100, 148, 140), (300, 300, 340, 340)


@pytest.mark.parametrize(
    ('first', 'again', 'count', 'box', 'confidence'),
    [
        # what agrees is averaged, the surer one counting more
        ((THING, 0.5), [(NEAR, 0.5)], 1, (104, 100, 144, 140), 0.5),
        ((THING, 0.75), [(NEAR, 0.25)], 1, (102, 100, 142, 140), 0.5),
        # the surest thing wins, whoever saw it first
        ((THING, 0.9), [(OTHER, 0.5)], 1, THING, 0.45),
        ((THING, 0.9), [(OTHER, 0.5), (OTHER, 0.5)], 2, OTHER, 1 / 3),
        # of equally sure ones the first look
        ((THING, 0.5), [(OTHER, 0.5)], 1, THING, 0.25),
        # looks that found nothing make it less sure
        ((THING, 0.8), [(THING, 0.8)], 3, THING, 0.4),
        # no look is sure of anything
        ((THING, 0.0), [(NEAR, 0.0)], 1, (104, 100, 144, 140), 0.001),
    ],
)
def test_joined_looks(first, again, count, box, confidence):
    found = join(look(*first), [look(*one) for one in again], count)
    assert found.box.corners == pytest.approx(box)
    assert found.confidence == pytest.approx(confidence)


def test_what_no_closer_look_finds_is_absent():
    assert join(look(THING, 0.9), [], 3) == Absent()


def test_the_last_digits_of_a_confidence_move_no_box():
    once = join(look(THING, 0.7), [look(NEAR, 0.4)], 1)
    assert join(look(THING, 0.7000001), [look(NEAR, 0.3999999)], 1) == once
