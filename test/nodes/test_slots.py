"""Newest frame wins, and every frame is accounted for."""

import numpy as np
import pytest

from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidImage
from clue_ros.nodes.slots import Slots
from clue_ros.nodes.slots import Subject

IMAGE = np.zeros((2, 2, 3), np.uint8)


def read(message):
    if message == 'bad':
        raise InvalidImage('wanted a picture, got none')
    return IMAGE


def make(timeout=60.0):
    return Slots(['left', 'right'], read, timeout)


def test_an_unreadable_frame_is_counted_and_names_its_camera():
    slots = make()
    slots.put('left', 'bad', wanted=True)
    with pytest.raises(InvalidImage, match="camera 'left': wanted a picture"):
        slots.decode(slots.fresh()['left'])
    assert slots.counts['left'].invalid == 1
    assert slots.counts['left'].last_error == 'wanted a picture, got none'
    slots.put('left', 'good', wanted=True)
    slots.decode(slots.fresh()['left'])
    assert slots.counts['left'].invalid == 1
    assert slots.counts['left'].last_error == ''
    assert slots.counts['right'].received == 0


def test_an_old_frame_is_not_fresh():
    slots = make(timeout=0.0)
    slots.put('left', 'good', wanted=False)
    assert slots.fresh() == {}
    assert 0 <= slots.age('left') <= slots.age('right')


def test_the_newest_frame_of_each_camera():
    slots = make()
    for camera, message in [('left', 1), ('right', 2), ('left', 3)]:
        slots.put(camera, message, wanted=False)
    assert {camera: frame.message for camera, frame in slots.fresh().items()} == {
        'left': 3,
        'right': 2,
    }


@pytest.mark.parametrize(
    ('wanted', 'used', 'dropped'), [(True, False, 1), (True, True, 0), (False, False, 0)]
)
def test_a_frame_is_dropped_only_when_it_was_wanted(wanted, used, dropped):
    slots = make()
    slots.put('left', 1, wanted)
    if used:
        slots.fresh()['left'].subject = Subject(Dialog('get the mug'))
    slots.put('left', 2, wanted)
    assert slots.counts['left'].dropped == dropped
    assert slots.counts['left'].received == 2


def test_a_frame_is_decoded_once():
    slots = make()
    slots.put('left', 1, wanted=True)
    frame = slots.fresh()['left']
    slots.decode(frame)
    frame.message = 'bad'
    slots.decode(frame)
    assert frame.image is IMAGE
