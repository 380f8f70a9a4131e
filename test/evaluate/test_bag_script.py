"""What was said in a bag, told by text topics or by the states of the dialog manager."""

import re

import pytest
from bag_builders import ROOT
from bag_builders import make
from bag_builders import state
from bag_builders import text
from bag_builders import write_bag

from clue_ros.box import Box
from clue_ros.conversation import Outcome
from clue_ros.errors import InvalidSource
from clue_ros.evaluate.bag_file import BagFile
from clue_ros.evaluate.bag_script import DONE
from clue_ros.evaluate.bag_script import OUTCOMES
from clue_ros.evaluate.bag_script import Answered
from clue_ros.evaluate.bag_script import Canceled
from clue_ros.evaluate.bag_script import Ended
from clue_ros.evaluate.bag_script import Instruction
from clue_ros.evaluate.bag_script import Script
from clue_ros.evaluate.bag_topics import BagTopics

LOOKING, ASKING = 1, 2
RED = (('Red or blue?', 'red'),)


def test_constants_are_those_of_the_interface():
    constants = (ROOT / 'msg' / 'DialogState.msg').read_text()
    codes = {name: int(code) for name, code in re.findall(r'^uint8 (\w+)=(\d+)', constants, re.M)}
    assert codes['DONE'] == DONE
    assert {outcome.name: code for code, outcome in OUTCOMES.items()} == {
        outcome.name: codes[outcome.name] for outcome in Outcome
    }


def events(tmp_path, topics: BagTopics, said):
    """What a bag tells, message by message."""
    bag = write_bag(tmp_path / 'bag', [(second, *pair) for second, pair in enumerate(said)])
    with BagFile(bag) as file:
        script = Script(file, topics)
        return [
            event for message in file.messages(script.topics) for event in script.events(message)
        ]  # noqa: E501


def words(*lines: str):
    """From "i: get it" to a message on the topic /i."""
    return [(f'/{line[0]}', text(line[3:])) for line in lines]


@pytest.mark.parametrize(
    ('lines', 'told'),
    [
        (['h: red'], []),
        (['i: get it', 'h: red'], [Instruction('1', 'get it')]),
        (['i: get it', 's: A?', 'h:  '], [Instruction('1', 'get it')]),
        (['i: Stop!'], [Canceled('0')]),
        (
            ['i: get it', 's: A?', 'h: red', 'i: stop'],
            [Instruction('1', 'get it'), Answered('1', 'red', 'A?'), Canceled('1')],
        ),
        (
            ['i: get it', 's: A?', 'i: take it', 'h: red', 's: B?', 'h: blue'],
            [Instruction('1', 'get it'), Instruction('2', 'take it'), Answered('2', 'blue', 'B?')],
        ),
    ],
)
def test_words(tmp_path, lines, told):
    topics = BagTopics(instruction='/i', heard='/h', said='/s')
    assert events(tmp_path, topics, words(*lines)) == told


def test_without_what_the_robot_says_every_word_is_a_reply(tmp_path):
    topics = BagTopics(instruction='/i', heard='/h')
    told = events(tmp_path, topics, words('i: get it', 'h: red'))
    assert told == [Instruction('1', 'get it'), Answered('1', 'red', None)]


def grounded(**center):
    position = make('vision_msgs/msg/Point2D', x=20.0, y=30.0)
    pose = make('vision_msgs/msg/Pose2D', position=position, **center)
    box = make('vision_msgs/msg/BoundingBox2D', center=pose, size_x=20.0, size_y=40.0)
    return make('vision_msgs/msg/Detection2D', bbox=box)


def end(outcome, turns=(), **fields):
    return state('d', 'get it', DONE, turns, outcome=outcome, **fields)


LOOKS, ASKS = state('d', 'get it', LOOKING), state('d', 'get it', ASKING)
LOOKS_AGAIN = state('d', 'get it', LOOKING, RED)
BEGUN = [Instruction('d', 'get it')]


@pytest.mark.parametrize(
    ('states', 'told'),
    [
        ([state('', '', 0)], []),
        ([LOOKS] * 2, BEGUN),
        (
            [LOOKS, ASKS, LOOKS_AGAIN],
            [*BEGUN, Answered('d', 'red', 'Red or blue?')],
        ),
        (
            [LOOKS, end(1, RED, camera='c', target=grounded())],
            [
                *BEGUN,
                Answered('d', 'red', 'Red or blue?'),
                Ended('d', Outcome.GROUNDED, 'c', Box(10, 10, 30, 50), ('Red or blue?',)),
            ],
        ),
        (
            [LOOKS, end(5), end(5)],
            [*BEGUN, Canceled('d'), Ended('d', Outcome.CANCELED, '', None, ())],
        ),
        # an instruction that was refused while another one ran
        (
            [LOOKS, state('e', '', DONE, outcome=7), LOOKS, end(2)],
            [
                *BEGUN,
                Instruction('e', ''),
                Ended('e', Outcome.FAILED, '', None, ()),
                Ended('d', Outcome.ABSENT, '', None, ()),
            ],
        ),
    ],
)
def test_states(tmp_path, states, told):
    said = [('/state', message) for message in states]
    assert events(tmp_path, BagTopics(state='/state'), said) == told


@pytest.mark.parametrize(
    ('message', 'named'),
    [
        (LOOKS_AGAIN, 'began before the bag did'),
        (end(99), 'cannot be understood: KeyError: 99'),
        (end(1), 'x1 < x2'),
        (end(1, target=grounded(theta=0.1)), 'theta 0.1'),
        (text('get it'), 'cannot be understood: AttributeError'),
    ],
)
def test_states_that_cannot_be_used(tmp_path, message, named):
    with pytest.raises(InvalidSource, match=named):
        events(tmp_path, BagTopics(state='/state'), [('/state', message)])
