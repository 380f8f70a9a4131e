"""`clue bench evaluate`: what batches and reuse save against a plain loop over `generate`.

Both sides evaluate the same closed loops about the same scenes, batch by batch in turns. The plain
side is what one writes with transformers alone: processor and `generate` for one look after the
other, with its key-value cache, its default attention and no gradients, told by options of
`generate` whether to ask or to point. It gets the probe's decisions for nothing, and neither side
looks at parts of a picture. Ours encodes each picture once, decodes in batches, and asks
the model once for what several policies want to know.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch
from tqdm import tqdm

from clue_ros.clue import Clue
from clue_ros.dialog import ASK_POLICIES
from clue_ros.dialog import Dialog
from clue_ros.evaluate.log import Record
from clue_ros.evaluate.loop import Loop
from clue_ros.evaluate.mind import Assessment
from clue_ros.evaluate.mind import Mind
from clue_ros.evaluate.mind import Moment
from clue_ros.evaluate.people import scripted
from clue_ros.evaluate.plain import Plain
from clue_ros.evaluate.policies import PLAIN
from clue_ros.evaluate.runner import Seen
from clue_ros.evaluate.runner import chunks
from clue_ros.evaluate.scenes import Scenes
from clue_ros.evaluate.scenes import scene_places
from clue_ros.model.backbone import Backbone
from clue_ros.model.checkpoint import EMBEDDED
from clue_ros.model.checkpoint import Checkpoint
from clue_ros.model.checkpoint import find
from clue_ros.model.decoder import Form
from clue_ros.response import Grounding
from clue_ros.response import Response

T = TypeVar('T')

ROWS = 32
_WARM_UP = 1  # batches


@dataclass(frozen=True)
class Round:
    """One batch on both sides."""

    count: int  # of answers
    ours: float  # seconds
    plain: float
    same: int  # answers that are the same on both sides


class PlainMind:
    """Answers by `generate`, one moment at a time, and remembers nothing."""

    def __init__(self, plain: Plain, seen: Sequence[Seen], assessor: Mind) -> None:
        """Take what `assessor` found; its time is counted on our side."""
        self._plain = plain
        self._seen = seen
        self._assessor = assessor

    def assess(self, moments: Iterable[Moment]) -> list[Assessment]:
        """See `Thinker`."""
        return self._assessor.assess(moments)

    def respond(self, wanted: Iterable[tuple[Moment, Form]]) -> list[Response]:
        """See `Thinker`."""
        return [
            self._plain.respond(self._seen[number].view.image, dialog, form)
            for (number, dialog), form in wanted
        ]


def run_bench(pictures: int, rounds: int) -> int:
    """Print both speeds and their ratio for batches of `pictures`, measured in turns."""
    checkpoint = find(EMBEDDED, allow_download=False)
    clue, plain = think_once(checkpoint), Plain(checkpoint, 'cpu', adapter='ivg')
    batches = rounds + _WARM_UP
    places = scene_places(Scenes(pictures * batches))
    answers, loops = [], []
    progress = tqdm(chunks(places, pictures), desc='batches', total=batches)
    for number, chunk in enumerate(progress):
        cases = [place.cases() for place in chunk]
        views = clue.look_all([group[0].picture.load() for group in cases if group])
        groups = zip(filter(None, cases), views, strict=True)
        seen = [Seen(case, view) for group, view in groups for case in group]
        answers.append(_answer_once(clue, plain, seen, ours_first=bool(number % 2)))
        loops.append(_loop(clue, plain, seen, ours_first=bool(number % 2)))
    print(f'{rounds} batches of {pictures} pictures, {clue.description}')
    _print('one answer to each request', answers[_WARM_UP:])
    _print(f'closed loops of {", ".join(ASK_POLICIES)}', loops[_WARM_UP:])
    return 0


def think_once(checkpoint: Checkpoint) -> Clue:
    """The checkpoint on a CPU without its second thoughts, which `Plain` does not have either."""
    config = checkpoint.config and replace(
        checkpoint.config, parts=(), closer_looks=(), look_away=False, tried_questions=0
    )
    backbone = Backbone.load(checkpoint.backbone, torch.device('cpu'), torch.float32)
    return Clue(backbone, replace(checkpoint, config=config))


def _print(what: str, measured: Sequence[Round]) -> None:
    count = sum(one.count for one in measured)
    ours, plain = (sum(getattr(one, side) for one in measured) for side in ('ours', 'plain'))
    low, middle, high = np.percentile([one.plain / one.ours for one in measured], [10, 50, 90])
    print(f'{what}: {count}, {sum(one.same for one in measured)} of them with the same end')
    print(f'  ours {count / ours:.1f}/s, plain {count / plain:.1f}/s')
    print(f'  ours is {middle:.2f} x faster (p10 {low:.2f}, p90 {high:.2f})')


def _answer_once(clue: Clue, plain: Plain, seen: Sequence[Seen], ours_first: bool) -> Round:
    """First requests, question or box as the decoder likes."""
    dialogs = [Dialog(one.case.dialog.request) for one in seen]

    def ours() -> list[Response]:
        return Mind(clue, None, _look_again(clue, seen), ROWS).respond(
            (moment, Form.EITHER) for moment in enumerate(dialogs)
        )

    def one_by_one() -> list[Response]:
        return [
            plain.respond(one.view.image, dialog, Form.EITHER)
            for one, dialog in zip(seen, dialogs, strict=True)
        ]

    return _race(ours, one_by_one, _same_answer, ours_first)


def _loop(clue: Clue, plain: Plain, seen: Sequence[Seen], ours_first: bool) -> Round:
    """Whole conversations of every policy about every request."""
    policies = [policy for policy in PLAIN if policy.name in ASK_POLICIES]

    def ours() -> list[Record]:
        return Loop(policies, scripted, lambda batch: Mind(clue, None, batch, ROWS))(
            _look_again(clue, seen)
        )

    known = Mind(clue, None, seen, ROWS)
    Loop(policies, scripted, lambda _: known)(seen)  # so that the plain side finds it there

    def one_by_one() -> list[Record]:
        return Loop(policies, scripted, lambda _: PlainMind(plain, seen, known))(seen)

    return _race(ours, one_by_one, _same_end, ours_first)


def _look_again(clue: Clue, seen: Sequence[Seen]) -> list[Seen]:
    """The same cases with their pictures encoded anew, each once."""
    views = {id(one.view): one.view for one in seen}
    again = clue.look_all([view.image for view in views.values()])
    fresh = dict(zip(views, again, strict=True))
    return [Seen(one.case, fresh[id(one.view)]) for one in seen]


def _race(
    ours: Callable[[], list[T]],
    plain: Callable[[], list[T]],
    same: Callable[[T, T], bool],
    ours_first: bool,
) -> Round:
    """Time both sides, one after the other."""
    seconds: dict[str, float] = {}
    results: dict[str, list[T]] = {}
    sides = {'ours': ours, 'plain': plain}
    for side in sides if ours_first else reversed(sides):
        begin = time.perf_counter()
        results[side] = sides[side]()
        seconds[side] = time.perf_counter() - begin
    agreed = sum(map(same, results['ours'], results['plain']))
    return Round(len(results['ours']), seconds['ours'], seconds['plain'], agreed)


def _same_answer(one: Response, other: Response) -> bool:
    if isinstance(one, Grounding) and isinstance(other, Grounding):
        return one.box == other.box  # how sure it is, `generate` does not say
    return one == other


def _same_end(one: Record, other: Record) -> bool:
    return (one.turns, one.outcome, one.box) == (other.turns, other.outcome, other.box)
