"""What tells candidates apart: the attributes and places in which they differ."""

from __future__ import annotations

from dataclasses import dataclass

from clue_ros.sim.expressions import SLACK
from clue_ros.sim.expressions import lead
from clue_ros.sim.scene import Scene

ATTRIBUTES = ('category', 'color', 'size')
PLACES = {'side': ('left', 'right'), 'depth': ('front', 'back')}
MIDDLE = 'middle'


@dataclass(frozen=True)
class Option:
    """One answer to "which one?"."""

    aspect: str  # of ATTRIBUTES or PLACES
    value: str  # "red", "left", MIDDLE
    members: frozenset[int]  # the candidates it leaves


def distinctions(scene: Scene, candidates: frozenset[int]) -> dict[str, tuple[Option, ...]]:
    """For each aspect in which the candidates clearly differ, the options; two or more of them.

    The options of one aspect share no candidate, and together they hold all of them.
    """
    found = {}
    for aspect in ATTRIBUTES:
        values = sorted({getattr(scene.things[k], aspect) for k in candidates})
        found[aspect] = tuple(
            Option(
                aspect,
                value,
                frozenset(k for k in candidates if getattr(scene.things[k], aspect) == value),
            )
            for value in values
        )
    for aspect in PLACES:
        found[aspect] = _places(scene, candidates, aspect)
    return {aspect: options for aspect, options in found.items() if len(options) > 1}


def outermost(scene: Scene, candidates: frozenset[int], direction: str) -> int | None:
    """The candidate clearly furthest to a side, None where two of them nearly share it."""
    for k in candidates:
        if all(lead(scene, k, direction, other) > SLACK for other in candidates if other != k):
            return k
    return None


def has_place(scene: Scene, candidates: frozenset[int], aspect: str, value: str) -> bool:
    """Whether a candidate clearly has a place: is the outermost one, or is between two such."""
    if value != MIDDLE:
        return outermost(scene, candidates, value) is not None
    ends = {outermost(scene, candidates, direction) for direction in PLACES[aspect]}
    return None not in ends and bool(candidates - ends)


def _places(scene: Scene, candidates: frozenset[int], aspect: str) -> tuple[Option, ...]:
    low, high = PLACES[aspect]
    first, last = (outermost(scene, candidates, direction) for direction in (low, high))
    if first is None or last is None or first == last:
        return ()
    options = [Option(aspect, low, frozenset({first})), Option(aspect, high, frozenset({last}))]
    if between := candidates - {first, last}:
        options.insert(1, Option(aspect, MIDDLE, between))
    return tuple(options)
