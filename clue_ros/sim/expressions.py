"""What a referring expression means: a small tree, and the set of things it fits in a scene.

    "the second mug from the left"      Ranked(Kind('mug'), 'left', 2)
    "the red one left of the box"       Related(Kind(color='red'), 'left', Kind('box'))

Two things may stand nearly side by side, and nobody would call one of them the left one. `fits`
therefore takes a slack: with the decision moved by it in favour of or against the expression, a
clear one fits the same things (`is_clear`). Nothing unclear is ever said or asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from clue_ros.sim.scene import HELD_OUT
from clue_ros.sim.scene import Scene

DIRECTIONS = ('left', 'right', 'front', 'back')
RELATIONS = (*DIRECTIONS, 'near')
NEAR = 0.17  # metres between the middles of two things that stand next to each other
SLACK = 0.04  # of the picture's width to the side, metres on the table otherwise

ONE, SEVERAL, NONE = 'one', 'several', 'none'
VERDICTS = (ONE, SEVERAL, NONE)


@dataclass(frozen=True)
class Kind:
    """Things with these attributes; empty ones don't matter."""

    category: str = ''
    color: str = ''
    size: str = ''


@dataclass(frozen=True)
class Related:
    """Those of `of` that stand in a relation to another thing that is an `anchor`."""

    of: Kind
    relation: str  # of RELATIONS
    anchor: Kind

    def __post_init__(self) -> None:
        if self.relation not in RELATIONS:
            raise ValueError(f'relation must be one of {RELATIONS}, got {self.relation!r}')


@dataclass(frozen=True)
class Ranked:
    """The one of `of` that comes at this place when they are counted from a side."""

    of: Kind
    direction: str  # of DIRECTIONS: the side where counting starts
    rank: int = 1  # 1 is the outermost

    def __post_init__(self) -> None:
        if self.direction not in DIRECTIONS:
            raise ValueError(f'direction must be one of {DIRECTIONS}, got {self.direction!r}')
        if self.rank < 1:
            raise ValueError(f'rank counts from 1, got {self.rank}')


Expression: TypeAlias = Kind | Related | Ranked


def fits(expression: Expression, scene: Scene, slack: float = 0.0) -> frozenset[int]:
    """Indices of the things that an expression fits; negative slack lets more things fit."""
    everything = range(len(scene.things))
    match expression:
        case Kind(category, color, size):
            return frozenset(
                k
                for k in everything
                if category in ('', scene.things[k].category)
                and color in ('', scene.things[k].color)
                and size in ('', scene.things[k].size)
            )
        case Related(of, relation, anchor):
            anchors = fits(anchor, scene)
            return frozenset(
                k
                for k in fits(of, scene)
                if any(a != k and holds(scene, k, relation, a, slack) for a in anchors)
            )
        case Ranked(of, direction, rank):
            return _ranked(fits(of, scene), scene, direction, rank, slack)


def holds(scene: Scene, one: int, relation: str, other: int, slack: float = 0.0) -> bool:
    """Whether a thing stands in a relation to another one, by more than `slack`."""
    if relation == 'near':
        return scene.gap(one, other) < NEAR - slack
    return lead(scene, one, relation, other) > slack


def lead(scene: Scene, one: int, direction: str, other: int) -> float:
    """How much further to a side a thing is than another one."""
    if direction in ('left', 'right'):
        ahead = scene.across(one) - scene.across(other)
        return ahead if direction == 'right' else -ahead
    ahead = scene.away(one) - scene.away(other)
    return ahead if direction == 'back' else -ahead


def is_clear(expression: Expression, scene: Scene) -> bool:
    """Whether nobody could judge differently what the expression fits."""
    return fits(expression, scene, SLACK) == fits(expression, scene, -SLACK)


def verdict(expression: Expression, scene: Scene) -> str:
    """ONE, SEVERAL or NONE: how many things the expression fits."""
    return (NONE, ONE, SEVERAL)[min(len(fits(expression, scene)), 2)]


def form(expression: Expression) -> str:
    """Which form of language it is, for statistics."""
    match expression:
        case Kind(_, color, size):
            return 'size' if size else 'attribute' if color else 'category'
        case Related():
            return 'relational'
        case Ranked(rank=rank):
            return 'spatial' if rank == 1 else 'ordinal'


def names_held_out(expression: Expression) -> bool:
    """Whether it says a category with a colour that training never shows on it."""
    kinds = [expression] if isinstance(expression, Kind) else [expression.of]
    if isinstance(expression, Related):
        kinds.append(expression.anchor)
    return any((kind.category, kind.color) in HELD_OUT for kind in kinds)


def _ranked(
    members: frozenset[int], scene: Scene, direction: str, rank: int, slack: float
) -> frozenset[int]:
    """Those that may be counted to be number `rank`; more than one of them with negative slack."""
    chosen = set()
    for k in members:
        leads = [lead(scene, k, direction, other) for other in members if other != k]
        surely_before = sum(value < -abs(slack) for value in leads)
        maybe_before = sum(value < abs(slack) for value in leads)
        if slack > 0:
            fitting = surely_before == maybe_before == rank - 1
        else:
            fitting = surely_before <= rank - 1 <= maybe_before
        if fitting:
            chosen.add(k)
    return frozenset(chosen)
