"""Is a question fair? Its words, whoever wrote them, held against the scene graph.

A question is read as the options that it names: what stands between commas, `or`, `and` and full
stops. Each must fit at least one candidate, and one of them must fit some but not all.
"""

from __future__ import annotations

import re
from enum import Enum

from clue_ros.sim.distinctions import outermost
from clue_ros.sim.phrases import NUMBERS
from clue_ros.sim.phrases import plural
from clue_ros.sim.scene import CATEGORIES
from clue_ros.sim.scene import COLORS
from clue_ros.sim.scene import SIZES
from clue_ros.sim.scene import Scene


class Fault(Enum):
    """What can be wrong with a question."""

    INVENTS = 'names something that no candidate is'
    MISCOUNTS = 'counts candidates wrongly'
    VAGUE = 'names a place that no candidate clearly has'
    SAME = 'does not separate the candidates'


_WORDS = {
    'category': {form: name for name in CATEGORIES for form in (name, plural(name))},
    'color': {name: name for name in COLORS},
    'size': {**{name: name for name in SIZES}, 'big': 'large', 'little': 'small'},
}
_DIRECTIONS = {
    'left': 'left',
    'leftmost': 'left',
    'right': 'right',
    'rightmost': 'right',
    'front': 'front',
    'closest': 'front',
    'nearest': 'front',
    'back': 'back',
    'behind': 'back',
    'farthest': 'back',
    'furthest': 'back',
}
_BETWEEN = {'middle': ('left', 'right'), 'between': ('front', 'back')}
_NUMBERS = {word: number for number, word in enumerate(NUMBERS) if number > 1}
# "can you", "can i" and "right?" as a question tag are no words of this kind
_NOT_NAMES = re.compile(r'\bcan (?:you|i)\b|,\s*right\s*\?')
_BREAKS = re.compile(r'[,.:;?!]|\b(?:or|and)\b')


def faults(question: str, scene: Scene, candidates: frozenset[int]) -> frozenset[Fault]:
    """What is wrong with a question about two or more candidates; empty for a fair one."""
    found: set[Fault] = set()
    separates = False
    for words in _options(question):
        members = _attributed(words, scene, candidates)
        if not members:
            found.add(Fault.INVENTS)
            continue
        if any(_NUMBERS[word] != len(members) for word in words if word in _NUMBERS):
            found.add(Fault.MISCOUNTS)
        placed = _placed(words, scene, members)
        if not placed:
            found.add(Fault.VAGUE)
        separates |= 0 < len(placed) < len(candidates)
    return frozenset(found if separates else found | {Fault.SAME})


def named(text: str, scene: Scene, candidates: frozenset[int]) -> frozenset[int]:
    """The candidates that every option in a reply fits: all of them when it names none."""
    for words in _options(text):
        candidates = _placed(words, scene, _attributed(words, scene, candidates))
    return candidates


def _options(text: str) -> list[list[str]]:
    chunks = _BREAKS.split(_NOT_NAMES.sub('?', text.lower()))
    return [re.findall('[a-z]+', chunk) for chunk in chunks]


def _attributed(words: list[str], scene: Scene, candidates: frozenset[int]) -> frozenset[int]:
    """The candidates that have every attribute among the words."""
    members = candidates
    for aspect, known in _WORDS.items():
        for value in {known[word] for word in words if word in known}:
            members = frozenset(k for k in members if getattr(scene.things[k], aspect) == value)
    return members


def _placed(words: list[str], scene: Scene, members: frozenset[int]) -> frozenset[int]:
    """Those of `members` at every place among the words."""
    for direction in {_DIRECTIONS[word] for word in words if word in _DIRECTIONS}:
        end = outermost(scene, members, direction)
        members = members & {end} if end is not None else frozenset()
    for directions in (_BETWEEN[word] for word in words if word in _BETWEEN):
        ends = {outermost(scene, members, direction) for direction in directions}
        members = frozenset() if None in ends else members - ends
    return members
