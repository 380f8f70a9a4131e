"""The dialog manager over real DDS, with a real speech node; the test plays perception."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from action_msgs.msg import GoalStatus
from dialog_world import ABSENT
from dialog_world import FOUND
from dialog_world import HALF_A_BOX
from dialog_world import HEADER
from dialog_world import LATE
from dialog_world import LONG
from dialog_world import NO_AREA
from dialog_world import NO_IMAGE
from dialog_world import SILENT
from dialog_world import TARGET
from dialog_world import World
from dialog_world import question
from dialog_world import response
from ros_helpers import NodeProcess
from ros_helpers import Peer

from clue_ros.action import Ground
from clue_ros.dialog import MAX_CHARACTERS
from clue_ros.msg import DialogState
from clue_ros.nodes.qos import LATCHED
from clue_ros.srv import Ask

pytestmark = pytest.mark.ros

PARAMETERS = {
    'dialog.max_questions': 2,
    'dialog.reply_timeout': LONG,
    'dialog.speech_timeout': LONG,
    'dialog.perception_timeout': LONG,
}


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
TOO_LONG = 'x' * (MAX_CHARACTERS + 1)
AT_ONCE = {}
NO_LOOK, NO_ANSWER = {'perception_timeout': 1.0}, {'reply_timeout': 1.0}


@pytest.mark.parametrize(
    ('instruction', 'answers', 'reply', 'outcome', 'code', 'named', 'limits'),
    [
        ('', [FOUND], '', STATE.FAILED, ACT.INVALID_REQUEST, 'empty', AT_ONCE),
        (TOO_LONG, [FOUND], '', STATE.FAILED, ACT.INVALID_REQUEST, 'characters', AT_ONCE),
        ('get it', [NO_IMAGE], '', STATE.FAILED, ACT.NO_IMAGE, 'no frame for 5 s', AT_ONCE),
        ('get it', [SILENT], '', STATE.FAILED, ACT.PERCEPTION_UNAVAILABLE, 'perception', NO_LOOK),
        ('get it', [HALF_A_BOX], '', STATE.FAILED, ACT.INVALID_BOX, 'three location', AT_ONCE),
        ('get it', [NO_AREA], '', STATE.FAILED, ACT.INVALID_BOX, 'x1 < x2', AT_ONCE),
        ('get it', [response()], '', STATE.FAILED, ACT.INVALID_BOX, 'kind 0', AT_ONCE),
        ('get it', [question('')], '', STATE.FAILED, ACT.INVALID_BOX, 'question', AT_ONCE),
        ('get it', [question('A?')], '', STATE.NO_REPLY, ACT.NONE, '', NO_ANSWER),
        ('get it', [question('A?')], 'Stop!', STATE.CANCELED, ACT.NONE, '', AT_ONCE),
        ('get it', [question('A?')], 'red', STATE.UNRESOLVED, ACT.NONE, "'A?'", AT_ONCE),
        ('get it', [ABSENT], '', STATE.ABSENT, ACT.NONE, '', AT_ONCE),
        ('get it', [question('A?'), FOUND], 'red', STATE.GROUNDED, ACT.NONE, '', AT_ONCE),
        ('get it', [FOUND], '', STATE.GROUNDED, ACT.NONE, '', AT_ONCE),
    ],
)
def test_ends(world, instruction, answers, reply, outcome, code, named, limits):
    world.answers = list(answers)
    with world.limits(**limits):
        begin = time.monotonic()
        world.tell(instruction)
        if reply:
            world.asked('A?')
            world.reply(reply)
        world.peer.wait(world.ends, 'the end')
        assert time.monotonic() - begin < sum(limits.values()) + LATE
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
    assert (first.ask_policy, first.camera, len(first.dialog.turns)) == ('joint', '', 0)
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
        ('stop', [FOUND], GoalStatus.STATUS_ABORTED, DialogState.FAILED),
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
        named = {f'dialog.{name}': value for name, value in values.items()}
        return [r.successful for r in world.peer.set_parameters('dialog_manager', named)]

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
