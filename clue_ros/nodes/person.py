"""The scripted person as a node: hears the robot's questions, answers as somebody at the table.

It knows the truth of the simulated camera's scene and speaks through the text backend of the
speech node.
"""

from rclpy.node import Node
from rclpy.timer import Timer
from std_msgs.msg import String
from vision_msgs.msg import Detection2D
from vision_msgs.msg import Detection2DArray

from clue_ros.errors import InvalidBox
from clue_ros.nodes.messages import NOTHING
from clue_ros.nodes.messages import box_from_message
from clue_ros.nodes.parameters import Parameter
from clue_ros.nodes.parameters import declare
from clue_ros.nodes.qos import LATCHED
from clue_ros.nodes.qos import OVERRIDABLE
from clue_ros.nodes.qos import RESULT
from clue_ros.nodes.runtime import run
from clue_ros.person import Person
from clue_ros.person import Thing

PARAMETERS = (
    Parameter('silent', False, 'never answer, to see what the robot does then'),
    Parameter('delay', 0.5, 'time from hearing a question to answering it, s', 0.0, 3600.0),
)


class PersonNode(Node):
    """See the module's text."""

    def __init__(self) -> None:
        super().__init__('person')
        declare(self, PARAMETERS)
        self._objects = Detection2DArray()
        self._target = Detection2D()
        self._request = ''
        self._person: Person | None = None  # while the truth is known
        self._answer: Timer | None = None  # on its way
        options = {'qos_overriding_options': OVERRIDABLE}
        self._heard = self.create_publisher(String, 'speech/heard', RESULT, **options)
        for kind, topic, callback, quality in (
            (Detection2DArray, 'sim_camera/objects', self._take_objects, LATCHED),
            (Detection2D, 'sim_camera/target', self._take_target, LATCHED),
            (String, 'sim_camera/request', self._take_request, LATCHED),
            (String, 'instruction', self._forget, RESULT),
            (String, 'speech/said', self._listen, RESULT),
        ):
            self.create_subscription(kind, topic, callback, quality, **options)

    def _take_objects(self, message: Detection2DArray) -> None:
        self._objects = message
        self._know()

    def _take_target(self, message: Detection2D) -> None:
        self._target = message
        self._know()

    def _take_request(self, message: String) -> None:
        self._request = message.data
        self._know()

    def _know(self) -> None:
        """Put the truth together; its parts arrive one by one."""
        self._person = None
        ids = [detection.id for detection in self._objects.detections]
        same_scene = self._objects.header == self._target.header
        if not (same_scene and self._target.id in [*ids, NOTHING]):
            return
        try:
            things = [
                Thing(detection.results[0].hypothesis.class_id, box_from_message(detection.bbox))
                for detection in self._objects.detections
            ]
        except (InvalidBox, IndexError) as error:
            self.get_logger().error(f'the truth of the scene cannot be used: {error}')
            return
        meant = None if self._target.id == NOTHING else ids.index(self._target.id)
        self._person = Person(things, meant, self._request)

    def _forget(self, _: String) -> None:
        if self._person:
            self._person.forget()

    def _listen(self, message: String) -> None:
        """Answer a question once; whatever is said, an answer to an older one is too late."""
        if self._answer:
            self.destroy_timer(self._answer)
            self._answer = None
        if '?' not in message.data:
            self._forget(message)
        elif self.get_parameter('silent').value:
            self.get_logger().info(f'stays silent at "{message.data}"')
        elif self._person is None:
            self.get_logger().warning(
                f'cannot answer "{message.data}": wanted the truth of a scene on '
                'sim_camera/objects and sim_camera/target; start the simulated camera'
            )
        else:
            reply = String(data=self._person.reply(message.data))
            self._answer = self.create_timer(
                self.get_parameter('delay').value, lambda: self._reply(reply)
            )

    def _reply(self, reply: String) -> None:
        self.destroy_timer(self._answer)
        self._answer = None
        self._heard.publish(reply)


def main() -> int:
    """Run the node."""
    return run(PersonNode)


if __name__ == '__main__':
    raise SystemExit(main())
