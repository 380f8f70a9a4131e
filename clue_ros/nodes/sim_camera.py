"""The simulated camera: shows one scene at a time as a camera would, and publishes its truth.

A scene is shown until the service `~/new_scene` or the parameter `scene` brings another.
"""

import math
from pathlib import Path

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from std_msgs.msg import String
from std_srvs.srv import Trigger
from vision_msgs.msg import Detection2D
from vision_msgs.msg import Detection2DArray

from clue_ros import frames
from clue_ros.errors import ClueError
from clue_ros.errors import InvalidSource
from clue_ros.frames import Scene
from clue_ros.frames import Source
from clue_ros.frames import open_source
from clue_ros.nodes.images import image_to_jpeg
from clue_ros.nodes.images import image_to_message
from clue_ros.nodes.messages import NOTHING
from clue_ros.nodes.messages import detection_to_message
from clue_ros.nodes.parameters import Parameter
from clue_ros.nodes.parameters import declare
from clue_ros.nodes.qos import LATCHED
from clue_ros.nodes.qos import OVERRIDABLE
from clue_ros.nodes.qos import SENSOR
from clue_ros.nodes.runtime import run

SHIPPED = Path(frames.__file__).parent / 'scenes'
JPEG_QUALITY = 90

PARAMETERS = (
    Parameter(
        'source',
        '',
        'folder of images, image, or bag (MCAP, sqlite3); empty: the scenes of this package',
        fixed=True,
    ),
    Parameter('scene', 0, 'which scene of the source is shown, from 0', 0, 1_000_000),
    Parameter('camera', 'camera', 'namespace of the camera', fixed=True),
    Parameter('frame_id', 'camera_optical_frame', 'frame of the images', fixed=True),
    Parameter('rate', 10.0, 'images per second, Hz', 0.1, 120.0, fixed=True),
)


class SimCamera(Node):
    """See the module's text."""

    def __init__(self) -> None:
        """Raise ClueError when the source or its first scene cannot be read."""
        super().__init__('sim_camera')
        declare(self, PARAMETERS)
        self._source = open_source(Path(self.get_parameter('source').value or SHIPPED))
        camera = self.get_parameter('camera').value
        options = {'qos_overriding_options': OVERRIDABLE}
        self._image = self.create_publisher(Image, f'{camera}/image', SENSOR, **options)
        self._jpeg = self.create_publisher(
            CompressedImage, f'{camera}/image/compressed', SENSOR, **options
        )
        self._info = self.create_publisher(CameraInfo, f'{camera}/camera_info', SENSOR, **options)
        self._objects = self.create_publisher(Detection2DArray, '~/objects', LATCHED, **options)
        self._target = self.create_publisher(Detection2D, '~/target', LATCHED, **options)
        self._request = self.create_publisher(String, '~/request', LATCHED, **options)
        self._next = read_scene(self._source, self.get_parameter('scene').value)
        self._show(self._next)
        self.add_on_set_parameters_callback(self._check)
        self.add_post_set_parameters_callback(self._changed)
        self.create_service(Trigger, '~/new_scene', self._new_scene)
        self.create_timer(1.0 / self.get_parameter('rate').value, self._publish)

    def _show(self, scene: Scene) -> None:
        """Make `scene` the current one and publish its truth."""
        header = self._header()
        self._scene = scene
        self._message = image_to_message(scene.image, header)
        self._compressed: CompressedImage | None = None  # made when somebody wants it
        self._camera_info = _pinhole(scene, header)
        detections = [
            detection_to_message(thing.box, 1.0, header, thing.label, str(index))
            for index, thing in enumerate(scene.truth.things)
        ]
        self._objects.publish(Detection2DArray(header=header, detections=detections))
        # without a target an empty one: it must take the place of that of the scene before
        meant = scene.truth.target
        nothing = Detection2D(header=header, id=NOTHING if scene.truth.absent else '')
        self._target.publish(nothing if meant is None else detections[meant])
        self._request.publish(String(data=scene.truth.request))
        request = f': "{scene.truth.request}"' if scene.truth.request else ''
        self.get_logger().info(f'shows {scene.name}{request}')

    def _publish(self) -> None:
        header = self._header()
        self._message.header = self._camera_info.header = header
        self._image.publish(self._message)
        self._info.publish(self._camera_info)
        if self._jpeg.get_subscription_count():
            if self._compressed is None:
                self._compressed = image_to_jpeg(self._scene.image, header, JPEG_QUALITY)
            self._compressed.header = header
            self._jpeg.publish(self._compressed)

    def _new_scene(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        """Show the next scene, after the last one the first."""
        index = (self.get_parameter('scene').value + 1) % len(self._source)
        result = self.set_parameters([RosParameter('scene', value=index)])[0]
        response.success = result.successful
        response.message = result.reason or (
            f'scene {index} of {len(self._source)}: {self._scene.name}'
        )
        return response

    def _check(self, changes: list[RosParameter]) -> SetParametersResult:
        """Refuse a scene that cannot be read."""
        try:
            for change in changes:
                if change.name == 'scene':
                    self._next = read_scene(self._source, change.value)
        except ClueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _changed(self, changes: list[RosParameter]) -> None:
        for change in changes:
            if change.name == 'scene':
                self._show(self._next)

    def _header(self) -> Header:
        return Header(
            stamp=self.get_clock().now().to_msg(),
            frame_id=self.get_parameter('frame_id').value,
        )


def read_scene(source: Source, index: int) -> Scene:
    """A scene of a source, counted from 0; raises InvalidSource when there is none."""
    if index >= len(source):
        raise InvalidSource(f'wanted scene {index}, the source has {len(source)}, counted from 0')
    return source[index]


def _pinhole(scene: Scene, header: Header) -> CameraInfo:
    """An undistorted camera with its axis in the middle and a view 60 degrees wide."""
    height, width = scene.image.shape[:2]
    focal = width / 2 / math.tan(math.radians(30))
    x, y = width / 2, height / 2
    return CameraInfo(
        header=header,
        width=width,
        height=height,
        distortion_model='plumb_bob',
        d=[0.0] * 5,
        k=[focal, 0.0, x, 0.0, focal, y, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[focal, 0.0, x, 0.0, 0.0, focal, y, 0.0, 0.0, 0.0, 1.0, 0.0],
    )


def main() -> int:
    """Run the node."""
    return run(SimCamera)


if __name__ == '__main__':
    raise SystemExit(main())
