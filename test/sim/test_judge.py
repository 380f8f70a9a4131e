"""Questions held against the scene graph: those anybody writes, and all that we ask."""

import numpy as np
import pytest
from scene_builders import row
from scene_builders import scene
from scene_builders import thing

from clue_ros.sim.distinctions import distinctions
from clue_ros.sim.judge import Fault
from clue_ros.sim.judge import faults
from clue_ros.sim.judge import named
from clue_ros.sim.questions import ask
from clue_ros.sim.questions import confirm
from clue_ros.sim.sampling import SceneConfig
from clue_ros.sim.sampling import sample_scene

MUGS = row('small red mug', 'large red mug', 'small blue mug')
MIXED = row('small red mug', 'small red box', 'small red can')
LEVEL = scene(thing('small red mug', 0.0, 0.0), thing('small red mug', 0.01, 0.2))
SAME, INVENTS, MISCOUNTS, VAGUE = Fault.SAME, Fault.INVENTS, Fault.MISCOUNTS, Fault.VAGUE


@pytest.mark.parametrize(
    ('graph', 'question', 'wanted'),
    [
        (MUGS, 'which one do you mean?', {SAME}),
        (MUGS, 'which mug?', {SAME}),
        (MUGS, '', {SAME}),
        (MUGS, 'do you mean the green one or the blue one?', {INVENTS}),
        (MUGS, 'do you mean the box?', {INVENTS, SAME}),
        (MUGS, 'the large blue one or the small red one?', {INVENTS}),
        (MUGS, 'i see three red ones and a blue one. which one?', {MISCOUNTS}),
        (MUGS, 'i see four mugs. the red or the blue one?', {MISCOUNTS}),
        (LEVEL, 'the left one or the right one?', {VAGUE, SAME}),
        (LEVEL, 'the middle one?', {VAGUE, SAME}),
        (MUGS, 'i see three mugs: two red ones and a blue one. which one?', set()),
        (MUGS, 'Do you mean the Red one or the Blue one?', set()),
        (MUGS, 'do you mean the blue one?', set()),
        (MUGS, 'should i take the large one, or a small one?', set()),
        (MUGS, 'the left one, the middle one or the right one?', set()),
        (MUGS, 'the small red one, the small blue one or the big one?', set()),
        (MUGS, 'the leftmost red one?', set()),
        (MIXED, 'the mug, the box or the can?', set()),
        (MIXED, 'can you tell me, is it the box?', set()),
        (LEVEL, 'the closest one or the farthest one?', set()),
    ],
)
def test_questions(graph, question, wanted):
    assert faults(question, graph, frozenset(range(len(graph.things)))) == wanted


@pytest.mark.parametrize(
    ('text', 'members'),
    [
        ('yes', {0, 1, 2}),
        ('no, the blue one', {2}),
        ('red please', {0, 1}),
        ('the left', {0}),
        ('the middle one', {1}),
        ('in between', set()),  # of front and back: they are level
        ('green', set()),
    ],
)
def test_replies(text, members):
    assert named(text, MUGS, frozenset({0, 1, 2})) == members


def test_our_own_questions_are_fair():
    rng = np.random.default_rng(2)
    aspects = set()
    for index in range(400):
        graph = sample_scene(2, index, SceneConfig())
        count = int(rng.integers(2, len(graph.things) + 1))
        candidates = frozenset(rng.choice(len(graph.things), count, replace=False).tolist())
        for aspect, options in distinctions(graph, candidates).items():
            aspects.add(aspect)
            members = [option.members for option in options]
            assert len(members) > 1
            assert sum(map(len, members)) == count
            assert frozenset().union(*members) == candidates
            question = ask(graph, options)
            assert question.endswith('?')
            assert not faults(question, graph, candidates), question
            assert not faults(confirm(rng, options[0]), graph, candidates)
    assert aspects == {'category', 'color', 'size', 'side', 'depth'}
