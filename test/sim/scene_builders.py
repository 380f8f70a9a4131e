"""Small scenes by hand: a camera above the table, things where one says."""

from __future__ import annotations

import numpy as np

from clue_ros.box import Box
from clue_ros.sim.camera import Camera
from clue_ros.sim.look import LookConfig
from clue_ros.sim.look import sample_look
from clue_ros.sim.scene import Scene
from clue_ros.sim.scene import Thing

CAMERA = Camera(1.2, 0.8, 0.0, 0.0, (0.0, 0.0), 0.7, 400, 300)


def thing(words: str, x: float = 0.0, y: float = 0.0) -> Thing:
    """`small red mug` at a place in metres; its box is 20 pixels wide, 400 pixels to the metre."""
    size, color, category = words.split()
    box = Box(190 + 400 * x, 140 - 400 * y, 210 + 400 * x, 160 - 400 * y)
    return Thing(category, color, size, x, y, 0.0, 0, (0.5, 0.5, 0.5), box)


def scene(*things: Thing) -> Scene:
    """A scene of these things in any light."""
    look = sample_look(np.random.default_rng(0), LookConfig())
    return Scene('by hand', things, CAMERA, look)


def row(*words: str) -> Scene:
    """Things from left to right, a tenth of a metre apart."""
    start = -0.05 * (len(words) - 1)
    return scene(*(thing(item, start + 0.1 * k) for k, item in enumerate(words)))
