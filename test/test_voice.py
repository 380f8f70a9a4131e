"""The voice that says one thing after the other, and the list of backends."""

import threading
from queue import SimpleQueue

import pytest

from clue_ros.speech import BACKENDS
from clue_ros.speech.voice import Utterance
from clue_ros.speech.voice import Voice


class Notes:
    """Writes down what happens, in whatever thread."""

    def __init__(self):
        self._queue = SimpleQueue()

    def utterance(self, text, wanted=True):
        return Utterance(
            text,
            wanted=lambda: wanted,
            begun=lambda: self._queue.put(f'{text} begun'),
            ended=lambda error: self._queue.put(f'{text} ended {error}'),
        )

    def next(self, count):
        return [self._queue.get(timeout=5) for _ in range(count)]

    def is_empty(self):
        return self._queue.empty()


def fail(text):
    raise OSError(f'no loudspeaker for {text}')


@pytest.mark.parametrize(
    ('say', 'wanted', 'noted'),
    [
        (fail, True, ['a begun', 'a ended no loudspeaker for a']),
        (fail, False, ['a ended None']),
        (lambda text: None, True, ['a begun', 'a ended None']),
    ],
)
def test_an_utterance_ends_whatever_happens(say, wanted, noted):
    notes = Notes()
    voice = Voice(say)
    for _ in range(2):  # an error is not the end of the voice
        voice.add(notes.utterance('a', wanted))
        assert notes.next(len(noted)) == noted


def test_one_after_the_other():
    notes, go_on = Notes(), threading.Event()
    voice = Voice(lambda text: go_on.wait(5))
    voice.add(notes.utterance('a'))
    voice.add(notes.utterance('b'))
    assert notes.next(1) == ['a begun']
    assert notes.is_empty()
    go_on.set()
    assert notes.next(3) == ['a ended None', 'b begun', 'b ended None']


@pytest.mark.parametrize('name', BACKENDS)
def test_every_backend_can_be_made(name):
    backend = BACKENDS[name]()
    assert callable(backend.say) and callable(backend.listen)
