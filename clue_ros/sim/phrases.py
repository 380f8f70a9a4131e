"""From an expression to words, with many phrasings; some are kept for held-out scenes.

Everything is lower case with ordinary punctuation; a checkpoint's `Prompts` bring it into the
form that it was taught.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clue_ros.sim.expressions import Expression
from clue_ros.sim.expressions import Kind
from clue_ros.sim.expressions import Ranked
from clue_ros.sim.expressions import Related

ORDINALS = ('first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth')
NUMBERS = ('no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten')
_PLURALS = {'box': 'boxes'}

Phrases = tuple[str, ...]


@dataclass(frozen=True)
class Phrasing:
    """The ways to say things. {} stands for a noun phrase."""

    requests: Phrases
    nouns: Phrases  # for things whose category is not said
    relations: dict[str, Phrases]
    extremes: dict[str, Phrases]  # {} is the noun with its attributes
    ordinals: dict[str, Phrases]  # {rank} and {}


COMMON = Phrasing(
    requests=(
        'get {}',
        'get {} please',
        'grab {}',
        'grab {}, please',
        'give me {}',
        'hand me {}',
        'pick up {}',
        'please fetch {}',
        'bring me {}',
        'i need {}',
        'i want {}',
        'move {}',
        'take {}',
        'pass me {}',
        'can you bring me {}?',
        'could you take {}?',
        'can you give me {}, please?',
        '{} please',
    ),
    nouns=('object', 'thing'),
    relations={
        'left': ('left of {}', 'to the left of {}'),
        'right': ('right of {}', 'to the right of {}'),
        'front': ('in front of {}',),
        'back': ('behind {}',),
        'near': ('next to {}', 'near {}'),
    },
    extremes={
        'left': ('left {}', 'leftmost {}', '{} on the left'),
        'right': ('right {}', 'rightmost {}', '{} on the right'),
        'front': ('closest {}', '{} in front', '{} closest to me'),
        'back': ('farthest {}', '{} at the back', '{} farthest from me'),
    },
    ordinals={
        'left': ('{rank} {} from the left',),
        'right': ('{rank} {} from the right',),
        'front': ('{rank} {} from the front', '{rank} closest {}'),
        'back': ('{rank} {} from the back', '{rank} farthest {}'),
    },
)

HELD_OUT_PHRASING = Phrasing(
    requests=(
        'would you pass me {}?',
        'please pick {}',
        'could you hand me {}?',
        'i would like to have {}',
        'find {} for me',
        'robot, get {}',
        'hey, lift {} please',
        'i would like {}',
        'could you please fetch {} for me?',
    ),
    nouns=('item', 'one'),
    relations={
        'left': ('on the left side of {}', 'left from {}'),
        'right': ('on the right side of {}', 'right from {}'),
        'front': ('that is in front of {}',),
        'back': ('that is behind {}',),
        'near': ('beside {}', 'close to {}'),
    },
    extremes={
        'left': ('{} on the far left', 'left-most {}'),
        'right': ('{} on the far right', 'right-most {}'),
        'front': ('nearest {}', '{} nearest to me'),
        'back': ('{} in the back', '{} furthest from me'),
    },
    ordinals={
        'left': ('{rank} {} counted from the left', '{rank} from the left {}'),
        'right': ('{rank} {} counted from the right', '{rank} from the right {}'),
        'front': ('{rank} nearest {}',),
        'back': ('{rank} furthest {}',),
    },
)


def say_request(rng: np.random.Generator, expression: Expression, phrasing: Phrasing) -> str:
    """One way to ask for what an expression names."""
    return _pick(rng, phrasing.requests).format(say(rng, expression, phrasing))


def say(rng: np.random.Generator, expression: Expression, phrasing: Phrasing) -> str:
    """One noun phrase for an expression, with its article."""
    match expression:
        case Kind():
            return f'the {_noun(rng, expression, phrasing)}'
        case Related(of, relation, anchor):
            other = _noun(rng, anchor, phrasing)
            # a thing is never next to itself, so its like is another one
            article = 'another' if anchor == of else 'the'
            where = _pick(rng, phrasing.relations[relation]).format(f'{article} {other}')
            return f'the {_noun(rng, of, phrasing)} {where}'
        case Ranked(of, direction, 1):
            pattern = _pick(rng, phrasing.extremes[direction])
            return f'the {pattern.format(_noun(rng, of, phrasing))}'
        case Ranked(of, direction, rank):
            pattern = _pick(rng, phrasing.ordinals[direction])
            return f'the {pattern.format(_noun(rng, of, phrasing), rank=ORDINALS[rank - 1])}'


def plural(noun: str) -> str:
    """More than one of it."""
    return _PLURALS.get(noun, f'{noun}s')


def with_a(word: str) -> str:
    """`a` or `an` before a word of this language, and the word."""
    return f'an {word}' if word[0] in 'aeiou' else f'a {word}'


def enumerated(items: list[str], word: str = 'or') -> str:
    """`a, b or c`."""
    return f' {word} '.join(part for part in (', '.join(items[:-1]), items[-1]) if part)


def _noun(rng: np.random.Generator, kind: Kind, phrasing: Phrasing) -> str:
    words = (kind.size, kind.color, kind.category or _pick(rng, phrasing.nouns))
    return ' '.join(word for word in words if word)


def _pick(rng: np.random.Generator, phrases: Phrases) -> str:
    return phrases[int(rng.integers(len(phrases)))]
