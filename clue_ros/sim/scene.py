"""The scene graph: what stands on the table, where, and how much of it the camera sees.

Language is judged against this graph alone, never against pixels. A thing is to the left of
another as the camera sees it (centre of its box) and in front of it when it stands nearer to the
camera on the table: the same two orders that a person sitting at the camera would use.
"""

from __future__ import annotations

from dataclasses import dataclass

from clue_ros.box import Box
from clue_ros.sim.camera import Camera
from clue_ros.sim.look import Look

CATEGORIES = (
    'apple',
    'ball',
    'banana',
    'bottle',
    'bowl',
    'box',
    'can',
    'cone',
    'cube',
    'hammer',
    'lamp',
    'mug',
    'plate',
    'ring',
    'spoon',
    'vase',
)
COLORS = (
    'black',
    'blue',
    'brown',
    'green',
    'orange',
    'pink',
    'purple',
    'red',
    'white',
    'yellow',
)
SIZES = ('small', 'large')

# Two colours of each category are never seen together in the training configuration, and neither
# are their words.
HELD_OUT = frozenset(
    (category, color)
    for i, category in enumerate(CATEGORIES)
    for j, color in enumerate(COLORS)
    if (i + j) % 5 == 0
)


@dataclass(frozen=True)
class Thing:
    """One object on the table."""

    category: str  # of CATEGORIES
    color: str  # of COLORS
    size: str  # of SIZES
    x: float  # metres on the table, to the right of its middle as the camera sees it
    y: float  # metres on the table, away from the camera
    turn: float  # radians about the vertical
    variant: int  # which shape of its category
    tint: tuple[float, float, float]  # red, green, blue in [0, 1]: this shade of the colour
    box: Box  # pixels; of all of it, or of what is seen once the scene was rendered
    visible: float = 1.0  # fraction of its pixels that nothing hides, in [0, 1]

    def __post_init__(self) -> None:
        for name, known in (('category', CATEGORIES), ('color', COLORS), ('size', SIZES)):
            value = getattr(self, name)
            if value not in known:
                raise ValueError(f'{name} must be one of {", ".join(known)}, got {value!r}')
        if not 0 <= self.visible <= 1:
            raise ValueError(f'visible must be a fraction in [0, 1], got {self.visible}')


@dataclass(frozen=True)
class Scene:
    """Things on a table in front of a camera."""

    name: str  # unique among the scenes of one folder
    things: tuple[Thing, ...]
    camera: Camera
    look: Look

    def across(self, index: int) -> float:
        """How far to the right a thing is seen, as a fraction of the picture's width."""
        return self.things[index].box.center[0] / self.camera.width

    def away(self, index: int) -> float:
        """How far from the camera a thing stands, in metres from the middle of the table."""
        return self.things[index].y

    def gap(self, first: int, second: int) -> float:
        """Metres between the middles of two things."""
        one, other = self.things[first], self.things[second]
        return float(((one.x - other.x) ** 2 + (one.y - other.y) ** 2) ** 0.5)

    @property
    def has_look_alikes(self) -> bool:
        """Whether two things are of one category."""
        return len({thing.category for thing in self.things}) < len(self.things)
