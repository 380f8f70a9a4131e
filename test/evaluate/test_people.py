"""Who answers: options of a question, the scripted person in a conversation, the model."""

from __future__ import annotations

import numpy as np
import pytest
from scene_files import SCENES
from scene_files import load_scenes

from clue_ros.box import Box
from clue_ros.clue import Clue
from clue_ros.data.samples import Picture
from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidSource
from clue_ros.evaluate.cases import Case
from clue_ros.evaluate.people import Asked
from clue_ros.evaluate.people import ModelPerson
from clue_ros.evaluate.people import offers
from clue_ros.evaluate.people import scripted
from clue_ros.person import NONE_OF_THEM
from clue_ros.person import Thing
from clue_ros.pixels import decode
from clue_ros.response import Grounding
from clue_ros.view import View

PICTURE = Picture('a.png', 'a', lambda: np.zeros((8, 8, 3), np.uint8))
MUGS = tuple(
    Thing(f'small {color} mug', Box(x, 0, x + 20, 20 + x))
    for x, color in ((0, 'red'), (40, 'red'), (80, 'blue'))
)


def case(verdict='several', target=MUGS[0].box, **values):
    given = {'things': MUGS, 'candidates': tuple(mug.box for mug in MUGS)}
    return Case('a', PICTURE, Dialog('get the mug'), verdict, target=target, **{**given, **values})


def asked(question, case_, *turns):
    dialog = case_.dialog
    for turn in turns:
        dialog = dialog.add(*turn)
    return Asked(case_, View(np.zeros((8, 8, 3), np.uint8), None), dialog, question)


@pytest.mark.parametrize(
    ('question', 'replies'),
    [
        ('Do you mean the red one?', ['yes', 'no, the other one']),
        ('Is it the mug?', ['yes', 'no, the other one']),
        ('Do you mean the red one or the blue one?', ['the red one', 'the blue one']),
        (
            'Which mug do you mean, a red one, the blue one or one in the middle?',
            ['the red one', 'the blue one', 'one in the middle'],
        ),
        ('I see two mugs: a red one and a blue one. Which one?', ['the red one', 'the blue one']),
        ('There are two, a red one and a blue one. Which?', ['the red one', 'the blue one']),
        ('I see two mugs. Is it the red one?', ['yes', 'no, the other one']),
        ('Should I take the left one or an orange one?', ['the left one', 'the orange one']),
        ('Which one?', []),
        ('?', []),
    ],
)
def test_what_a_question_offers(question, replies):
    assert offers(question) == replies


@pytest.mark.parametrize(
    'wrong',
    [
        {'things': (), 'candidates': None},
        {'target': Box(1, 2, 3, 4)},
        {'verdict': '', 'target': Box(1, 2, 3, 4), 'things': MUGS[:1]},
    ],
)
def test_a_scripted_person_must_know_the_scene(wrong):
    with pytest.raises(InvalidSource, match='--person model'):
        scripted([asked('Which one?', case(**wrong))])


def test_the_scripted_person_follows_the_conversation():
    question = 'Do you mean a red one or the blue one?'
    first = scripted([asked(question, case())])
    assert first == ['the left one']
    meant = case(target=MUGS[2].box)
    blue, nobody = scripted([asked(question, meant), asked(question, case('none', None))])
    assert (blue, nobody) == ('the blue one', NONE_OF_THEM)
    # the candidates say which mugs are in question, even where words would let more in
    pair = case(candidates=(MUGS[0].box, MUGS[2].box))
    assert scripted([asked(question, pair)]) == ['the red one']
    # after "the red one" only the red ones are left
    later = asked('Do you mean the left one?', case(), ('A red one or a blue one?', 'a red one'))
    assert scripted([later]) == ['yes']


@pytest.mark.usefixtures('one_thread', 'hasty')
def test_the_model_says_what_leads_it_to_the_target():
    clue = Clue.load(device='cpu')
    rows = [row for row in load_scenes() if row['dialog']][:4]
    question = 'do you mean the left one or the right one?'
    talks, expected = [], []
    for row in rows:
        (view,) = clue.look_all([decode((SCENES / row['image']).read_bytes())])
        dialog, target = Dialog(row['instruction']), Box(*row['target'])
        talks.append(Asked(case(target=target), view, dialog, question))
        near = {}
        for reply in offers(question):
            answer = clue.respond(view, dialog.add(question, reply), 'never')
            near[reply] = answer.box.iou(target) if isinstance(answer, Grounding) else -1.0
        expected.append(near)
    nobody = Asked(case('none', None), talks[0].view, talks[0].dialog, question)
    vague = Asked(talks[0].case, talks[0].view, talks[0].dialog, 'Which one?')
    *replies, nothing, place = ModelPerson(clue, rows=3)([*talks, nobody, vague])
    assert nothing == NONE_OF_THEM
    assert place in ('the left one', 'the right one', 'the one in front', 'the one at the back')
    for reply, near in zip(replies, expected, strict=True):
        assert near[reply] == pytest.approx(max(near.values()), abs=1e-3)
