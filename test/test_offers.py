"""What a question offers, and which of several questions is the best to ask."""

import pytest

from clue_ros.offers import Trial
from clue_ros.offers import best
from clue_ros.offers import is_fair
from clue_ros.offers import offers


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
    ('trials', 'number'),
    [
        # none offers anything: the first is asked
        ([Trial(0.2, ()), Trial(0.9, ())], 0),
        # one that offers something is better than one that was written more readily
        ([Trial(0.9, ()), Trial(0.2, (0.99, 0.99))], 1),
        ([Trial(0.9, (0.99, 0.99)), Trial(0.9, (0.99, 0.99))], 0),
        # two differ less than floats do in batches of other sizes
        ([Trial(0.9, (0.99,)), Trial(0.90001, (0.99,))], 0),
        # what is not there
        ([Trial(0.9, (0.99, 0.02)), Trial(0.7, (0.99, 0.99))], 1),
        # words that nobody would write
        ([Trial(0.9, (0.9,)), Trial(0.1, (0.99, 0.99))], 0),
        # certainties are numbers too
        ([Trial(0.9, (0.0,)), Trial(0.0, (0.99,)), Trial(0.8, (1.0,))], 2),
    ],
)
def test_the_best_question(trials, number):
    assert best(trials) == number


@pytest.mark.parametrize(
    ('found', 'fair'),
    [
        ((), False),  # it offers nothing
        ((0.99, 0.9), False),
        ((float('nan'),), False),
        ((0.96, 1.0), True),
    ],
)
def test_a_fair_question_needs_no_other(found, fair):
    assert is_fair(found) is fair
