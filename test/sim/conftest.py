"""The renderer, where there is one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from clue_ros.errors import MissingSimulator
from clue_ros.sim.render import Renderer


@pytest.fixture(scope='session')
def renderer() -> Iterator[Renderer]:
    """A renderer that draws; the test is skipped where MuJoCo or OpenGL are not installed."""
    try:
        made = Renderer()
        made.open(64, 64)
    except MissingSimulator as error:
        pytest.skip(str(error))
    with made:
        yield made
