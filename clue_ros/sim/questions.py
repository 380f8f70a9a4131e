"""The robot's questions: they name what distinguishes the candidates, and nothing else.

The robot has one way to ask in each case. People have many ways to talk (`phrases.py`); a robot
that always asks alike is understood as well, and a small model learns it sooner.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np

from clue_ros.sim.distinctions import MIDDLE
from clue_ros.sim.distinctions import Option
from clue_ros.sim.phrases import enumerated
from clue_ros.sim.phrases import with_a
from clue_ros.sim.scene import Scene

_CONFIRMATIONS = ('do you mean {option}?', 'should i take {option}?', 'is it {option}?')

_PLACES = {
    ('side', 'left'): ('the left one', 'the one on the left'),
    ('side', MIDDLE): ('the middle one', 'the one in the middle'),
    ('side', 'right'): ('the right one', 'the one on the right'),
    ('depth', 'front'): ('the closest one', 'the one in front'),
    # other words than for the side: a reply shall need no question to be understood
    ('depth', MIDDLE): ('the one in between', 'the one in between'),
    ('depth', 'back'): ('the farthest one', 'the one at the back'),
}

# several candidates are none of the outermost
_BETWEEN = {'side': 'one in the middle', 'depth': 'one in between'}


def preferred(known: Mapping[str, tuple[Option, ...]]) -> tuple[Option, ...]:
    """The options that the robot asks about: those after which the fewest candidates are left.

    `known` is what `distinctions` finds, not empty. Of equals the first aspect wins: attributes
    are easier to say than places.
    """

    def left(aspect: str) -> int:
        return sum(len(option.members) ** 2 for option in known[aspect])

    return known[min(known, key=left)]


def ask(scene: Scene, options: Sequence[Option]) -> str:
    """Ask which of the options of one aspect is meant; the same question in the same case."""
    candidates = frozenset[int]().union(*(option.members for option in options))
    categories = {scene.things[k].category for k in candidates}
    named = enumerated([name(option) for option in options])
    if len(categories) > 1:
        return f'do you mean {named}?'
    return f'which {categories.pop()} do you mean, {named}?'


def confirm(rng: np.random.Generator, option: Option) -> str:
    """Ask whether an option is the one that is meant."""
    return _pick(rng, _CONFIRMATIONS).format(option=name(option, int(rng.integers(2))))


def name(option: Option, style: int = 0) -> str:
    """`the red one`, `a red one` if there are several, `the mug`, `the one on the left`.

    Places have two styles, 0 and 1.
    """
    if (option.aspect, option.value) in _PLACES:
        words = _PLACES[option.aspect, option.value][style]
        return words if len(option.members) == 1 else _BETWEEN[option.aspect]
    words = option.value if option.aspect == 'category' else f'{option.value} one'
    return f'the {words}' if len(option.members) == 1 else with_a(words)


def _pick(rng: np.random.Generator, phrases: Sequence[str]) -> str:
    return phrases[int(rng.integers(len(phrases)))]
