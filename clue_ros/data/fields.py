"""Values of a row, checked: each function says what was wanted and what came."""

from __future__ import annotations

from collections.abc import Mapping
from reprlib import repr as brief
from typing import Any

from clue_ros.box import Box
from clue_ros.errors import InvalidBox
from clue_ros.errors import InvalidSource
from clue_ros.person import Thing

# Annotation tools round and half a pixel is no error. What is further out belongs to another
# picture, or to this one at another size.
TOLERANCE = 1.0  # pixels


def text(values: Mapping[str, Any], *names: str, default: str | None = None) -> str:
    """The text under the first of `names` that is there and not null; raises InvalidSource."""
    value = next((values[name] for name in names if values.get(name) is not None), default)
    if not isinstance(value, str):
        wanted = ' or '.join(f'"{name}"' for name in names)
        raise InvalidSource(f'wanted a text in {wanted}, {_came(value, values)}')
    return value


def flag(values: Mapping[str, Any], name: str) -> bool:
    """True or false; raises InvalidSource."""
    value = values.get(name)
    if not isinstance(value, bool):
        raise InvalidSource(f'wanted true or false in "{name}", {_came(value, values)}')
    return value


def entries(values: Mapping[str, Any], name: str) -> list[Any]:
    """A list, empty when it is not there or null; raises InvalidSource."""
    value = values.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidSource(f'wanted a list in "{name}", got {brief(value)}')
    return value


def box(value: Any, size: tuple[int, int]) -> Box:
    """A box from [x1, y1, x2, y2] in pixels of a picture of `size` (width, height).

    What lies outside the picture by no more than TOLERANCE is cut off. Raises InvalidBox.
    """
    if not isinstance(value, list) or len(value) != 4 or not all(map(_is_coordinate, value)):
        raise InvalidBox(f'wanted a box [x1, y1, x2, y2] in pixels, got {brief(value)}')
    found = Box(*map(float, value))
    width, height = size
    if (
        min(found.x1, found.y1) < -TOLERANCE
        or found.x2 > width + TOLERANCE
        or found.y2 > height + TOLERANCE
    ):
        raise InvalidBox(f'the box {value} is not inside its picture of {width}x{height} pixels')
    if found.x2 - found.x1 < 1 or found.y2 - found.y1 < 1:
        raise InvalidBox(
            f'the box {value} is smaller than a pixel; boxes are pixels, not fractions of a picture'
        )
    return Box(max(found.x1, 0), max(found.y1, 0), min(found.x2, width), min(found.y2, height))


def pairs(values: Mapping[str, Any], name: str) -> list[tuple[str, str]]:
    """A list of pairs of texts, empty when it is not there; raises InvalidSource."""
    for pair in entries(values, name):
        if not isinstance(pair, list) or [type(said) for said in pair] != [str, str]:
            raise InvalidSource(f'wanted pairs of two texts in "{name}", got {brief(pair)}')
    return [(first, second) for first, second in entries(values, name)]


def thing(value: Any, size: tuple[int, int]) -> Thing:
    """An object from its `box` and any of `size`, `color` and `category`, e.g. small red mug.

    Raises InvalidSource, InvalidBox.
    """
    if not isinstance(value, dict):
        raise InvalidSource(f'wanted an object with a "box", got {brief(value)}')
    words = (text(value, name, default='') for name in ('size', 'color', 'category'))
    return Thing(' '.join(word for word in words if word), box(value.get('box'), size))


def _is_coordinate(value: Any) -> bool:
    # neither bool, which is an int to Python, nor NaN, nor an int that is too large for a float
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e9 < value < 1e9


def _came(value: Any, values: Mapping[str, Any]) -> str:
    if value is None:
        return f'the row has {", ".join(map(brief, list(values)[:12])) or "nothing"}'
    return f'got {brief(value)}'
