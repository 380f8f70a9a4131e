"""Random requests: an expression for a scene that fits one thing, several, or none."""

from __future__ import annotations

import numpy as np

from clue_ros.sim.expressions import DIRECTIONS
from clue_ros.sim.expressions import NONE
from clue_ros.sim.expressions import ONE
from clue_ros.sim.expressions import RELATIONS
from clue_ros.sim.expressions import SEVERAL
from clue_ros.sim.expressions import Expression
from clue_ros.sim.expressions import Kind
from clue_ros.sim.expressions import Ranked
from clue_ros.sim.expressions import Related
from clue_ros.sim.expressions import fits
from clue_ros.sim.expressions import is_clear
from clue_ros.sim.expressions import names_held_out
from clue_ros.sim.expressions import verdict
from clue_ros.sim.scene import CATEGORIES
from clue_ros.sim.scene import COLORS
from clue_ros.sim.scene import SIZES
from clue_ros.sim.scene import Scene

_TRIES = 200
# How often each form is drawn. Counting from a side always ends at one thing or none.
_FORMS = {
    ONE: {'kind': 0.45, 'related': 0.25, 'ranked': 0.3},
    SEVERAL: {'kind': 0.8, 'related': 0.2},
    NONE: {'kind': 0.65, 'related': 0.2, 'ranked': 0.15},
}


def sample_request(
    rng: np.random.Generator, scene: Scene, wanted: str, held_out: bool
) -> Expression | None:
    """Draw a clear expression with the `wanted` verdict; None where the scene has none.

    Without `held_out`, no expression names a category in a colour held out from training.
    """
    forms = _FORMS[wanted]
    for _ in range(_TRIES):
        name = str(rng.choice(list(forms), p=list(forms.values())))
        expression = _draw(rng, scene, name, wanted)
        if (
            verdict(expression, scene) == wanted
            and is_clear(expression, scene)
            and (held_out or not names_held_out(expression))
            and _is_apt(expression, scene, wanted)
        ):
            return expression
    return None


def _draw(rng: np.random.Generator, scene: Scene, name: str, wanted: str) -> Expression:
    """An expression about things of the scene, or of none with a part of it exchanged."""
    of = _draw_kind(rng, scene)
    if name == 'kind':
        return _exchanged(rng, of) if wanted == NONE else of
    if name == 'ranked':
        rank = 1 if rng.uniform() < 0.55 else int(rng.integers(2, 5))
        return Ranked(of, str(rng.choice(DIRECTIONS)), rank)
    anchor = _draw_kind(rng, scene, named=True)
    if wanted == NONE and rng.uniform() < 0.5:
        anchor = _exchanged(rng, anchor)
    return Related(of, str(rng.choice(RELATIONS)), anchor)


def _draw_kind(rng: np.random.Generator, scene: Scene, named: bool = False) -> Kind:
    """Some attributes of one of the things; always its category if it shall be `named`."""
    thing = scene.things[int(rng.integers(len(scene.things)))]
    category = thing.category if named or rng.uniform() < 0.85 else ''
    color = thing.color if not category or rng.uniform() < 0.4 else ''
    size = thing.size if rng.uniform() < 0.2 else ''
    return Kind(category, color, size)


def _exchanged(rng: np.random.Generator, kind: Kind) -> Kind:
    """The kind with another category, colour or size: like what is there, and yet absent.

    A colour may also be added: "the blue mug" beside a red one is the harder case.
    """
    given = [name for name, value in vars(kind).items() if value]
    field = 'color' if rng.uniform() < 0.5 else str(rng.choice(given))
    values = {'category': CATEGORIES, 'color': COLORS, 'size': SIZES}[field]
    return Kind(**{**vars(kind), field: str(rng.choice(values))})


def _is_apt(expression: Expression, scene: Scene, wanted: str) -> bool:
    """Whether a person would say it: "the leftmost mug" takes two mugs, "the box" one box."""
    match expression:
        case Ranked(of) if wanted == ONE:
            return len(fits(of, scene)) > 1
        case Ranked(of, rank=rank):
            return rank <= len(fits(of, scene)) + 1  # no "fourth mug" where there is one
        case Related(of, _, anchor):
            count = len(fits(anchor, scene))
            if wanted == NONE:
                return anchor != of and count < 2
            return anchor == of or count == 1  # "left of another mug", "left of the box"
    return True
