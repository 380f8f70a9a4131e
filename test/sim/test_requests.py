"""Random requests: the wanted verdict, every form, nothing unclear or held out."""

from collections import Counter

import numpy as np
import pytest

from clue_ros.sim.expressions import NONE
from clue_ros.sim.expressions import ONE
from clue_ros.sim.expressions import SEVERAL
from clue_ros.sim.expressions import Ranked
from clue_ros.sim.expressions import Related
from clue_ros.sim.expressions import fits
from clue_ros.sim.expressions import form
from clue_ros.sim.expressions import is_clear
from clue_ros.sim.expressions import names_held_out
from clue_ros.sim.expressions import verdict
from clue_ros.sim.requests import sample_request
from clue_ros.sim.sampling import OOD
from clue_ros.sim.sampling import SceneConfig
from clue_ros.sim.sampling import sample_scene

COUNT = 250
FORMS = {'category', 'attribute', 'size', 'spatial', 'relational', 'ordinal'}


@pytest.mark.parametrize(
    ('wanted', 'possible', 'forms'),
    [
        (ONE, 0.99, FORMS),
        (SEVERAL, 0.9, {'category', 'attribute', 'size', 'relational'}),
        (NONE, 0.99, FORMS - {'spatial'}),
    ],
)
@pytest.mark.parametrize('held_out', [False, True])
def test_verdicts(wanted, possible, forms, held_out):
    rng = np.random.default_rng(5)
    drawn = []
    for index in range(COUNT):
        scene = sample_scene(5, index, OOD if held_out else SceneConfig())
        expression = sample_request(rng, scene, wanted, held_out)
        if expression is None:
            continue
        drawn.append(expression)
        assert verdict(expression, scene) == wanted
        assert is_clear(expression, scene)
        assert held_out or not names_held_out(expression)
        if isinstance(expression, Ranked) and wanted == ONE:
            assert len(fits(expression.of, scene)) > 1
        if isinstance(expression, Related) and expression.anchor != expression.of:
            assert len(fits(expression.anchor, scene)) == 1 or wanted == NONE
    assert len(drawn) >= possible * COUNT
    assert forms <= set(Counter(map(form, drawn)))


def test_absent_things_resemble_those_on_the_table():
    """Most absent requests name a category or a colour that is there."""
    rng = np.random.default_rng(6)
    near = 0
    for index in range(COUNT):
        scene = sample_scene(6, index, SceneConfig())
        expression = sample_request(rng, scene, NONE, False)
        kind = expression.of if hasattr(expression, 'of') else expression
        words = {word for t in scene.things for word in (t.category, t.color)}
        near += bool({kind.category, kind.color} & words)
    assert near > 0.6 * COUNT


def test_the_same_numbers_draw_the_same_request():
    scene = sample_scene(5, 0, SceneConfig())
    first, again = (
        sample_request(np.random.default_rng(1), scene, SEVERAL, False) for _ in range(2)
    )
    assert first == again
