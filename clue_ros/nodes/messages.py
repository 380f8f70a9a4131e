"""The one place where values of the core become messages and messages become values."""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass

from std_msgs.msg import Header
from vision_msgs.msg import BoundingBox2D
from vision_msgs.msg import Detection2D
from vision_msgs.msg import Detection2DArray
from vision_msgs.msg import ObjectHypothesisWithPose

from clue_ros.action import Ground
from clue_ros.box import Box
from clue_ros.conversation import Answer
from clue_ros.conversation import Conversation
from clue_ros.dialog import Dialog
from clue_ros.dialog import Turn
from clue_ros.errors import InvalidBox
from clue_ros.msg import Ambiguity as AmbiguityMessage
from clue_ros.msg import Clarification as ClarificationMessage
from clue_ros.msg import Dialog as DialogMessage
from clue_ros.msg import DialogState
from clue_ros.msg import Turn as TurnMessage
from clue_ros.response import Absent
from clue_ros.response import Ambiguity
from clue_ros.response import Grounding
from clue_ros.response import Invalid
from clue_ros.response import Question
from clue_ros.response import Region
from clue_ros.response import Response
from clue_ros.srv import Respond

NOTHING = 'none'  # id of a target that is known not to be there


@dataclass(frozen=True)
class Source:
    """The frame and the dialog something was computed from; every output names them."""

    header: Header  # stamp and frame_id of the image
    camera: str
    width: int  # of the image, pixels
    height: int
    dialog: Dialog
    dialog_id: str = ''


def dialog_from_message(message: DialogMessage) -> Dialog:
    """Read a dialog; raises InvalidRequest when a text of it is empty or too long."""
    turns = tuple(Turn(turn.question, turn.reply) for turn in message.turns)
    return Dialog(message.request, turns)


def dialog_to_message(dialog: Dialog, dialog_id: str = '') -> DialogMessage:
    """Write a dialog; `dialog_id` is the one its manager gave it."""
    turns = [TurnMessage(question=turn.question, reply=turn.reply) for turn in dialog.turns]
    return DialogMessage(id=dialog_id, request=dialog.request, turns=turns)


def box_from_message(message: BoundingBox2D) -> Box:
    """Read an upright box; raises InvalidBox when it is turned or has no area."""
    if message.center.theta != 0.0:
        raise InvalidBox(f'wanted an upright box (theta 0), got theta {message.center.theta} rad')
    x, y = message.center.position.x, message.center.position.y
    half_width, half_height = message.size_x / 2, message.size_y / 2
    return Box(x - half_width, y - half_height, x + half_width, y + half_height)


def box_to_message(box: Box) -> BoundingBox2D:
    """Write a box in pixels as centre and size in pixels."""
    message = BoundingBox2D(size_x=float(box.x2 - box.x1), size_y=float(box.y2 - box.y1))
    message.center.position.x, message.center.position.y = (float(value) for value in box.center)
    return message


def detection_to_message(
    box: Box, score: float, header: Header, label: str, detection_id: str = ''
) -> Detection2D:
    """Write one detected object.

    `score` is in [0, 1], `label` says what it is (the person's request), and detections with the
    same `detection_id` are of the same object (the id of the dialog that asked for it).
    """
    hypothesis = ObjectHypothesisWithPose()
    hypothesis.hypothesis.class_id = label
    hypothesis.hypothesis.score = float(score)
    return Detection2D(
        header=header, results=[hypothesis], bbox=box_to_message(box), id=detection_id
    )


def detections_to_message(response: Response, source: Source) -> Detection2DArray:
    """Write what was found: the target of a Grounding, nothing for any other response."""
    message = Detection2DArray(header=source.header)
    if isinstance(response, Grounding):
        message.detections = [_target(response, source)]
    return message


def ambiguity_to_message(
    ambiguity: Ambiguity, source: Source, model_seconds: float
) -> AmbiguityMessage:
    """Write an assessment that took the model `model_seconds`; NaN stands for "no probe"."""
    boxes, shares = _regions_to_message(ambiguity.regions)
    return AmbiguityMessage(
        header=source.header,
        camera=source.camera,
        dialog_id=source.dialog_id,
        turn=len(source.dialog.turns),
        instruction=source.dialog.request,
        width=source.width,
        height=source.height,
        ambiguous=ambiguity.ambiguous,
        probability=_number_or_nan(ambiguity.probability),
        threshold=_number_or_nan(ambiguity.threshold),
        regions=boxes,
        shares=shares,
        model_seconds=float(model_seconds),
    )


def clarification_to_message(
    question: Question, ambiguity: Ambiguity, source: Source
) -> ClarificationMessage:
    """Write a question together with the regions it is about."""
    boxes, shares = _regions_to_message(ambiguity.regions)
    return ClarificationMessage(
        header=source.header,
        camera=source.camera,
        dialog_id=source.dialog_id,
        turn=len(source.dialog.turns),
        instruction=source.dialog.request,
        question=question.text,
        candidates=boxes,
        shares=shares,
    )


def respond_to_message(
    response: Response, ambiguity: Ambiguity, source: Source, model_seconds: float
) -> Respond.Response:
    """Write the answer of the respond service."""
    message = Respond.Response(ambiguity=ambiguity_to_message(ambiguity, source, model_seconds))
    match response:
        case Question(text):
            message.kind = Respond.Response.QUESTION
            message.question = text
        case Grounding():
            message.kind = Respond.Response.GROUNDING
            message.target = _target(response, source)
        case Absent():
            message.kind = Respond.Response.ABSENT
        case Invalid(text, reason):
            message.kind = Respond.Response.INVALID
            message.error_msg = f'{reason}; the model wrote {text!r}'
    return message


def _target(grounding: Grounding, source: Source) -> Detection2D:
    return detection_to_message(
        grounding.box,
        grounding.confidence,
        source.header,
        source.dialog.request,
        source.dialog_id,
    )


def _regions_to_message(regions: tuple[Region, ...]) -> tuple[list[BoundingBox2D], array[float]]:
    boxes = [box_to_message(region.box) for region in regions]
    return boxes, array('f', [region.share for region in regions])


def _number_or_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)


def answer_from_message(step: int, message: Respond.Response) -> Answer:
    """Read what perception answered to the Look of `step`, an error excepted."""
    probability = message.ambiguity.probability
    response = _response_from_message(message)
    return Answer(step, response, None if math.isnan(probability) else probability)


def _response_from_message(message: Respond.Response) -> Response:
    match message.kind:
        case Respond.Response.QUESTION:
            return Question(message.question)
        case Respond.Response.GROUNDING:
            score = message.target.results[0].hypothesis.score if message.target.results else 0.0
            try:
                return Grounding(box_from_message(message.target.bbox), score)
            except InvalidBox as error:
                return Invalid('', str(error))
        case Respond.Response.ABSENT:
            return Absent()
    return Invalid('', message.error_msg or f'perception answered with kind {message.kind}')


def state_to_message(
    conversation: Conversation, dialog_id: str, header: Header, camera: str, target: Detection2D
) -> DialogState:
    """Write where a conversation stands; `header` and `camera` are those of its last look."""
    message = DialogState(
        header=header,
        camera=camera,
        dialog=dialog_to_message(conversation.dialog, dialog_id),
        state=getattr(DialogState, conversation.state.name),
        question=conversation.question,
        probabilities=array(
            'f', (math.nan if p is None else p for p in conversation.probabilities)
        ),
    )
    if conversation.end:
        message.outcome = getattr(DialogState, conversation.end.outcome.name)
        message.error_code = int(conversation.end.code)
        message.error_msg = conversation.end.message
        if conversation.end.target:
            message.target = target
    return message


def result_to_message(state: DialogState) -> Ground.Result:
    """Write the result of the action from the last state."""
    return Ground.Result(
        outcome=state.outcome,
        target=state.target,
        dialog=state.dialog,
        probabilities=state.probabilities,
        error_code=state.error_code,
        error_msg=state.error_msg,
    )
