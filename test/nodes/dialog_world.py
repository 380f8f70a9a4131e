"""The test's end of a dialog manager: the person, and the perception it plays."""

from __future__ import annotations

import math
from contextlib import contextmanager
from itertools import dropwhile
from typing import TYPE_CHECKING

from rclpy.action import ActionClient
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from ros_helpers import ASK_AGAIN
from ros_helpers import Peer
from std_msgs.msg import Header
from std_msgs.msg import String
from vision_msgs.msg import Detection2D

from clue_ros.action import Ground
from clue_ros.box import Box
from clue_ros.msg import DialogState
from clue_ros.nodes.messages import detection_to_message
from clue_ros.nodes.qos import HISTORY
from clue_ros.srv import Respond

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Iterator

LATE = 5.0  # seconds a busy machine may add
LONG = 20.0  # time-outs that are not meant to run out, seconds
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
        self._past: set[str] = set()  # dialogs whose end was seen, or belongs to a test before
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
            self.tell('get the mug')
            self.peer.until(lambda: self.said, ASK_AGAIN)
            self.reply('yes')
            return self.peer.until(
                lambda: self.targets and 'robot: I found it.' in self.lines() and self.said[1:],
                ASK_AGAIN,
            )

        self.peer.wait(talks, 'a whole dialog')
        self.peer.wait(lambda: self.states[-1].state == DialogState.DONE, 'the end of it')
        self.peer.wait(self.action.server_is_ready, 'the action')

    def forget(self) -> None:
        """Begin afresh; what is still on its way belongs to the test before."""
        self.peer.spin(0.1)
        self._past |= {state.dialog.id for state in self.states}
        for messages in (self.states, self.transcript, self.targets, self.said, self.requests):
            messages.clear()

    async def _respond(self, request, _):
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await Future() if answer is SILENT else answer

    @contextmanager
    def limits(self, **seconds: float) -> Iterator[None]:
        """For a while, let the next instructions take less than the nodes' patience."""
        self._limit(seconds)
        try:
            yield
        finally:
            self._limit(dict.fromkeys(seconds, LONG))

    def _limit(self, seconds: dict[str, float]) -> None:
        values = {f'dialog.{name}': value for name, value in seconds.items()}
        answers = self.peer.set_parameters('dialog_manager', values)
        assert all(answer.successful for answer in answers)

    def tell(self, text: str) -> None:
        self.instruction.publish(String(data=text))

    def reply(self, text: str) -> None:
        self.heard.publish(String(data=text))

    def asked(self, text: str) -> None:
        """Wait until the question is out."""
        self.peer.wait(lambda: text in [line.data for line in self.said], f'{text!r} to be said')

    def ends(self) -> list[DialogState]:
        return [
            state
            for state in self.states
            if state.state == DialogState.DONE and state.dialog.id not in self._past
        ]

    def end(self) -> DialogState:
        """The one end of the one instruction since the last call."""
        self.peer.wait(self.ends, 'the end of the dialog')
        self.peer.spin(0.2)  # a second one would come now
        # of the newest dialog: an end of an earlier one may still have been on its way
        last = self.ends()[-1].dialog.id
        (end,) = [end for end in self.ends() if end.dialog.id == last]
        self._past.add(last)
        self.states.clear()
        return end

    def lines(self) -> list[str]:
        """The transcript from the person's first words on.

        What the robot said before them may still have been on its way from the test before.
        """
        lines = [line.data for line in self.transcript]
        return list(dropwhile(lambda line: line.startswith('robot: '), lines))

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
