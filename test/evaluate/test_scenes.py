"""Simulated scenes as cases: the right split, drawn only when asked for, the same every time."""

from __future__ import annotations

from itertools import islice

import pytest

from clue_ros.evaluate.scenes import Scenes
from clue_ros.evaluate.scenes import scene_images
from clue_ros.evaluate.scenes import scene_places
from clue_ros.evaluate.sources import describe
from clue_ros.evaluate.sources import find_pictures
from clue_ros.sim.folder import split_of


@pytest.mark.parametrize(
    ('values', 'says'),
    [
        ({'count': 0}, 'count starts at 1'),
        ({'seed': -1}, 'seed'),
        ({'split': 'train'}, 'split must'),
    ],
)
def test_no_scenes(values, says):
    with pytest.raises(ValueError, match=says):
        Scenes(**values)


def test_only_scenes_of_the_split():
    for split in ('validation', 'test'):
        indices = list(Scenes(30, 5, split=split).indices())
        assert len(set(indices)) == 30
        assert {split_of(5, index) for index in indices} == {split}
    assert list(Scenes(3, ood=True).indices()) == [0, 1, 2]


@pytest.mark.usefixtures('simulator')
@pytest.mark.parametrize('ood', [False, True])
def test_cases_hold_the_truth_and_come_again(ood):
    scenes = Scenes(2, seed=4, ood=ood)
    first, second = ([place.cases() for place in scene_places(scenes)] for _ in range(2))
    assert len(first) == 2
    for cases, same in zip(first, second, strict=True):
        assert [case.dialog for case in cases] == [case.dialog for case in same]
        assert (cases[0].picture.load() == same[0].picture.load()).all()
        assert len({case.id for case in cases}) == len(cases)
        for case in cases:
            boxes = {thing.box for thing in case.things}
            assert set(case.candidates) <= boxes
            few = {'none': 0, 'one': 1}.get(case.verdict)
            assert len(case.candidates) == few if few is not None else len(case.candidates) > 1
            assert (case.target in case.candidates) == (case.verdict != 'none')
            assert bool(case.dialog.turns) == (case.verdict == 'several')


@pytest.mark.usefixtures('simulator')
def test_pictures_are_found_again():
    scenes = Scenes(40, seed=4)
    places = list(islice(scene_places(scenes), 3))
    name = places[1].name
    ((found, image),) = find_pictures(describe(scenes, 'loop'), [name])
    assert found == name
    assert (image == next(iter(scene_images(scenes, frozenset({name}))))[1]).all()
    with_cases = next(place for place in scene_places(scenes) if place.name == name)
    assert (with_cases.cases()[0].picture.load() == image).all()
