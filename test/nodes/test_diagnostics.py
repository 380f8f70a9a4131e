"""A camera that sends nothing is explained, and every status says how bad it is."""

from contextlib import ExitStack

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from ros_helpers import Peer
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

from clue_ros.dialog import Dialog
from clue_ros.nodes.diagnostics import ERROR
from clue_ros.nodes.diagnostics import OK
from clue_ros.nodes.diagnostics import WARN
from clue_ros.nodes.diagnostics import camera_status
from clue_ros.nodes.diagnostics import explain_silence
from clue_ros.nodes.diagnostics import model_status
from clue_ros.nodes.qos import RESULT
from clue_ros.nodes.qos import SENSOR
from clue_ros.nodes.slots import Counts
from clue_ros.nodes.slots import Subject

pytestmark = pytest.mark.ros

IMAGE = 'sensor_msgs/msg/Image'


@pytest.mark.parametrize(
    ('publishers', 'profile', 'words'),
    [
        ([], SENSOR, ['nobody publishes sensor_msgs/msg/Image', 'start the camera']),
        (
            [(CompressedImage, 'rear/image', SENSOR)],
            SENSOR,
            ['no publisher', 'nobody publishes sensor_msgs/msg/Image'],
        ),
        (
            [(Image, 'rear/image', SENSOR)],
            SENSOR,
            ['no publisher', 'is published on /rear/image', 'remap'],
        ),
        (
            [(CompressedImage, 'front/image', SENSOR)],
            SENSOR,
            ['1 publisher(s)', '/driver_0 (sensor_msgs/msg/CompressedImage', 'image_transport'],
        ),
        (
            [(Image, 'front/image', SENSOR)],
            RESULT,
            ['reliable, volatile', '(sensor_msgs/msg/Image, best effort', 'QoS does not match'],
        ),
        (
            [(Image, 'front/image', SENSOR), (CompressedImage, 'front/image', SENSOR)],
            SENSOR,
            ['2 publisher(s)', 'match, but nothing arrives'],
        ),
    ],
)
def test_silence_is_explained(domain, peer, publishers, profile, words):
    subscription = peer.node.create_subscription(Image, 'front/image', print, profile)
    # a process of DDS has one type per topic, so each camera needs its own
    with ExitStack() as stack:
        for number, publisher in enumerate(publishers):
            driver = stack.enter_context(Peer(domain, f'driver_{number}'))
            driver.node.create_publisher(*publisher)

        def explain():
            return explain_silence(peer.node, subscription, IMAGE, 3.21)

        # discovery takes a moment
        peer.wait(lambda: all(word in explain() for word in words), f'{words} in {explain()!r}')
        assert explain().startswith('no image on /front/image (sensor_msgs/msg/Image, ')
        assert 'for 3.2 s' in explain()


@pytest.mark.parametrize(
    ('counts', 'silence', 'level', 'message'),
    [
        (Counts(), 'no image on /front/image', ERROR, 'no image on /front/image'),
        (Counts(3, last_error='wanted rgb8'), 'no image', ERROR, 'no image'),
        (Counts(3, last_error='wanted rgb8'), '', WARN, 'wanted rgb8'),
        (Counts(3), '', OK, '29.5 images/s'),
    ],
)
def test_a_camera(counts, silence, level, message):
    status = camera_status('perception', 'front', '/front/image', counts, 29.5, 0.02, silence)
    assert status.name == 'perception: camera front'
    assert (status.level, status.message) == (level, message)
    values = {item.key: item.value for item in status.values}
    assert values == {
        'topic': '/front/image',
        'frames_received': str(counts.received),
        'frames_assessed': '0',
        'frames_dropped': '0',
        'frames_invalid': '0',
        'rate_hz': '29.50',
        'age_seconds': '0.020',
        'last_error': counts.last_error,
    }


@pytest.mark.parametrize(
    ('state', 'error', 'level', 'message'),
    [
        ('unconfigured', 'no such folder', ERROR, 'no such folder'),
        ('active', 'out of memory', ERROR, 'out of memory'),
        ('inactive', '', WARN, 'inactive'),
        ('active', '', OK, 'no model'),
    ],
)
def test_a_model(state, error, level, message):
    subject = Subject(Dialog('get the mug'))
    status = model_status('perception', state, None, subject, error)
    assert status.name == 'perception: model'
    assert status.level == level
    assert message in status.message
    values = {item.key: item.value for item in status.values}
    assert values['state'] == state
    assert values['instruction'] == 'get the mug'
