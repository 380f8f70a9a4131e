"""Random scenes: repeatable, legal, and different where training must not look."""

from dataclasses import replace

import pytest

from clue_ros.sim.catalog import outline
from clue_ros.sim.catalog import placed
from clue_ros.sim.sampling import OOD
from clue_ros.sim.sampling import WIDE
from clue_ros.sim.sampling import SceneConfig
from clue_ros.sim.sampling import sample_scene
from clue_ros.sim.scene import CATEGORIES
from clue_ros.sim.scene import COLORS
from clue_ros.sim.scene import HELD_OUT

COUNT = 400
SCENES = {
    'id': [sample_scene(3, index, SceneConfig()) for index in range(COUNT)],
    'ood': [sample_scene(3, index, OOD) for index in range(COUNT)],
}


def pairs(scene):
    return [(thing.category, thing.color) for thing in scene.things]


def test_a_scene_depends_on_its_numbers_alone():
    config = SceneConfig()
    scene = sample_scene(3, 7, config)
    assert scene == SCENES['id'][7]
    others = [sample_scene(4, 7, config), sample_scene(3, 8, config), sample_scene(3, 7, config, 1)]
    assert all(other.things != scene.things for other in others)


@pytest.mark.parametrize('name', SCENES)
def test_things_are_seen_whole_and_apart(name):
    for scene in SCENES[name]:
        assert 3 <= len(scene.things) <= 8
        for thing in scene.things:
            vertices = outline(thing.category, thing.size, thing.variant)
            world = placed(vertices, thing.x, thing.y, thing.turn)
            assert scene.camera.box(world) == thing.box
            assert scene.camera.sees(thing.box, 4)
        gaps = [scene.gap(i, j) for i in range(len(scene.things)) for j in range(i)]
        assert min(gaps) > 0.05


@pytest.mark.parametrize('name', SCENES)
def test_look_alikes_and_variety(name):
    scenes = SCENES[name]
    assert sum(scene.has_look_alikes for scene in scenes) > 0.6 * COUNT
    things = [thing for scene in scenes for thing in scene.things]
    assert {thing.category for thing in things} == set(CATEGORIES)
    assert {thing.color for thing in things} == set(COLORS)
    assert 0.4 < sum(thing.size == 'small' for thing in things) / len(things) < 0.65


def test_training_never_shows_what_is_held_out():
    assert not HELD_OUT & {pair for scene in SCENES['id'] for pair in pairs(scene)}
    shown = sum(bool(HELD_OUT & set(pairs(scene))) for scene in SCENES['ood'])
    assert shown > 0.95 * COUNT
    assert WIDE[0] == SceneConfig()
    for config in WIDE:
        assert config.held_out == 0
        assert not set(config.variants) & set(OOD.variants)
        assert not set(config.look.patterns) & set(OOD.look.patterns)
        assert apart(config.distance, OOD.distance)
        assert apart(config.elevation, OOD.elevation)
        for name in ('saturation', 'light_azimuth', 'light_elevation', 'ambient'):
            assert apart(getattr(config.look, name), getattr(OOD.look, name)), name


def apart(one, other):
    """Whether two ranges share no more than an end."""
    return one[1] <= other[0] or other[1] <= one[0]


@pytest.mark.parametrize('config', WIDE)
def test_scenes_of_training_are_drawn_as_they_are_configured(config):
    for index in range(40):
        scene = sample_scene(5, index, config)
        assert config.elevation[0] <= scene.camera.elevation <= config.elevation[1]
        assert config.distance[0] <= scene.camera.distance <= config.distance[1]
        assert config.look.ambient[0] <= scene.look.ambient <= config.look.ambient[1]
        assert not HELD_OUT & set(pairs(scene))


def test_size_of_the_picture():
    scene = sample_scene(1, 0, replace(OOD, width=640, height=480))
    assert (scene.camera.width, scene.camera.height) == (640, 480)


@pytest.mark.parametrize(
    ('field', 'value'),
    [
        ('width', 20),
        ('height', 4000),
        ('things', (0, 4)),
        ('things', (5, 4)),
        ('things', (5, 40)),
        ('look_alikes', 1.5),
        ('held_out', -0.1),
        ('variants', ()),
        ('variants', (9,)),
        ('distance', (2.0, 1.0)),
        ('elevation', (0.1, 0.9)),
    ],
)
def test_configuration_is_checked(field, value):
    with pytest.raises(ValueError, match='picture' if field in ('width', 'height') else field):
        SceneConfig(**{field: value})
