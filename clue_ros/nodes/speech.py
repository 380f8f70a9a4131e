"""The speech node: says things, asks questions and waits for the reply.

One question is out at a time. A reply counts from the moment the question begins to be said, its
time-out from the moment it has been said. What the backend itself hears while nothing is asked
(a line typed in the terminal) is a new instruction; text on `~/heard` is only ever a reply.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import field
from queue import Empty
from queue import SimpleQueue

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.exceptions import InvalidHandle
from rclpy.node import Node
from rclpy.task import Future
from std_msgs.msg import String

from clue_ros.dialog import clean_text
from clue_ros.errors import InvalidRequest
from clue_ros.nodes.parameters import Parameter
from clue_ros.nodes.parameters import declare
from clue_ros.nodes.qos import OVERRIDABLE
from clue_ros.nodes.qos import RESULT
from clue_ros.nodes.runtime import run
from clue_ros.speech import BACKENDS
from clue_ros.speech.backend import Backend
from clue_ros.speech.voice import Utterance
from clue_ros.speech.voice import Voice
from clue_ros.srv import Ask
from clue_ros.srv import Say

PARAMETERS = (
    Parameter(
        'speech.backend',
        'text',
        'what speaks and hears: text (only the topics ~/said and ~/heard) or terminal (standard '
        'output and input)',
        choices=tuple(BACKENDS),
        fixed=True,
    ),
)

LONGEST_TIMEOUT = 3600.0  # seconds to wait for a reply


@dataclass(eq=False)
class _Question:
    """A question from its request to its end."""

    text: str
    timeout: float  # seconds
    begun: bool = False  # to be said
    end: Future = field(default_factory=Future)  # gets the Ask.Response

    def settle(self, code: int = Ask.Response.NONE, message: str = '', reply: str = '') -> None:
        """End it, unless it has ended."""
        if not self.end.done():
            self.end.set_result(Ask.Response(error_code=code, error_msg=message, reply=reply))


class Speech(Node):
    """See the module's text."""

    def __init__(self) -> None:
        super().__init__('speech')
        declare(self, PARAMETERS)
        self._question: _Question | None = None
        self._calls: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._called = self.create_guard_condition(self._run_calls)
        self._steady = Clock(clock_type=ClockType.STEADY_TIME)
        options = {'qos_overriding_options': OVERRIDABLE}
        self._said = self.create_publisher(String, '~/said', RESULT, **options)
        self._instruction = self.create_publisher(String, 'instruction', RESULT, **options)
        self.create_subscription(
            String, '~/heard', lambda message: self._hear(message.data), RESULT, **options
        )
        # An Ask waits for its reply; meanwhile others must be able to interrupt it. Say comes
        # first: of two requests that arrive together it is the earlier one.
        group = ReentrantCallbackGroup()
        self.create_service(Say, '~/say', self._say, callback_group=group)
        self.create_service(Ask, '~/ask', self._ask, callback_group=group)
        name = self.get_parameter('speech.backend').value
        backend = BACKENDS[name]()
        self._voice = Voice(backend.say)
        threading.Thread(
            target=self._listen, args=(name, backend), name='listener', daemon=True
        ).start()

    async def _ask(self, request: Ask.Request, response: Ask.Response) -> Ask.Response:
        try:
            text = clean_text(request.question, 'question')
            timeout = _check_timeout(request.timeout)
        except InvalidRequest as error:
            response.error_code, response.error_msg = error.code, str(error)
            return response
        self._interrupt(f'a newer question: {text!r}')
        self._question = question = _Question(text, timeout)
        self._voice.add(
            Utterance(
                text,
                wanted=lambda: not question.end.done(),
                begun=lambda: self._call(lambda: self._begin(question)),
                ended=lambda error: self._call(lambda: self._wait(question, error)),
            )
        )
        return await question.end

    async def _say(self, request: Say.Request, response: Say.Response) -> Say.Response:
        if request.interrupt:
            self._interrupt('a Say with interrupt')
            if not request.text:
                return response
        try:
            text = clean_text(request.text, 'text to say')
        except InvalidRequest as error:
            response.error_code, response.error_msg = error.code, str(error)
            return response
        end = Future()
        self._voice.add(
            Utterance(
                text,
                wanted=lambda: True,
                begun=lambda: self._call(lambda: self._said.publish(String(data=text))),
                ended=lambda error: self._call(lambda: end.set_result(error)),
            )
        )
        if error := await end:
            response.error_code = Say.Response.SPEECH_ERROR
            response.error_msg = self._failure(text, error)
        return response

    def _begin(self, question: _Question) -> None:
        question.begun = True
        self._said.publish(String(data=question.text))

    def _wait(self, question: _Question, error: Exception | None) -> None:
        """Give the person time for the reply, once the question has been said."""
        if error:
            question.settle(Ask.Response.SPEECH_ERROR, self._failure(question.text, error))

        def overdue() -> None:
            message = f'no reply to {question.text!r} in {question.timeout:g} s'
            question.settle(Ask.Response.NO_REPLY, message)

        if not question.end.done():
            timer = self.create_timer(question.timeout, overdue, clock=self._steady)
            question.end.add_done_callback(lambda _: self.destroy_timer(timer))

    def _interrupt(self, by: str) -> None:
        if self._question:
            self._question.settle(
                Ask.Response.INTERRUPTED, f'{self._question.text!r} was interrupted by {by}'
            )

    def _hear(self, heard: str, instructions: bool = False) -> None:
        """Take an utterance of the person; `instructions` tells that it may be a new one."""
        question = self._question
        try:
            text = clean_text(heard, 'utterance')
        except InvalidRequest as error:
            self.get_logger().warning(f'heard nothing of use: {error}')
            if not heard.strip():
                return
            # something was said: whoever asked decides what to do about it
            text = heard
        if question and question.begun and not question.end.done():
            question.settle(reply=text)
        elif instructions:
            if not self._instruction.get_subscription_count():
                self.get_logger().warning(f'nobody takes {text!r}; start the dialog manager')
            self._instruction.publish(String(data=text))
        else:
            self.get_logger().debug(f'nothing was asked, so nothing is done with {text!r}')

    def _failure(self, text: str, error: Exception) -> str:
        backend = self.get_parameter('speech.backend').value
        message = f'the speech backend {backend} could not say {text!r}: {error}'
        self.get_logger().error(message)
        return message

    # The backend's threads never touch the node: they leave calls for the executor.

    def _listen(self, name: str, backend: Backend) -> None:
        try:
            backend.listen(lambda text: self._call(lambda: self._hear(text, instructions=True)))
        # whatever a backend raises, the topics still work
        except Exception as error:
            message = f'the speech backend {name} hears nothing any more: {error}'
            self._call(lambda: self.get_logger().warning(message))

    def _call(self, function: Callable[[], None]) -> None:
        self._calls.put(function)
        with suppress(InvalidHandle):  # the node is being destroyed
            self._called.trigger()

    def _run_calls(self) -> None:
        while True:
            try:
                function = self._calls.get_nowait()
            except Empty:
                return
            function()


def _check_timeout(timeout: float) -> float:
    if not 0 < timeout <= LONGEST_TIMEOUT:  # also refuses NaN
        raise InvalidRequest(
            f'the timeout must be above 0 and at most {LONGEST_TIMEOUT:g} s, got {timeout}'
        )
    return timeout


def main() -> int:
    """Run the node."""
    return run(Speech)


if __name__ == '__main__':
    raise SystemExit(main())
