"""The simulated camera and the scripted person over real DDS."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import PIL.Image
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from ros_helpers import PATIENCE
from ros_helpers import NodeProcess
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_msgs.msg import String
from std_srvs.srv import Trigger
from vision_msgs.msg import Detection2D
from vision_msgs.msg import Detection2DArray

from clue_ros import frames
from clue_ros.box import Box
from clue_ros.nodes.messages import NOTHING
from clue_ros.nodes.messages import box_from_message
from clue_ros.nodes.qos import LATCHED
from clue_ros.nodes.qos import RESULT
from clue_ros.nodes.qos import SENSOR

if TYPE_CHECKING:
    from ros_helpers import Peer

pytestmark = pytest.mark.ros

SCENES = Path(frames.__file__).parent / 'scenes'
ROWS = [json.loads(line) for line in (SCENES / 'samples.jsonl').read_text().splitlines()]
PARAMETERS = {'camera': 'wrist', 'rate': 20.0, 'frame_id': 'wrist_optical'}


@pytest.fixture(scope='module')
def camera(domain: int) -> Iterator[NodeProcess]:
    with NodeProcess(domain, 'clue_ros.nodes.sim_camera', PARAMETERS) as process:
        yield process


class View:
    """Everything the camera publishes, except the compressed images."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.images = peer.collect(Image, 'wrist/image', SENSOR)
        self.infos = peer.collect(CameraInfo, 'wrist/camera_info', SENSOR)
        self.objects = peer.collect(Detection2DArray, 'sim_camera/objects', LATCHED)
        self.targets = peer.collect(Detection2D, 'sim_camera/target', LATCHED)
        self.requests = peer.collect(String, 'sim_camera/request', LATCHED)

    def show(self, scene: int) -> None:
        assert self.set_scene(scene).successful
        self.shows(scene)

    def set_scene(self, scene: int):
        return self.peer.set_parameters('sim_camera', {'scene': scene})[0]

    def shows(self, scene: int) -> None:
        """Wait for the truth of a scene, and drop the images of the one before."""
        row = ROWS[scene]

        def arrived() -> bool:
            return bool(
                self.requests
                and self.requests[-1].data == row['instruction']
                and self.objects
                and self.targets
                and self.objects[-1].header == self.targets[-1].header
                and len(self.objects[-1].detections) == len(row['objects'])
            )

        self.peer.wait(arrived, f'the truth of scene {scene}')
        # an image of the scene before may arrive after this truth: topics keep no common order
        shown = seconds(self.objects[-1])
        self.peer.wait(lambda: self.images and seconds(self.images[-1]) >= shown, 'its images')
        self.images.clear()
        self.infos.clear()


def seconds(message) -> float:
    return message.header.stamp.sec + message.header.stamp.nanosec * 1e-9


@pytest.fixture
def view(camera: NodeProcess, peer: Peer) -> View:
    return View(peer)


def test_images_and_truth(view):
    view.show(4)
    row = ROWS[4]
    view.peer.wait(lambda: len(view.images) > 4 and len(view.infos) > 4, 'images')
    image = view.images[-1]
    assert (image.header.frame_id, image.encoding) == ('wrist_optical', 'rgb8')
    shown = np.frombuffer(image.data, np.uint8).reshape(image.height, image.width, 3)
    with PIL.Image.open(SCENES / row['image']) as picture:
        assert np.array_equal(shown, np.asarray(picture.convert('RGB')))
    assert view.targets[-1].results[0].hypothesis.class_id == ' '.join(
        row['target_object'][name] for name in ('size', 'color', 'category')
    )
    assert box_from_message(view.targets[-1].bbox) == Box(*row['target'])
    objects = view.objects[-1]
    assert [detection.id for detection in objects.detections] == [
        str(index) for index in range(len(row['objects']))
    ]
    assert view.targets[-1] == objects.detections[int(view.targets[-1].id)]
    assert objects.header.frame_id == 'wrist_optical'


def test_every_image_has_its_camera_info(view):
    view.peer.wait(lambda: len(view.images) > 5 and len(view.infos) > 5, 'images')

    def stamps(messages):
        return {(m.header.stamp.sec, m.header.stamp.nanosec) for m in messages}

    assert len(stamps(view.images) & stamps(view.infos)) >= 3
    info = view.infos[-1]
    assert (info.width, info.height) == (640, 480)
    assert info.k[0] == info.k[4] == pytest.approx(320 / np.tan(np.pi / 6))
    assert (info.k[2], info.k[5], info.header.frame_id) == (320, 240, 'wrist_optical')


def test_the_rate(view):
    view.peer.wait(lambda: len(view.images) > 60, 'images')
    stamps = np.array([image.header.stamp.sec % 1e6 + image.header.stamp.nanosec * 1e-9
                       for image in view.images])  # fmt: skip
    # a busy machine delays some, but not all
    assert np.median(np.diff(stamps)) > 0.03
    assert 0.4 < np.min(stamps[10:] - stamps[:-10]) < 0.6


def test_compressed_images(view):
    jpegs = view.peer.collect(CompressedImage, 'wrist/image/compressed', SENSOR)
    view.show(1)

    def pair():
        raw = {seconds(image): image for image in view.images}
        return next(((raw[seconds(j)], j) for j in jpegs if seconds(j) in raw), None)

    view.peer.wait(lambda: pair() is not None, 'an image and its compressed one')
    image, jpeg = pair()
    shown = np.asarray(PIL.Image.open(io.BytesIO(jpeg.data)))
    raw = np.frombuffer(image.data, np.uint8).reshape(shown.shape)
    assert np.abs(shown.astype(int) - raw).mean() < 4


def test_new_scene_goes_round(view):
    view.show(len(ROWS) - 2)
    for scene in (len(ROWS) - 1, 0):
        response = view.peer.call(Trigger, 'sim_camera/new_scene', Trigger.Request())
        assert response.success
        assert response.message == f'scene {scene} of {len(ROWS)}: {ROWS[scene]["image"]}'
        view.shows(scene)


def test_a_scene_that_is_not_there_is_refused(view):
    view.show(2)
    for scene in (len(ROWS), -1):
        result = view.set_scene(scene)
        assert not result.successful
        assert result.reason
    view.shows(2)


def test_a_request_that_fits_nothing(view, domain):
    view.show(next(k for k, row in enumerate(ROWS) if row['verdict'] == 'none'))
    view.peer.wait(lambda: view.targets[-1].id == NOTHING, 'the target')
    assert view.targets[-1].results == []
    heard = view.peer.collect(String, 'speech/heard', RESULT)
    said = view.peer.node.create_publisher(String, 'speech/said', RESULT)
    with NodeProcess(domain, 'clue_ros.nodes.person', {'delay': 0.0}):
        view.peer.wait(said.get_subscription_count, 'the person')

        def answered() -> bool:
            said.publish(String(data='Do you mean the left one?'))
            view.peer.spin(0.2)
            return bool(heard)

        view.peer.wait(answered, 'an answer')
    assert heard[0].data == 'none of them'


def test_images_without_truth(domain, peer, tmp_path):
    PIL.Image.new('RGB', (64, 48), (250, 20, 30)).save(tmp_path / 'red.png')
    arguments = ('-r', '__ns:=/plain')
    parameters = {'source': str(tmp_path)}
    targets = peer.collect(Detection2D, 'plain/sim_camera/target', LATCHED)
    images = peer.collect(Image, 'plain/camera/image', SENSOR)
    with NodeProcess(domain, 'clue_ros.nodes.sim_camera', parameters, arguments):
        peer.wait(lambda: images and targets, 'an image')
        assert (images[0].width, images[0].height) == (64, 48)
        assert (targets[0].id, targets[0].results) == ('', [])


@pytest.mark.parametrize(
    ('parameters', 'named'),
    [
        ({'source': '/no/where'}, '/no/where'),
        ({'scene': 99}, 'scene 99'),
        ({'rate': 0.0}, 'rate'),
    ],
)
def test_it_does_not_start_without_a_scene(domain, parameters, named):
    with NodeProcess(domain, 'clue_ros.nodes.sim_camera', parameters) as process:
        assert process.process.wait(PATIENCE) == 1
        assert named in process.output
        assert 'Traceback' not in process.output


@pytest.fixture
def person(domain: int) -> Iterator[NodeProcess]:
    with NodeProcess(domain, 'clue_ros.nodes.person', {'delay': 0.2}) as process:
        yield process


def test_the_person_answers_questions_once(view, person):
    view.show(4)  # the right one of two brown boxes
    peer = view.peer
    replies = peer.collect(String, 'speech/heard')
    mouth = peer.publisher(String, 'speech/said')
    sides = String(data='The left one or the right one?')

    def answered() -> list[String]:
        mouth.publish(sides)
        return peer.until(lambda: replies, 3.0)

    peer.wait(answered, 'an answer')
    assert replies[-1].data == 'the right one'
    replies.clear()
    mouth.publish(String(data='I found it.'))
    mouth.publish(String(data='The front one or the back one?'))  # too late to answer this one
    mouth.publish(sides)
    peer.wait(lambda: replies, 'the answer')
    peer.spin(0.5)  # a second one would come now
    assert [reply.data for reply in replies] == ['the right one']

    assert peer.set_parameters('person', {'silent': True})[0].successful
    mouth.publish(sides)
    peer.spin(0.6)
    assert len(replies) == 1


def test_the_person_knows_nothing_without_a_scene(domain, peer):
    arguments = ('-r', '__ns:=/alone')
    with NodeProcess(domain, 'clue_ros.nodes.person', arguments=arguments) as process:
        mouth = peer.publisher(String, 'alone/speech/said')
        mouth.publish(String(data='Which one?'))
        peer.wait(lambda: 'cannot answer "Which one?"' in process.output, 'a warning')
