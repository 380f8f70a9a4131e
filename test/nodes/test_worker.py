"""The model's thread with the real embedded model: order, reuse, and nobody waits for ever."""

import threading

import numpy as np
import PIL.Image
import pytest
from scene_files import SCENES
from scene_files import load_scenes

from clue_ros.clue import Clue
from clue_ros.dialog import Dialog
from clue_ros.dialog import Turn
from clue_ros.errors import InvalidImage
from clue_ros.errors import InvalidRequest
from clue_ros.errors import NoImage
from clue_ros.errors import NotActive
from clue_ros.nodes.slots import Slots
from clue_ros.nodes.slots import Subject
from clue_ros.nodes.worker import Worker
from clue_ros.response import Grounding
from clue_ros.response import Question

UNCLEAR, CLEAR = load_scenes()[:2]


def read(row):
    if not isinstance(row, dict):
        raise InvalidImage(f'wanted a scene, got {row!r}')
    return np.asarray(PIL.Image.open(SCENES / row['image']).convert('RGB'))


def subject(row, dialog_id=''):
    return Subject(Dialog(row['instruction']), dialog_id)


@pytest.fixture(scope='module')
def clue():
    return Clue.load(device='cpu')


class Desk:
    """A worker with two cameras and everything it called back."""

    def __init__(self, clue, timeout=0.2):
        self.published, self.complaints = [], []
        self.changed = threading.Condition()
        self.slots = Slots(['left', 'right'], read, timeout)
        self.worker = Worker(
            clue, self.slots, self.note(self.published), self.note(self.complaints)
        )

    def note(self, where):
        def append(value):
            with self.changed:
                where.append(value)
                self.changed.notify_all()

        return append

    def wait(self, condition):
        with self.changed:
            assert self.changed.wait_for(condition, 20)


@pytest.fixture
def desk(clue):
    made = Desk(clue, timeout=30.0)
    yield made
    made.worker.stop()


@pytest.mark.parametrize(
    ('message', 'what', 'error', 'words'),
    [
        (None, subject(CLEAR), NoImage, "camera 'left' in 0.2 s"),
        ('noise', subject(CLEAR), InvalidImage, "camera 'left': wanted a scene, got 'noise'"),
        (CLEAR, Subject(Dialog('it', (Turn('q ' * 190, 'r ' * 190),) * 9)), InvalidRequest, '.'),
    ],
)
def test_a_request_that_cannot_be_served_fails_and_the_next_is_served(
    clue, message, what, error, words
):
    desk = Desk(clue)
    try:
        if message is not None:
            desk.worker.offer('left', message)
        with pytest.raises(error, match=words):
            desk.worker.submit('left', what, 'never').result(20)
        desk.worker.offer('right', CLEAR)
        assert desk.worker.submit('right', subject(CLEAR)).result(20)
        assert desk.worker.model_error == ''
    finally:
        desk.worker.stop()


def test_who_waits_when_the_worker_stops_is_told(clue):
    desk = Desk(clue, timeout=30.0)
    waiting = desk.worker.submit('left', subject(CLEAR))
    desk.worker.stop()
    for future in (waiting, desk.worker.submit('left', subject(CLEAR))):
        with pytest.raises(NotActive, match='activate'):
            future.result(0)


def test_a_fault_in_publishing_does_not_end_the_thread(clue):
    def fail(assessment):
        raise OSError('disk full')

    complaints = []
    slots = Slots(['left'], read, 30.0)
    worker = Worker(clue, slots, fail, complaints.append)
    worker.offer('left', CLEAR)
    for _ in range(2):
        assert worker.submit('left', subject(CLEAR)).result(20)
    worker.stop()
    assert [str(error) for error in complaints] == ['disk full', 'disk full']


def test_a_fault_of_the_model_is_remembered_until_it_works_again(clue, desk):
    desk.worker.offer('left', CLEAR)
    with pytest.raises(AttributeError):
        desk.worker.submit('left', Subject(None)).result(20)
    assert 'AttributeError' in desk.worker.model_error
    desk.worker.submit('left', subject(CLEAR)).result(20)
    assert desk.worker.model_error == ''


def test_a_frame_that_is_being_served_is_not_dropped(desk):
    desk.worker.follow(subject(CLEAR), 60.0)
    for _ in range(5):
        desk.worker.offer('left', CLEAR)
        future = desk.worker.submit('left', subject(CLEAR), 'probe')
        future.result(20)
    assert desk.slots.counts['left'].dropped == 0


def test_a_fault_in_publishing_one_camera_does_not_cost_the_other(clue):
    seen = []

    def publish(assessment):
        if assessment.frame.camera == 'left':
            raise RuntimeError('no display')
        seen.append(assessment)

    desk = Desk(clue, timeout=30.0)
    desk.worker._publish = publish
    for camera in ('left', 'right'):
        desk.worker.offer(camera, CLEAR)
    desk.worker.follow(subject(CLEAR), 60.0)
    desk.wait(lambda: desk.complaints)
    desk.worker.stop()
    assert [item.frame.camera for item in seen] == ['right']


def test_a_bad_frame_does_not_cost_the_other_camera(desk):
    desk.worker.offer('left', 'noise')
    desk.worker.offer('right', CLEAR)
    desk.worker.follow(subject(CLEAR), 30.0)
    desk.wait(lambda: desk.published and desk.complaints)
    assert [item.frame.camera for item in desk.published] == ['right']
    assert "camera 'left'" in str(desk.complaints[0])


@pytest.mark.parametrize(('row', 'kind'), [(UNCLEAR, Question), (CLEAR, Grounding)])
def test_a_response_comes_back_and_is_published(desk, row, kind):
    desk.worker.offer('left', row)
    result = desk.worker.submit('left', subject(row, 'd1'), 'probe').result(20)
    assert isinstance(result.response, kind)
    assert result.subject.dialog_id == 'd1'
    assert result.frame.message is row
    assert result.ambiguity.ambiguous == row['ambiguous']
    desk.wait(lambda: desk.published == [result])


def test_one_frame_is_encoded_once(desk):
    desk.worker.offer('left', CLEAR)
    views = {desk.worker.submit('left', subject(CLEAR)).result(20).frame.view for _ in range(3)}
    assert len(views) == 1
    assert desk.slots.counts['left'].assessed == 1


def test_without_a_subject_nothing_is_assessed(desk):
    desk.worker.offer('left', CLEAR)
    desk.worker.follow(subject(CLEAR), 0.0)
    desk.worker.follow(subject(CLEAR), 30.0)
    desk.worker.follow(None)
    desk.worker.submit('right', subject(CLEAR))
    desk.worker.offer('right', CLEAR)
    desk.wait(lambda: any(item.frame.camera == 'right' for item in desk.published))
    assert desk.worker.subject is None
    assert desk.slots.counts['left'].received == 1


def test_new_words_about_an_old_frame_are_assessed(desk):
    desk.worker.offer('left', CLEAR)
    for row in (CLEAR, UNCLEAR):
        desk.worker.follow(subject(row), 30.0)
        desk.wait(lambda row=row: desk.published and desk.published[-1].subject == subject(row))
    assert len(desk.published) == 2


def test_every_camera_is_assessed_and_the_busy_one_drops(desk):
    desk.worker.follow(subject(CLEAR), 30.0)
    for _ in range(50):
        desk.worker.offer('left', CLEAR)
        desk.worker.offer('right', UNCLEAR)
    desk.wait(lambda: {item.frame.camera for item in desk.published} == {'left', 'right'})
    desk.worker.stop()
    counts = desk.slots.counts['left']
    assert counts.received == 50
    assert counts.dropped > 0
    # the last one may still be on its way
    assert counts.received - 1 <= counts.assessed + counts.dropped <= counts.received
