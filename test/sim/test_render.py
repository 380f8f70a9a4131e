"""Pictures by MuJoCo, held against the geometry that the scene was drawn from."""

from dataclasses import replace

import numpy as np
import pytest

from clue_ros.sim.catalog import outline
from clue_ros.sim.catalog import placed
from clue_ros.sim.render import silhouette
from clue_ros.sim.sampling import OOD
from clue_ros.sim.sampling import SceneConfig
from clue_ros.sim.sampling import sample_scene
from clue_ros.sim.scene import CATEGORIES
from clue_ros.sim.scene import SIZES
from clue_ros.sim.scene import Scene
from clue_ros.sim.scene import Thing

SMALL = SceneConfig(width=224, height=224)
ALONE = sample_scene(0, 0, SMALL)


def standing(category, size, y=0.0, color=(0.9, 0.1, 0.1)):
    """A thing in the middle of the table or beyond it."""
    box = ALONE.camera.box(placed(outline(category, size, 0), 0.0, y, 0.7))
    return Thing(category, 'red', size, 0.0, y, 0.7, 0, color, box)


def scene_of(*things):
    """These things on the table."""
    return Scene('few', things, ALONE.camera, ALONE.look)


@pytest.mark.parametrize('config', [SMALL, OOD, replace(SMALL, width=320, height=240)])
def test_boxes_are_those_of_the_geometry(renderer, config):
    for index in range(4):
        scene = sample_scene(21, index, config)
        picture = renderer.render(scene)
        assert picture.image.shape == (config.height, config.width, 3)
        assert picture.image.std() > 10
        for seen, drawn in zip(picture.scene.things, scene.things, strict=True):
            assert 0 < seen.visible <= 1
            if seen.visible == 1:
                assert seen.box.corners == pytest.approx(drawn.box.corners, abs=1.5)
            assert seen.box.x1 >= drawn.box.x1 - 1.5
            assert seen.box.y2 <= drawn.box.y2 + 1.5


@pytest.mark.parametrize('category', CATEGORIES)
def test_every_shape_fills_its_silhouette(renderer, category):
    """No hole, no face that looks inwards: the pixels are as many as the triangles cover."""
    for size in SIZES:
        scene = scene_of(standing(category, size))
        picture = renderer.render(scene)
        thing = picture.scene.things[0]
        pixels = int((picture.owners == 0).sum())
        assert pixels == pytest.approx(silhouette(thing, scene.camera), rel=0.08)
        assert thing.visible == 1


def test_things_have_their_colour(renderer):
    for color in ((0.9, 0.1, 0.1), (0.1, 0.1, 0.9)):
        picture = renderer.render(scene_of(standing('cube', 'large', color=color)))
        x, y = (round(value) for value in picture.scene.things[0].box.center)
        assert np.argmax(picture.image[y, x]) == np.argmax(color)


def test_what_hides_behind_something_is_less_visible(renderer):
    scene = scene_of(standing('box', 'large'), standing('box', 'small', y=0.1))
    first, second = renderer.render(scene).scene.things
    assert first.visible > 0.97
    assert 0 < second.visible < 0.8


def test_what_cannot_be_seen_makes_no_picture(renderer):
    inside = standing('box', 'small')
    assert renderer.render(scene_of(standing('box', 'large'), inside)) is None


def test_pictures_repeat(renderer):
    first, second = sample_scene(22, 0, SMALL), sample_scene(22, 1, OOD)
    before = renderer.render(first).image
    renderer.render(second)
    assert np.array_equal(before, renderer.render(first).image)


def test_looks_change_the_picture(renderer):
    scene = sample_scene(22, 0, SMALL)
    dark = replace(scene.look, brightness=0.1, ambient=0.1)
    bright = renderer.render(scene).image.mean()
    assert renderer.render(replace(scene, look=dark)).image.mean() < 0.7 * bright
