"""Where points end up in the picture."""

import numpy as np
import pytest

from clue_ros.box import Box
from clue_ros.sim.camera import Camera

STRAIGHT = Camera(1.0, 0.8, 0.0, 0.0, (0.1, -0.05), 0.7, 400, 300)
TURNED = Camera(1.4, 1.1, 0.4, 0.1, (0.0, 0.0), 0.6, 200, 400)


@pytest.mark.parametrize('camera', [STRAIGHT, TURNED])
def test_the_target_is_in_the_middle(camera):
    middle = camera.project(np.array([[*camera.target, 0.0]]))[0]
    assert middle == pytest.approx((camera.width / 2, camera.height / 2))


@pytest.mark.parametrize('camera', [STRAIGHT, TURNED])
def test_axes_are_a_rotation(camera):
    assert camera.axes @ camera.axes.T == pytest.approx(np.eye(3))
    assert np.linalg.det(camera.axes) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ('step', 'axis', 'sign'),
    [((0.1, 0, 0), 0, 1), ((0, 0.1, 0), 1, -1), ((0, 0, 0.1), 1, -1)],
    ids=['right', 'away is up', 'up'],
)
def test_directions(step, axis, sign):
    start = np.array([[*STRAIGHT.target, 0.0]])
    moved = STRAIGHT.project(start + step) - STRAIGHT.project(start)
    assert sign * moved[0, axis] > 5
    assert abs(moved[0, 1 - axis]) < 1e-6


def test_the_opening_angle_fills_the_height():
    up = STRAIGHT.axes[1] * np.tan(0.35)
    point = np.array([[*STRAIGHT.target, 0.0]]) + up
    assert STRAIGHT.project(point)[0, 1] == pytest.approx(0.0)


@pytest.mark.parametrize(
    ('box', 'margin', 'seen'),
    [
        (Box(0, 0, 400, 300), 0, True),
        (Box(0, 0, 400, 300), 1, False),
        (Box(5, 5, 396, 295), 4, True),
        (Box(5, 5, 399, 295), 4, False),
        (Box(5, -1, 9, 9), 0, False),
    ],
)
def test_sees(box, margin, seen):
    assert STRAIGHT.sees(box, margin) is seen
