"""Perception and speech as the dialog manager knows them: commands go out, events come back."""

from collections.abc import Callable

from rclpy.client import Client
from rclpy.node import Node

from clue_ros.conversation import Ask as AskCommand
from clue_ros.conversation import Code
from clue_ros.conversation import Event
from clue_ros.conversation import Fault
from clue_ros.conversation import Look
from clue_ros.conversation import Reply
from clue_ros.conversation import Say as SayCommand
from clue_ros.conversation import Silence
from clue_ros.nodes.messages import answer_from_message
from clue_ros.nodes.messages import dialog_to_message
from clue_ros.nodes.service_call import ServiceCall
from clue_ros.srv import Ask
from clue_ros.srv import Respond
from clue_ros.srv import Say

# For something said in passing; nobody waits for it.
SAY_TIMEOUT = 10.0  # seconds

Happened = Callable[[Event, Respond.Response | None], None]


class Partners:
    """The clients of the services a dialog needs. One Look or Ask is waited for at a time."""

    def __init__(self, node: Node, happened: Happened) -> None:
        """Tell `happened` each event, and the message behind it if perception has looked."""
        self._happened = happened
        self._logger = node.get_logger()

        def client(kind: type, name: str) -> Client:
            # resolved, so that errors name what was really called
            return node.create_client(kind, node.resolve_service_name(name))

        self._respond = client(Respond, 'perception/respond')
        self._ask = client(Ask, 'speech/ask')
        self._say = client(Say, 'speech/say')
        self._waiting: list[ServiceCall] = []
        self._passing: list[ServiceCall] = []

    def check(self) -> None:
        """Notice what is late or gone. To be called several times a second."""
        self._passing = [call for call in self._passing if not call.done]
        for call in (*self._waiting, *self._passing):
            call.check()

    def forget(self) -> None:
        """Lose interest in what perception or the person may still answer."""
        for call in self._waiting:
            call.forget()
        self._waiting = []

    def look(self, command: Look, camera: str, dialog_id: str) -> None:
        """Have perception look at the dialog in the newest frame of `camera`."""

        def answered(response: Respond.Response) -> None:
            if response.error_code != Respond.Response.NONE:
                fault = Fault(command.step, response.error_code, response.error_msg)
                self._happened(fault, None)
            else:
                self._happened(answer_from_message(command.step, response), response)

        def failed(message: str) -> None:
            self._happened(Fault(command.step, Code.PERCEPTION_UNAVAILABLE, message), None)

        request = Respond.Request(
            camera=camera,
            dialog=dialog_to_message(command.dialog, dialog_id),
            ask_policy=command.ask_policy,
        )
        call = ServiceCall(self._respond, request, command.timeout, answered, failed)
        self._waiting.append(call)
        call.check()

    def ask(self, command: AskCommand) -> None:
        """Have speech ask the person."""

        def answered(response: Ask.Response) -> None:
            match response.error_code:
                case Ask.Response.NONE:
                    event: Event = Reply(command.step, response.reply)
                case Ask.Response.NO_REPLY:
                    event = Silence(command.step)
                case _:
                    # somebody else took the voice over (INTERRUPTED), or it broke
                    event = Fault(command.step, Code.SPEECH_ERROR, response.error_msg)
            self._happened(event, None)

        def failed(message: str) -> None:
            self._happened(Fault(command.step, Code.SPEECH_UNAVAILABLE, message), None)

        request = Ask.Request(question=command.question, timeout=command.reply_timeout)
        call = ServiceCall(self._ask, request, command.timeout, answered, failed)
        self._waiting.append(call)
        call.check()

    def say(self, command: SayCommand) -> None:
        """Have speech say something or take back the question that is out."""

        def answered(response: Say.Response) -> None:
            if response.error_code != Say.Response.NONE:
                self._logger.warning(f'could not say "{command.text}": {response.error_msg}')

        def failed(message: str) -> None:
            self._logger.warning(f'could not say "{command.text}": {message}')

        request = Say.Request(text=command.text, interrupt=command.interrupt)
        call = ServiceCall(self._say, request, SAY_TIMEOUT, answered, failed)
        self._passing.append(call)
        call.check()
