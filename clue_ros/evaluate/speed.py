"""`clue bench evaluate`: what batches and reuse save against a plain loop over `generate`.

Both sides answer the same first requests about the same scenes, question or box as the decoder
likes, batch by batch in turns. The plain side is what one writes with transformers in ten lines:
processor and `generate` for one sample after the other, with its key-value cache, its default
attention and no gradients. Ours encodes each picture once and decodes all requests together.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clue_ros.box import decode_locations
from clue_ros.clue import Clue
from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidBox
from clue_ros.evaluate.cases import Case
from clue_ros.evaluate.plain import Plain
from clue_ros.evaluate.runner import chunks
from clue_ros.evaluate.scenes import Scenes
from clue_ros.evaluate.scenes import scene_places
from clue_ros.model.checkpoint import EMBEDDED
from clue_ros.model.checkpoint import find
from clue_ros.model.decoder import MAX_QUESTION_TOKENS
from clue_ros.model.decoder import Form
from clue_ros.prompt import readable
from clue_ros.response import Absent
from clue_ros.response import Grounding
from clue_ros.response import Invalid
from clue_ros.response import Question
from clue_ros.response import Response

PICTURES = 16  # of a batch
_WARM_UP = 1  # batches


@dataclass(frozen=True)
class Round:
    """One batch on both sides."""

    cases: int
    ours: float  # seconds
    plain: float
    same: int  # cases with the same answer on both sides


def run_bench(rounds: int) -> int:
    """Print both speeds and their ratio, round by round measured in turns."""
    clue = Clue.load(device='cpu', dtype='float32')
    plain = Plain(find(EMBEDDED, allow_download=False), 'cpu', adapter='ivg')
    scenes = Scenes(PICTURES * (rounds + _WARM_UP))
    measured = [
        _round(clue, plain, [place.cases() for place in chunk], ours_first=bool(number % 2))
        for number, chunk in enumerate(chunks(scene_places(scenes), PICTURES))
    ][_WARM_UP:]
    cases = sum(one.cases for one in measured)
    low, middle, high = np.percentile([one.plain / one.ours for one in measured], [10, 50, 90])
    print(
        f'{cases} requests about {PICTURES * rounds} pictures, {rounds} rounds, {clue.description}'
    )
    print(f'  ours: {cases / sum(one.ours for one in measured):.1f} requests/s')
    print(f'  plain: {cases / sum(one.plain for one in measured):.1f} requests/s')
    print(f'  ours is {middle:.2f} x faster (p10 {low:.2f}, p90 {high:.2f})')
    print(f'  the same answer: {sum(one.same for one in measured)} of {cases}')
    return 0


def _round(clue: Clue, plain: Plain, places: Sequence[Sequence[Case]], ours_first: bool) -> Round:
    images = [cases[0].picture.load() for cases in places if cases]
    numbers = [number for number, cases in enumerate(filter(None, places)) for _ in cases]
    dialogs = [Dialog(case.dialog.request) for cases in places for case in cases]
    answers: dict[str, list[Response]] = {}
    seconds: dict[str, float] = {}

    def ours() -> list[Response]:
        views = clue.look_all(images)
        return clue.decode_all([views[k] for k in numbers], dialogs, [Form.EITHER] * len(dialogs))

    def one_by_one() -> list[Response]:
        found = []
        for number, dialog in zip(numbers, dialogs, strict=True):
            text = plain.prompts.decoder_text(dialog)
            (written,) = plain.generate([images[number]], [text], MAX_QUESTION_TOKENS)
            height, width = images[number].shape[:2]
            found.append(_read(written, width, height))
        return found

    sides = {'ours': ours, 'plain': one_by_one}
    for side in sorted(sides, reverse=not ours_first):
        begin = time.perf_counter()
        answers[side] = sides[side]()
        seconds[side] = time.perf_counter() - begin
    same = sum(map(_same, answers['ours'], answers['plain']))
    return Round(len(dialogs), seconds['ours'], seconds['plain'], same)


def _read(text: str, width: int, height: int) -> Response:
    if not text:
        return Absent()
    try:
        return Grounding(decode_locations(text, width, height), 0.0)
    except InvalidBox as error:
        return Invalid(text, str(error)) if '<loc' in text else Question(readable(text))


def _same(ours: Response, plain: Response) -> bool:
    if isinstance(ours, Grounding) and isinstance(plain, Grounding):
        return ours.box == plain.box
    return ours == plain
