"""Scripted dialogs: a robot that asks until one candidate is left, a person who answers.

The person answers what was asked or names something else that singles the target out, tersely or
in a sentence. Now and then they say something wrong; the robot then asks whether it understood,
and is corrected. Such turns are marked.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace

import numpy as np

from clue_ros.dialog import Dialog
from clue_ros.dialog import Turn
from clue_ros.sim.distinctions import MIDDLE
from clue_ros.sim.distinctions import Option
from clue_ros.sim.distinctions import distinctions
from clue_ros.sim.expressions import SEVERAL
from clue_ros.sim.expressions import Expression
from clue_ros.sim.expressions import fits
from clue_ros.sim.phrases import COMMON
from clue_ros.sim.phrases import HELD_OUT_PHRASING
from clue_ros.sim.phrases import say_request
from clue_ros.sim.questions import ask
from clue_ros.sim.questions import confirm
from clue_ros.sim.questions import name
from clue_ros.sim.questions import preferred
from clue_ros.sim.requests import sample_request
from clue_ros.sim.scene import Scene

MAX_TURNS = 3
_TRIES = 20

_SENTENCES = ('{}', '{}', '{} please', 'i mean {}', 'i want {}', 'take {}')
_HELD_OUT_SENTENCES = ('{}', '{}, please', 'it is {}', 'i would like {}', 'give me {}')
_TERSE = {
    ('side', MIDDLE): 'the middle',
    ('depth', 'front'): 'the front',
    ('depth', MIDDLE): 'in between',
    ('depth', 'back'): 'the back',
}
_YES = ('yes', 'yes please', 'yes, that one', 'exactly')
_OTHER = ('no, the other one', 'no, the other one please', 'the other one')
_NO = ('no, {}', 'no, i mean {}', 'no, sorry, {}')


@dataclass(frozen=True)
class DialogConfig:
    """How people talk; shares in [0, 1]."""

    held_out: bool = False  # phrasings, and names of colours and categories, kept from training
    terse: float = 0.3  # replies of a word or two
    elsewhere: float = 0.25  # replies that name another distinction than the one asked for
    confirm: float = 0.15  # questions between two candidates that name only one of them
    wrong: float = 0.06  # replies that point at something else and are corrected

    def __post_init__(self) -> None:
        for share in ('terse', 'elsewhere', 'confirm', 'wrong'):
            if not 0 <= getattr(self, share) <= 1:
                raise ValueError(f'{share} must lie in [0, 1], got {getattr(self, share)}')


@dataclass(frozen=True)
class Sample:
    """A request about a scene, and the dialog that settles it."""

    scene: Scene
    expression: Expression
    dialog: Dialog
    verdict: str  # of the request alone
    candidates: frozenset[int]  # the things that the request fits
    target: int | None  # the thing that is meant; None when there is none
    asked_about: tuple[frozenset[int], ...] = ()  # the things still open at each question
    wrong: tuple[int, ...] = ()  # turns whose reply misleads


def sample_dialog(
    rng: np.random.Generator, scene: Scene, wanted: str, config: DialogConfig
) -> Sample | None:
    """Draw a request with a verdict, and its dialog; None where the scene has none."""
    expression = sample_request(rng, scene, wanted, config.held_out)
    if expression is None:
        return None
    phrasing = HELD_OUT_PHRASING if config.held_out else COMMON
    dialog = Dialog(say_request(rng, expression, phrasing))
    candidates = fits(expression, scene)
    target = int(rng.choice(sorted(candidates))) if candidates else None
    sample = Sample(scene, expression, dialog, wanted, candidates, target)
    if wanted != SEVERAL:
        return sample
    for _ in range(_TRIES):
        if talk := _talk(rng, sample, config):
            return talk
    return None


def _talk(rng: np.random.Generator, sample: Sample, config: DialogConfig) -> Sample | None:
    """Ask until one candidate is left; None when that takes more than MAX_TURNS."""
    scene, target, left = sample.scene, sample.target, sample.candidates
    assert target is not None
    turns: list[Turn] = []
    asked_about: list[frozenset[int]] = []
    wrong: list[int] = []
    while len(left) > 1:
        known = distinctions(scene, left)
        if not known or len(turns) == MAX_TURNS:
            return None
        asked_about.append(left)
        options = preferred(known)
        mine = _of(target, options)
        others = [option for option in options if option != mine and len(option.members) == 1]
        if len(left) == 2 and rng.uniform() < config.confirm:
            turns.append(_confirmed(rng, options[int(rng.integers(2))], mine, left, config))
            left = mine.members
        elif others and len(turns) < MAX_TURNS - 1 and rng.uniform() < config.wrong:
            mistaken = others[int(rng.integers(len(others)))]
            wrong.append(len(turns))
            turns.append(Turn(ask(scene, options), _reply(rng, mistaken, config)))
            asked_about.append(left)
            turns.append(_confirmed(rng, mistaken, mine, left, config))
            left = mine.members
        else:
            singled = [_of(target, known[aspect]) for aspect in known]
            singled = [option for option in singled if len(option.members) == 1]
            elsewhere = singled and rng.uniform() < config.elsewhere
            reply = singled[int(rng.integers(len(singled)))] if elsewhere else mine
            turns.append(Turn(ask(scene, options), _reply(rng, reply, config)))
            left = reply.members
    dialog = Dialog(sample.dialog.request, tuple(turns))
    return replace(sample, dialog=dialog, asked_about=tuple(asked_about), wrong=tuple(wrong))


def _of(target: int, options: tuple[Option, ...]) -> Option:
    return next(option for option in options if target in option.members)


def _reply(rng: np.random.Generator, option: Option, config: DialogConfig) -> str:
    """Name an option."""
    if rng.uniform() < config.terse:
        word = _TERSE.get((option.aspect, option.value), option.value)
        return word if rng.uniform() < 0.6 else f'{word} please'
    sentences = _HELD_OUT_SENTENCES if config.held_out else _SENTENCES
    return _pick(rng, sentences).format(name(option, int(rng.integers(2))))


def _confirmed(
    rng: np.random.Generator,
    guess: Option,
    mine: Option,
    left: frozenset[int],
    config: DialogConfig,
) -> Turn:
    """The robot names one option; the person agrees or corrects it."""
    question = confirm(rng, guess)
    if guess == mine:
        return Turn(question, _pick(rng, _YES))
    if len(left) == 2 and rng.uniform() < 0.7:
        return Turn(question, _pick(rng, _OTHER))
    return Turn(question, _pick(rng, _NO).format(name(mine, int(rng.integers(2)))))


def _pick(rng: np.random.Generator, phrases: tuple[str, ...]) -> str:
    return phrases[int(rng.integers(len(phrases)))]
