"""The dialog manager: takes instructions, has perception look and speech ask, reports the end.

All it decides is decided in `clue_ros.conversation`; this file carries the commands out. Every
accepted instruction ends in exactly one outcome, at the latest after

    (max_questions + 1) * perception_timeout + max_questions * (reply_timeout + speech_timeout)

seconds, whatever happens to the other nodes. Time-outs run on a steady clock: a paused simulation
does not stop them.
"""

import time
import uuid
from dataclasses import dataclass
from dataclasses import field

from rclpy.action import ActionServer
from rclpy.action import CancelResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.node import Node
from rclpy.task import Future
from std_msgs.msg import String
from vision_msgs.msg import Detection2D

from clue_ros.action import Ground
from clue_ros.conversation import Ask
from clue_ros.conversation import Conversation
from clue_ros.conversation import ConversationConfig
from clue_ros.conversation import Event
from clue_ros.conversation import Finish
from clue_ros.conversation import Look
from clue_ros.conversation import Reply
from clue_ros.conversation import Say
from clue_ros.conversation import Signal
from clue_ros.conversation import is_cancel
from clue_ros.dialog import ASK_POLICIES
from clue_ros.dialog import MAX_CHARACTERS
from clue_ros.errors import InvalidRequest
from clue_ros.msg import DialogState
from clue_ros.nodes.last_words import before_shutdown
from clue_ros.nodes.messages import result_to_message
from clue_ros.nodes.messages import state_to_message
from clue_ros.nodes.parameters import Parameter
from clue_ros.nodes.parameters import declare
from clue_ros.nodes.partners import Partners
from clue_ros.nodes.qos import HISTORY
from clue_ros.nodes.qos import OVERRIDABLE
from clue_ros.nodes.qos import RESULT
from clue_ros.nodes.runtime import run
from clue_ros.srv import Respond

PARAMETERS = (
    Parameter(
        'dialog.ask_policy',
        'joint',
        'who decides to ask: the ambiguity probe and the decoder jointly, the probe alone, the '
        'decoder alone by what it writes, or nobody (always: asks dialog.max_questions times, then '
        'points; never: points at once)',
        choices=ASK_POLICIES,
    ),
    Parameter('dialog.max_questions', 3, 'questions about one instruction, at most', 0, 20),
    Parameter('dialog.reply_timeout', 30.0, 'wait for a reply of the person, s', 0.1, 3600.0),
    Parameter('dialog.speech_timeout', 10.0, 'wait for speech on top of that, s', 0.1, 3600.0),
    Parameter('dialog.perception_timeout', 10.0, 'wait for one look of perception, s', 0.1, 3600.0),
    Parameter('dialog.camera', '', 'camera for spoken instructions, empty for the first one'),
    Parameter('dialog.announce', True, 'say aloud how an instruction ended'),
)

TICK = 0.1  # seconds between two looks at the deadlines


@dataclass
class _Session:
    """One conversation and what its messages need."""

    conversation: Conversation
    dialog_id: str
    camera: str
    goal: ServerGoalHandle | None
    result: Future = field(default_factory=Future)  # gets the last DialogState
    seen: Respond.Response = field(default_factory=Respond.Response)  # the last look


class DialogManager(Node):
    """One conversation at a time; a newer instruction takes over."""

    def __init__(self) -> None:
        super().__init__('dialog_manager')
        declare(self, PARAMETERS)
        self._session: _Session | None = None
        self._partners = Partners(self, self._handle)
        options = {'qos_overriding_options': OVERRIDABLE}
        self._state = self.create_publisher(DialogState, '~/state', HISTORY, **options)
        self._transcript = self.create_publisher(String, '~/transcript', RESULT, **options)
        self._target = self.create_publisher(Detection2D, '~/target', RESULT, **options)
        self.create_subscription(String, 'instruction', self._hear, RESULT, **options)
        ActionServer(self, Ground, '~/ground', self._ground, cancel_callback=self._cancel)
        self.create_timer(TICK, self._tick, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._state.publish(DialogState(state=DialogState.IDLE))
        before_shutdown(self, lambda: self._handle(Signal.SHUTDOWN))

    def _hear(self, message: String) -> None:
        """Take an instruction off the topic, or take the running one back."""
        if is_cancel(message.data):
            self.get_logger().info(f'heard "{message.data}"')
            self._handle(Signal.CANCEL)
        else:
            camera = self.get_parameter('dialog.camera').value
            self._begin(message.data, camera, uuid.uuid4().hex)

    async def _ground(self, goal: ServerGoalHandle) -> Ground.Result:
        """Take a goal. It succeeds only when GROUNDED; the result says more than the status."""
        dialog_id = bytes(goal.goal_id.uuid).hex()
        result = self._begin(goal.request.instruction, goal.request.camera, dialog_id, goal)
        if goal.is_cancel_requested:
            self._handle(Signal.CANCEL)
        state: DialogState = await result
        if state.outcome == DialogState.GROUNDED:
            goal.succeed()
        elif state.outcome == DialogState.CANCELED and goal.is_cancel_requested:
            goal.canceled()
        else:
            goal.abort()
        return result_to_message(state)

    def _cancel(self, goal: ServerGoalHandle) -> CancelResponse:
        if self._session and self._session.goal == goal:
            self._handle(Signal.CANCEL)
        return CancelResponse.ACCEPT

    def _begin(
        self, instruction: str, camera: str, dialog_id: str, goal: ServerGoalHandle | None = None
    ) -> Future:
        """Start a conversation and return the future of its last DialogState."""
        try:
            if is_cancel(instruction):
                raise InvalidRequest(f'{instruction!r} names nothing to find; cancel the goal')
            conversation = Conversation(instruction, self._config())
        except InvalidRequest as error:
            result = Future()
            result.set_result(self._refuse(instruction, camera, dialog_id, error))
            return result
        self._handle(Signal.NEWER)
        self._session = session = _Session(conversation, dialog_id, camera, goal)
        self._write(f'person: {conversation.dialog.request}')
        self._handle(Signal.START)
        return session.result

    def _config(self) -> ConversationConfig:
        values = self.get_parameters_by_prefix('dialog')
        return ConversationConfig(
            **{name: value.value for name, value in values.items() if name != 'camera'}
        )

    def _refuse(
        self, instruction: str, camera: str, dialog_id: str, error: InvalidRequest
    ) -> DialogState:
        """End an instruction that cannot begin; one that runs goes on."""
        self.get_logger().error(f'instruction refused: {error}')
        state = DialogState(
            camera=camera,
            state=DialogState.DONE,
            outcome=DialogState.FAILED,
            error_code=error.code,
            error_msg=str(error),
        )
        state.dialog.id = dialog_id
        state.dialog.request = instruction[:MAX_CHARACTERS]
        self._state.publish(state)
        if self._session:
            self._publish_state(self._session)
        return state

    def _tick(self) -> None:
        self._partners.check()
        self._handle(Signal.TICK)

    def _handle(self, event: Event, seen: Respond.Response | None = None) -> None:
        """Let the conversation decide and carry its commands out."""
        session = self._session
        if session is None:
            return
        if seen:
            session.seen = seen
        commands = session.conversation.handle(event, time.monotonic())
        if not commands:
            return
        self._partners.forget()
        if isinstance(event, Reply):
            self._write(f'person: {event.text}')
        state = self._publish_state(session)
        for command in commands:
            match command:
                case Look():
                    self._partners.look(command, session.camera, session.dialog_id)
                case Ask(question=text):
                    self._write(f'robot: {text}')
                    self._partners.ask(command)
                case Say(text):
                    if text:
                        self._write(f'robot: {text}')
                    self._partners.say(command)
                case Finish():
                    self._finish(session, state)

    def _publish_state(self, session: _Session) -> DialogState:
        seen = session.seen.ambiguity
        state = state_to_message(
            session.conversation,
            session.dialog_id,
            seen.header,
            seen.camera or session.camera,
            session.seen.target,
        )
        self._state.publish(state)
        if session.goal:
            session.goal.publish_feedback(Ground.Feedback(state=state))
        return state

    def _finish(self, session: _Session, state: DialogState) -> None:
        self._session = None
        end = session.conversation.end
        line = f'"{state.dialog.request}": {end.outcome.name} {end.message}'.rstrip()
        # two calls: rclpy forbids one line of code to log with two severities
        if end.code:
            self.get_logger().error(line)
        else:
            self.get_logger().info(line)
        if end.target:
            self._target.publish(state.target)
        session.result.set_result(state)

    def _write(self, line: str) -> None:
        self._transcript.publish(String(data=line))


def main() -> int:
    """Run the node."""
    return run(DialogManager)


if __name__ == '__main__':
    raise SystemExit(main())
