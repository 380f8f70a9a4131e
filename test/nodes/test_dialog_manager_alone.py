"""A dialog manager that lacks perception or speech, or is stopped in the middle."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from dialog_world import LATE
from dialog_world import question
from rclpy.action import ActionClient
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from ros_helpers import NodeProcess
from ros_helpers import Peer

from clue_ros.action import Ground
from clue_ros.msg import DialogState
from clue_ros.nodes.qos import HISTORY
from clue_ros.nodes.service_call import SERVICE_WAIT
from clue_ros.srv import Ask
from clue_ros.srv import Respond
from clue_ros.srv import Say

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.ros


class Alone:
    """A dialog manager in a namespace of its own, where others are missing."""

    def __init__(self, peer: Peer, process: NodeProcess) -> None:
        self.process = process
        self.states = peer.collect(DialogState, 'alone/dialog_manager/state', HISTORY)
        self.action = ActionClient(peer.node, Ground, 'alone/dialog_manager/ground')
        peer.wait(self.action.server_is_ready, 'the action')
        peer.wait(lambda: self.states, 'the first state')
        peer.spin(0.2)
        sent = self.action.send_goal_async(Ground.Goal(instruction='get the mug'))
        peer.wait(sent.done, 'the goal to be accepted')
        self.begin = time.monotonic()
        self.result = sent.result().get_result_async()


@pytest.fixture
def alone(domain: int, peer: Peer) -> Iterator[Callable[[], Alone]]:
    module, arguments = 'clue_ros.nodes.dialog_manager', ('-r', '__ns:=/alone')
    # nobody publishes a clock: time-outs must not wait for it
    with NodeProcess(domain, module, {'use_sim_time': True}, arguments) as process:
        yield lambda: Alone(peer, process)


def test_nobody_is_there(peer, alone):
    one = alone()
    peer.wait(one.result.done, 'the result')
    assert time.monotonic() - one.begin < SERVICE_WAIT + LATE
    result = one.result.result().result
    assert result.error_code == Ground.Result.PERCEPTION_UNAVAILABLE
    assert '/alone/perception/respond' in result.error_msg
    assert one.states[0].state == DialogState.IDLE


def test_nobody_to_ask(peer, alone):
    peer.node.create_service(
        Respond, 'alone/perception/respond', lambda *_: question('Red or blue?')
    )
    one = alone()
    peer.wait(one.result.done, 'the result')
    result = one.result.result().result
    assert result.error_code == Ground.Result.SPEECH_UNAVAILABLE
    assert '/alone/speech/ask' in result.error_msg


@pytest.mark.parametrize('signal_number', [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_manager_ends_its_goal(peer, alone, signal_number):
    interrupted = []

    async def never(*_):
        await Future()

    def say(request, answer):
        interrupted.append(request.interrupt)
        return answer

    group = ReentrantCallbackGroup()
    peer.node.create_service(Ask, 'alone/speech/ask', never, callback_group=group)
    peer.node.create_service(Say, 'alone/speech/say', say)
    peer.node.create_service(
        Respond, 'alone/perception/respond', lambda *_: question('Red or blue?')
    )
    one = alone()
    peer.wait(lambda: one.states[-1].state == DialogState.ASKING, 'the question')
    begin = time.monotonic()
    one.process.process.send_signal(signal_number)
    peer.wait(one.result.done, 'the result')
    result = one.result.result().result
    assert (result.outcome, result.error_code) == (DialogState.FAILED, Ground.Result.SHUTDOWN)
    peer.wait(lambda: interrupted == [True], 'the question to be taken back')
    assert one.process.stop() == 0
    assert time.monotonic() - begin < 2.0 + LATE
    assert 'Traceback' not in one.process.output
