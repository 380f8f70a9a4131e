"""The speech node over real DDS: questions, replies, interruptions, a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from ros_helpers import PATIENCE
from ros_helpers import NodeProcess
from std_msgs.msg import String

from clue_ros.dialog import MAX_CHARACTERS
from clue_ros.srv import Ask
from clue_ros.srv import Say

if TYPE_CHECKING:
    from ros_helpers import Peer

pytestmark = pytest.mark.ros
MODULE = 'clue_ros.nodes.speech'


@pytest.fixture(scope='module')
def speech(domain: int) -> Iterator[NodeProcess]:
    with NodeProcess(domain, MODULE) as process:
        yield process


def connect(peer: Peer, kind, name: str):
    """A client whose requests arrive and whose responses come back."""
    client = peer.node.create_client(kind, name)

    def answers() -> bool:
        # an empty request is refused at once; one may get lost while the two sides find each other
        return peer.until(client.call_async(kind.Request()).done, 1.0)

    peer.wait(answers, name)
    return client


class Person:
    """What a test hears and says on the topics of the speech node."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.said = peer.collect(String, 'speech/said')
        self.mouth = peer.publisher(String, 'speech/heard')
        self.asks = connect(peer, Ask, 'speech/ask')
        self.says = connect(peer, Say, 'speech/say')

        def hears() -> list[String]:
            self.says.call_async(Say.Request(text='One, two.'))
            return peer.until(lambda: self.said, 1.0)

        peer.wait(hears, 'speech/said')
        # things are said in order: after this nothing comes that a test has not asked for
        self.says.call_async(Say.Request(text='Three.'))
        peer.wait(lambda: self.said[-1].data == 'Three.', 'silence')
        self.said.clear()

    def ask(self, question, timeout=PATIENCE):
        """Ask, and return the future once the question is said."""
        before = len(self.said)
        future = self.asks.call_async(Ask.Request(question=question, timeout=timeout))
        self.peer.wait(lambda: len(self.said) > before, f'{question} to be said')
        return future

    def say(self, text):
        self.mouth.publish(String(data=text))

    def end(self, future):
        return self.peer.wait(future.done, 'the end of a question') and future.result()


@pytest.fixture
def person(speech: NodeProcess, peer: Peer) -> Person:
    return Person(peer)


@pytest.mark.parametrize(
    ('kind', 'request_fields', 'code', 'named'),
    [
        (Ask, {'question': ' \n', 'timeout': 1.0}, Ask.Response.INVALID_REQUEST, 'question'),
        (Ask, {'question': 'x' * (MAX_CHARACTERS + 1), 'timeout': 1.0}, 1, 'characters'),
        (Ask, {'question': 'Which?', 'timeout': 0.0}, Ask.Response.INVALID_REQUEST, 'timeout'),
        (Ask, {'question': 'Which?', 'timeout': -1.0}, Ask.Response.INVALID_REQUEST, 'timeout'),
        (Ask, {'question': 'Which?', 'timeout': float('nan')}, 1, 'timeout'),
        (Ask, {'question': 'Which?', 'timeout': 1e10}, 1, 'at most 3600 s'),
        (Ask, {'question': 'Which?', 'timeout': 0.3}, Ask.Response.NO_REPLY, "'Which?'"),
        (Say, {}, Say.Response.INVALID_REQUEST, 'text'),
        (Say, {'text': '\a'}, Say.Response.INVALID_REQUEST, 'text'),
        (Say, {'text': 'Hello.'}, Say.Response.NONE, ''),
        (Say, {'interrupt': True}, Say.Response.NONE, ''),
    ],
)
def test_answers(speech, peer, kind, request_fields, code, named):
    name = f'speech/{kind.__name__.lower()}'
    response = peer.call(kind, name, kind.Request(**request_fields))
    assert response.error_code == code
    assert named in response.error_msg
    assert bool(response.error_msg) == bool(code)


def test_a_reply(person):
    person.say('too early')
    person.peer.spin(0.2)
    future = person.ask("Which one, $(the red) or `the blue`; isn't it?\n")
    person.say('')
    person.say(' the\tred one\a ')
    person.say('too late')
    response = person.end(future)
    assert (response.error_code, response.reply) == (Ask.Response.NONE, 'the red one')
    assert person.said[-1].data == "Which one, $(the red) or `the blue`; isn't it?"


def test_a_newer_question_interrupts_an_older_one(person):
    first = person.ask('Left or right?')
    second = person.ask('Red or blue?')
    interrupted = person.end(first)
    assert interrupted.error_code == Ask.Response.INTERRUPTED
    assert "'Red or blue?'" in interrupted.error_msg
    person.say('red')
    assert person.end(second).reply == 'red'


@pytest.mark.parametrize(
    ('request_fields', 'interrupts'),
    [
        ({'text': 'By the way.'}, False),
        ({'text': 'All right.', 'interrupt': True}, True),
        ({'interrupt': True}, True),
    ],
)
def test_say_interrupts_only_when_told_to(person, request_fields, interrupts):
    future = person.ask('Left or right?')
    person.peer.call(Say, 'speech/say', Say.Request(**request_fields))
    person.say('left')
    response = person.end(future)
    assert response.error_code == (Ask.Response.INTERRUPTED if interrupts else 0)
    assert response.reply == ('' if interrupts else 'left')


def test_everything_is_said_in_order(person):
    texts = [f'Number {number}.' for number in range(8)]
    futures = [person.says.call_async(Say.Request(text=text)) for text in texts]
    person.peer.wait(lambda: all(future.done() for future in futures), 'all to be said')
    assert [message.data for message in person.said] == texts


def test_an_unknown_backend_is_refused(domain):
    with NodeProcess(domain, MODULE, {'speech.backend': 'telepathy'}) as process:
        assert process.process.wait(PATIENCE) == 1
        assert 'one of text, terminal' in process.output


class Typist:
    """A speech node of its own domain name, with a terminal that a test types into."""

    def __init__(self, domain: int) -> None:
        command = [sys.executable, '-m', MODULE, '--ros-args', '-r', '__ns:=/desk']
        command += ['-p', 'speech.backend:=terminal']
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, 'ROS_DOMAIN_ID': str(domain)},
        )

    def type(self, line: str) -> None:
        self.process.stdin.write(line)
        self.process.stdin.flush()


@pytest.fixture
def typist(domain: int) -> Iterator[Typist]:
    typist = Typist(domain)
    yield typist
    typist.process.kill()
    typist.process.wait()
    for stream in (typist.process.stdin, typist.process.stdout, typist.process.stderr):
        stream.close()


def test_terminal(typist, peer):
    instructions = peer.collect(String, 'desk/instruction')
    said = peer.collect(String, 'desk/speech/said')
    asks = connect(peer, Ask, 'desk/speech/ask')

    def typed() -> list[String]:
        typist.type('get the mug\n')
        return peer.until(lambda: instructions, 1.0)

    peer.wait(typed, 'the instruction')
    typist.type('get the cup\n')
    peer.wait(lambda: instructions[-1].data == 'get the cup', 'the last instruction')
    future = asks.call_async(Ask.Request(question='Which one?', timeout=PATIENCE))
    assert typist.process.stdout.readline() == 'robot: Which one?\n'
    peer.wait(lambda: said, 'the question on the topic')
    typist.type('the red one\n')
    peer.wait(future.done, 'the reply')
    assert future.result().reply == 'the red one'
    assert {message.data for message in instructions} == {'get the mug', 'get the cup'}

    # Ctrl-D: the topics still work, and the process still ends
    typist.process.stdin.close()
    future = asks.call_async(Ask.Request(question='And now?', timeout=PATIENCE))
    peer.wait(lambda: len(said) == 2, 'the second question')
    peer.publisher(String, 'desk/speech/heard').publish(String(data='the blue one'))
    peer.wait(future.done, 'the second reply')
    assert future.result().reply == 'the blue one'
    typist.process.terminate()
    assert typist.process.wait(PATIENCE) == 0
    errors = typist.process.stderr.read()
    assert 'standard input' in errors
    assert 'Traceback' not in errors and 'Fatal' not in errors


def test_a_terminal_that_waits_for_input_ends(typist, peer):
    connect(peer, Ask, 'desk/speech/ask')
    typist.process.terminate()
    assert typist.process.wait(PATIENCE) == 0
    assert 'Fatal' not in typist.process.stderr.read()


def test_a_broken_voice_is_an_error_and_not_the_end(typist, peer):
    connect(peer, Ask, 'desk/speech/ask')
    typist.process.stdout.close()  # nobody reads what is said
    says = peer.call(Say, 'desk/speech/say', Say.Request(text='Hello.'))
    assert says.error_code == Say.Response.SPEECH_ERROR
    assert "'Hello.'" in says.error_msg
    asked = peer.call(Ask, 'desk/speech/ask', Ask.Request(question='Which?', timeout=PATIENCE))
    assert asked.error_code == Ask.Response.SPEECH_ERROR
