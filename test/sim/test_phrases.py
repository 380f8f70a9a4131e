"""Expressions in words."""

import re
from dataclasses import fields

import numpy as np
import pytest

from clue_ros.prompt import referring_expression
from clue_ros.sim.expressions import DIRECTIONS
from clue_ros.sim.expressions import RELATIONS
from clue_ros.sim.expressions import Kind
from clue_ros.sim.expressions import Ranked
from clue_ros.sim.expressions import Related
from clue_ros.sim.phrases import COMMON
from clue_ros.sim.phrases import HELD_OUT_PHRASING
from clue_ros.sim.phrases import enumerated
from clue_ros.sim.phrases import plural
from clue_ros.sim.phrases import say
from clue_ros.sim.phrases import say_request
from clue_ros.sim.phrases import with_a

BOX = Kind('box', 'red')
MUG = Kind('mug')


def ways(expression, phrasing=COMMON):
    """All ways to say it that a hundred draws find."""
    return {say(np.random.default_rng(k), expression, phrasing) for k in range(100)}


@pytest.mark.parametrize(
    ('expression', 'among'),
    [
        (BOX, {'the red box'}),
        (Kind('mug', 'blue', 'small'), {'the small blue mug'}),
        (Kind(color='red'), {'the red object', 'the red thing'}),
        (
            Related(MUG, 'left', BOX),
            {'the mug left of the red box', 'the mug to the left of the red box'},
        ),
        (Related(MUG, 'near', MUG), {'the mug next to another mug', 'the mug near another mug'}),
        (Ranked(MUG, 'front'), {'the closest mug', 'the mug in front', 'the mug closest to me'}),
        (Ranked(MUG, 'right', 2), {'the second mug from the right'}),
        (Ranked(MUG, 'back', 3), {'the third mug from the back', 'the third farthest mug'}),
    ],
)
def test_ways(expression, among):
    assert ways(expression) == among


@pytest.mark.parametrize('phrasing', [COMMON, HELD_OUT_PHRASING])
def test_everything_can_be_said_and_read(phrasing):
    rng = np.random.default_rng(0)
    said = [BOX, *(Ranked(BOX, side, rank) for side in DIRECTIONS for rank in (1, 2, 4))]
    said += [Related(BOX, relation, MUG) for relation in RELATIONS]
    for expression in said:
        for _ in range(20):
            text = say_request(rng, expression, phrasing)
            assert re.fullmatch(r'[a-z ,?-]+', text)
            assert '  ' not in text
            assert referring_expression(text, keep_article=True).startswith('the ')


def test_held_out_phrasings_are_others():
    for field in fields(COMMON):
        one, other = getattr(COMMON, field.name), getattr(HELD_OUT_PHRASING, field.name)
        if isinstance(one, dict):
            assert one.keys() == other.keys()
            one, other = sum(one.values(), ()), sum(other.values(), ())
        assert not set(one) & set(other)


@pytest.mark.parametrize(
    ('made', 'wanted'),
    [
        (plural('box'), 'boxes'),
        (plural('mug'), 'mugs'),
        (with_a('orange one'), 'an orange one'),
        (with_a('mug'), 'a mug'),
        (enumerated(['a']), 'a'),
        (enumerated(['a', 'b']), 'a or b'),
        (enumerated(['a', 'b', 'c'], 'and'), 'a, b and c'),
    ],
)
def test_grammar(made, wanted):
    assert made == wanted
