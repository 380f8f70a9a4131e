"""Batches in their order, however many processes make them."""

import os

import pytest

from clue_ros.errors import InvalidRun
from clue_ros.train.ahead import in_order


def batch(number):
    if number < 0:
        raise InvalidRun(f'no batch {number}')
    return {'number': number, 'process': os.getpid()}


@pytest.mark.parametrize('workers', [0, 2])
def test_what_a_batch_raises_is_raised_after_the_batches_before_it(workers):
    made = in_order(batch, [3, -1], workers)
    assert next(made)['number'] == 3
    with pytest.raises(InvalidRun, match='no batch -1'):
        next(made)


@pytest.mark.parametrize('workers', [0, 2])
def test_batches_come_in_the_order_of_their_numbers(workers):
    numbers = [5, 4, 9, 0, 7, 1, 1, 3]
    made = list(in_order(batch, iter(numbers), workers))
    assert [one['number'] for one in made] == numbers
    makers = {one['process'] for one in made}
    assert len(makers) == max(1, workers)
    assert (os.getpid() in makers) == (workers == 0)
