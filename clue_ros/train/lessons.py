"""What is learned from one scene: prefixes of the method, and what the model shall answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clue_ros.box import encode_locations
from clue_ros.dialog import Dialog
from clue_ros.prompt import Prompts
from clue_ros.sim.dialogs import DialogConfig
from clue_ros.sim.dialogs import Sample
from clue_ros.sim.dialogs import sample_dialog
from clue_ros.sim.distinctions import distinctions
from clue_ros.sim.expressions import NONE
from clue_ros.sim.expressions import ONE
from clue_ros.sim.expressions import SEVERAL
from clue_ros.sim.questions import ask
from clue_ros.sim.questions import preferred
from clue_ros.sim.scene import Scene

PROMPTS = Prompts(keep_article=False, lower_case=True)
BETWEEN_BOXES = ' ; '
_VERDICTS = {ONE: 0.4, SEVERAL: 0.4, NONE: 0.2}  # how often each is drawn


@dataclass(frozen=True)
class Lesson:
    """One prefix with its suffix."""

    prefix: str  # without the newline
    suffix: str  # without the end token; empty for "nothing matches"
    referents: frozenset[int]  # things that are spoken of: what fits, or is still open


def draw_sample(rng: np.random.Generator, scene: Scene, config: DialogConfig) -> Sample | None:
    """A request with its dialog; None where the scene has none of the drawn verdict."""
    wanted = str(rng.choice(list(_VERDICTS), p=list(_VERDICTS.values())))
    return sample_dialog(rng, scene, wanted, config)


def detect(sample: Sample, prompts: Prompts = PROMPTS) -> Lesson:
    """`detect mug`: the boxes of everything that fits, from left to right."""
    things = sample.scene.things
    ordered = sorted(sample.candidates, key=lambda k: things[k].box.center[0])
    boxes = BETWEEN_BOXES.join(locations(sample.scene, k) for k in ordered)
    text = prompts.probe_text(Dialog(sample.dialog.request))
    return Lesson(text, boxes, sample.candidates)


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
        question = ask(scene, preferred(distinctions(scene, left)))
        lessons.append(Lesson(prompts.decoder_text(said), question, left))
    box = '' if sample.target is None else locations(scene, sample.target)
    meant = frozenset() if sample.target is None else frozenset({sample.target})
    return [*lessons, Lesson(prompts.decoder_text(dialog), box, meant)]


def locations(scene: Scene, index: int) -> str:
    """The location tokens of a thing; what a zoomed picture cuts off is cut off."""
    return encode_locations(scene.things[index].box, scene.camera.width, scene.camera.height)
