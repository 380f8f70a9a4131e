"""Splits: by group, stable, and those of the data set where it has them."""

from collections import Counter

import pytest

from clue_ros.data.samples import AmbiguitySample
from clue_ros.data.samples import Picture
from clue_ros.data.splits import in_split
from clue_ros.data.splits import split_of
from clue_ros.data.splits import split_of_picture
from clue_ros.errors import InvalidSource


def sample(group, split=''):
    return AmbiguitySample(group, Picture(group, group, lambda: None, split), 'get it', True)


@pytest.mark.parametrize(
    ('samples', 'named'),
    [
        ([], 'found none at all'),
        ([sample('a', 'ood'), sample('b', 'ood'), sample('c', 'id')], r'found id \(1\), ood \(2\)'),
    ],
)
def test_an_empty_split_is_an_error(samples, named):
    with pytest.raises(InvalidSource, match=f'the split train, {named}'):
        list(in_split(samples, 'train'))


# of seed 0
SPLITS = ['train', 'validation', 'test', 'validation', 'validation']


def test_shares():
    counts = Counter(split_of(1, f'scene_{number}') for number in range(20_000))
    assert counts['train'] / 20_000 == pytest.approx(0.7, abs=0.01)
    assert counts['validation'] / 20_000 == pytest.approx(0.15, abs=0.01)
    assert counts['test'] / 20_000 == pytest.approx(0.15, abs=0.01)


def test_the_same_ones_every_time():
    """A change of these would mix training and test data of everyone who has trained before."""
    splits = [split_of(0, group) for group in ('a.jpg', 'b.jpg', 'images/000003.jpg', '0000', 4)]
    assert splits == SPLITS
    assert [split_of(1, f'{n}') for n in range(40)] != [split_of(2, f'{n}') for n in range(40)]
    assert split_of(3, 12) == split_of(3, '12')


def test_every_sample_is_in_one_split_and_a_group_in_one():
    samples = [sample(f'{number // 3}') for number in range(300)]
    parts = {name: list(in_split(samples, name, 5)) for name in ('train', 'validation', 'test')}
    assert sum(map(len, parts.values())) == 300
    groups = [{item.picture.group for item in part} for part in parts.values()]
    assert sum(map(len, groups)) == len(set.union(*groups)) == 100


def test_the_split_of_the_data_set_is_kept():
    assert split_of_picture(sample('a', 'ood').picture) == 'ood'
    samples = [sample(f'{number}', 'test' if number < 3 else 'train') for number in range(9)]
    assert [item.id for item in in_split(samples, 'test')] == ['0', '1', '2']
