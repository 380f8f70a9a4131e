"""The robot's questions: they name what distinguishes the candidates, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clue_ros.sim.distinctions import MIDDLE
from clue_ros.sim.distinctions import Option
from clue_ros.sim.phrases import NUMBERS
from clue_ros.sim.phrases import enumerated
from clue_ros.sim.phrases import plural
from clue_ros.sim.phrases import shared_noun
from clue_ros.sim.phrases import with_a
from clue_ros.sim.scene import Scene

_LISTS = (
    'do you mean {options}?',
    'do you want {options}?',
    'should i take {options}?',
    'which {noun} do you mean, {options}?',
    'which {noun} should i take, {options}?',
    'i see {count}. do you mean {options}?',
    'there are {count}. should i take {options}?',
)
_COUNTS = (
    'i see {count}: {groups}. which one?',
    'there are {count}: {groups}. which one do you mean?',
    'i found {count}, {groups}. which one should i take?',
)
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


def ask(rng: np.random.Generator, scene: Scene, options: Sequence[Option]) -> str:
    """Ask which of the options of one aspect is meant."""
    candidates = frozenset[int]().union(*(option.members for option in options))
    noun = shared_noun(scene, candidates)
    count = f'{NUMBERS[len(candidates)]} {plural(noun)}'
    attributes = options[0].aspect in ('category', 'color', 'size')
    if attributes and rng.uniform() < 0.35:
        groups = enumerated([_group(option) for option in options], 'and')
        return _pick(rng, _COUNTS).format(count=count, groups=groups)
    style = int(rng.integers(2))
    named = enumerated([name(option, style) for option in options])
    return _pick(rng, _LISTS).format(options=named, noun=noun, count=count)


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


def _group(option: Option) -> str:
    """`a red one`, `two red ones`, `two mugs`."""
    number = len(option.members)
    noun = option.value if option.aspect == 'category' else f'{option.value} one'
    return with_a(noun) if number == 1 else f'{NUMBERS[number]} {plural(noun)}'


def _pick(rng: np.random.Generator, phrases: Sequence[str]) -> str:
    return phrases[int(rng.integers(len(phrases)))]
