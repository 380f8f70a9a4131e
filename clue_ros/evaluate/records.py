"""From a case and what the robot made of it to a record."""

from __future__ import annotations

from dataclasses import replace

from clue_ros.evaluate.cases import Case
from clue_ros.evaluate.log import FALSE_ABSENT
from clue_ros.evaluate.log import INVALID
from clue_ros.evaluate.log import NONE
from clue_ros.evaluate.log import SUCCESS
from clue_ros.evaluate.log import UNREADABLE
from clue_ros.evaluate.log import WRONG_GRASP
from clue_ros.evaluate.log import Record
from clue_ros.evaluate.metrics import MIN_IOU
from clue_ros.response import Absent
from clue_ros.response import Grounding
from clue_ros.response import Invalid
from clue_ros.response import Response


def blank(case: Case, policy: str, width: int = 0, height: int = 0) -> Record:
    """A case of which nothing is known but the truth."""
    return Record(
        id=case.id,
        policy=policy,
        group=case.picture.group,
        picture=case.picture.name,
        width=width,
        height=height,
        request=case.dialog.request,
        form=case.form,
        verdict=case.verdict,
        outcome=UNREADABLE,
        target=case.target,
        candidates=case.candidates,
    )


def ended(record: Record, response: Response) -> Record:
    """The record with the robot's last word about it."""
    match response:
        case Grounding(box, confidence):
            iou = None if record.target is None else box.iou(record.target)
            right = iou is not None and iou >= MIN_IOU
            outcome = SUCCESS if right else WRONG_GRASP
            return replace(record, outcome=outcome, box=box, iou=iou, confidence=confidence)
        case Absent():
            outcome = SUCCESS if record.verdict == NONE else FALSE_ABSENT
            return replace(record, outcome=outcome)
        case Invalid(reason=reason):
            return replace(record, outcome=INVALID, reason=reason)
    return replace(record, outcome=INVALID, reason='an empty question')
