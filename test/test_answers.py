"""What the decoder asks after it has tried its question out, with the embedded checkpoint."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from scene_files import SCENES
from scene_files import load_scenes

from clue_ros import rehearsal
from clue_ros.clue import Clue
from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidRequest
from clue_ros.pixels import decode
from clue_ros.question import offers
from clue_ros.response import Question

FALLBACKS = LEFT_OR_RIGHT, NEAR_OR_FAR = (
    'Which one do you mean, the left one or the right one?',
    'Which one do you mean, the closest one or the farthest one?',
)
# about the first of these the decoder would ask badly, about the second well
ROWS = [row for row in load_scenes() if row['verdict'] == 'several'][2:4]


@pytest.fixture(scope='module')
def clue() -> Iterator[Clue]:
    clue = Clue.load()
    with configured(clue, fallback_questions=FALLBACKS):
        yield clue


@pytest.fixture(scope='module')
def views(clue):
    return clue.look_all([decode((SCENES / row['image']).read_bytes()) for row in ROWS])


@contextmanager
def configured(clue: Clue, **values: Any) -> Iterator[None]:
    """The checkpoint with another clue.json."""
    config = clue._answers._config
    clue._answers._config = replace(config, **values)
    try:
        yield
    finally:
        clue._answers._config = config


def asked(clue, views, dialogs):
    return [response.text for response in clue.respond_all(views, dialogs, 'always')]


@pytest.fixture(scope='module')
def dialogs():
    return [Dialog(row['instruction']) for row in ROWS]


@pytest.fixture(scope='module')
def own(clue, views, dialogs):
    """What is asked without a rehearsal."""
    with configured(clue, fallback_questions=()):
        return asked(clue, views, dialogs)


@pytest.fixture(scope='module')
def rehearsed(clue, views, dialogs):
    return asked(clue, views, dialogs)


def test_what_does_best_when_tried_out_is_asked(clue, views, dialogs, own, rehearsed):
    """Reply by reply through the public door, which points at one look here."""
    for view, dialog, first, question in zip(views, dialogs, own, rehearsed, strict=True):
        with configured(clue, closer_looks=()):
            tried = {
                text: [
                    clue.respond(view, dialog.add(text, reply), 'never') for reply in offers(text)
                ]
                for text in (first, LEFT_OR_RIGHT, NEAR_OR_FAR)
            }
        assert question == rehearsal.best(tried)
    assert rehearsed == [LEFT_OR_RIGHT, own[1]]


def test_a_fallback_is_not_asked_twice(clue, views, dialogs, rehearsed):
    assert rehearsed[0] == LEFT_OR_RIGHT
    dialog = dialogs[0].add(LEFT_OR_RIGHT, 'what?')
    [once] = asked(clue, views[:1], [dialog])
    assert once != LEFT_OR_RIGHT
    [twice] = asked(clue, views[:1], [dialog.add(NEAR_OR_FAR, 'what?')])
    assert twice not in (LEFT_OR_RIGHT, NEAR_OR_FAR)


def test_a_dialog_that_leaves_no_room_for_a_reply_gets_the_own_question(clue, views):
    def dialog(words: int) -> Dialog:
        return Dialog('get the ' + 'zq ' * words)

    fitting = 0
    for words in range(1, 130):
        try:
            clue._answers._prefix([(views[0], dialog(words))], 48)
        except InvalidRequest:
            break
        fitting = words
    assert fitting < 129
    with configured(clue, fallback_questions=()):
        own = clue.respond(views[0], dialog(fitting), 'always')
    assert isinstance(own, Question)
    long = f'Which one, the {"xq " * 40} one or the right one?'
    with pytest.raises(InvalidRequest):
        clue.respond(views[0], dialog(fitting).add(long, 'the right one'), 'never')
    with configured(clue, fallback_questions=(long,)):
        assert clue.respond(views[0], dialog(fitting), 'always') == own
