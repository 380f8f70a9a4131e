"""What the model says after second thoughts, of frames seen as a whole and in parts."""

from copy import copy
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scene_files import SCENES
from scene_files import load_scenes

from clue_ros import looks
from clue_ros.box import Box
from clue_ros.clue import Clue
from clue_ros.dialog import Dialog
from clue_ros.model.decoder import Form
from clue_ros.model.decoder import Suffix
from clue_ros.response import Absent
from clue_ros.response import Grounding
from clue_ros.response import Invalid
from clue_ros.response import Question

ROWS = load_scenes()


@pytest.fixture(scope='module')
def clue() -> Clue:
    return Clue.load()


def picture(row) -> np.ndarray:
    return np.asarray(Image.open(SCENES / row['image']).convert('RGB'))


def row(image: str):
    return next(row for row in ROWS if row['image'] == image)


def once(clue) -> Clue:
    """The same checkpoint without its looks at parts."""
    alone = copy(clue)
    alone._config = replace(clue._config, parts=())
    return alone


def test_a_frame_is_looked_at_in_parts(clue):
    image = picture(row('id_26.jpg'))
    view = clue.look(image)
    height, width = image.shape[:2]
    assert len(view.parts) == 2
    assert view.looks == (view, *(part.view for part in view.parts))
    for part in view.parts:
        x1, y1, x2, y2 = part.window.corners
        assert (x2 - x1, y2 - y1) == (round(0.85 * width), round(0.85 * height))
        np.testing.assert_array_equal(part.view.image, image[y1:y2, x1:x2])
        assert part.view.features.allclose(once(clue).look(part.view.image).features, atol=1e-4)
    above, below = (part.window.corners for part in view.parts)
    assert (above[1], above[2]) == (0, width)
    assert (below[0], below[3]) == (0, height)


def test_a_probability_is_what_all_looks_say(clue):
    view, dialog = clue.look(picture(row('id_26.jpg'))), Dialog('get the green mug')
    said = once(clue).ambiguity_all(view.looks, [dialog] * 3)  # parts have no parts
    odds = np.array([each.probability / (1 - each.probability) for each in said[1:]])
    whole = once(clue).ambiguity(clue.look(view.image), dialog)
    bare = replace(view, parts=())
    found, alone = clue.ambiguity_all([view, bare], [dialog] * 2)
    temperature = clue._config.temperature
    odds = np.append(odds, alone.probability / (1 - alone.probability)) ** temperature
    joint = np.mean(np.sqrt(odds)) ** 2
    expected = 1 / (1 + joint ** (-1 / temperature))
    assert found.probability == pytest.approx(expected, rel=1e-3)
    # what is seen and shown is the whole frame
    np.testing.assert_allclose(found.map, whole.map, atol=1e-4)
    assert found.regions and len(found.regions) == len(alone.regions)


def test_parts_show_what_a_whole_frame_hides(clue, monkeypatch):
    """What parts and closer looks gain on the clear requests of test/scenes."""
    scenes = [item for item in ROWS if item['verdict'] == 'one']
    views = clue.look_all([picture(item) for item in scenes])
    dialogs = [Dialog(item['instruction']) for item in scenes]

    def right(views) -> int:
        found = clue.respond_all(views, dialogs, 'never')
        return sum(
            isinstance(each, Grounding) and each.box.iou(Box(*item['target'])) >= 0.5
            for each, item in zip(found, scenes, strict=True)
        )

    often = right(views)
    monkeypatch.setattr(clue._answers, '_config', replace(clue._config, closer_looks=()))
    seldom = right([replace(view, parts=()) for view in views])
    print(f'right boxes of {len(scenes)}: {often}, at one look {seldom}')
    assert often > seldom


def test_a_thing_that_only_parts_of_a_frame_show_is_asked_about(clue, monkeypatch):
    view, dialog = clue.look(picture(row('id_26.jpg'))), Dialog('get the mug')
    write = clue._answers._write

    def blind(moments, forms):
        """The whole frame hides everything, unless one must ask about it."""
        suffixes = write(moments, forms)
        nothing = Suffix('', is_box=False, confidence=0.9, complete=True)
        return [
            nothing if seen is view and form is not Form.QUESTION else suffix
            for (seen, _), form, suffix in zip(moments, forms, suffixes, strict=True)
        ]

    monkeypatch.setattr(clue._answers, '_write', blind)
    assert clue.ambiguity(view, dialog).ambiguous
    assert isinstance(clue.respond(view, dialog, 'joint'), Question)


WHICH_SUFFIX = Suffix('which', is_box=False, confidence=0.3, complete=True)
WHICH, FAIR = Question('Which'), Question('Do you mean the red one or the blue one?')
POINTED = Grounding(Box(1, 2, 3, 4), 0.9)


@pytest.mark.parametrize(
    ('form', 'response', 'tried', 'again'),
    [
        (Form.UNLESS_ABSENT, WHICH, 3, Form.BOX),
        (Form.UNLESS_ABSENT, FAIR, 3, None),
        # a checkpoint whose questions are not tried out was perhaps taught others
        (Form.UNLESS_ABSENT, WHICH, 0, None),
        (Form.UNLESS_ABSENT, POINTED, 0, Form.QUESTION),
        (Form.UNLESS_ABSENT, Absent(), 3, None),
        (Form.QUESTION, WHICH, 3, None),
        (Form.EITHER, POINTED, 3, None),
        (Form.BOX, POINTED, 3, None),
    ],
)
def test_what_is_answered_again_in_another_form(clue, monkeypatch, form, response, tried, again):
    monkeypatch.setattr(clue._answers, '_config', replace(clue._config, tried_questions=tried))
    assert clue._answers._better_form(form, response) is again


def test_a_question_that_offers_nothing_gives_way_to_pointing(clue, monkeypatch):
    view, dialog = clue.look(picture(row('id_26.jpg'))), Dialog('get the mug')
    monkeypatch.setattr(clue._answers._try_out, 'best', lambda *_: WHICH_SUFFIX)
    assert clue.ambiguity(view, dialog).ambiguous
    assert clue.respond(view, dialog, 'probe') == WHICH
    assert isinstance(clue.respond(view, dialog, 'joint'), Grounding)


def test_a_question_is_tried_out_once_for_all_forms(clue, monkeypatch):
    view, other = clue.look_all([picture(row('id_26.jpg'))] * 2)
    dialog, tried = Dialog('get the mug'), []
    monkeypatch.setattr(
        clue._answers._try_out, 'best', lambda *moment: tried.append(moment) or WHICH_SUFFIX
    )
    forms = [Form.QUESTION, Form.EITHER, Form.BOX, Form.QUESTION]
    said = clue.decode_all([view, view, view, other], [dialog] * 4, forms)
    assert [seen for seen, *_ in tried] == [view, other]
    assert said[:2] == [WHICH, WHICH]
    assert isinstance(said[2], Grounding)
    assert said[3] == WHICH


def test_what_a_malformed_suffix_becomes(clue, monkeypatch):
    monkeypatch.setattr(clue._answers, '_config', replace(clue._config, tried_questions=0))
    view = once(clue).look(picture(ROWS[0]))
    backwards = '<loc0500><loc0500><loc0100><loc0900>'
    for suffix, kind in [
        (Suffix(backwards, is_box=True, confidence=0.5, complete=True), Invalid),
        (Suffix('which which', is_box=False, confidence=0.5, complete=False), Invalid),
        (Suffix('', is_box=False, confidence=0.5, complete=True), Absent),
    ]:
        monkeypatch.setattr(clue._answers._decoder, 'decode', lambda *_, suffix=suffix: [suffix])
        assert isinstance(clue.respond(view, Dialog('get the mug'), 'decoder'), kind)


CAN = Dialog('pick up the can')  # a green one and a white one


@pytest.fixture
def cans(clue):
    return clue.look(picture(row('id_30.jpg')))


def points_at(clue, view, dialog) -> int:
    """The number of the thing that is pointed at, of those that the request fits."""
    said = clue.respond(view, dialog, 'never')
    boxes = [Box(*corners) for corners in row('id_30.jpg')['boxes']]
    [number] = [k for k, box in enumerate(boxes) if box.iou(said.box) >= 0.5]
    return number


@pytest.mark.parametrize('reply', ['no, the other one', 'the other one', 'no, the {} one'])
def test_what_was_denied_is_not_pointed_at(clue, cans, reply):
    for offer, other in (('green', 'white'), ('white', 'green')):
        question = f'is it the {offer} one?'
        taken = points_at(clue, cans, CAN.add(question, 'yes'))
        assert points_at(clue, cans, CAN.add(question, reply.format(other))) == 1 - taken


def test_a_checkpoint_says_whether_it_looks_away(clue, cans, monkeypatch):
    monkeypatch.setattr(clue._answers, '_config', replace(clue._config, look_away=False))
    dialog = CAN.add('is it the green one?', 'the other one')
    assert points_at(clue, cans, dialog) == points_at(clue, cans, CAN.add('the green one?', 'yes'))


@pytest.mark.parametrize(
    ('question', 'reply'),
    [
        ('is it the banana?', 'no, the green one'),  # nothing of the kind is there
        ('is it the green one?', 'yes, the green one'),
    ],
)
def test_what_is_not_denied_or_not_there_is_not_covered(clue, cans, monkeypatch, question, reply):
    monkeypatch.setattr(looks, 'covered', None)
    points_at(clue, cans, CAN.add(question, reply))


def test_where_nothing_is_left_the_first_answer_stands(clue, cans, monkeypatch):
    answer = clue._answers._answer

    def only_the_frame(moments, forms):
        return answer(moments, forms) if moments[0][0] is cans else [Absent()]

    monkeypatch.setattr(clue._answers, '_answer', only_the_frame)
    dialog = CAN.add('is it the green one?', 'the other one')
    assert points_at(clue, cans, dialog) == points_at(clue, cans, CAN.add('the green one?', 'yes'))
