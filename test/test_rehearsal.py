import pytest

from clue_ros.box import Box
from clue_ros.rehearsal import best
from clue_ros.rehearsal import is_good
from clue_ros.response import Absent
from clue_ros.response import Grounding
from clue_ros.response import Invalid

LEFT, RIGHT = Box(0, 0, 40, 40), Box(100, 0, 140, 40)
NEAR = Box(4, 0, 44, 40)  # of the left one


def at(box: Box, confidence: float = 0.95) -> Grounding:
    return Grounding(box, confidence)


GOOD = [at(LEFT), at(RIGHT)]
UNSURE = [at(LEFT), at(RIGHT, 0.6)]
BAD = [
    [],  # offers nothing
    [at(LEFT)],
    [at(LEFT), at(LEFT)],
    [at(LEFT), at(NEAR)],
    [at(LEFT), at(RIGHT), at(NEAR)],
    [at(LEFT), Absent()],
    [at(LEFT), Invalid('', 'x1 > x2')],
    [Absent(), Absent()],
]


@pytest.mark.parametrize('responses', [*BAD, UNSURE])
def test_what_is_no_good_question(responses):
    assert not is_good(responses)


def test_a_question_that_surely_tells_things_apart_is_good():
    assert is_good(GOOD)
    assert is_good([at(LEFT, 0.8), at(RIGHT, 0.8), at(Box(200, 0, 240, 40), 0.8)])


@pytest.mark.parametrize('bad', BAD)
def test_what_is_asked_instead_of_a_bad_question(bad):
    assert best({'own?': bad, 'first?': UNSURE, 'second?': GOOD}) == 'first?'
    assert best({'own?': bad, 'first?': bad, 'second?': UNSURE}) == 'second?'
    assert best({'own?': UNSURE, 'first?': bad}) == 'own?'
    assert best({'own?': GOOD, 'first?': bad}) == 'own?'


@pytest.mark.parametrize(
    ('own', 'other', 'asked'),
    [
        (GOOD, [at(LEFT, 1.0), at(RIGHT, 1.0)], 'own?'),
        (UNSURE, UNSURE, 'other?'),  # it names places, which are as the boxes say
        # neither tells things apart: the surer one, of equals the decoder's own
        ([at(LEFT, 0.3), at(LEFT, 0.9)], [at(LEFT, 0.4), at(LEFT, 0.4)], 'other?'),
        ([at(LEFT, 0.4), at(LEFT, 0.4)], [at(LEFT, 0.3), at(LEFT, 0.9)], 'own?'),
        ([Absent(), Absent()], [at(LEFT, 0.4), Absent()], 'other?'),
        ([at(LEFT, 0.4)], [at(LEFT, 0.4 + 1e-6), at(LEFT, 0.4 + 1e-6)], 'own?'),
        ([], [], 'own?'),
    ],
)
def test_own_question_and_another(own, other, asked):
    assert best({'own?': own, 'other?': other}) == asked


def test_the_only_question_is_asked():
    assert best({'own?': BAD[2]}) == 'own?'
