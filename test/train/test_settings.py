"""The recipes that the documents name are read as they stand."""

from pathlib import Path

import pytest
import yaml

from clue_ros.train.backbone import BackboneConfig
from clue_ros.train.corpus import CorpusConfig
from clue_ros.train.ivg import IvgConfig
from clue_ros.train.probe import ProbeConfig
from clue_ros.train.settings import read_section

KINDS = {'corpus': CorpusConfig, 'backbone': BackboneConfig, 'ivg': IvgConfig, 'probe': ProbeConfig}
RECIPES = sorted((Path(__file__).parents[2] / 'config' / 'train').glob('*.yaml'))


def test_there_are_recipes():
    assert {'clue-mini.yaml', 'paligemma2-3b.yaml'} <= {path.name for path in RECIPES}


@pytest.mark.parametrize('path', RECIPES, ids=lambda path: path.stem)
def test_a_recipe_is_read(path):
    sections = yaml.safe_load(path.read_text())
    assert sections and set(sections) <= set(KINDS)
    for name in sections:
        assert isinstance(read_section(path, name, KINDS[name]), KINDS[name])
