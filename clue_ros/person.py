"""A scripted person: knows which object is meant and answers the robot's questions about it.

The answer follows the question: asked for a colour it names the colour, asked "left or right" it
names the side, asked "is it the red one?" it agrees or corrects. Where that would not single the
object out, the person says what would. Who means nothing that is there says "none of them". The
words are those of the training dialogs: lower case, "the red one", "the one in front".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from clue_ros.box import Box

SIZES = ('small', 'large')
# place words: which end of the rivals they name, counted from the left and from the back
_SIDES = {'left': 0, 'leftmost': 0, 'right': -1, 'rightmost': -1}
_DEPTHS = {
    **dict.fromkeys(('back', 'behind', 'farther', 'farthest'), 0),
    **dict.fromkeys(('front', 'close', 'closer', 'closest', 'nearest'), -1),
}
# words of "the one on the left" that say nothing
_FILLING = {'the', 'one', 'on', 'in', 'at', 'to', 'of', 'me', 'object', 'thing'}
_PHRASES = {'color': 'the {} one', 'size': 'the {} one', 'category': 'the {}'}
NONE_OF_THEM = 'none of them'
# of its width: by how much more than the others a thing must be in front to be the one in front
_CLEARLY = 0.3
# a question that names one thing and no other
_CONFIRMATION = re.compile(
    r'(?:^|[.:] )(?:do you (?:mean|want)|should i take|is it) (the (?:(?!\b(?:or|and)\b)[^,])+)\?$'
)


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
    """Means one of several objects, or nothing there, and remembers what was said about it."""

    def __init__(
        self,
        things: Sequence[Thing],
        target: int | None,
        request: str,
        candidates: Sequence[int] = (),
    ) -> None:
        """Mean `things[target]`, having asked for it with the words of `request`.

        `candidates` are the things that the request fits; by default its words decide.
        """
        self._things = tuple(things)
        self._target = None if target is None else self._things[target]
        self._request = request
        self._candidates = tuple(self._things[k] for k in candidates)
        self._rivals: tuple[Thing, ...] = ()
        self.forget()

    def forget(self) -> None:
        """Begin a new conversation about the same object."""
        self._rivals = self._candidates or self._things
        if self._target:
            self._narrow(self._target, self._request)

    def reply(self, question: str) -> str:
        """Answer a question of the robot; anything else gets an empty answer."""
        if '?' not in question:
            return ''
        if self._target is None:
            return NONE_OF_THEM
        if option := _CONFIRMATION.search(question.lower()):
            return self._confirm(self._target, option[1])
        return self._choose(self._target, _words(question))

    def _confirm(self, target: Thing, option: str) -> str:
        """Agree when the words of `option` fit the object alone, else say what does."""
        words = set(re.findall('[a-z]+', option)) - _FILLING
        fitting = [thing for thing in self._rivals if self._fits(thing, words)]
        if fitting == [target]:
            self._rivals = (target,)
            return 'yes'
        reply = self._choose(target, words)
        return reply if target in fitting else f'no, {reply}'

    def _fits(self, thing: Thing, words: set[str]) -> bool:
        places = {word for word in words if word in _SIDES or word in _DEPTHS}
        return words - places <= set(thing.label.split()) and all(
            self._in_order(word in _DEPTHS)[(_SIDES | _DEPTHS)[word]] == thing for word in places
        )

    def _choose(self, target: Thing, words: set[str]) -> str:
        """The answer to what was asked if it singles the object out, else one that does."""
        offered = [name for name in _PHRASES if self._offers(target, words, name)]
        sides, depths = words & _SIDES.keys(), words & _DEPTHS.keys()
        place = self._place(target, depth_first=bool(depths and not sides))
        unique = [name for name in _PHRASES if self._tells_apart(target, name)]
        asked_and_unique = [name for name in offered if name in unique]
        if asked_and_unique:
            reply = _phrase(target, asked_and_unique[0])
        elif place and (offered or sides or depths or not unique):
            reply = place
        elif unique:
            reply = _phrase(target, unique[0])
        elif sides or depths:
            return self._between(depth=not sides)
        elif offered:
            reply = _phrase(target, offered[0])
        else:
            reply = f'the {target.label or "one in the middle"}'
        self._narrow(target, reply)
        return reply

    def _offers(self, target: Thing, words: set[str], name: str) -> bool:
        """Whether the question names values of an attribute that the object has.

        Two categories make an offer; one is just what the question is about ("which ring?").
        """
        named = {getattr(thing, name) for thing in self._things if _says(words, thing, name)}
        if name == 'category':
            return len(named) > 1 and target.category in named
        return bool(named and getattr(target, name))

    def _tells_apart(self, target: Thing, name: str) -> bool:
        mine = getattr(target, name)
        return bool(mine) and sum(getattr(thing, name) == mine for thing in self._rivals) == 1

    def _place(self, target: Thing, depth_first: bool) -> str:
        """Where the object is among its rivals, empty when it is at neither end."""
        side = self._extreme(target, False, 'the left one', 'the right one')
        depth = self._extreme(target, True, 'the one at the back', 'the one in front')
        return (depth or side) if depth_first else (side or depth)

    def _extreme(self, target: Thing, depth: bool, lowest: str, highest: str) -> str:
        others = [_place_of(thing, depth) for thing in self._rivals if thing != target]
        mine, slack = _place_of(target, depth), _CLEARLY * (target.box.x2 - target.box.x1)
        if not others:
            return ''
        if mine < min(others) - slack:
            return lowest
        return highest if mine > max(others) + slack else ''

    def _between(self, depth: bool) -> str:
        """Say that the object is at neither end, and drop the rivals that are."""
        self._rivals = tuple(self._in_order(depth)[1:-1])
        one = 'the one' if len(self._rivals) == 1 else 'one'
        return f'{one} in between' if depth else f'{one} in the middle'

    def _in_order(self, depth: bool) -> list[Thing]:
        """The rivals from left to right, or from the back to the front."""
        return sorted(self._rivals, key=lambda thing: _place_of(thing, depth))

    def _narrow(self, target: Thing, text: str) -> None:
        """Drop the rivals that the words exclude; words about other objects exclude nothing."""
        words = _words(text)
        for name in _PHRASES:
            if _says(words, target, name):
                mine = getattr(target, name)
                self._rivals = tuple(t for t in self._rivals if getattr(t, name) == mine)


def _place_of(thing: Thing, depth: bool) -> float:
    """How far to the right or to the front it is, pixels."""
    return thing.box.y2 if depth else thing.box.center[0]


def _phrase(thing: Thing, name: str) -> str:
    return _PHRASES[name].format(getattr(thing, name))


def _says(words: set[str], thing: Thing, name: str) -> bool:
    value = getattr(thing, name).split()
    return bool(value) and words.issuperset(value)


def _words(text: str) -> set[str]:
    """Lower-case words, and those in -s or -es also without it: "boxes" gives "box" too."""
    text = re.sub(r'\bcan (?:you|i)\b', '', text.lower())  # not the tin
    words = set(re.findall(r'[a-z]+', text))
    stems = {word.removesuffix(end) for word in words for end in ('s', 'es')}
    return words | stems
