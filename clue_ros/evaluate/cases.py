"""A case: what an evaluation knows about one sample, whatever data set it came from."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass

from clue_ros.box import Box
from clue_ros.data.samples import AmbiguitySample
from clue_ros.data.samples import DialogSample
from clue_ros.data.samples import Picture
from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidSource
from clue_ros.evaluate.log import NONE
from clue_ros.evaluate.log import ONE
from clue_ros.evaluate.log import SEVERAL
from clue_ros.evaluate.log import UNKNOWN
from clue_ros.person import Thing


@dataclass(frozen=True, eq=False)
class Case:
    """A request about a picture with the truth about it, as far as it is known."""

    id: str
    picture: Picture
    dialog: Dialog  # with the turns that the data set brings, if any
    verdict: str  # how many things the request fits: ONE, SEVERAL, NONE or UNKNOWN
    form: str = ''
    target: Box | None = None  # pixels; None when nothing is meant or when it is not known
    candidates: tuple[Box, ...] | None = None  # what the request fits; None when unknown
    things: tuple[Thing, ...] = ()  # all objects, where they are known


@dataclass(frozen=True, eq=False)
class Place:
    """A picture and all that is asked about it; the cases are made when they are asked for."""

    name: str  # of the picture
    cases: Callable[[], Sequence[Case]]


def case_of(sample: AmbiguitySample | DialogSample) -> Case:
    """The case that a sample makes."""
    if isinstance(sample, AmbiguitySample):
        verdict = SEVERAL if sample.ambiguous else NONE if sample.absent else ONE
        return Case(sample.id, sample.picture, Dialog(sample.request), verdict, sample.form)
    if sample.target is None:
        verdict = NONE
    elif sample.ambiguous is None:
        verdict = UNKNOWN
    else:
        verdict = SEVERAL if sample.ambiguous else ONE
    return Case(
        sample.id,
        sample.picture,
        sample.dialog,
        verdict,
        sample.form,
        sample.target,
        _candidates(sample, verdict),
        sample.things,
    )


def check_target(case: Case) -> None:
    """Raise InvalidSource when nobody can tell whether the robot points at the right thing."""
    if case.target is None and case.verdict != NONE:
        raise InvalidSource(
            f'{case.id}: wanted a sample that says what is meant ("target"); this one only says '
            'whether its request is ambiguous, which is enough for `clue evaluate ambiguity`'
        )


def _candidates(sample: DialogSample, verdict: str) -> tuple[Box, ...] | None:
    if sample.asked_about and sample.things:
        return tuple(sample.things[k].box for k in sorted(sample.asked_about[0]))
    if verdict == NONE:
        return ()
    return (sample.target,) if verdict == ONE and sample.target else None
