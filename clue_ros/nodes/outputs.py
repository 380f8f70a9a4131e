"""What perception publishes about a frame."""

from __future__ import annotations

from typing import NamedTuple

from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from clue_ros.msg import Ambiguity as AmbiguityMessage
from clue_ros.msg import Clarification
from clue_ros.nodes.images import RgbImage
from clue_ros.nodes.images import image_to_jpeg
from clue_ros.nodes.images import image_to_message
from clue_ros.nodes.images import map_to_message
from clue_ros.nodes.messages import Source
from clue_ros.nodes.messages import ambiguity_to_message
from clue_ros.nodes.messages import clarification_to_message
from clue_ros.nodes.messages import detections_to_message
from clue_ros.nodes.qos import OVERRIDABLE
from clue_ros.nodes.qos import RESULT
from clue_ros.nodes.qos import SENSOR
from clue_ros.nodes.slots import Subject
from clue_ros.nodes.worker import Assessment
from clue_ros.overlay import dialog_lines
from clue_ros.overlay import draw
from clue_ros.response import Grounding
from clue_ros.response import Question
from clue_ros.response import Response


class _Answer(NamedTuple):
    subject: Subject
    response: Response
    received: float  # when its frame came, `time.monotonic`


def source_of(assessment: Assessment) -> Source:
    """Name the frame and the dialog of an assessment, for its messages."""
    frame, subject = assessment.frame, assessment.subject
    height, width = frame.image.shape[:2]
    return Source(
        frame.message.header, frame.camera, width, height, subject.dialog, subject.dialog_id
    )


class Outputs:
    """The publishers of an assessment; they are silent unless the node is active."""

    def __init__(self, node: LifecycleNode) -> None:
        """Create the publishers on `node`, which has declared the parameters `overlay.*`."""

        def publisher(kind, topic, profile):
            return node.create_lifecycle_publisher(
                kind, topic, profile, qos_overriding_options=OVERRIDABLE
            )

        self._node = node
        self._ambiguity = publisher(AmbiguityMessage, '~/ambiguity', RESULT)
        self._question = publisher(Clarification, '~/question', RESULT)
        self._detections = publisher(Detection2DArray, '~/detections', RESULT)
        self._attention = publisher(Image, '~/attention/image', SENSOR)
        self._overlay = publisher(Image, '~/overlay/image', SENSOR)
        self._jpeg = publisher(CompressedImage, '~/overlay/image/compressed', SENSOR)
        self._answers: dict[str, _Answer] = {}  # the last one of each camera

    def publish(self, assessment: Assessment) -> None:
        """Publish everything about an assessment; pictures only if somebody watches."""
        source = source_of(assessment)
        ambiguity, response = assessment.ambiguity, assessment.response
        self._ambiguity.publish(ambiguity_to_message(ambiguity, source, assessment.model_seconds))
        if self._attention.get_subscription_count():
            self._attention.publish(map_to_message(ambiguity.map, source.header))
        if isinstance(response, Question):
            self._question.publish(clarification_to_message(response, ambiguity, source))
        if response is not None:
            self._detections.publish(detections_to_message(response, source))
            received = assessment.frame.received
            self._answers[source.camera] = _Answer(assessment.subject, response, received)
        raw, jpeg = (p.get_subscription_count() for p in (self._overlay, self._jpeg))
        if raw or jpeg:
            picture = self._draw(assessment)
            if raw:
                self._overlay.publish(image_to_message(picture, source.header))
            if jpeg:
                quality = self._node.get_parameter('overlay.jpeg_quality').value
                self._jpeg.publish(image_to_jpeg(picture, source.header, quality))

    def _draw(self, assessment: Assessment) -> RgbImage:
        # Frames keep coming while a question waits for its reply: the last response to the same
        # dialog stays in the picture, and its box says how old it is.
        frame, subject = assessment.frame, assessment.subject
        answer = self._answers.get(frame.camera)
        response, target, label = None, None, 'target'
        if answer and answer.subject == subject:
            response = answer.response
            age = frame.received - answer.received
            label += f', {age:.0f} s ago' if age >= 1 else ''
        if isinstance(response, Grounding):
            target = response.box
        asking = isinstance(response, Question) or assessment.ambiguity.ambiguous
        return draw(
            frame.image,
            assessment.ambiguity,
            dialog_lines(subject.dialog, response),
            [region.box for region in assessment.ambiguity.regions] if asking else (),
            target,
            label,
            self._node.get_parameter('overlay.opacity').value,
        )
