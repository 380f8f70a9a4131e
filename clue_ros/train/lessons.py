"""What is learned from one scene: prefixes of the method, and what the model shall answer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace

import numpy as np

from clue_ros.box import encode_locations
from clue_ros.dialog import Dialog
from clue_ros.dialog import Turn
from clue_ros.prompt import Prompts
from clue_ros.sim.dialogs import DialogConfig
from clue_ros.sim.dialogs import Sample
from clue_ros.sim.dialogs import sample_dialog
from clue_ros.sim.distinctions import ATTRIBUTES
from clue_ros.sim.distinctions import MIDDLE
from clue_ros.sim.distinctions import PLACES
from clue_ros.sim.distinctions import Option
from clue_ros.sim.distinctions import distinctions
from clue_ros.sim.distinctions import has_place
from clue_ros.sim.expressions import NONE
from clue_ros.sim.expressions import ONE
from clue_ros.sim.expressions import SEVERAL
from clue_ros.sim.questions import ask
from clue_ros.sim.questions import name
from clue_ros.sim.questions import preferred
from clue_ros.sim.scene import CATEGORIES
from clue_ros.sim.scene import COLORS
from clue_ros.sim.scene import HELD_OUT
from clue_ros.sim.scene import SIZES
from clue_ros.sim.scene import Scene

PROMPTS = Prompts(keep_article=False, lower_case=True)
BETWEEN_BOXES = ' ; '
_ALIKE = 0.5  # of the boxes to complete, share of those of what the request fits
_VALUES = {'category': CATEGORIES, 'color': COLORS, 'size': SIZES}
_COLOR = re.compile(rf'\b(?:{"|".join(COLORS)})\b')
_VERDICTS = {ONE: 0.4, SEVERAL: 0.4, NONE: 0.2}  # how often each is drawn


@dataclass(frozen=True)
class Mention:
    """A part of a suffix that speaks of some of the things only."""

    start: int  # characters of the suffix
    stop: int
    things: frozenset[int]


@dataclass(frozen=True)
class Lesson:
    """One prefix with its suffix."""

    prefix: str  # without the newline
    suffix: str  # without the end token; empty for "nothing matches"
    referents: frozenset[int]  # things that are spoken of: what fits, or is still open
    mentions: tuple[Mention, ...] = ()  # what lies between them speaks of all referents
    given: int = 0  # characters with which the suffix begins that are shown and not taught


def names_color(lesson: Lesson) -> bool:
    """Whether it says the name of a colour: nothing to learn from things painted at random."""
    return bool(_COLOR.search(lesson.prefix) or _COLOR.search(lesson.suffix))


def draw_sample(rng: np.random.Generator, scene: Scene, config: DialogConfig) -> Sample | None:
    """A request with its dialog; None where the scene has none of the drawn verdict."""
    wanted = str(rng.choice(list(_VERDICTS), p=list(_VERDICTS.values())))
    return sample_dialog(rng, scene, wanted, config)


def detect(sample: Sample, prompts: Prompts = PROMPTS) -> Lesson:
    """`detect mug`: the boxes of everything that fits, from left to right."""
    things = sample.scene.things
    ordered = sorted(sample.candidates, key=lambda k: things[k].box.center[0])
    boxes = [locations(sample.scene, k) for k in ordered]
    suffix = BETWEEN_BOXES.join(boxes)
    text = prompts.probe_text(Dialog(sample.dialog.request))
    mentions = _mentions(suffix, boxes, [frozenset({k}) for k in ordered])
    return Lesson(text, suffix, sample.candidates, mentions)


def narrow(rng: np.random.Generator, sample: Sample, prompts: Prompts = PROMPTS) -> Lesson:
    """`detect mug red one`: the boxes of the candidates that a reply leaves.

    Half of the replies name what candidates are, half what none of them is.
    """
    left = _offered(rng, sample) if rng.uniform() < 0.5 else _invented(rng, sample)
    # a name of one thing: without its article it is that of several
    reply = name(replace(left, members=frozenset({0})), int(rng.integers(2)))
    said = Dialog(sample.dialog.request, (Turn(sample.dialog.turns[0].question, reply),))
    return replace(
        detect(replace(sample, candidates=left.members)), prefix=prompts.probe_text(said)
    )


def _offered(rng: np.random.Generator, sample: Sample) -> Option:
    """An option that tells some of the candidates from the others."""
    known = list(distinctions(sample.scene, sample.candidates).values())
    options = known[int(rng.integers(len(known)))]
    return options[int(rng.integers(len(options)))]


def _invented(rng: np.random.Generator, sample: Sample) -> Option:
    """An attribute or a place that no candidate has; half of the attributes are on the table."""
    scene = sample.scene
    things = [scene.things[k] for k in sorted(sample.candidates)]
    aspects = (*ATTRIBUTES, *PLACES)
    while True:
        aspect = aspects[int(rng.integers(len(aspects)))]
        if aspect in PLACES:
            value = (*PLACES[aspect], MIDDLE)[int(rng.integers(3))]
            if not has_place(scene, sample.candidates, aspect, value):
                return Option(aspect, value, frozenset())
            continue
        near = sorted({getattr(thing, aspect) for thing in scene.things})
        values = near if rng.uniform() < 0.5 else _VALUES[aspect]
        value = values[int(rng.integers(len(values)))]
        kinds = [{**asdict(thing), aspect: value} for thing in things]
        if all(getattr(thing, aspect) != value for thing in things) and not any(
            (kind['category'], kind['color']) in HELD_OUT for kind in kinds
        ):
            return Option(aspect, value, frozenset())


def clarify(sample: Sample, prompts: Prompts = PROMPTS) -> list[Lesson]:
    """The dialog revealed turn by turn: questions, then the box, or nothing when nothing fits.

    Left out are the questions of a robot that has to find out that it was misled.
    """
    scene, dialog = sample.scene, sample.dialog
    lessons = []
    for number, left in enumerate(sample.asked_about):
        if number - 1 in sample.wrong:
            continue
        said = Dialog(dialog.request, dialog.turns[:number])
        options = preferred(distinctions(scene, left))
        question = ask(scene, options)
        names, members = map(name, options), [option.members for option in options]
        mentions = _mentions(question, names, members)
        lessons.append(Lesson(prompts.decoder_text(said), question, left, mentions))
    box = '' if sample.target is None else locations(scene, sample.target)
    meant = frozenset() if sample.target is None else frozenset({sample.target})
    return [*lessons, Lesson(prompts.decoder_text(dialog), box, meant)]


def complete(rng: np.random.Generator, sample: Sample, prompts: Prompts = PROMPTS) -> Lesson:
    """A box that begins at any thing, whatever was asked for: only its second corner is taught.

    After dialogs as they are, the prefix tells the second corner as well as the first one does. A
    model that never had to look at the first one ends a box where another candidate ends.
    """
    said = [detect(sample, prompts), *clarify(sample, prompts)]
    lesson = said[int(rng.integers(len(said)))]
    likely = sample.candidates if rng.uniform() < _ALIKE else frozenset[int]()
    things = sorted(likely) or list(range(len(sample.scene.things)))
    chosen = things[int(rng.integers(len(things)))]
    box = locations(sample.scene, chosen)
    whole = Mention(0, len(box), frozenset({chosen}))
    return Lesson(lesson.prefix, box, lesson.referents, (whole,), given=len(box) // 2)


def locations(scene: Scene, index: int) -> str:
    """The location tokens of a thing; what a zoomed picture cuts off is cut off."""
    return encode_locations(scene.things[index].box, scene.camera.width, scene.camera.height)


def _mentions(
    suffix: str, parts: Iterable[str], things: Iterable[frozenset[int]]
) -> tuple[Mention, ...]:
    """Where each part stands in the suffix, one behind the other."""
    found, stop = [], 0
    for part, its_things in zip(parts, things, strict=True):
        start = suffix.index(part, stop)
        stop = start + len(part)
        found.append(Mention(start, stop, its_things))
    return tuple(found)
