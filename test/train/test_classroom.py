"""Batches: what each token that answers speaks of."""

from dataclasses import replace
from itertools import pairwise

import pytest
from model_builders import mini_backbone

from clue_ros.sim.dialogs import DialogConfig
from clue_ros.sim.scene import CATEGORIES
from clue_ros.sim.scene import COLORS
from clue_ros.train.classroom import Classroom
from clue_ros.train.classroom import ClassroomConfig
from clue_ros.train.dense import COLOR
from clue_ros.train.packing import IGNORED
from clue_ros.train.pictures import PLAIN

GRID = 7
PLACES = 4  # tokens of a box


@pytest.fixture(scope='module')
def backbone():
    return mini_backbone()


def batch(corpus, backbone, **shares):
    shape = ClassroomConfig(rows=6, **shares)
    return Classroom(corpus, backbone.tokenizer, GRID, shape, PLAIN, DialogConfig(), 5).batch(0)


def test_the_tokens_of_a_box_speak_of_one_thing_and_those_of_another_box_of_another(
    corpus, backbone
):
    made = batch(corpus, backbone, detect=1.0)
    labels, spoken = made['labels'], made['spoken'].float()
    several = 0
    for row, end in (labels == backbone.tokenizer.eos_token_id).nonzero().tolist():
        lesson = made['lesson'][row, end]
        places = (labels[row] >= backbone.first_location) & (made['lesson'][row] == lesson)
        if not places.any():
            continue  # nothing fits
        boxes = spoken[row, places].split(PLACES)
        for box in boxes:
            # all false where other things hide this one from every patch
            assert (box == box[0]).all()
        for one, other in pairwise(boxes):
            assert not (one[0] * other[0]).any()
        several += len(boxes) > 1
    assert several > 5


def test_what_a_question_says_of_some_lies_within_what_it_is_about(corpus, backbone):
    made = batch(corpus, backbone, detect=0.0)
    labels, spoken, referents = made['labels'], made['spoken'], made['referents']
    assert not spoken[labels == IGNORED].any()
    some = 0
    for row, position in (labels != IGNORED).nonzero().tolist():
        about = referents[row, made['lesson'][row, position]]
        said = spoken[row, position]
        assert not (said & ~about).any()
        some += bool(said.any()) and bool((said != about).any())
    assert some > 20


def test_of_a_box_to_complete_two_places_and_the_end_are_taught(corpus, backbone):
    made = batch(corpus, backbone, complete=1.0)
    labels, spoken = made['labels'], made['spoken']
    assert not spoken[labels == IGNORED].any()
    ends = (labels == backbone.tokenizer.eos_token_id).nonzero().tolist()
    assert len(ends) > 12
    for row, end in ends:
        taught = (made['lesson'][row] == made['lesson'][row, end]) & (labels[row] != IGNORED)
        assert (labels[row, taught] >= backbone.first_location).sum() == PLACES / 2
        assert int(taught.sum()) == PLACES / 2 + 1


def test_about_painted_things_no_color_is_said(corpus, backbone):
    shape = ClassroomConfig(rows=6)
    painted = replace(PLAIN, recolored=1)
    room = Classroom(corpus, backbone.tokenizer, GRID, shape, painted, DialogConfig(), 5)
    made = room.batch(0)
    said = ' '.join(backbone.tokenizer.batch_decode(made['ids']))
    assert any(f' {category}' in said for category in CATEGORIES)
    assert not any(color in said for color in COLORS)
    shown = made['classes'][..., 0] >= 0
    assert (made['classes'][..., COLOR] == -1).all()
    assert (made['classes'][shown][..., 2] >= 0).all()


@pytest.mark.parametrize('name', ['detect', 'complete'])
@pytest.mark.parametrize('share', [-0.1, 1.1])
def test_shares_lie_between_nothing_and_all(name, share):
    with pytest.raises(ValueError, match=f'{name} must lie in .0, 1., got {share}'):
        ClassroomConfig(rows=6, **{name: share})
