"""The picture people look at: nothing hidden, nothing cut off, the same colours every time."""

import numpy as np
import pytest

from clue_ros.box import Box
from clue_ros.overlay import CANDIDATE_COLORS
from clue_ros.overlay import MIN_WIDTH
from clue_ros.overlay import TARGET_COLOR
from clue_ros.overlay import Line
from clue_ros.overlay import draw
from clue_ros.response import Ambiguity

GRAY = 90
MAP = np.zeros((10, 10), np.float32)
MAP[2:4, 6:8] = 1.0
UNSURE = Ambiguity(MAP, (), 0.75, 0.5)
SURE = Ambiguity(MAP, (), 0.25, 0.5)
NO_PROBE = Ambiguity(MAP, (), None, None)
CAPTION = (Line('person', 'get the mug'), Line('robot', 'the red one ?'))


def frame(width=480, height=480):
    return np.full((height, width, 3), GRAY, np.uint8)


def has(picture, color):
    return bool((picture == np.array(color, np.uint8)).all(axis=-1).any())


def test_nothing_to_draw_is_the_frame():
    image = frame()
    np.testing.assert_array_equal(draw(image), image)


@pytest.mark.parametrize('ambiguity', [UNSURE, NO_PROBE])
def test_the_source_stays_untouched(ambiguity):
    image = frame()
    drawn = draw(image, ambiguity, CAPTION, [Box(9, 9, 99, 99)], Box(200, 200, 300, 300))
    assert not np.shares_memory(drawn, image)
    assert (image == GRAY).all()


@pytest.mark.parametrize('size', [(480, 480), (640, 480), (1920, 1080), (320, 1000)])
def test_the_caption_is_below_the_frame(size):
    width, height = size
    with_caption = draw(frame(*size), UNSURE, CAPTION)
    without = draw(frame(*size), UNSURE)
    assert with_caption.dtype == np.uint8
    assert with_caption.shape[1:] == (width, 3)
    assert height < without.shape[0] < with_caption.shape[0] < 1.5 * height
    np.testing.assert_array_equal(with_caption[:height], without[:height])


@pytest.mark.parametrize('size', [(64, 256), (1080, 4320), (1, 9000), (9000, 1), (3, 3)])
def test_any_proportion_can_be_drawn(size):
    drawn = draw(frame(*size), UNSURE, CAPTION, [Box(0, 0, *size)], Box(0, 0, *size))
    # enlarged to be readable, never beyond what a viewer can show
    assert drawn.size < 60_000_000


@pytest.mark.parametrize(
    ('size', 'factor'), [((64, 48), 5), ((160, 120), 2), ((1, 1), MIN_WIDTH), ((319, 240), 2)]
)
def test_a_tiny_frame_is_enlarged(size, factor):
    width, height = size
    drawn = draw(frame(*size), UNSURE, CAPTION, [Box(0, 0, width / 2, height / 2)])
    assert drawn.shape[1] == width * factor >= MIN_WIDTH
    assert drawn.shape[0] > height * factor


def test_heat_lies_where_the_attention_is_and_nowhere_else():
    drawn = draw(frame(500, 500), UNSURE)[:500].astype(int)
    changed = np.abs(drawn - GRAY).max(axis=-1) > 3
    assert changed[125:175, 325:375].all()
    changed[50:250, 250:450] = False
    assert not changed.any()


def test_opacity_zero_leaves_the_frame():
    assert (draw(frame(), UNSURE, opacity=0.0)[:480] == GRAY).all()


def test_heat_gets_brighter_with_attention():
    ramp = np.tile(np.linspace(0, 1, 20, dtype=np.float32), (20, 1))
    row = draw(np.zeros((480, 480, 3), np.uint8), Ambiguity(ramp, (), None, None))[240]
    brightness = row.astype(float) @ [0.299, 0.587, 0.114]
    assert (np.diff(brightness[::8]) >= -0.5).all()
    assert brightness[-1] > 120


@pytest.mark.parametrize('count', [1, 3, 8])
def test_candidate_colours_depend_on_the_number_only(count):
    boxes = [Box(10 + 55 * n, 100, 50 + 55 * n, 150) for n in range(count)]
    drawn = draw(frame(), candidates=boxes)
    for number, color in enumerate(CANDIDATE_COLORS):
        assert has(drawn, color) == (number < count)
    assert not has(drawn, TARGET_COLOR)


def test_the_inside_of_a_box_stays_free():
    drawn = draw(frame(), candidates=[Box(100, 100, 200, 200)], target=Box(300, 300, 400, 400))
    assert (drawn[101:200, 101:200] == GRAY).all()
    assert (drawn[301:400, 301:400] == GRAY).all()
    assert has(drawn, TARGET_COLOR)


@pytest.mark.parametrize(
    'box',
    [
        Box(-50, -50, 20, 20),
        Box(470, 470, 600, 600),
        Box(0, 0, 480, 480),
        Box(-9, -9, 999, 999),
        Box(479, 0, 480, 480),
        Box(500, 500, 600, 600),
        Box(10, 10, 10.1, 10.1),
    ],
)
def test_boxes_at_the_border_and_beyond(box):
    drawn = draw(frame(), candidates=[box], target=box, target_label='target, 12 s ago')
    assert drawn.shape == (480, 480, 3)
    assert has(drawn, TARGET_COLOR)


@pytest.mark.parametrize(
    'text', ['', '  ', 'word ' * 80, 'x' * 400, 'é ü 你好 \u202e', 'a' * 60 + ' b ' + 'c' * 60]
)
def test_any_text_fits(text):
    drawn = draw(frame(), UNSURE, [Line('person', text)])
    assert drawn.shape[1:] == (480, 3)
    # nothing is written over the right margin
    right = drawn[480:-30, -4:]
    assert (right == right[0, 0]).all()


def test_more_text_makes_a_higher_caption():
    heights = [draw(frame(), None, [Line('robot', 'word ' * n)]).shape[0] for n in (1, 30, 60)]
    assert heights == sorted(set(heights))


@pytest.mark.parametrize(
    ('ambiguity', 'color', 'missing'),
    [
        (UNSURE, (230, 159, 0), TARGET_COLOR),
        (SURE, TARGET_COLOR, (230, 159, 0)),
        (NO_PROBE, (150, 156, 168), TARGET_COLOR),
    ],
)
def test_the_verdict_shows_in_its_colour(ambiguity, color, missing):
    bar = draw(frame(), ambiguity)[480:, :240]
    assert has(bar, color)
    assert not has(bar, missing)
