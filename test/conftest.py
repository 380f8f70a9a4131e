"""Fixtures of the tests that start nodes; this file also puts `ros_helpers` on the import path."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ros_helpers import Peer

# Threads that outnumber the idle cores make small models many times slower.
os.environ.setdefault('OMP_NUM_THREADS', '1')


@pytest.fixture(scope='module')
def domain() -> Iterator[int]:
    """A ROS domain of the test module's own."""
    from ros_helpers import own_domain

    with own_domain() as number:
        yield number


@pytest.fixture
def peer(domain: int) -> Iterator[Peer]:
    """A fresh node of this process in that domain."""
    from ros_helpers import Peer

    with Peer(domain) as node:
        yield node
