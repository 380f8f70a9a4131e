"""What became of an instruction of a bag, and how it counts.

It is measured by the ground truth of the bag. Where the bag has none, by what the robot did when
the bag was recorded: then a success means that it would do the same again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clue_ros.box import Box
from clue_ros.conversation import Code
from clue_ros.conversation import Finish
from clue_ros.conversation import Outcome
from clue_ros.dialog import Turn
from clue_ros.evaluate import log
from clue_ros.evaluate.bag_frames import Frame
from clue_ros.evaluate.bag_script import Ended
from clue_ros.evaluate.bag_truth import BagTruth
from clue_ros.evaluate.metrics import MIN_IOU
from clue_ros.evaluate.policies import PROBE


@dataclass(frozen=True)
class ReplayedTurn:
    """A question of the replay and the reply it got."""

    question: str
    reply: str
    reply_of_other_question: bool  # the robot of the bag had asked something else


@dataclass(frozen=True)
class Replayed:
    """What became of one instruction, seen through one camera."""

    number: int  # of the instruction, from 0
    camera: str
    begin: float  # seconds since the first message
    request: str
    end: Finish
    turns: tuple[ReplayedTurn, ...]
    probabilities: tuple[float | None, ...]  # of ambiguity, at each look
    map: str  # attention at the first look, packed; empty when there was none
    confidence: float | None  # of the box
    frames: tuple[Frame, ...]  # that were looked at
    truth: BagTruth | None  # None when the bag does not tell
    recorded: Ended | None  # how it ended on the robot; None when the bag does not tell

    @property
    def agrees(self) -> bool | None:
        """Whether it ended as on the robot; None when that is not known for this camera."""
        if self.recorded is None:
            return None
        return same_end(self.end, self.recorded.outcome, self.recorded.target)

    @property
    def target(self) -> Box | None:
        """What is meant, as far as the bag tells."""
        if self.truth:
            return self.truth.target.box
        return self.recorded.target if self.recorded else None

    @property
    def verdict(self) -> str:
        """What is known about how many things the request fits."""
        absent = not self.truth and self.recorded and self.recorded.outcome is Outcome.ABSENT
        return log.NONE if absent else log.UNKNOWN


def same_end(end: Finish, outcome: Outcome, target: Box | None) -> bool:
    """Whether two dialogs ended alike: the same outcome, and boxes of the same thing."""
    if end.outcome is not outcome:
        return False
    return not (end.target and target) or end.target.iou(target) >= MIN_IOU


def judge(result: Replayed) -> tuple[str, str]:
    """The outcome of a record, of `log.OUTCOMES`, and the reason."""
    end, known = result.end, result.target is not None or result.verdict == log.NONE
    match end.outcome:
        case Outcome.CANCELED | Outcome.PREEMPTED:
            return log.UNREADABLE, f'{end.outcome.value}: the person took it back'
        case Outcome.FAILED if end.code == Code.INVALID_BOX:
            return log.INVALID, end.message
        case Outcome.FAILED:
            return log.UNREADABLE, end.message
        case _ if not known:
            return log.UNREADABLE, 'the bag does not tell what is meant'
        case Outcome.NO_REPLY:
            return log.UNRESOLVED, 'the bag holds no reply to the last question'
        case Outcome.UNRESOLVED:
            return log.UNRESOLVED, end.message
        case Outcome.ABSENT:
            return (log.FALSE_ABSENT if result.target else log.SUCCESS), ''
    right = end.target and result.target and end.target.iou(result.target) >= MIN_IOU
    return (log.SUCCESS if right else log.WRONG_GRASP), ''


def to_record(result: Replayed, policy: str, bag: str) -> log.Record:
    """The record of the log; `bag` names the bag, `policy` decided whether to ask."""
    outcome, reason = judge(result)
    seen = result.frames[-1] if result.frames else None
    box, target = result.end.target, result.target
    return log.Record(
        id=f'{bag} {result.number} {result.camera}',
        policy=policy,
        group=f'{bag} {result.number}',
        picture=seen.picture if seen else '',
        width=seen.width if seen else 0,
        height=seen.height if seen else 0,
        request=result.request,
        form='',
        verdict=result.verdict,
        outcome=outcome,
        target=target,
        turns=tuple(Turn(turn.question, turn.reply) for turn in result.turns if turn.reply.strip()),
        probabilities=result.probabilities,
        map=result.map if policy == PROBE else '',
        box=box,
        iou=box.iou(target) if box and target else None,
        confidence=result.confidence,
        reason=reason,
    )


def describe(result: Replayed) -> dict[str, Any]:
    """Everything about it as plain values, beyond what the record holds."""
    recorded = result.recorded
    return {
        'number': result.number,
        'camera': result.camera,
        'begin': round(result.begin, 3),
        'request': result.request,
        'outcome': result.end.outcome.name,
        'error_code': int(result.end.code),
        'message': result.end.message,
        'box': result.end.target and result.end.target.corners,
        'confidence': result.confidence,
        'probabilities': result.probabilities,
        'turns': [vars(turn) for turn in result.turns],
        'frames': [frame.stamp for frame in result.frames],
        'truth': result.truth and result.truth.target.box.corners,
        'recorded': recorded
        and {
            'outcome': recorded.outcome.name,
            'camera': recorded.camera,
            'box': recorded.target and recorded.target.corners,
            'questions': recorded.questions,
        },
        'agrees': result.agrees,
    }
