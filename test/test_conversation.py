"""One instruction, one end: every event in every state, and any sequence of them."""

import random
import re
from pathlib import Path

import pytest

from clue_ros.box import Box
from clue_ros.conversation import Answer
from clue_ros.conversation import Ask
from clue_ros.conversation import Code
from clue_ros.conversation import Conversation
from clue_ros.conversation import ConversationConfig
from clue_ros.conversation import Fault
from clue_ros.conversation import Finish
from clue_ros.conversation import Look
from clue_ros.conversation import Outcome
from clue_ros.conversation import Reply
from clue_ros.conversation import Say
from clue_ros.conversation import Signal
from clue_ros.conversation import Silence
from clue_ros.conversation import State
from clue_ros.conversation import is_cancel
from clue_ros.dialog import MAX_CHARACTERS
from clue_ros.errors import InvalidRequest
from clue_ros.response import Absent
from clue_ros.response import Grounding
from clue_ros.response import Invalid
from clue_ros.response import Question

BOX = Box(10, 20, 30, 40)
QUIET = ConversationConfig(
    max_questions=2,
    reply_timeout=30.0,
    speech_timeout=5.0,
    perception_timeout=10.0,
    announce=False,
)
NOW = 100.0
LOOKING_STEP, ASKING_STEP = 1, 2


def answer(response, step=LOOKING_STEP, probability=0.5):
    return Answer(step, response, probability)


def conversation_in(state, config=QUIET):
    """A conversation that has just come to `state`, at NOW."""
    conversation = Conversation('get the mug', config)
    path = {
        State.IDLE: [],
        State.LOOKING: [Signal.START],
        State.ASKING: [Signal.START, answer(Question('Which one?'))],
        State.DONE: [Signal.START, answer(Absent())],
    }
    for event in path[state]:
        conversation.handle(event, NOW)
    assert conversation.state is state
    return conversation


LOST = Fault(LOOKING_STEP, Code.PERCEPTION_UNAVAILABLE, 'gone')
MUTE = Fault(ASKING_STEP, Code.SPEECH_UNAVAILABLE, 'gone')
HOARSE = Fault(ASKING_STEP, Code.SPEECH_ERROR, 'no loudspeaker')

# (state, event, seconds later, outcome or None, error code, whether the question is taken back)
ENDS = [
    (State.IDLE, Signal.CANCEL, 0, Outcome.CANCELED, 0, False),
    (State.IDLE, Signal.NEWER, 0, Outcome.PREEMPTED, 0, False),
    (State.IDLE, Signal.SHUTDOWN, 0, Outcome.FAILED, Code.SHUTDOWN, False),
    (State.LOOKING, LOST, 0, Outcome.FAILED, Code.PERCEPTION_UNAVAILABLE, False),
    (State.LOOKING, Fault(LOOKING_STEP, 3, 'no image'), 0, Outcome.FAILED, 3, False),
    (State.LOOKING, Signal.TICK, 10, Outcome.FAILED, Code.PERCEPTION_UNAVAILABLE, False),
    (State.LOOKING, answer(Invalid('<loc', 'half')), 0, Outcome.FAILED, Code.INVALID_BOX, False),
    (State.LOOKING, answer(Question(' ')), 0, Outcome.FAILED, Code.INVALID_BOX, False),
    (State.LOOKING, Signal.CANCEL, 0, Outcome.CANCELED, 0, False),
    (State.LOOKING, Signal.NEWER, 0, Outcome.PREEMPTED, 0, False),
    (State.LOOKING, Signal.SHUTDOWN, 0, Outcome.FAILED, Code.SHUTDOWN, False),
    (State.LOOKING, answer(Grounding(BOX, 0.9)), 0, Outcome.GROUNDED, 0, False),
    (State.LOOKING, answer(Absent()), 0, Outcome.ABSENT, 0, False),
    (State.ASKING, MUTE, 0, Outcome.FAILED, Code.SPEECH_UNAVAILABLE, True),
    (State.ASKING, HOARSE, 0, Outcome.FAILED, Code.SPEECH_ERROR, False),
    (State.ASKING, Signal.TICK, 35, Outcome.FAILED, Code.SPEECH_UNAVAILABLE, True),
    (State.ASKING, Silence(ASKING_STEP), 30, Outcome.NO_REPLY, 0, False),
    (State.ASKING, Reply(ASKING_STEP, 'Never mind.'), 0, Outcome.CANCELED, 0, False),
    (State.ASKING, Signal.CANCEL, 0, Outcome.CANCELED, 0, True),
    (State.ASKING, Signal.NEWER, 0, Outcome.PREEMPTED, 0, True),
    (State.ASKING, Signal.SHUTDOWN, 0, Outcome.FAILED, Code.SHUTDOWN, True),
]


@pytest.mark.parametrize(('state', 'event', 'later', 'outcome', 'code', 'interrupt'), ENDS)
def test_ends(state, event, later, outcome, code, interrupt):
    conversation = conversation_in(state)
    commands = conversation.handle(event, NOW + later)
    assert conversation.state is State.DONE
    end = commands[0]
    assert (end.outcome, end.code) == (outcome, code)
    assert commands[1:] == ((Say('', interrupt=True),) if interrupt else ())
    assert conversation.end is end
    assert (end.target == BOX) == (outcome is Outcome.GROUNDED)
    assert bool(end.message) == (outcome is Outcome.FAILED)


EVENTS = [
    *Signal,
    answer(Grounding(BOX, 0.9)),
    answer(Question('Which one?')),
    answer(Absent()),
    answer(Invalid('', 'half')),
    Reply(ASKING_STEP, 'the red one'),
    Reply(ASKING_STEP, ''),
    Silence(ASKING_STEP),
    LOST,
    MUTE,
]
IGNORED = [
    *((State.DONE, event) for event in EVENTS),
    *((State.IDLE, event) for event in EVENTS if not isinstance(event, Signal)),
    (State.IDLE, Signal.TICK),
    (State.LOOKING, Signal.START),
    (State.LOOKING, Signal.TICK),
    (State.LOOKING, Reply(LOOKING_STEP, 'the red one')),
    (State.LOOKING, Silence(LOOKING_STEP)),
    (State.LOOKING, answer(Absent(), step=LOOKING_STEP - 1)),
    (State.LOOKING, Fault(LOOKING_STEP - 1, 3, 'late')),
    (State.ASKING, Signal.START),
    (State.ASKING, Signal.TICK),
    (State.ASKING, answer(Absent())),
    (State.ASKING, answer(Absent(), step=ASKING_STEP)),
    (State.ASKING, Reply(ASKING_STEP - 1, 'stop')),
    (State.ASKING, Silence(ASKING_STEP - 1)),
    (State.ASKING, LOST),
]


@pytest.mark.parametrize(('state', 'event'), IGNORED)
def test_ignores(state, event):
    conversation = conversation_in(state)
    before = dict(vars(conversation))
    assert conversation.handle(event, NOW + 9.9) == ()
    assert vars(conversation) == before


def test_every_state_meets_every_kind_of_event():
    def kind(event):
        return event if isinstance(event, Signal) else type(event)

    met = {(state, kind(event)) for state, event, *_ in ENDS}
    met |= {(state, kind(event)) for state, event in IGNORED}
    goes_on = {(State.IDLE, Signal.START), (State.ASKING, Reply)}  # tested below
    wanted = {(state, kind(event)) for state in State for event in EVENTS}
    assert wanted == met | goes_on


def test_a_reply_sharpens_the_dialog():
    conversation = Conversation('get the  mug', QUIET)
    (look,) = conversation.handle(Signal.START, 0.0)
    assert look == Look(1, conversation.dialog, 'joint', 10.0)
    (ask,) = conversation.handle(Answer(1, Question('Red or blue?'), 0.9), 1.0)
    assert ask == Ask(2, 'Red or blue?', 30.0, 35.0)
    assert conversation.question == 'Red or blue?'
    (look,) = conversation.handle(Reply(2, 'the red one'), 5.0)
    assert [(turn.question, turn.reply) for turn in look.dialog.turns] == [
        ('Red or blue?', 'the red one')
    ]
    assert conversation.question == ''
    assert conversation.handle(Answer(3, Grounding(BOX, 0.8), None), 6.0) == (
        Finish(Outcome.GROUNDED, target=BOX),
    )
    assert conversation.probabilities == (0.9, None)
    assert conversation.dialog.request == 'get the mug'


def drive(config, questions, reply='the red one'):
    """Answer every Look with the next question and every Ask with `reply`; return all commands."""
    conversation = Conversation('get the mug', config)
    questions = iter(questions)
    commands = list(conversation.handle(Signal.START, 0.0))
    for command in commands:
        if isinstance(command, Look):
            pointing = command.ask_policy == 'never'
            response = Grounding(BOX, 0.9) if pointing else Question(next(questions))
            commands += conversation.handle(Answer(command.step, response, 0.5), 0.0)
        elif isinstance(command, Ask):
            commands += conversation.handle(Reply(command.step, reply), 0.0)
    return commands


@pytest.mark.parametrize(
    ('policy', 'budget', 'questions', 'reply', 'asked', 'outcome', 'named'),
    [
        ('probe', 0, ['A?'], 'red', 0, Outcome.UNRESOLVED, '0 of 0'),
        ('probe', 2, ['A?', 'B?', 'C?'], 'red', 2, Outcome.UNRESOLVED, '2 of 2'),
        ('probe', 9, ['A?', 'a?'], 'red', 1, Outcome.UNRESOLVED, "'a?'"),
        ('probe', 2, ['A?'], '', 2, Outcome.UNRESOLVED, '2 of 2'),
        ('probe', 2, ['A?'], '\a\n', 2, Outcome.UNRESOLVED, '2 of 2'),
        ('probe', 2, ['A?'], 'x' * (MAX_CHARACTERS + 1), 2, Outcome.UNRESOLVED, '2 of 2'),
        ('probe', 2, ['A?'], 'Stop!', 1, Outcome.CANCELED, ''),
        ('always', 2, ['A?', 'B?'], 'red', 2, Outcome.GROUNDED, ''),
        ('always', 0, [], 'red', 0, Outcome.GROUNDED, ''),
        ('never', 2, [], 'red', 0, Outcome.GROUNDED, ''),
    ],
)
def test_question_budget(policy, budget, questions, reply, asked, outcome, named):
    config = ConversationConfig(ask_policy=policy, max_questions=budget, announce=False)
    commands = drive(config, questions, reply)
    assert sum(isinstance(command, Ask) for command in commands) == asked
    assert commands[-1].outcome is outcome
    assert named in commands[-1].message


@pytest.mark.parametrize(
    ('state', 'event', 'said'),
    [
        (State.ASKING, MUTE, Say('', interrupt=True)),
        (State.ASKING, HOARSE, None),
        (State.ASKING, Signal.NEWER, Say('', interrupt=True)),
        (State.ASKING, Signal.CANCEL, Say('All right, I stopped.', interrupt=True)),
        (State.ASKING, Silence(ASKING_STEP), Say('I did not hear a reply, so I stopped.')),
        (State.LOOKING, Signal.NEWER, None),
        (State.LOOKING, Signal.SHUTDOWN, None),
        (State.LOOKING, LOST, Say('Sorry, something went wrong.')),
        (State.LOOKING, answer(Grounding(BOX, 0.9)), Say('I found it.')),
    ],
)
def test_announces_the_end_while_it_has_a_voice(state, event, said):
    _, *rest = conversation_in(state, ConversationConfig()).handle(event, NOW)
    assert rest == ([said] if said else [])


@pytest.mark.parametrize(
    ('text', 'cancels'),
    [
        ('stop at the red one', False),
        ('not the blue one, cancel', False),
        ('', False),
        ('please', False),
        ('the stop sign', False),
        ('stop', True),
        ('  STOP!! ', True),
        ('Okay, never mind.', True),
        ('cancel that please', True),
        ('Robot, forget it', True),
    ],
)
def test_is_cancel(text, cancels):
    assert is_cancel(text) is cancels


@pytest.mark.parametrize(
    ('fields', 'error', 'named'),
    [
        ({'ask_policy': 'sometimes'}, InvalidRequest, 'ask policy'),
        ({'max_questions': -1}, ValueError, 'max_questions'),
        ({'reply_timeout': 0.0}, ValueError, 'reply_timeout'),
        ({'speech_timeout': float('nan')}, ValueError, 'speech_timeout'),
        ({'perception_timeout': float('inf')}, ValueError, 'perception_timeout'),
    ],
)
def test_config_is_checked(fields, error, named):
    with pytest.raises(error, match=named):
        ConversationConfig(**fields)


@pytest.mark.parametrize('request_text', ['', ' \n', 'x' * (MAX_CHARACTERS + 1)])
def test_an_unusable_request_is_refused(request_text):
    with pytest.raises(InvalidRequest):
        Conversation(request_text, QUIET)


def random_event(choice, steps):
    """Any event, for the current step, an older one or one that never was."""
    step = choice(steps)
    responses = [Question(f'{choice("ABCD")}?'), Grounding(BOX, 0.5), Absent(), Invalid('', 'half')]
    return choice(
        [
            *(signal for signal in Signal if signal is not Signal.START or choice([0, 1])),
            *[Answer(step, choice(responses), choice([None, 0.5]))] * 6,
            *[Reply(step, choice(['', 'the red one', 'stop']))] * 6,
            Silence(step),
            Fault(step, choice([3, 20, 21, 32]), 'gone'),
        ]
    )


@pytest.mark.parametrize('seed', range(300))
def test_any_sequence_of_events_has_at_most_one_end_and_never_hangs(seed):
    rng = random.Random(seed)
    conversation = Conversation('get the mug', QUIET)
    commands = list(conversation.handle(Signal.START, 0.0))
    now = 0.0
    for _ in range(60):
        now += rng.choice([0.0, 0.1, 3.0])
        steps = [0, 1, 99, *(c.step for c in commands if isinstance(c, Look | Ask))]
        new = conversation.handle(random_event(rng.choice, steps[-4:]), now)
        ended = any(isinstance(command, Finish) for command in commands)
        assert not (ended and new)
        commands += new
    # whatever happened so far, ticks alone bring the end within the stated time
    while conversation.state is not State.DONE and now <= QUIET.longest:
        now += 0.5
        commands += conversation.handle(Signal.TICK, now)
    assert [c.outcome for c in commands if isinstance(c, Finish)] == [conversation.end.outcome]


def test_the_slowest_conversation_ends_exactly_at_the_stated_time():
    """Everybody answers at the last moment, again and again."""
    conversation = Conversation('get the mug', QUIET)
    now, looks = 0.0, 0
    (command,) = conversation.handle(Signal.START, now)
    while conversation.state is not State.DONE:
        now += command.timeout
        if isinstance(command, Look):
            looks += 1
            event = Answer(command.step, Question(f'Question {looks}?'), 0.9)
        else:
            event = Reply(command.step, 'hm')
        (command,) = conversation.handle(event, now)
    assert now == QUIET.longest
    assert command.outcome is Outcome.UNRESOLVED


def constants(interface):
    text = (Path(__file__).parents[1] / interface).read_text()
    return {name: int(value) for name, value in re.findall(r'^uint\d+ (\w+)=(\d+)', text, re.M)}


def test_names_and_codes_are_those_of_the_interfaces():
    names = constants('msg/DialogState.msg')
    assert set(names) == {state.name for state in State} | {o.name for o in Outcome} | {'NONE'}
    codes = constants('action/Ground.action')
    assert {code.name: code.value for code in Code}.items() <= codes.items()
