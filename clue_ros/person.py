"""A scripted person: knows which object is meant and answers the robot's questions about it.

The answer follows the question: asked for a colour it names the colour, asked "left or right" it
names the side. Where that would not single the object out, the person adds what would. The words
are those of the training dialogs: lower case, "the red one", "the one in front".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass

from clue_ros.box import Box

SIZES = ('small', 'large')
_SIDES = {'left', 'right', 'leftmost', 'rightmost'}
_DEPTHS = {
    'front',
    'back',
    'behind',
    'close',
    'closer',
    'closest',
    'nearest',
    'farther',
    'farthest',
}
_PHRASES = {'color': 'the {} one', 'size': 'the {} one', 'category': 'the {}'}


@dataclass(frozen=True)
class Thing:
    """An object as a person sees it."""

    label: str  # "small purple vase"; the last word is the category, any of the others may lack
    box: Box  # pixels; lower in the image counts as closer to the person

    @property
    def category(self) -> str:
        """The last word of the label."""
        return self.label.split()[-1] if self.label else ''

    @property
    def size(self) -> str:
        """`small`, `large` or empty."""
        return next((word for word in self.label.split() if word in SIZES), '')

    @property
    def color(self) -> str:
        """What is neither size nor category, e.g. `purple` or `dark red`, or empty."""
        return ' '.join(word for word in self.label.split()[:-1] if word not in SIZES)


class Person:
    """Means one of several objects, and remembers what was already said about it."""

    def __init__(self, things: Sequence[Thing], target: int, request: str) -> None:
        """Mean `things[target]`, having asked for it with the words of `request`."""
        self._things = tuple(things)
        self._target = self._things[target]
        self._request = request
        self._rivals: tuple[Thing, ...] = ()
        self.forget()

    def forget(self) -> None:
        """Begin a new conversation about the same object."""
        self._rivals = self._things
        self._narrow(self._request)

    def reply(self, question: str) -> str:
        """Answer a question of the robot; anything else gets an empty answer."""
        if '?' not in question:
            return ''
        reply = self._choose(_words(question))
        self._narrow(reply)
        return reply

    def _choose(self, words: set[str]) -> str:
        """The answer to what was asked if it singles the object out, else one that does."""
        offered = [name for name in _PHRASES if self._offers(words, name)]
        sides, depths = words & _SIDES, words & _DEPTHS
        place = self._place(depth_first=bool(depths and not sides))
        unique = [name for name in _PHRASES if self._tells_apart(name)]
        asked_and_unique = [name for name in offered if name in unique]
        if asked_and_unique:
            return self._phrase(asked_and_unique[0])
        if place and (offered or sides or depths or not unique):
            return place
        if unique or offered:
            return self._phrase((unique or offered)[0])
        return f'the {self._target.label or "one in the middle"}'

    def _phrase(self, name: str) -> str:
        return _PHRASES[name].format(getattr(self._target, name))

    def _offers(self, words: set[str], name: str) -> bool:
        """Whether the question names values of an attribute that the object has.

        Two categories make an offer; one is just what the question is about ("which ring?").
        """
        named = {getattr(thing, name) for thing in self._things if _says(words, thing, name)}
        if name == 'category':
            return len(named) > 1 and self._target.category in named
        return bool(named and getattr(self._target, name))

    def _tells_apart(self, name: str) -> bool:
        mine = getattr(self._target, name)
        return bool(mine) and sum(getattr(thing, name) == mine for thing in self._rivals) == 1

    def _place(self, depth_first: bool) -> str:
        """Where the object is among its rivals, empty when it is at neither end."""
        side = self._extreme(lambda thing: thing.box.center[0], 'the left one', 'the right one')
        depth = self._extreme(lambda thing: thing.box.y2, 'the one at the back', 'the one in front')
        return (depth or side) if depth_first else (side or depth)

    def _extreme(self, value: Callable[[Thing], float], lowest: str, highest: str) -> str:
        rivals = sorted(self._rivals, key=value)
        if len(rivals) < 2:
            return ''
        return {rivals[0]: lowest, rivals[-1]: highest}.get(self._target, '')

    def _narrow(self, text: str) -> None:
        """Drop the rivals that the words exclude; words about other objects exclude nothing."""
        words = _words(text)
        for name in _PHRASES:
            if _says(words, self._target, name):
                mine = getattr(self._target, name)
                self._rivals = tuple(t for t in self._rivals if getattr(t, name) == mine)


def _says(words: set[str], thing: Thing, name: str) -> bool:
    value = getattr(thing, name).split()
    return bool(value) and words.issuperset(value)


def _words(text: str) -> set[str]:
    """Lower-case words, and those in -s or -es also without it: "boxes" gives "box" too."""
    text = re.sub(r'\bcan (?:you|i)\b', '', text.lower())  # not the tin
    words = set(re.findall(r'[a-z]+', text))
    stems = {word.removesuffix(end) for word in words for end in ('s', 'es')}
    return words | stems
