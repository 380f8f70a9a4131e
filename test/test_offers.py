"""What a question offers, and which of several questions is the best to ask."""

import pytest

from clue_ros.box import Box
from clue_ros.dialog import Dialog
from clue_ros.dialog import Turn
from clue_ros.offers import Found
from clue_ros.offers import Trial
from clue_ros.offers import best
from clue_ros.offers import denied
from clue_ros.offers import is_fair
from clue_ros.offers import offers
from clue_ros.offers import shortened
from clue_ros.offers import without_denial


@pytest.mark.parametrize(
    ('question', 'found'),
    [
        # nothing to be taken up
        ('', ()),
        ('do you mean', ()),
        ('Which one?', ()),
        ('What do you mean?', ()),
        ('?, or', ()),
        # what is taken up is said as it stands
        ('which mug do you mean, the red one or the blue one?', ('the red one', 'the blue one')),
        ('Do you mean the mug or the bowl?', ('the mug', 'the bowl')),
        ('Do you mean a red one, a blue one or the black one?',
         ('a red one', 'a blue one', 'the black one')),
        ('which lamp do you mean, the left one, one in the middle or the right one?',
         ('the left one', 'one in the middle', 'the right one')),
        ('Should I take the one on the left?', ('the one on the left',)),
        ('There are two mugs. Do you want the large one?', ('There are two mugs', 'the large one')),
        ('is it the orange one', ('the orange one',)),
    ],
)  # fmt: skip
def test_offers(question, found):
    assert offers(question) == found


@pytest.mark.parametrize(
    ('question', 'reply', 'offer'),
    [
        # nothing is denied
        ('is it the red one?', 'yes please', None),
        ('is it the red one?', 'the red one', None),
        ('is it the mug by the other one?', 'yes, the one by the other one', None),
        ('which one?', 'no', None),
        ('do you mean the red one or the blue one?', 'no, the other one', None),  # which?
        ('is it the red one?', 'the nose of the clown, the other side up', None),
        ('is it the red one?', 'no, the other one', 'the red one'),
        ('should i take the left one?', 'No, i mean the one on the right', 'the left one'),
        ('Do you mean the ring?', 'nope', 'the ring'),
        ('is it the black one?', 'the other one', 'the black one'),
        ('is it the black one?', 'i want the other, please', 'the black one'),
    ],
)
def test_what_a_reply_denies(question, reply, offer):
    assert denied(Turn(question, reply)) == offer


@pytest.mark.parametrize(
    ('reply', 'turns'),
    [
        ('no', 0),
        ('no, the other one please', 0),
        ('the other one', 0),
        ('no, the pink one', 1),
        ('no, sorry, the one on the right', 1),
    ],
)
def test_what_is_left_to_be_answered_after_a_denial(reply, turns):
    asked = Dialog('get the mug').add('the left one or the right one?', 'the left one')
    left = without_denial(asked.add('is it the left one?', reply))
    assert left.request == 'get the mug'
    assert left.turns == (Turn('is it the left one?', reply),) * turns


LEFT, RIGHT = Box(0.1, 0.4, 0.2, 0.5), Box(0.6, 0.4, 0.7, 0.5)
NEAR = Box(0.12, 0.6, 0.22, 0.7)  # in front of the left one, and hardly further right


def trial(confidence, *probabilities):
    """Of a question whose offers are apart from each other."""
    boxes = [Box(k / 4, 0, k / 4 + 0.1, 0.1) for k in range(len(probabilities))]
    return Trial(confidence, tuple(map(Found, ['the one'] * 4, probabilities, boxes)))


def offering(**boxes):
    """A question of 0.9 that offers so many things, all there: `the_left_one=LEFT`."""
    return Trial(0.9, tuple(Found(k.replace('_', ' '), 1.0, box) for k, box in boxes.items()))


@pytest.mark.parametrize(
    ('trials', 'number'),
    [
        # none offers anything: the first is asked
        ([trial(0.2), trial(0.9)], 0),
        # one that offers something is better than one that was written more readily
        ([trial(0.9), trial(0.2, 0.99, 0.99)], 1),
        ([trial(0.9, 0.99, 0.99), trial(0.9, 0.99, 0.99)], 0),
        # two differ less than floats do in batches of other sizes
        ([trial(0.9, 0.99), trial(0.90001, 0.99)], 0),
        # what is not there
        ([trial(0.9, 0.99, 0.02), trial(0.7, 0.99, 0.99)], 1),
        # words that nobody would write
        ([trial(0.9, 0.9), trial(0.1, 0.99, 0.99)], 0),
        # certainties are numbers too
        ([trial(0.9, 0.0), trial(0.0, 0.99), trial(0.8, 1.0)], 2),
        # one thing under two names, unless all else is worse
        ([offering(the_apple=LEFT, the_vase=LEFT), trial(0.5, 0.99, 0.99)], 1),
        ([offering(the_apple=LEFT, the_vase=LEFT), trial(0.2, 0.99, 0.99)], 0),
    ],
)
def test_the_best_question(trials, number):
    assert best(trials) == number


@pytest.mark.parametrize(
    ('question', 'probabilities', 'short'),
    [
        # nothing is to be left out
        ('which one?', (), None),
        ('do you mean the red one?', (0.1,), None),
        ('the red one, the blue one or the pink one?', (1.0, 0.96, 0.95), None),
        ('the red one or the red one?', (), None),  # offers the same thing twice
        # too little would be left
        ('the red one or the blue one?', (0.99, 0.94), None),
        ('the red one, the blue one or the pink one?', (0.1, 0.99, 0.2), None),
        ('the red one, the blue one or the pink one?', (0.99, float('nan'), 0.2), None),
        ('which can do you mean, the red one, the blue one or the pink one?', (0.2, 0.99, 0.99),
         'which can do you mean, the blue one or the pink one?'),
        ('do you mean the can, the jar or the box?', (1.0, 0.2, 1.0),
         'do you mean the can or the box?'),
        ('the can, a can, the jar and the box, which?', (1.0, 1.0, 1.0, 0.2),
         'the can, a can or the jar, which?'),
    ],
)  # fmt: skip
def test_a_question_without_what_is_not_there(question, probabilities, short):
    found = zip(offers(question), probabilities, strict=True) if probabilities else ()
    trial = Trial(0.9, tuple(Found(offer, p, None) for offer, p in found))
    assert shortened(question, trial) == short


@pytest.mark.parametrize(
    ('asked', 'fair'),
    [
        (trial(0.9), False),  # it offers nothing
        (trial(0.9, 0.99, 0.9), False),
        (trial(0.9, float('nan')), False),
        (offering(the_apple=LEFT, the_vase=LEFT), False),
        (offering(the_right_one=LEFT, the_left_one=RIGHT), False),
        (offering(the_left_one=LEFT, the_right_one=NEAR), False),  # by a hair
        (offering(the_left_one=LEFT, one_in_the_middle=NEAR, the_right_one=RIGHT), False),
        (offering(the_closest_one=LEFT, the_farthest_one=NEAR), False),
        (trial(0.9, 0.96, 1.0), True),
        (offering(the_one_on_the_left=RIGHT), True),  # nothing else that it could lie left of
        (offering(the_LEFT_one=LEFT, the_right_one=RIGHT), True),
        (offering(the_closest_one=NEAR, the_farthest_one=LEFT), True),
        (offering(the_leftover=RIGHT, the_lefthander=LEFT), True),  # other words
        (offering(the_left_one=LEFT, the_right_one=None), True),  # where it is, is not known
    ],
)
def test_a_fair_question_needs_no_other(asked, fair):
    assert is_fair(asked) is fair
