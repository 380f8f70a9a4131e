"""Surfaces and light."""

import numpy as np
import pytest

from clue_ros.sim.look import PATTERNS
from clue_ros.sim.look import TEXTURE_SIDE
from clue_ros.sim.look import LookConfig
from clue_ros.sim.look import Surface
from clue_ros.sim.look import sample_look


@pytest.mark.parametrize('pattern', PATTERNS)
def test_patterns(pattern):
    surface = Surface(pattern, (0.2, 0.2, 0.2), (0.8, 0.8, 0.8), 3)
    texture = surface.paint()
    assert texture.shape == (TEXTURE_SIDE, TEXTURE_SIDE, 3)
    assert texture.dtype == np.uint8
    assert texture.std() > 5
    assert np.array_equal(texture, surface.paint())


def test_looks_repeat_and_differ():
    config = LookConfig()
    first, again, other = (sample_look(np.random.default_rng(k), config) for k in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize(
    ('field', 'value'),
    [('patterns', ('lace',)), ('patterns', ()), ('ambient', (0.5, 0.4))],
)
def test_configuration_is_checked(field, value):
    with pytest.raises(ValueError, match=field):
        LookConfig(**{field: value})
