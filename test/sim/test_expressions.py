"""What expressions mean: by hand, against brute force, and when things move a little."""

from dataclasses import replace

import numpy as np
import pytest
from scene_builders import row
from scene_builders import scene
from scene_builders import thing

from clue_ros.box import Box
from clue_ros.sim.expressions import DIRECTIONS
from clue_ros.sim.expressions import NEAR
from clue_ros.sim.expressions import NONE
from clue_ros.sim.expressions import ONE
from clue_ros.sim.expressions import RELATIONS
from clue_ros.sim.expressions import SEVERAL
from clue_ros.sim.expressions import SLACK
from clue_ros.sim.expressions import Kind
from clue_ros.sim.expressions import Ranked
from clue_ros.sim.expressions import Related
from clue_ros.sim.expressions import fits
from clue_ros.sim.expressions import form
from clue_ros.sim.expressions import is_clear
from clue_ros.sim.expressions import names_held_out
from clue_ros.sim.expressions import verdict
from clue_ros.sim.sampling import SceneConfig
from clue_ros.sim.sampling import sample_scene
from clue_ros.sim.scene import CATEGORIES
from clue_ros.sim.scene import COLORS
from clue_ros.sim.scene import HELD_OUT
from clue_ros.sim.scene import SIZES

ROW = row('small red mug', 'large red mug', 'small blue box', 'small red box', 'small red mug')
BESIDE = scene(thing('small red mug', -0.3), thing('small red mug'), thing('small red box', 0.1))
DEEP = scene(thing('small red mug', 0.2, -0.2), thing('large red mug', -0.2, 0.2))


@pytest.mark.parametrize(
    ('graph', 'expression', 'members', 'wanted', 'wanted_form'),
    [
        (ROW, Kind('spoon'), set(), NONE, 'category'),
        (ROW, Kind('mug', 'blue'), set(), NONE, 'attribute'),
        (ROW, Kind('mug'), {0, 1, 4}, SEVERAL, 'category'),
        (ROW, Kind(color='red'), {0, 1, 3, 4}, SEVERAL, 'attribute'),
        (ROW, Kind('mug', 'red', 'large'), {1}, ONE, 'size'),
        (ROW, Ranked(Kind('mug'), 'left'), {0}, ONE, 'spatial'),
        (ROW, Ranked(Kind('mug'), 'right', 2), {1}, ONE, 'ordinal'),
        (ROW, Ranked(Kind('mug'), 'left', 4), set(), NONE, 'ordinal'),
        (ROW, Ranked(Kind('spoon'), 'left'), set(), NONE, 'spatial'),
        (ROW, Related(Kind('mug'), 'left', Kind('box', 'blue')), {0, 1}, SEVERAL, 'relational'),
        (ROW, Related(Kind('mug'), 'right', Kind('mug')), {1, 4}, SEVERAL, 'relational'),
        (BESIDE, Related(Kind('mug'), 'near', Kind('box')), {1}, ONE, 'relational'),
        (ROW, Related(Kind('mug'), 'left', Kind('spoon')), set(), NONE, 'relational'),
        (ROW, Related(Kind('box', 'blue'), 'near', Kind('box', 'blue')), set(), NONE, 'relational'),
        (DEEP, Ranked(Kind('mug'), 'front'), {0}, ONE, 'spatial'),
        (DEEP, Ranked(Kind('mug'), 'back'), {1}, ONE, 'spatial'),
        (DEEP, Related(Kind(size='large'), 'back', Kind(size='small')), {1}, ONE, 'relational'),
        (DEEP, Related(Kind(size='large'), 'front', Kind(size='small')), set(), NONE, 'relational'),
    ],
)
def test_by_hand(graph, expression, members, wanted, wanted_form):
    assert fits(expression, graph) == members
    assert verdict(expression, graph) == wanted
    assert form(expression) == wanted_form
    assert is_clear(expression, graph)


@pytest.mark.parametrize(
    ('first', 'second', 'expression', 'clear'),
    [
        ((0.0, 0.0), (0.0, 0.1), Ranked(Kind('mug'), 'left'), False),
        ((0.0, 0.0), (0.0, 0.1), Ranked(Kind('mug'), 'front'), True),
        ((0.0, 0.0), (0.1, 0.03), Ranked(Kind('mug'), 'front'), False),
        ((0.0, 0.0), (NEAR, 0.0), Related(Kind('mug'), 'near', Kind('mug')), False),
        ((0.0, 0.0), (2 * NEAR, 0.0), Related(Kind('mug'), 'near', Kind('mug')), True),
        ((0.0, 0.0), (0.0, 0.1), Kind('mug'), True),
    ],
)
def test_clear(first, second, expression, clear):
    graph = scene(thing('small red mug', *first), thing('small blue mug', *second))
    assert is_clear(expression, graph) is clear


def test_what_cannot_be_meant():
    with pytest.raises(ValueError, match='relation'):
        Related(Kind('mug'), 'under', Kind('box'))
    with pytest.raises(ValueError, match='direction'):
        Ranked(Kind('mug'), 'top')
    with pytest.raises(ValueError, match='rank'):
        Ranked(Kind('mug'), 'left', 0)


def test_held_out_pairs_are_found_in_anchors_too():
    category, color = sorted(HELD_OUT)[0]
    assert names_held_out(Kind(category, color))
    assert names_held_out(Related(Kind('mug'), 'near', Kind(category, color)))
    assert names_held_out(Ranked(Kind(category, color), 'left'))
    assert not names_held_out(Related(Kind(category), 'near', Kind(color=color)))


def random_kind(rng):
    return Kind(
        str(rng.choice(CATEGORIES)) if rng.uniform() < 0.4 else '',
        str(rng.choice(COLORS)) if rng.uniform() < 0.4 else '',
        str(rng.choice(SIZES)) if rng.uniform() < 0.4 else '',
    )


def random_expression(rng):
    of = random_kind(rng)
    match rng.integers(3):
        case 0:
            return of
        case 1:
            return Related(of, str(rng.choice(RELATIONS)), random_kind(rng))
    return Ranked(of, str(rng.choice(DIRECTIONS)), int(rng.integers(1, 5)))


def naive(expression, graph):
    """The same question asked of plain tuples, one thing at a time."""
    rows = []
    for k, item in enumerate(graph.things):
        column = (item.box.x1 + item.box.x2) / (2 * graph.camera.width)
        rows.append((k, item.category, item.color, item.size, column, item.x, item.y))

    def is_kind(entry, kind):
        wanted = (kind.category, kind.color, kind.size)
        return all(not w or w == v for w, v in zip(wanted, entry[1:4], strict=True))

    if isinstance(expression, Kind):
        return {entry[0] for entry in rows if is_kind(entry, expression)}
    if isinstance(expression, Ranked):
        by = {'left': (4, False), 'right': (4, True), 'front': (6, False), 'back': (6, True)}
        column, reverse = by[expression.direction]
        line = [entry for entry in rows if is_kind(entry, expression.of)]
        line.sort(key=lambda entry: entry[column], reverse=reverse)
        return {line[expression.rank - 1][0]} if expression.rank <= len(line) else set()
    found = set()
    for one in rows:
        for other in rows:
            if one is other or not is_kind(one, expression.of):
                continue
            if not is_kind(other, expression.anchor):
                continue
            if {
                'left': one[4] < other[4],
                'right': one[4] > other[4],
                'front': one[6] < other[6],
                'back': one[6] > other[6],
                'near': np.hypot(one[5] - other[5], one[6] - other[6]) < NEAR,
            }[expression.relation]:
                found.add(one[0])
    return found


def shaken(graph, rng):
    """Every thing moved by less than half the slack, to the side and away."""
    things = []
    for item in graph.things:
        side, away = rng.uniform(-0.49, 0.49, 2) * SLACK
        pixels = side * graph.camera.width
        box = Box(item.box.x1 + pixels, item.box.y1, item.box.x2 + pixels, item.box.y2)
        things.append(replace(item, y=item.y + away, box=box))
    return replace(graph, things=tuple(things))


def test_brute_force_on_a_thousand_scenes():
    rng = np.random.default_rng(11)
    verdicts = dict.fromkeys((ONE, SEVERAL, NONE), 0)
    for index in range(1000):
        graph = sample_scene(11, index, SceneConfig())
        moved = shaken(graph, rng)
        for _ in range(8):
            expression = random_expression(rng)
            members = fits(expression, graph)
            assert members == naive(expression, graph), (index, expression)
            verdicts[verdict(expression, graph)] += 1
            if is_clear(expression, graph):
                assert fits(expression, moved) == members, (index, expression)
    assert min(verdicts.values()) > 500
