"""One instruction, one end: the whole chain with the embedded model, and everything goes wrong.

Each fault must lead to exactly one terminal outcome within the stated time, and the instruction
after it must work again.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from collections.abc import Iterator

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from action_msgs.msg import GoalStatus
from rclpy.action import ActionClient
from ros_helpers import NodeProcess
from ros_helpers import Peer
from std_msgs.msg import String
from vision_msgs.msg import Detection2D

from clue_ros.action import Ground
from clue_ros.conversation import ConversationConfig
from clue_ros.msg import Dialog
from clue_ros.msg import DialogState
from clue_ros.nodes.messages import box_from_message
from clue_ros.nodes.qos import HISTORY
from clue_ros.nodes.qos import LATCHED
from clue_ros.srv import Respond
from clue_ros.srv import Say

pytestmark = pytest.mark.ros

CONFIG = ConversationConfig(
    max_questions=2, reply_timeout=1.2, speech_timeout=0.8, perception_timeout=2.5
)
NODES = {
    'sim_camera': {},
    'perception': {'image_timeout': 1.0},
    'speech': {},
    'person': {'silent': True},
    'dialog_manager': {
        'dialog.max_questions': CONFIG.max_questions,
        'dialog.reply_timeout': CONFIG.reply_timeout,
        'dialog.speech_timeout': CONFIG.speech_timeout,
        'dialog.perception_timeout': CONFIG.perception_timeout,
    },
}
# The first of the shipped scenes: three rings, the red one is meant.
AMBIGUOUS, REPLY = 'can you bring me the ring ?', 'the red one'
LATE = 1.0  # seconds a busy machine may add


class Robot:
    """All nodes, each in its own process, and what they publish."""

    def __init__(self, domain: int, peer: Peer) -> None:
        self.domain = domain
        self.peer = peer
        self.processes: dict[str, NodeProcess] = {}
        self.states = peer.collect(DialogState, 'dialog_manager/state', HISTORY)
        self.truth = peer.collect(Detection2D, 'sim_camera/target', LATCHED)
        self.said = peer.collect(String, 'speech/said')
        self.says = peer.node.create_client(Say, 'speech/say')
        self.action = ActionClient(peer.node, Ground, 'dialog_manager/ground')

    def start(self, *names: str) -> None:
        """Start nodes and wait until they can be used."""
        for name in names:
            self.launch(name)
        for name in names:
            self.ready(name)

    def launch(self, name: str) -> None:
        module = f'clue_ros.nodes.{name}'
        self.processes[name] = NodeProcess(self.domain, module, NODES[name])

    def ready(self, name: str) -> None:
        """Wait until a node can be used."""
        match name:
            case 'perception' | 'sim_camera':
                self.peer.wait(self._sees, 'perception to see', 60.0)
            case 'speech':
                self.heard = self.peer.publisher(String, 'speech/heard')
                self.peer.wait(self._speaks, 'speech to speak')
            case 'dialog_manager':
                self.state(DialogState.IDLE)
                self.instruction = self.peer.publisher(String, 'instruction')
                self.peer.spin(1.0)  # until the others have found it, too

    def _speaks(self) -> bool:
        # whoever was killed is still believed alive for a while, and is asked in vain
        self.said.clear()
        done = self.says.call_async(Say.Request(text='One, two.')).done
        self.peer.spin(0.2)
        return done() and bool(self.said)

    def _sees(self) -> bool:
        request = Respond.Request(dialog=Dialog(request='get it'), ask_policy='never')
        try:
            answer = self.peer.call(Respond, 'perception/respond', request, 3.0)
        except AssertionError:
            return False
        return answer.error_code == Respond.Response.NONE

    def kill(self, name: str) -> None:
        """End a node as a crash would: it has no time for anything."""
        process = self.processes.pop(name)
        process.stop(signal.SIGKILL)
        process.__exit__(None, None, None)

    def signal(self, name: str, number: int) -> None:
        self.processes[name].process.send_signal(number)

    def stop(self) -> None:
        while self.processes:
            _, process = self.processes.popitem()
            process.__exit__(None, None, None)

    def forget(self) -> None:
        """Begin afresh; what is still on its way belongs to the test before."""
        self.peer.spin(0.2)
        self.states.clear()
        self.said.clear()

    def tell(self, text: str) -> None:
        self.instruction.publish(String(data=text))

    def reply(self, text: str) -> None:
        self.heard.publish(String(data=text))

    def state(self, wanted: int) -> float:
        """Wait for a state and return when it came."""
        self.peer.wait(
            lambda: self.states and self.states[-1].state == wanted, f'state {wanted}', 10.0
        )
        return time.monotonic()

    def ask(self) -> float:
        """Give an ambiguous instruction and return when the question was out."""
        self.tell(AMBIGUOUS)
        self.state(DialogState.ASKING)
        self.peer.wait(lambda: self.said, 'the question to be said', 3.0)
        return time.monotonic()

    def ends(self) -> list[DialogState]:
        return [state for state in self.states if state.state == DialogState.DONE]

    def end(self, since: float, seconds: float) -> DialogState:
        """The only end there is, at most `seconds` after `since`."""
        self.peer.wait(self.ends, 'the end', seconds + LATE)
        took = time.monotonic() - since
        self.peer.spin(0.3)  # a second one would come now
        (end,) = self.ends()
        print(f'ended after {took:.2f} s, stated {seconds:.2f} s: {end.outcome} {end.error_msg}')
        assert took < seconds + LATE
        return end

    def works(self) -> bool:
        """Whether the next instruction goes through, question, reply, box and all."""
        self.forget()
        self.ask()
        self.reply(REPLY)
        end = self.end(time.monotonic(), CONFIG.perception_timeout)
        truth = box_from_message(self.truth[-1].bbox)
        return end.outcome == DialogState.GROUNDED and (
            box_from_message(end.target.bbox).iou(truth) > 0.5
        )


@pytest.fixture(scope='module')
def everybody(domain: int) -> Iterator[Robot]:
    with Peer(domain) as peer:
        robot = Robot(domain, peer)
        try:
            robot.start(*NODES)
            yield robot
        finally:
            robot.stop()


@pytest.fixture
def robot(everybody: Robot) -> Robot:
    everybody.start(*NODES.keys() - everybody.processes.keys())
    everybody.forget()
    return everybody


def test_nothing_goes_wrong(robot):
    assert robot.works()


def test_a_silent_person(robot):
    begin = robot.ask()
    end = robot.end(begin, CONFIG.reply_timeout)
    assert end.outcome == DialogState.NO_REPLY
    assert robot.works()


def test_a_newer_instruction(robot):
    robot.ask()
    robot.tell('get the spoon')
    begin = time.monotonic()
    robot.peer.wait(lambda: len(robot.ends()) == 2, 'both ends', CONFIG.perception_timeout)
    older, newer = robot.ends()
    assert (older.dialog.request, older.outcome) == (AMBIGUOUS, DialogState.PREEMPTED)
    assert (newer.dialog.request, newer.outcome) == ('get the spoon', DialogState.GROUNDED)
    assert time.monotonic() - begin < CONFIG.perception_timeout
    assert robot.works()


def test_a_canceled_goal(robot):
    robot.peer.wait(robot.action.server_is_ready, 'the action')
    sent = robot.action.send_goal_async(Ground.Goal(instruction=AMBIGUOUS))
    robot.state(DialogState.ASKING)
    robot.peer.wait(sent.done, 'the goal to be accepted')
    result = sent.result().get_result_async()
    begin = time.monotonic()
    sent.result().cancel_goal_async()
    end = robot.end(begin, 0.0)
    robot.peer.wait(result.done, 'the result')
    assert result.result().status == GoalStatus.STATUS_CANCELED
    assert result.result().result.outcome == end.outcome == DialogState.CANCELED
    assert robot.works()


def frozen(robot: Robot, name: str) -> Callable[[], None]:
    """Stand still, and be replaced: DDS does not always find a thawed process again."""
    robot.signal(name, signal.SIGSTOP)

    def replace() -> None:
        robot.kill(name)
        robot.start(name)

    return replace


def quit_properly(robot: Robot, name: str) -> Callable[[], None]:
    robot.processes.pop(name).__exit__(None, None, None)
    return lambda: robot.start(name)


def killed_and_restarted(robot: Robot, name: str) -> Callable[[], None]:
    robot.kill(name)
    robot.launch(name)
    return lambda: robot.ready(name)


SPEECH_LIMIT = CONFIG.reply_timeout + CONFIG.speech_timeout


@pytest.mark.parametrize(
    ('fault', 'seconds'),
    [(quit_properly, 0.5), (frozen, SPEECH_LIMIT), (killed_and_restarted, SPEECH_LIMIT)],
)
def test_speech_is_lost_during_a_question(robot, fault, seconds):
    begin = robot.ask()
    mend = fault(robot, 'speech')
    end = robot.end(begin, seconds)
    assert (end.outcome, end.error_code) == (
        DialogState.FAILED,
        Ground.Result.SPEECH_UNAVAILABLE,
    )
    assert 'speech' in end.error_msg
    mend()
    assert robot.works()


@pytest.mark.parametrize('fault', [frozen, killed_and_restarted])
def test_perception_is_lost_during_a_question(robot, fault):
    robot.ask()
    mend = fault(robot, 'perception')
    robot.reply(REPLY)
    begin = robot.state(DialogState.LOOKING)
    end = robot.end(begin, CONFIG.perception_timeout)
    assert (end.outcome, end.error_code) == (
        DialogState.FAILED,
        Ground.Result.PERCEPTION_UNAVAILABLE,
    )
    assert 'perception' in end.error_msg
    mend()
    assert robot.works()


def test_perception_answers_too_late(robot):
    replace = frozen(robot, 'perception')
    robot.tell(AMBIGUOUS)
    begin = robot.state(DialogState.LOOKING)
    end = robot.end(begin, CONFIG.perception_timeout)
    assert end.error_code == Ground.Result.PERCEPTION_UNAVAILABLE
    replace()
    assert robot.works()


def test_the_camera_is_lost(robot):
    robot.kill('sim_camera')
    robot.peer.spin(1.2)  # until the last frame is too old
    robot.tell(AMBIGUOUS)
    end = robot.end(time.monotonic(), CONFIG.perception_timeout)
    assert (end.outcome, end.error_code) == (DialogState.FAILED, Ground.Result.NO_IMAGE)
    robot.start('sim_camera')
    assert robot.works()


def test_the_dialog_manager_itself_restarts(robot):
    robot.ask()
    robot.kill('dialog_manager')
    robot.forget()
    robot.start('dialog_manager')
    assert robot.works()
