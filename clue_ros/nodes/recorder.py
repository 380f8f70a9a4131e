"""The recorder: writes a session to a bag, with all that is needed to replay it.

It records what perception looks at: the images of every camera that perception has subscribed to,
under whatever name. Once a second everything is handed to the file, so a kill costs the last
second and the index, which `clue evaluate bag` can do without.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from pathlib import Path
from typing import Any

from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.node import Node
from rclpy.node import NodeNameNonExistentError
from rclpy.qos import DurabilityPolicy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from rosbags.interfaces import Connection
from rosbags.interfaces import Qos
from rosbags.interfaces import QosDurability
from rosbags.interfaces import QosHistory
from rosbags.interfaces import QosLiveliness
from rosbags.interfaces import QosReliability
from rosbags.interfaces import QosTime
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer
from rosbags.rosbag2 import WriterError
from rosbags.typesys import Stores
from rosbags.typesys import get_types_from_msg
from rosbags.typesys import get_typestore
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_msgs.msg import String
from vision_msgs.msg import Detection2D
from vision_msgs.msg import Detection2DArray

from clue_ros.errors import InvalidSource
from clue_ros.msg import Ambiguity
from clue_ros.msg import Clarification
from clue_ros.msg import DialogState
from clue_ros.nodes.bringup import PACKAGE
from clue_ros.nodes.bringup import share_folder
from clue_ros.nodes.parameters import Parameter
from clue_ros.nodes.parameters import declare
from clue_ros.nodes.qos import LATCHED
from clue_ros.nodes.qos import RESULT
from clue_ros.nodes.runtime import run

PARAMETERS = (
    Parameter(
        'folder',
        '',
        'where the bag is made, in a new folder named by date and time; empty: none is made',
        fixed=True,
    ),
)

# As for SENSOR, but every frame counts here: some wait for a slow disk.
IMAGES = QoSProfile(reliability=ReliabilityPolicy.BEST_EFFORT, depth=30)
# Of all else, more waits than a robot says before the disk is back.
QUEUE = 1000
IMAGE_TYPES = {'sensor_msgs/msg/Image': Image, 'sensor_msgs/msg/CompressedImage': CompressedImage}
TOPICS = (
    ('instruction', String, RESULT),
    ('speech/said', String, RESULT),
    ('speech/heard', String, RESULT),
    # not the states of dialogs that ended before
    ('dialog_manager/state', DialogState, RESULT),
    ('dialog_manager/transcript', String, RESULT),
    ('dialog_manager/target', Detection2D, RESULT),
    ('perception/ambiguity', Ambiguity, RESULT),
    ('perception/question', Clarification, RESULT),
    ('sim_camera/objects', Detection2DArray, LATCHED),
    ('sim_camera/target', Detection2D, LATCHED),
    ('sim_camera/request', String, LATCHED),
)
FLUSH_SECONDS = 1.0
SEARCH_SECONDS = 0.2  # between two looks at what perception subscribes to


class Recorder(Node):
    """See the module's text."""

    def __init__(self) -> None:
        """Raise InvalidSource when the bag cannot be made."""
        self._writer: Writer | None = None  # first of all: rclpy may call destroy_node
        super().__init__('recorder')
        declare(self, PARAMETERS)
        self._types = _read_types()
        self._recorded: set[str] = set()
        folder = self.get_parameter('folder').value
        if folder:
            self._writer = _open(Path(folder).expanduser())
            self.get_logger().info(f'records to {self._writer.path}')
        else:
            self.get_logger().warning('records nothing; start it with -p folder:=/where/to')
        for topic, kind, profile in TOPICS:
            self._record(self.resolve_topic_name(topic), kind, profile)
        steady = Clock(clock_type=ClockType.STEADY_TIME)  # also when a simulation is paused
        self.create_timer(SEARCH_SECONDS, self._search, clock=steady)
        self.create_timer(FLUSH_SECONDS, self._flush, clock=steady)

    def destroy_node(self) -> None:
        """Close the bag: write its index and metadata."""
        super().destroy_node()
        if self._writer:
            with self._fullness():
                self._writer.close()
            self._writer = None

    def _search(self) -> None:
        """Record the cameras that perception has subscribed to, and what describes them."""
        try:
            inputs = self.get_subscriber_names_and_types_by_node('perception', self.get_namespace())
        except NodeNameNonExistentError:
            return  # it has not started yet
        for topic, [kind, *_] in inputs:
            if kind in IMAGE_TYPES and topic not in self._recorded:
                self._record(topic, IMAGE_TYPES[kind], IMAGES)
                camera = topic.removesuffix('/compressed').rpartition('/')[0]
                self._record(f'{camera}/camera_info', CameraInfo, IMAGES)

    def _record(self, topic: str, kind: Any, profile: QoSProfile) -> None:
        if topic in self._recorded:
            return
        self._recorded.add(topic)
        connection = self._connect(topic, kind, profile) if self._writer else None
        queue = QoSProfile(
            reliability=profile.reliability,
            durability=profile.durability,
            depth=profile.depth if profile is IMAGES else QUEUE,
        )
        self.create_subscription(
            kind, topic, lambda data: self._write(connection, data), queue, raw=True
        )

    def _connect(self, topic: str, kind: Any, profile: QoSProfile) -> Connection:
        package = kind.__module__.partition('.')[0]
        return self._writer.add_connection(
            topic,
            f'{package}/msg/{kind.__name__}',
            typestore=self._types,
            offered_qos_profiles=[_offered(profile)],
        )

    def _write(self, connection: Connection | None, data: bytes) -> None:
        if connection:
            with self._fullness():
                self._writer.write(connection, self.get_clock().now().nanoseconds, data)

    def _flush(self) -> None:
        """Hand what was recorded to the file; the writer itself waits for a full chunk."""
        if self._writer:
            with self._fullness():
                storage = self._writer.storage
                if storage.chunk.msgs:
                    storage.close_chunk()
                storage.bio.flush()

    @contextmanager
    def _fullness(self) -> Iterator[None]:
        """End the process when the disk is full: a recorder that records nothing is no help."""
        try:
            yield
        except OSError as error:
            writer, self._writer = self._writer, None
            with suppress(OSError):
                writer.abort()
            raise InvalidSource(f'{writer.path} ends here: {error}; make room') from error


def _open(folder: Path) -> Writer:
    name = time.strftime('%Y-%m-%d_%H-%M-%S')
    for twin in itertools.count():  # two robots may start in the same second
        path = folder / (f'{name}_{twin}' if twin else name)
        try:
            writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
            writer.open()
            return writer
        except WriterError:
            continue
        except OSError as error:
            raise InvalidSource(f'no bag can be made at {path}: {error}') from error
    raise AssertionError('numbers do not end')


def _read_types() -> Any:
    """Types of rosbags, and those that it does not know."""
    store = get_typestore(Stores.ROS2_KILTED)
    types = {}
    for package in (PACKAGE, 'vision_msgs'):
        for file in (share_folder(package) / 'msg').glob('*.msg'):
            types.update(get_types_from_msg(file.read_text(), f'{package}/msg/{file.stem}'))
    store.register(types)
    return store


def _offered(profile: QoSProfile) -> Qos:
    """For `ros2 bag play`: latched topics stay latched."""
    reliable = profile.reliability == ReliabilityPolicy.RELIABLE
    latched = profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
    unlimited = QosTime(9223372036, 854775807)
    return Qos(
        QosHistory.KEEP_LAST,
        profile.depth,
        QosReliability.RELIABLE if reliable else QosReliability.BEST_EFFORT,
        QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
        unlimited,
        unlimited,
        QosLiveliness.AUTOMATIC,
        unlimited,
        False,
    )


def main() -> int:
    """Run the node."""
    return run(Recorder)


if __name__ == '__main__':
    raise SystemExit(main())
