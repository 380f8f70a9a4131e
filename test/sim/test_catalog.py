"""Meshes: closed where they should be, wound the right way, standing on the table."""

import numpy as np
import pytest

from clue_ros.sim.catalog import LARGE
from clue_ros.sim.catalog import VARIANTS
from clue_ros.sim.catalog import outline
from clue_ros.sim.catalog import parts
from clue_ros.sim.catalog import placed
from clue_ros.sim.catalog import reach
from clue_ros.sim.scene import CATEGORIES
from clue_ros.sim.shapes import cuboid
from clue_ros.sim.shapes import lathe
from clue_ros.sim.shapes import tube

ALL = [(category, variant) for category in CATEGORIES for variant in range(len(VARIANTS))]


@pytest.mark.parametrize(
    ('part', 'volume', 'within'),
    [
        (cuboid(1.0, 2.0, 3.0), 6.0, 1e-6),
        (lathe([(0, 0), (1, 0)], [(1, 0), (1, 2)], [(1, 2), (0, 2)]), 2 * np.pi, 0.1),
        (
            tube(
                np.array([[np.cos(a), np.sin(a), 0] for a in np.arange(40) * np.pi / 20]),
                np.full(40, 0.2),
                (0, 0, 1),
                closed=True,
            ),
            2 * np.pi**2 * 0.04,
            0.05,
        ),
    ],
    ids=['cuboid', 'cylinder', 'ring'],
)
def test_volumes(part, volume, within):
    assert part.volume == pytest.approx(volume, abs=within)


@pytest.mark.parametrize(('category', 'variant'), ALL)
def test_a_thing_stands_on_the_table(category, variant):
    small, large = (outline(category, size, variant) for size in ('small', 'large'))
    assert small[:, 2].min() == pytest.approx(0.0, abs=0.002)
    assert large == pytest.approx(small * LARGE)
    assert 0.024 < reach(category, 'small', variant) < 0.11


@pytest.mark.parametrize('category', CATEGORIES)
def test_one_part_has_the_colour_of_the_thing(category):
    meshes = parts(category, 'small', 0)
    assert [mesh.color for mesh in meshes].count(None) == 1
    for mesh in meshes:
        corners = mesh.vertices[mesh.faces]
        sides = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        assert np.linalg.norm(sides, axis=1).min() > 0  # no empty triangle
        assert len(meshes) <= 3


def test_placed_turns_to_the_left_and_then_moves():
    moved = placed(np.array([[1.0, 0.0, 0.5]]), 10.0, 20.0, np.pi / 2)
    assert moved[0] == pytest.approx((10.0, 21.0, 0.5))
