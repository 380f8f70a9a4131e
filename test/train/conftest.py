"""A toy corpus and a toy backbone, made once: real pictures, real words, a model of seconds."""

import os

import pytest

pytest.importorskip('accelerate')

from clue_ros.errors import MissingSimulator  # noqa: E402
from clue_ros.sim.sampling import SceneConfig  # noqa: E402
from clue_ros.train.corpus import Corpus  # noqa: E402
from clue_ros.train.corpus import CorpusConfig  # noqa: E402
from clue_ros.train.corpus import render_shard  # noqa: E402

os.environ['ACCELERATE_USE_CPU'] = 'true'
SHARDS = 2


@pytest.fixture(scope='session')
def corpus_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('corpus')
    config = CorpusConfig(side=112, seed=1, shard=16)
    try:
        for number in range(SHARDS):
            render_shard(folder, number, config, SceneConfig())
    except MissingSimulator as error:
        pytest.skip(str(error))
    return folder


@pytest.fixture(scope='session')
def corpus(corpus_folder):
    return Corpus(corpus_folder, 1, 'train')


@pytest.fixture(scope='session')
def held_out(corpus_folder):
    return Corpus(corpus_folder, 1, 'validation')
