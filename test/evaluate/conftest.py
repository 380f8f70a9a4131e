"""What tests with the real model and with simulated scenes need."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from model_builders import CHECKPOINT

from clue_ros.errors import MissingSimulator
from clue_ros.evaluate import intervals
from clue_ros.model import checkpoint
from clue_ros.sim.render import Renderer


@pytest.fixture(scope='module')
def one_thread() -> Iterator[None]:
    """Threads of the model would wait for each other where other work goes on."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope='module')
def quick_intervals() -> Iterator[None]:
    """Fewer resamples; how intervals come about is tested by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intervals, 'RESAMPLES', 50)
        yield


@pytest.fixture(scope='module')
def hasty(tmp_path_factory) -> Iterator[Path]:
    """The embedded checkpoint without second thoughts: they take time and are tested elsewhere."""
    folder = shutil.copytree(CHECKPOINT, tmp_path_factory.mktemp('hasty') / 'clue-mini')
    config = json.loads((folder / 'clue.json').read_text())
    for key in ('parts', 'closer_looks', 'look_away', 'tried_questions'):
        del config[key]
    (folder / 'clue.json').write_text(json.dumps(config))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, '_EMBEDDED_FOLDER', folder)
        yield folder


@pytest.fixture(scope='session')
def simulator() -> None:
    """The test is skipped where MuJoCo or OpenGL are not installed."""
    try:
        with Renderer() as renderer:
            renderer.open(64, 64)
    except MissingSimulator as error:
        pytest.skip(str(error))
