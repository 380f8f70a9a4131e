"""The perception node in its own process with the embedded model, over real DDS."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from diagnostic_msgs.msg import DiagnosticStatus
from perception_robot import CLEAR
from perception_robot import MODULE
from perception_robot import PARAMETERS
from perception_robot import START
from perception_robot import UNCLEAR
from perception_robot import Robot
from perception_robot import assess
from perception_robot import change_state
from perception_robot import changed
from perception_robot import respond
from perception_robot import scene
from ros_helpers import NodeProcess
from ros_helpers import Peer
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

from clue_ros.box import Box
from clue_ros.msg import Ambiguity
from clue_ros.msg import Dialog
from clue_ros.msg import Turn
from clue_ros.nodes.images import image_from_message
from clue_ros.nodes.messages import box_from_message
from clue_ros.nodes.qos import SENSOR
from clue_ros.srv import Assess
from clue_ros.srv import Respond

pytestmark = pytest.mark.ros


@pytest.fixture(scope='module')
def process(domain: int) -> Iterator[NodeProcess]:
    with NodeProcess(domain, MODULE, PARAMETERS) as node:
        yield node


@pytest.fixture(scope='module')
def shared_robot(domain: int, process: NodeProcess) -> Iterator[Robot]:
    with Peer(domain) as peer:
        peer.call(Assess, 'perception/assess', Assess.Request(), START)
        robot = Robot(peer)
        for name, camera in robot.cameras.items():
            robot.show(camera, name, scene(CLEAR, 0))
        yield robot


@pytest.fixture
def robot(shared_robot: Robot) -> Robot:
    shared_robot.forget()
    return shared_robot


@pytest.mark.parametrize(
    ('frame', 'request_', 'code', 'words'),
    [
        (None, Assess.Request(), Assess.Response.INVALID_REQUEST, ['request is empty']),
        (
            None,
            Assess.Request(dialog=Dialog(request='x' * 401)),
            Assess.Response.INVALID_REQUEST,
            ['401 characters', 'shorten'],
        ),
        (
            None,
            assess(CLEAR, 'rear'),
            Assess.Response.UNKNOWN_CAMERA,
            ["left, right, got 'rear'"],
        ),
        (
            None,
            assess(CLEAR),
            Assess.Response.NO_IMAGE,
            ['/left/image', '1 publisher(s): /peer', 'nothing arrives'],
        ),
        (
            changed(scene(CLEAR, 1), encoding='bayer_rggb8'),
            assess(CLEAR),
            Assess.Response.INVALID_IMAGE,
            ["camera 'left'", "'bayer_rggb8'", 'rgb8'],
        ),
        (
            changed(scene(CLEAR, 1), height=479),
            assess(CLEAR),
            Assess.Response.INVALID_IMAGE,
            ['480x479', 'got 691200'],
        ),
        (
            changed(scene(CLEAR, 1), step=100),
            assess(CLEAR),
            Assess.Response.INVALID_IMAGE,
            ['step of at least 1440 bytes, got 100'],
        ),
        (
            None,
            respond(CLEAR, policy='sometimes'),
            Respond.Response.INVALID_REQUEST,
            ['probe', "'sometimes'"],
        ),
        (None, respond(CLEAR), Respond.Response.NO_IMAGE, ['/left/image']),
    ],
)
def test_a_request_that_cannot_be_served(robot, frame, request_, code, words):
    if code == Assess.Response.NO_IMAGE:
        robot.outlast_frames()
    if frame is not None:
        robot.cameras['left'].publish(frame)
        robot.peer.wait(lambda: robot.count('left', 'received'), 'the frame')
    call = robot.assess if isinstance(request_, Assess.Request) else robot.respond
    response = call(request_)
    assert response.error_code == code
    for word in words:
        assert word in response.error_msg
    assert not robot.ambiguities


def test_an_instruction_without_a_frame_waits_for_one(robot):
    robot.outlast_frames()
    robot.say('get the banana')
    robot.peer.wait(lambda: robot.status('camera left').level == DiagnosticStatus.ERROR, 'ERROR')
    assert 'no image on /left/image' in robot.status('camera left').message
    assert not robot.ambiguities
    robot.cameras['left'].publish(scene(CLEAR, 5))
    robot.peer.wait(lambda: robot.ambiguities, 'an assessment')
    assert robot.ambiguities[0].header.stamp.sec == 5


def test_a_bad_frame_is_reported_and_the_next_one_used(robot):
    robot.outlast_frames()
    robot.say('get the banana')
    robot.cameras['left'].publish(changed(scene(CLEAR, 1), encoding='rgb'))
    robot.peer.wait(lambda: "'rgb'" in robot.status('camera left').message, 'a warning')
    assert robot.status('camera left').level == DiagnosticStatus.WARN
    robot.cameras['left'].publish(scene(CLEAR, 2))
    robot.peer.wait(lambda: robot.ambiguities, 'an assessment')
    assert [message.header.stamp.sec for message in robot.ambiguities] == [2]


def test_without_an_instruction_the_model_rests(robot):
    before = robot.count('left', 'assessed')
    received = robot.count('left', 'received')
    for stamp in range(3):
        robot.cameras['left'].publish(scene(CLEAR, stamp))
        robot.peer.spin(0.1)
    assert robot.count('left', 'received') > received
    assert robot.count('left', 'assessed') == before
    assert not robot.ambiguities


@pytest.mark.parametrize('ending', ['', '  ', 'never mind'])
def test_frames_are_assessed_while_there_is_an_instruction(robot, ending):
    robot.outlast_frames()
    robot.say(' get  the banana\n')
    robot.follows('get the banana')
    for stamp in (1, 2, 3):
        robot.cameras['left'].publish(scene(CLEAR, stamp))
        robot.peer.wait(lambda stamp=stamp: len(robot.ambiguities) == stamp, 'an assessment')
    message = robot.ambiguities[-1]
    assert [item.header.stamp.sec for item in robot.ambiguities] == [1, 2, 3]
    assert (message.dialog_id, message.turn, message.instruction) == ('', 0, 'get the banana')
    robot.say(ending)
    robot.follows('')
    robot.cameras['left'].publish(scene(CLEAR, 4))
    robot.peer.spin(0.3)
    assert len(robot.ambiguities) == 3


@pytest.mark.parametrize('camera', ['', 'left', 'right'])
def test_assess_names_frame_camera_and_dialog(robot, camera):
    name = camera or 'left'
    robot.cameras[name].publish(scene(UNCLEAR, 42, f'{name}_optical'))
    request = assess(UNCLEAR, camera)
    response = robot.assess(request)
    assert (response.error_code, response.error_msg) == (0, '')
    message = response.ambiguity
    assert (message.header.stamp.sec, message.header.frame_id) == (42, f'{name}_optical')
    assert (message.camera, message.width, message.height) == (name, 480, 480)
    assert (message.dialog_id, message.turn) == ('d7', 0)
    assert message.instruction == UNCLEAR['instruction']
    assert message.ambiguous
    assert message.threshold <= message.probability <= 1
    assert message.regions
    assert 0 < sum(message.shares) <= 1.0001
    assert message.model_seconds > 0
    robot.peer.wait(lambda: message in robot.ambiguities, 'the same message on the topic')
    assert not robot.detections


def test_respond_asks(robot):
    robot.cameras['right'].publish(scene(UNCLEAR, 43))
    response = robot.respond(respond(UNCLEAR, 'right'))
    assert response.error_code == 0
    assert response.kind == Respond.Response.QUESTION
    assert response.question.endswith('?')
    robot.peer.wait(lambda: robot.questions and robot.detections, 'question and detections')
    [question] = robot.questions
    assert question.question == response.question
    assert (question.camera, question.header.stamp.sec) == ('right', 43)
    assert (question.dialog_id, question.instruction) == ('d7', UNCLEAR['instruction'])
    assert question.candidates == response.ambiguity.regions
    assert robot.detections[0].header == question.header
    assert not robot.detections[0].detections


@pytest.mark.parametrize('policy', ['probe', 'never'])
def test_respond_points(robot, policy):
    robot.cameras['left'].publish(scene(CLEAR, 44))
    response = robot.respond(respond(CLEAR, policy=policy))
    assert response.error_code == 0
    assert response.kind == Respond.Response.GROUNDING
    assert response.target.header.stamp.sec == 44
    assert box_from_message(response.target.bbox).iou(Box(*CLEAR['target'])) > 0.5
    robot.peer.wait(lambda: robot.detections, 'detections')
    [array] = robot.detections
    assert array.detections == [response.target]
    assert not robot.questions


def test_a_dialog_goes_on_over_new_frames_of_all_cameras(robot):
    robot.outlast_frames()
    robot.cameras['left'].publish(scene(UNCLEAR, 50))
    request = respond(UNCLEAR, policy='decoder')
    [[question, reply], *_] = UNCLEAR['dialog']
    request.dialog.turns = [Turn(question=question, reply=reply)]
    assert robot.respond(request).error_code == 0
    robot.cameras['left'].publish(scene(UNCLEAR, 51))
    robot.cameras['right'].publish(scene(CLEAR, 52))

    def seen() -> dict[tuple[str, int], Ambiguity]:
        # a frame of the test before may still be assessed
        found = {(item.camera, item.header.stamp.sec): item for item in robot.ambiguities}
        return {place: item for place, item in found.items() if place[1] >= 50}

    robot.peer.wait(lambda: len(seen()) >= 3, 'both cameras')
    assert seen().keys() == {('left', 50), ('left', 51), ('right', 52)}
    assert {(item.dialog_id, item.turn) for item in seen().values()} == {('d7', 1)}


def test_pictures_for_those_who_watch(robot):
    maps = robot.peer.collect(Image, 'perception/attention/image', SENSOR)
    pictures = robot.peer.collect(Image, 'perception/overlay/image', SENSOR)
    jpegs = robot.peer.collect(CompressedImage, 'perception/overlay/image/compressed', SENSOR)

    def watched() -> bool:
        robot.cameras['left'].publish(scene(CLEAR, 60))
        robot.respond(respond(CLEAR))
        return maps and pictures and jpegs

    robot.outlast_frames()  # of the other camera
    robot.peer.wait(watched, 'all three pictures')
    grid = np.frombuffer(maps[-1].data, np.float32).reshape(maps[-1].height, maps[-1].width)
    assert (maps[-1].encoding, grid.min(), grid.max()) == ('32FC1', 0.0, 1.0)
    picture, small = image_from_message(pictures[-1]), image_from_message(jpegs[-1])
    assert picture.shape == small.shape
    assert picture.shape[0] > 480
    assert picture.shape[1] == 480
    assert np.abs(picture.astype(int) - small).mean() < 5
    for message in (maps[-1], pictures[-1], jpegs[-1]):
        assert (message.header.stamp.sec, message.header.frame_id) == (60, 'optical')


def test_a_deactivated_node_refuses_and_comes_back(robot):
    assert change_state(robot.peer, 'deactivate') == 'inactive'
    response = robot.assess(assess(CLEAR))
    assert response.error_code == Assess.Response.NOT_ACTIVE
    assert 'inactive' in response.error_msg
    assert 'ros2 lifecycle set /perception activate' in response.error_msg
    robot.peer.wait(lambda: len(robot.diagnostics[-1].status) == 1, 'only the model')
    assert robot.status('model').level == DiagnosticStatus.WARN
    assert change_state(robot.peer, 'activate') == 'active'
    robot.show(robot.cameras['left'], 'left', scene(CLEAR, 70))
    assert robot.assess(assess(CLEAR)).ambiguity.header.stamp.sec == 70


def test_the_node_ends_quietly_while_a_request_waits(process, robot):
    client = robot.peer.node.create_client(Assess, 'perception/assess')
    robot.peer.wait(client.service_is_ready, 'the service')
    client.call_async(assess(CLEAR))
    robot.peer.spin(0.1)
    assert process.stop() == 0
    assert 'Traceback' not in process.output
    assert 'Error' not in process.output
