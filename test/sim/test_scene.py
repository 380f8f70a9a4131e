"""The scene graph and its words."""

from collections import Counter
from dataclasses import replace

import pytest
from scene_builders import row
from scene_builders import thing

from clue_ros.sim.scene import CATEGORIES
from clue_ros.sim.scene import COLORS
from clue_ros.sim.scene import HELD_OUT
from clue_ros.sim.scene import SIZES


def test_vocabulary():
    assert len(set(CATEGORIES)) >= 14
    assert len(set(COLORS)) == 10
    assert len(SIZES) == 2


def test_every_word_is_held_out_sometimes_and_seen_mostly():
    for position, words in enumerate((CATEGORIES, COLORS)):
        counts = Counter(pair[position] for pair in HELD_OUT)
        others = len(COLORS) if position == 0 else len(CATEGORIES)
        assert all(1 < counts[word] < others / 3 for word in words)


@pytest.mark.parametrize(
    ('field', 'value'),
    [('category', 'sofa'), ('color', 'beige'), ('size', 'huge'), ('visible', 1.1)],
)
def test_things_are_of_the_vocabulary(field, value):
    with pytest.raises(ValueError, match=field):
        replace(thing('small red mug'), **{field: value})


def test_orders_and_look_alikes():
    graph = row('small red mug', 'large red mug', 'small blue box')
    assert graph.across(0) < graph.across(1) < graph.across(2)
    assert graph.gap(0, 2) == pytest.approx(0.2)
    assert graph.has_look_alikes
    assert not row('small red mug', 'small red box').has_look_alikes
