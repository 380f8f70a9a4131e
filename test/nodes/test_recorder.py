"""The recorder as a process over real DDS: what it writes, also when it is killed."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

pytest.importorskip('rclpy', reason='needs ROS 2')

import rclpy
from rclpy.duration import Duration
from reference_pages import table
from ros_helpers import NodeProcess
from ros_helpers import Peer
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_msgs.msg import String
from vision_msgs.msg import Detection2D

from clue_ros.evaluate.bag_file import BagFile
from clue_ros.msg import DialogState
from clue_ros.nodes.qos import LATCHED
from clue_ros.nodes.qos import RESULT
from clue_ros.nodes.qos import SENSOR
from clue_ros.nodes.recorder import FLUSH_SECONDS
from clue_ros.nodes.recorder import Recorder

pytestmark = pytest.mark.ros

NODE = 'clue_ros.nodes.recorder'


def test_it_says_why_it_cannot_start(domain, tmp_path):
    (tmp_path / 'file').touch()
    with NodeProcess(domain, NODE, {'folder': str(tmp_path / 'file')}) as recorder:
        assert recorder.process.wait(20) == 1
        assert 'no bag can be made at' in recorder.output
        assert 'Traceback' not in recorder.output


@contextmanager
def recording(domain: int, folder: Path, *arguments: str) -> Iterator[tuple[NodeProcess, Peer]]:
    with (
        NodeProcess(domain, NODE, {'folder': str(folder)}, arguments) as recorder,
        Peer(domain, 'perception') as peer,
    ):
        yield recorder, peer


def bag_in(folder: Path) -> Path:
    [bag] = folder.iterdir()
    return bag


def test_a_session(domain, tmp_path):
    """All that is said and shown; a camera with any name, because perception looks at it."""
    with recording(domain, tmp_path) as (recorder, peer):
        peer.collect(CompressedImage, 'wrist/color/image_raw/compressed', SENSOR)
        image = peer.node.create_publisher(
            CompressedImage, 'wrist/color/image_raw/compressed', SENSOR
        )
        info = peer.publisher(CameraInfo, 'wrist/color/camera_info', SENSOR)
        instruction = peer.publisher(String, 'instruction')
        state = peer.publisher(DialogState, 'dialog_manager/state')
        target = peer.publisher(Detection2D, 'sim_camera/target', LATCHED)
        peer.wait(lambda: image.get_subscription_count() == 2, 'the recorder to see the camera')
        image.publish(CompressedImage(format='jpeg', data=b'abc'))
        info.publish(CameraInfo(width=640))
        instruction.publish(String(data='get the mug'))
        state.publish(DialogState(state=DialogState.ASKING, question='Red or blue?'))
        target.publish(Detection2D(id='3'))
        peer.spin(0.3)
        [described] = peer.node.get_publishers_info_by_topic('/dialog_manager/state')
        assert recorder.stop() == 0
    bag = bag_in(tmp_path)
    with BagFile(bag) as file:
        assert not file.problems
        messages = {message.topic: file.read(message) for message in file.messages(file.topics)}
    assert bytes(messages['/wrist/color/image_raw/compressed'].data) == b'abc'
    assert messages['/wrist/color/camera_info'].width == 640
    assert messages['/instruction'].data == 'get the mug'
    assert messages['/dialog_manager/state'].question == 'Red or blue?'
    assert messages['/sim_camera/target'].id == '3'
    rows = yaml.safe_load((bag / 'metadata.yaml').read_text())['rosbag2_bagfile_information']
    topics = {row['topic_metadata']['name']: row['topic_metadata']
              for row in rows['topics_with_message_count']}  # fmt: skip
    # the types are those of the running system, and latched topics stay latched
    compiled = f'RIHS01_{bytes(described.topic_type_hash.value).hex()}'
    assert topics['/dialog_manager/state']['type_description_hash'] == compiled
    [offered] = topics['/sim_camera/target']['offered_qos_profiles']
    assert offered['durability'] == 'transient_local'
    documented = {name for name, *_ in table('recorder', 'Subscribed topics')}
    assert {name for name in topics if 'wrist' not in name} == {
        f'/{name}' for name in documented if '<' not in name
    }


def test_a_kill_costs_the_last_second(domain, tmp_path):
    with recording(domain, tmp_path) as (recorder, peer):
        said = peer.publisher(String, 'speech/said')
        for number in range(20):
            said.publish(String(data=str(number)))
            peer.spin(0.02)
        time.sleep(2 * FLUSH_SECONDS)
        for number in range(20, 40):
            said.publish(String(data=str(number)))
        assert recorder.stop(signal.SIGKILL) == -signal.SIGKILL
    with BagFile(bag_in(tmp_path)) as bag:
        [problem] = bag.problems
        assert 'before the damage could be read' in str(problem)
        read = [int(bag.read(message).data) for message in bag.messages(['/speech/said'])]
        assert read == list(range(len(read)))
        assert len(read) >= 20


def test_a_slow_disk_loses_no_word(domain, tmp_path):
    """What comes while the recorder is busy waits for it, in order."""
    rclpy.init(args=['--ros-args', '-p', f'folder:={tmp_path}'], domain_id=domain)
    try:
        recorder = Recorder()
        with Peer(domain, 'person') as peer:
            said = peer.publisher(String, 'speech/said')
            for number in range(100):
                said.publish(String(data=str(number)))
                # it has arrived, but nobody has taken it yet
                assert said.wait_for_all_acked(Duration(seconds=5))
            for _ in range(200):
                rclpy.spin_once(recorder, timeout_sec=0.01)
        recorder.destroy_node()
    finally:
        rclpy.shutdown()
    with BagFile(bag_in(tmp_path)) as bag:
        read = [int(bag.read(message).data) for message in bag.messages(['/speech/said'])]
    assert read == list(range(100))


def test_raw_images_in_a_namespace(domain, tmp_path):
    with recording(domain, tmp_path, '-r', '__ns:=/robot1') as (recorder, _):
        with Peer(domain, 'other') as peer:
            # another robot's camera, and nobody of ours looks at it
            image = peer.node.create_publisher(Image, '/camera/image', SENSOR)
            heard = peer.publisher(String, '/robot1/speech/heard', RESULT)
            # the recorder may come to know of this publisher later than the other way round
            for _ in range(5):
                heard.publish(String(data='the red one'))
                peer.spin(0.2)
            assert image.get_subscription_count() == 0
        assert recorder.stop() == 0
    with BagFile(bag_in(tmp_path)) as bag:
        assert bag.topics['/robot1/speech/heard'].count >= 1
        assert not [name for name in bag.topics if 'camera/image' in name]
