"""Perception nodes that start in another state, with other parameters or not at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.srv import GetState
from perception_robot import CLEAR
from perception_robot import MODULE
from perception_robot import START
from perception_robot import Robot
from perception_robot import assess
from perception_robot import change_state
from perception_robot import jpeg
from perception_robot import respond
from ros_helpers import NodeProcess
from ros_helpers import Peer
from ros_helpers import own_domain
from sensor_msgs.msg import CompressedImage

from clue_ros.box import Box
from clue_ros.nodes.messages import box_from_message
from clue_ros.nodes.qos import SENSOR
from clue_ros.srv import Assess
from clue_ros.srv import Respond

pytestmark = pytest.mark.ros


@pytest.fixture
def other_peer() -> Iterator[Peer]:
    """A peer in a domain of the test's own."""
    with own_domain() as domain, Peer(domain) as peer:
        yield peer


def test_from_unconfigured_to_compressed_images_and_back(other_peer):
    peer = other_peer
    parameters = {
        'autostart': False,
        'image_transport': 'compressed',
        'image_name': 'image_raw',
        'use_sim_time': True,  # and nobody publishes /clock
        'diagnostics.period': 0.2,
    }

    with NodeProcess(peer.domain, MODULE, parameters) as node:
        response = peer.call(Assess, 'perception/assess', assess(CLEAR))
        assert response.error_code == Assess.Response.NOT_ACTIVE
        assert 'unconfigured' in response.error_msg
        assert change_state(peer, 'configure') == 'inactive'
        assert change_state(peer, 'activate') == 'active'
        robot = Robot(peer, cameras=False)
        camera = peer.publisher(CompressedImage, 'camera/image_raw/compressed', SENSOR)
        robot.show(camera, 'camera', CompressedImage(format='jpeg', data=b'no picture'))
        assert robot.assess(assess(CLEAR)).error_code == Assess.Response.INVALID_IMAGE
        robot.show(camera, 'camera', jpeg(CLEAR, 80))
        response = robot.respond(respond(CLEAR))
        assert response.kind == Respond.Response.GROUNDING
        assert response.target.header.stamp.sec == 80
        assert box_from_message(response.target.bbox).iou(Box(*CLEAR['target'])) > 0.5
        assert change_state(peer, 'deactivate') == 'inactive'
        assert change_state(peer, 'cleanup') == 'unconfigured'
        assert change_state(peer, 'configure') == 'inactive'
        assert change_state(peer, 'shutdown') == 'finalized'
        assert robot.assess(assess(CLEAR)).error_code == Assess.Response.NOT_ACTIVE
        assert node.stop() == 0
        assert 'Traceback' not in node.output


@pytest.mark.parametrize(
    ('parameters', 'words'),
    [
        ({'cameras': []}, ['parameter cameras', 'wanted names']),
        ({'cameras': ['a b']}, ['cameras and image_name', "'a b/image'"]),
        ({'model.path': '/no/such/folder'}, ["'/no/such/folder'"]),
    ],
)
def test_a_node_that_cannot_start_stays_and_says_why(other_peer, parameters, words):
    peer = other_peer
    parameters = {**parameters, 'diagnostics.period': 0.2}
    with NodeProcess(peer.domain, MODULE, parameters) as node:
        robot = Robot(peer, cameras=False)
        peer.wait(lambda: robot.status('model').level == DiagnosticStatus.ERROR, 'an error', START)
        assert len(robot.diagnostics[-1].status) == 1
        for word in words:
            assert word in robot.status('model').message
            assert word in node.output
        assert 'ros2 lifecycle set /perception configure' in node.output
        state = peer.call(GetState, 'perception/get_state', GetState.Request())
        assert state.current_state.label == 'unconfigured'
        assert robot.assess(assess(CLEAR)).error_code == Assess.Response.NOT_ACTIVE
        assert node.stop() == 0
        assert 'Traceback' not in node.output


def test_a_value_out_of_range_is_refused_at_start(domain):
    with NodeProcess(domain, MODULE, {'image_timeout': -1.0}) as node:
        assert node.process.wait(START) == 1
        assert 'image_timeout' in node.output
        assert 'Traceback' not in node.output
