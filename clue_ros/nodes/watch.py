"""Cameras and model at work: what perception has while it is active."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.exceptions import InvalidTopicNameException
from rclpy.lifecycle import LifecycleNode
from rclpy.task import Future
from rclpy.validate_topic_name import validate_topic_name
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_msgs.msg import String

from clue_ros.conversation import is_cancel
from clue_ros.dialog import Dialog
from clue_ros.errors import ClueError
from clue_ros.errors import InvalidRequest
from clue_ros.errors import NoImage
from clue_ros.errors import UnknownCamera
from clue_ros.nodes.diagnostics import camera_status
from clue_ros.nodes.diagnostics import diagnostic_name
from clue_ros.nodes.diagnostics import explain_silence
from clue_ros.nodes.images import image_from_message
from clue_ros.nodes.outputs import Outputs
from clue_ros.nodes.qos import OVERRIDABLE
from clue_ros.nodes.qos import RESULT
from clue_ros.nodes.qos import SENSOR
from clue_ros.nodes.slots import Slots
from clue_ros.nodes.slots import Subject
from clue_ros.nodes.worker import Assessment
from clue_ros.nodes.worker import Worker
from clue_ros.response import Question

if TYPE_CHECKING:
    from clue_ros.clue import Clue

TRANSPORTS = {'raw': (Image, ''), 'compressed': (CompressedImage, '/compressed')}
END_SECONDS = 5.0  # new frames are still assessed when a request has been settled
LOG_PERIOD = 10.0  # seconds between two lines of log about the same trouble


def camera_topics(node: LifecycleNode) -> dict[str, str]:
    """The image topic of each camera, as the parameters say; raises InvalidRequest."""
    cameras = node.get_parameter_or('cameras').value  # None when it was set to []
    if not cameras or '' in cameras:
        raise InvalidRequest(f'parameter cameras: wanted names, e.g. [camera], got {cameras}')
    _, suffix = TRANSPORTS[node.get_parameter('image_transport').value]
    image_name = node.get_parameter('image_name').value
    topics = {camera: f'{camera}/{image_name}{suffix}' for camera in cameras}
    try:
        for topic in topics.values():
            validate_topic_name(topic)
    except InvalidTopicNameException as error:
        raise InvalidRequest(f'parameters cameras and image_name: {error}') from error
    return topics


class Watch:
    """Subscriptions, the newest frames and the model's thread, from activation to deactivation."""

    def __init__(self, node: LifecycleNode, clue: Clue, outputs: Outputs) -> None:
        """Begin; `node` has perception's parameters."""
        self._node = node
        topics = camera_topics(node)
        self._kind, _ = TRANSPORTS[self._value('image_transport')]
        self.slots = Slots(topics, image_from_message, self._value('image_timeout'))
        self._inputs = {camera: self._subscribe(camera, topic) for camera, topic in topics.items()}
        self._instruction = node.create_subscription(
            String, 'instruction', self._hear, RESULT, qos_overriding_options=OVERRIDABLE
        )
        self._reported = dict.fromkeys(topics, 0)  # frames received up to the last report
        # last: if a subscription fails there is no thread that would keep the model
        self.worker = Worker(clue, self.slots, outputs.publish, self._complain)

    def stop(self) -> None:
        """End it all; requests that wait fail with NotActive."""
        for subscription in (self._instruction, *self._inputs.values()):
            self._node.destroy_subscription(subscription)
        self.worker.stop()

    async def look(
        self, camera: str, subject: Subject, ask_policy: str | None = None
    ) -> Assessment:
        """Assess, and with an `ask_policy` respond, in the newest frame of a camera.

        An empty `camera` means the first. From now on new frames are assessed for `subject`.
        Raises ClueError, or whatever the model raised.
        """
        camera = camera or next(iter(self._inputs))
        if camera not in self._inputs:
            known = ', '.join(self._inputs)
            raise UnknownCamera(f'wanted one of the cameras {known}, got {camera!r}')
        job = self.worker.submit(camera, subject, ask_policy)
        self.worker.follow(subject, self._value('probe.active_seconds'))
        done = Future(executor=self._node.executor)
        # a future that is set in another thread wakes its executor only for its callbacks
        done.add_done_callback(lambda _: None)
        job.add_done_callback(lambda _: done.set_result(None))
        await done
        try:
            seen = job.result()
        except NoImage as error:
            raise NoImage(self._explain(camera)) from error
        if seen.response is not None and not isinstance(seen.response, Question):
            # the dialog is over: show how it ended for a moment, then rest
            self.worker.follow(subject, min(END_SECONDS, self._value('probe.active_seconds')))
        return seen

    def statuses(self, seconds: float) -> list[DiagnosticStatus]:
        """How each camera is doing, `seconds` after the last report; trouble is logged too."""
        statuses, silences = [], []
        for camera, subscription in self._inputs.items():
            counts = self.slots.counts[camera]
            rate = (counts.received - self._reported[camera]) / seconds
            self._reported[camera] = counts.received
            age = self.slots.age(camera)
            silence = self._explain(camera) if age > self.slots.timeout else ''
            silences += [silence] if silence else []
            node, topic = diagnostic_name(self._node), subscription.topic_name
            statuses.append(camera_status(node, camera, topic, counts, rate, age, silence))
        if silences:
            self._node.get_logger().warning('\n'.join(silences), throttle_duration_sec=LOG_PERIOD)
        return statuses

    def _hear(self, message: String) -> None:
        """Follow an instruction off the topic; an empty one and "stop" end it."""
        subject = None
        if message.data.strip() and not is_cancel(message.data):
            try:
                subject = Subject(Dialog(message.data))
            except InvalidRequest as error:
                self._node.get_logger().warning(f'instruction ignored: {error}')
                return
        self.worker.follow(subject, self._value('probe.active_seconds'))

    def _subscribe(self, camera: str, topic: str) -> Any:
        return self._node.create_subscription(
            self._kind,
            topic,
            lambda message: self.worker.offer(camera, message),
            SENSOR,
            qos_overriding_options=OVERRIDABLE,
        )

    def _explain(self, camera: str) -> str:
        name = f'sensor_msgs/msg/{self._kind.__name__}'
        return explain_silence(self._node, self._inputs[camera], name, self.slots.age(camera))

    def _complain(self, error: Exception) -> None:
        """Log what went wrong in the model's thread."""
        if not self._node.context.ok():
            return  # the process ends: publishers are gone, and nobody is left to tell
        logger = self._node.get_logger()
        if isinstance(error, ClueError):
            logger.warning(str(error), throttle_duration_sec=LOG_PERIOD)
        else:
            text = ''.join(traceback.format_exception(error))
            logger.error(text, throttle_duration_sec=LOG_PERIOD)

    def _value(self, name: str) -> Any:
        return self._node.get_parameter(name).value
