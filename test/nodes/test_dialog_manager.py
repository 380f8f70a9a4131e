"""The dialog manager over real DDS, with a real speech node; the test plays perception."""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from action_msgs.msg import GoalStatus
from rcl_interfaces.srv import SetParameters
from rclpy.action import ActionClient
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.parameter import Parameter
from rclpy.task import Future
from ros_helpers import NodeProcess
from ros_helpers import Peer
from std_msgs.msg import Header
from std_msgs.msg import String
from vision_msgs.msg import Detection2D

from clue_ros.action import Ground
from clue_ros.box import Box
from clue_ros.dialog import MAX_CHARACTERS
from clue_ros.msg import DialogState
from clue_ros.nodes.messages import detection_to_message
from clue_ros.nodes.qos import HISTORY
from clue_ros.nodes.qos import LATCHED
from clue_ros.nodes.service_call import SERVICE_WAIT
from clue_ros.srv import Ask
from clue_ros.srv import Respond
from clue_ros.srv import Say

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.ros

PARAMETERS = {
    'dialog.max_questions': 2,
    'dialog.reply_timeout': 1.0,
    'dialog.speech_timeout': 1.0,
    'dialog.perception_timeout': 1.0,
}
LATE = 0.5  # seconds a busy machine may add
HEADER = Header(frame_id='optical')
HEADER.stamp.sec = 12
TARGET = detection_to_message(Box(10, 20, 30, 40), 0.9, HEADER, 'get the mug', 'd7')


def response(kind=Respond.Response.NO_RESPONSE, probability=0.75, **fields) -> Respond.Response:
    message = Respond.Response(kind=kind, **fields)
    message.ambiguity.header = HEADER
    message.ambiguity.camera = 'wrist'
    message.ambiguity.probability = probability
    return message


FOUND = response(Respond.Response.GROUNDING, target=TARGET, probability=math.nan)
ABSENT = response(Respond.Response.ABSENT)
NO_IMAGE = response(error_code=Respond.Response.NO_IMAGE, error_msg='no frame for 5 s')
HALF_A_BOX = response(Respond.Response.INVALID, error_msg='three location tokens')
NO_AREA = response(Respond.Response.GROUNDING, target=Detection2D())
SILENT = None


def question(text: str) -> Respond.Response:
    return response(Respond.Response.QUESTION, question=text)


class World:
    """What a test sees of the dialog manager, and the perception it plays."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.answers: list[Respond.Response | None] = []  # the last one is repeated
        self.requests: list[Respond.Request] = []
        self.states = peer.collect(DialogState, 'dialog_manager/state', HISTORY)
        self.transcript = peer.collect(String, 'dialog_manager/transcript')
        self.targets = peer.collect(Detection2D, 'dialog_manager/target')
        self.said = peer.collect(String, 'speech/said')
        peer.node.create_service(
            Respond, 'perception/respond', self._respond, callback_group=ReentrantCallbackGroup()
        )
        self.instruction = peer.publisher(String, 'instruction')
        self.heard = peer.publisher(String, 'speech/heard')
        self.action = ActionClient(peer.node, Ground, 'dialog_manager/ground')
        self._meet()

    def _meet(self) -> None:
        """Everybody has found everybody once a whole dialog has gone through."""

        def talks() -> bool:
            self.answers = [question('Are you there?'), FOUND]
            self.instruction.publish(String(data='get the mug'))
            self.peer.spin(0.2)
            self.heard.publish(String(data='yes'))
            self.peer.spin(0.3)
            lines = [line.data for line in self.transcript]
            return bool(self.targets) and 'robot: I found it.' in lines and len(self.said) > 1

        self.peer.wait(talks, 'a whole dialog')
        self.peer.wait(lambda: self.states[-1].state == DialogState.DONE, 'the end of it')
        assert self.action.wait_for_server(5.0)

    def forget(self) -> None:
        """Begin afresh; what is still on its way belongs to the test before."""
        self.peer.spin(0.1)
        for messages in (self.states, self.transcript, self.targets, self.said, self.requests):
            messages.clear()

    async def _respond(self, request, _):
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await Future() if answer is SILENT else answer

    def tell(self, text: str) -> None:
        self.instruction.publish(String(data=text))

    def reply(self, text: str) -> None:
        self.heard.publish(String(data=text))

    def asked(self, text: str) -> None:
        """Wait until the question is out."""
        self.peer.wait(lambda: text in [line.data for line in self.said], f'{text!r} to be said')

    def ends(self) -> list[DialogState]:
        return [state for state in self.states if state.state == DialogState.DONE]

    def end(self, seconds: float = 10.0) -> DialogState:
        """The one end of the one instruction since the last call."""
        self.peer.wait(self.ends, 'the end of the dialog', seconds)
        self.peer.spin(0.2)  # a second one would come now
        assert len(self.ends()) == 1
        end = self.ends()[0]
        self.states.clear()
        return end

    def lines(self) -> list[str]:
        return [line.data for line in self.transcript]

    def goal(self, instruction: str, feedback: Callable | None = None):
        """Send a goal and return its handle."""
        sent = self.action.send_goal_async(Ground.Goal(instruction=instruction), feedback)
        self.peer.wait(sent.done, 'the goal to be accepted')
        assert sent.result().accepted
        return sent.result()

    def result(self, handle):
        future = handle.get_result_async()
        self.peer.wait(future.done, 'the result')
        return future.result()


@pytest.fixture(scope='module')
def everybody(domain: int) -> Iterator[World]:
    with (
        NodeProcess(domain, 'clue_ros.nodes.dialog_manager', PARAMETERS),
        NodeProcess(domain, 'clue_ros.nodes.speech'),
        Peer(domain, 'world') as peer,
    ):
        yield World(peer)


@pytest.fixture
def world(everybody: World) -> World:
    everybody.forget()
    return everybody


ACT, STATE = Ground.Result, DialogState
LONG = 'x' * (MAX_CHARACTERS + 1)


@pytest.mark.parametrize(
    ('instruction', 'answers', 'reply', 'outcome', 'code', 'named', 'seconds'),
    [
        ('', [FOUND], '', STATE.FAILED, ACT.INVALID_REQUEST, 'empty', 0),
        (LONG, [FOUND], '', STATE.FAILED, ACT.INVALID_REQUEST, 'characters', 0),
        ('get it', [NO_IMAGE], '', STATE.FAILED, ACT.NO_IMAGE, 'no frame for 5 s', 0),
        ('get it', [SILENT], '', STATE.FAILED, ACT.PERCEPTION_UNAVAILABLE, 'perception', 1),
        ('get it', [HALF_A_BOX], '', STATE.FAILED, ACT.INVALID_BOX, 'three location', 0),
        ('get it', [NO_AREA], '', STATE.FAILED, ACT.INVALID_BOX, 'x1 < x2', 0),
        ('get it', [response()], '', STATE.FAILED, ACT.INVALID_BOX, 'kind 0', 0),
        ('get it', [question('')], '', STATE.FAILED, ACT.INVALID_BOX, 'question', 0),
        ('get it', [question('A?')], '', STATE.NO_REPLY, ACT.NONE, '', 1),
        ('get it', [question('A?')], 'Stop!', STATE.CANCELED, ACT.NONE, '', 0),
        ('get it', [question('A?')], 'red', STATE.UNRESOLVED, ACT.NONE, "'A?'", 0),
        ('get it', [ABSENT], '', STATE.ABSENT, ACT.NONE, '', 0),
        ('get it', [question('A?'), FOUND], 'red', STATE.GROUNDED, ACT.NONE, '', 0),
        ('get it', [FOUND], '', STATE.GROUNDED, ACT.NONE, '', 0),
    ],
)
def test_ends(world, instruction, answers, reply, outcome, code, named, seconds):
    world.answers = list(answers)
    begin = time.monotonic()
    world.tell(instruction)
    if reply:
        world.asked('A?')
        world.reply(reply)
    world.peer.wait(world.ends, 'the end')
    assert time.monotonic() - begin < seconds + LATE
    end = world.end()
    assert (end.outcome, end.error_code) == (outcome, code)
    assert named in end.error_msg
    assert end.dialog.request == instruction[:MAX_CHARACTERS]
    if outcome == STATE.GROUNDED:
        world.peer.wait(lambda: world.targets, 'the target')
    else:
        assert not world.targets


def test_a_dialog_from_start_to_end(world):
    world.answers = [question('Red or blue?'), FOUND]
    world.tell('  get\tthe mug')
    world.asked('Red or blue?')
    world.reply('the red one')
    world.peer.wait(world.ends, 'the end')

    assert [state.state for state in world.states] == [
        DialogState.LOOKING,
        DialogState.ASKING,
        DialogState.LOOKING,
        DialogState.DONE,
    ]
    assert [state.question for state in world.states] == ['', 'Red or blue?', '', '']
    end = world.end()
    assert (end.header, end.camera) == (HEADER, 'wrist')
    world.peer.wait(lambda: world.targets, 'the target')
    assert end.target == TARGET == world.targets[0]
    assert end.probabilities[0] == 0.75 and math.isnan(end.probabilities[1])
    assert (end.dialog.turns[0].question, end.dialog.turns[0].reply) == (
        'Red or blue?',
        'the red one',
    )
    world.peer.wait(lambda: len(world.lines()) == 4, 'the transcript')
    assert world.lines() == [
        'person: get the mug',
        'robot: Red or blue?',
        'person: the red one',
        'robot: I found it.',
    ]
    first, second = world.requests
    assert (first.ask_policy, first.camera, len(first.dialog.turns)) == ('probe', '', 0)
    assert first.dialog.id == second.dialog.id == end.dialog.id != ''


def test_a_late_subscriber_gets_the_last_state(world):
    world.answers = [ABSENT]
    world.tell('get the mug')
    end = world.end()
    late = world.peer.collect(DialogState, 'dialog_manager/state', LATCHED)
    world.peer.wait(lambda: late and late[-1] == end, 'the latched state')


@pytest.mark.parametrize(
    ('instruction', 'answers', 'status', 'outcome'),
    [
        ('', [FOUND], GoalStatus.STATUS_ABORTED, DialogState.FAILED),
        ('get the mug', [NO_IMAGE], GoalStatus.STATUS_ABORTED, DialogState.FAILED),
        ('get the mug', [ABSENT], GoalStatus.STATUS_ABORTED, DialogState.ABSENT),
        ('get the mug', [FOUND], GoalStatus.STATUS_SUCCEEDED, DialogState.GROUNDED),
    ],
)
def test_a_goal(world, instruction, answers, status, outcome):
    world.answers = list(answers)
    answer = world.result(world.goal(instruction))
    assert answer.status == status
    end = world.end()
    assert answer.result.outcome == end.outcome == outcome
    assert answer.result.error_code == end.error_code
    assert answer.result.error_msg == end.error_msg
    assert answer.result.target == end.target
    assert answer.result.dialog == end.dialog


def test_feedback_follows_the_dialog(world):
    world.answers = [question('Red or blue?'), FOUND]
    feedback = []
    handle = world.goal('get the mug', lambda message: feedback.append(message.feedback.state))
    world.asked('Red or blue?')
    world.reply('the red one')
    assert world.result(handle).status == GoalStatus.STATUS_SUCCEEDED
    assert [state.state for state in feedback] == [
        DialogState.LOOKING,
        DialogState.ASKING,
        DialogState.LOOKING,
        DialogState.DONE,
    ]
    assert {state.dialog.id for state in feedback} == {bytes(handle.goal_id.uuid).hex()}


@pytest.mark.parametrize(
    ('answer', 'stop'),
    [(SILENT, 'goal'), (question('A?'), 'goal'), (question('A?'), 'word')],
)
def test_cancel(world, answer, stop):
    world.answers = [answer]
    handle = world.goal('get the mug')
    world.peer.wait(lambda: world.requests, 'a look')
    if answer is not SILENT:
        world.asked('A?')
    if stop == 'goal':
        handle.cancel_goal_async()
    else:
        world.tell('stop')
    ended = world.result(handle)
    assert world.end().outcome == ended.result.outcome == DialogState.CANCELED
    canceled = GoalStatus.STATUS_CANCELED if stop == 'goal' else GoalStatus.STATUS_ABORTED
    assert ended.status == canceled
    # the question is out no more
    asked = world.peer.call(Ask, 'speech/ask', Ask.Request(question='B?', timeout=0.1))
    assert asked.error_code == Ask.Response.NO_REPLY


@pytest.mark.parametrize('answer', [SILENT, question('A?')])
def test_a_newer_instruction_takes_over(world, answer):
    world.answers = [answer]
    handle = world.goal('get the mug')
    world.peer.wait(lambda: world.requests, 'a look')
    if answer is not SILENT:
        world.asked('A?')
    world.answers = [FOUND]
    world.tell('get the cup')
    ended = world.result(handle)
    assert ended.status == GoalStatus.STATUS_ABORTED
    assert ended.result.outcome == DialogState.PREEMPTED
    world.peer.wait(lambda: len(world.ends()) == 2, 'both ends')
    assert [(end.dialog.request, end.outcome) for end in world.ends()] == [
        ('get the mug', DialogState.PREEMPTED),
        ('get the cup', DialogState.GROUNDED),
    ]


def test_an_unusable_instruction_leaves_the_running_one_alone(world):
    world.answers = [question('A?'), FOUND]
    world.tell('get the mug')
    world.asked('A?')
    world.tell('')
    refused = world.end()
    assert refused.error_code == Ground.Result.INVALID_REQUEST
    world.reply('the red one')
    end = world.end()
    assert (end.dialog.request, end.outcome) == ('get the mug', DialogState.GROUNDED)


def test_somebody_else_takes_the_voice(world):
    world.answers = [question('A?')]
    world.tell('get the mug')
    world.asked('A?')
    world.peer.call(Ask, 'speech/ask', Ask.Request(question='Who are you?', timeout=0.1))
    end = world.end()
    assert (end.outcome, end.error_code) == (DialogState.FAILED, Ground.Result.SPEECH_ERROR)
    assert "'Who are you?'" in end.error_msg


def test_parameters(world):
    def change(**values):
        parameters = [
            Parameter(f'dialog.{name}', value=value).to_parameter_msg()
            for name, value in values.items()
        ]
        request = SetParameters.Request(parameters=parameters)
        name = 'dialog_manager/set_parameters'
        return [r.successful for r in world.peer.call(SetParameters, name, request).results]

    refused = {'ask_policy': 'sometimes', 'max_questions': -1, 'reply_timeout': 0.0}
    assert change(**refused) == [False] * 3
    assert change(ask_policy='never', announce=False, camera='wrist') == [True] * 3
    world.answers = [FOUND]
    world.tell('get the mug')
    world.end()
    assert world.requests[-1].ask_policy == 'never'
    assert world.requests[-1].camera == 'wrist'
    assert world.lines() == ['person: get the mug']
    assert change(ask_policy='probe', announce=True, camera='') == [True] * 3


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
    peer.wait(one.result.done, 'the result', 2.0)
    result = one.result.result().result
    assert (result.outcome, result.error_code) == (DialogState.FAILED, Ground.Result.SHUTDOWN)
    peer.wait(lambda: interrupted == [True], 'the question to be taken back', 2.0)
    assert one.process.stop() == 0
    assert time.monotonic() - begin < 3.0
    assert 'Traceback' not in one.process.output
