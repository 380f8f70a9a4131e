"""The dialog's state machine: one instruction in, exactly one outcome out.

Pure: no ROS, no model, no clock. Whoever drives it hands in events together with the time in
seconds (any steady clock) and carries out the commands that come back.

    IDLE --START--> LOOKING --Question--> ASKING --Reply--> LOOKING ... --> DONE

Every state that waits has a deadline, so an instruction ends after at most
`ConversationConfig.longest` seconds if the driver keeps sending ticks, whatever happens to the
others. Events that belong to an earlier step or come after the end change nothing.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import Enum
from enum import IntEnum
from typing import TypeAlias

from clue_ros.box import Box
from clue_ros.dialog import Dialog
from clue_ros.dialog import check_ask_policy
from clue_ros.dialog import clean_text
from clue_ros.errors import InvalidRequest
from clue_ros.response import Absent
from clue_ros.response import Grounding
from clue_ros.response import Invalid
from clue_ros.response import Question
from clue_ros.response import Response

# What takes an instruction back, said alone ("stop", "never mind, please"): as a reply it ends the
# dialog as CANCELED. "no, stop at the red one" is a reply like any other.
CANCEL_PHRASES = frozenset(
    {
        'abort',
        'cancel',
        'cancel it',
        'cancel that',
        'forget it',
        'never mind',
        'nevermind',
        'stop',
        'stop it',
        'stop that',
    }
)
_NOT_A_WORD = re.compile(r'[^\w\s]|\b(?:please|ok|okay|robot)\b')


def is_cancel(text: str) -> bool:
    """Whether a whole utterance takes the instruction back."""
    return ' '.join(_NOT_A_WORD.sub(' ', text.lower()).split()) in CANCEL_PHRASES


class State(Enum):
    """Where a conversation stands; the names are those of msg/DialogState."""

    IDLE = 'idle'
    LOOKING = 'looking'
    ASKING = 'asking'
    DONE = 'done'


class Outcome(Enum):
    """How a conversation ended; the names are those of msg/DialogState."""

    GROUNDED = 'grounded'
    ABSENT = 'absent'
    UNRESOLVED = 'unresolved'
    NO_REPLY = 'no reply'
    CANCELED = 'canceled'
    PREEMPTED = 'preempted'
    FAILED = 'failed'


class Code(IntEnum):
    """Error codes given by the conversation itself; those of other nodes are passed on."""

    NONE = 0
    PERCEPTION_UNAVAILABLE = 20
    SPEECH_UNAVAILABLE = 21
    INVALID_BOX = 22
    SHUTDOWN = 23
    SPEECH_ERROR = 32


@dataclass(frozen=True)
class ConversationConfig:
    """When to ask and how long to wait. Times in seconds."""

    ask_policy: str = 'joint'
    max_questions: int = 3  # a repeated question counts too
    reply_timeout: float = 30.0  # how long the person may think about one question
    speech_timeout: float = 10.0  # how long speech may take on top of it, e.g. to speak
    perception_timeout: float = 10.0  # how long one look may take
    announce: bool = True  # say how it ended

    def __post_init__(self) -> None:
        check_ask_policy(self.ask_policy)
        if self.max_questions < 0:
            raise ValueError(f'max_questions must be at least 0, got {self.max_questions}')
        for name in ('reply_timeout', 'speech_timeout', 'perception_timeout'):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ValueError(f'{name} must be a finite number of seconds above 0, got {value}')

    @property
    def longest(self) -> float:
        """Seconds after which every conversation has ended."""
        asking = self.max_questions * (self.reply_timeout + self.speech_timeout)
        return (self.max_questions + 1) * self.perception_timeout + asking


# Events. `step` is the one of the Look or Ask that is answered.


@dataclass(frozen=True)
class Answer:
    """Perception answered a Look."""

    step: int
    response: Response
    probability: float | None  # of ambiguity, in [0, 1]; None without a probe


@dataclass(frozen=True)
class Reply:
    """The person answered an Ask."""

    step: int
    text: str


@dataclass(frozen=True)
class Silence:
    """The person did not answer an Ask."""

    step: int


@dataclass(frozen=True)
class Fault:
    """A Look or an Ask could not be carried out."""

    step: int
    code: int
    message: str


class Signal(Enum):
    """What happens without a step."""

    START = 'start'
    TICK = 'nothing but time passed'
    CANCEL = 'the instruction was taken back'
    NEWER = 'a newer instruction takes over'
    SHUTDOWN = 'the driver is being stopped'


Event: TypeAlias = Signal | Answer | Reply | Silence | Fault


# Commands.


@dataclass(frozen=True)
class Look:
    """Ask perception what to do about the dialog, and wait `timeout` seconds at most."""

    step: int
    dialog: Dialog
    ask_policy: str
    timeout: float


@dataclass(frozen=True)
class Ask:
    """Ask the person, give them `reply_timeout` seconds, and wait `timeout` seconds at most."""

    step: int
    question: str
    reply_timeout: float
    timeout: float


@dataclass(frozen=True)
class Say:
    """Say `text` (may be empty); `interrupt` takes back the question that is out."""

    text: str
    interrupt: bool = False


@dataclass(frozen=True)
class Finish:
    """The end, exactly once."""

    outcome: Outcome
    code: int = Code.NONE
    message: str = ''
    target: Box | None = None  # pixels of the source image, when GROUNDED


Command: TypeAlias = Look | Ask | Say | Finish

_ANNOUNCEMENTS = {
    Outcome.GROUNDED: 'I found it.',
    Outcome.ABSENT: 'I see nothing like that.',
    Outcome.UNRESOLVED: 'I am still not sure which one you mean.',
    Outcome.NO_REPLY: 'I did not hear a reply, so I stopped.',
    Outcome.CANCELED: 'All right, I stopped.',
    Outcome.FAILED: 'Sorry, something went wrong.',
}
# The voice is gone, or the robot is about to be.
_MUTE_CODES = (Code.SPEECH_UNAVAILABLE, Code.SPEECH_ERROR, Code.SHUTDOWN)


class Conversation:
    """One conversation about one instruction."""

    def __init__(self, request: str, config: ConversationConfig) -> None:
        """Raise InvalidRequest when `request` cannot be used."""
        self.config = config
        self.dialog = Dialog(request)
        self.state = State.IDLE
        self.end: Finish | None = None
        self.question = ''  # that is out, empty unless ASKING
        self.probabilities: tuple[float | None, ...] = ()  # one for each look, oldest first
        self._step = 0
        self._deadline = math.inf
        self._asked: list[str] = []

    def handle(self, event: Event, now: float) -> tuple[Command, ...]:
        """Take one event at the time `now` (seconds) and return what is to be done, in order."""
        if self.state is State.DONE:
            return ()
        match event:
            case Signal.START if self.state is State.IDLE:
                return self._look(now)
            case Answer(step) if self._waits_for(State.LOOKING, step):
                return self._answered(event, now)
            case Reply(step, text) if self._waits_for(State.ASKING, step):
                return self._replied(text, now)
            case Silence(step) if self._waits_for(State.ASKING, step):
                return self._finish(Finish(Outcome.NO_REPLY))
            case Fault(step, code, message) if step == self._step and self.state is not State.IDLE:
                # an unavailable speech may be a slow one that still has the question out
                interrupt = code == Code.SPEECH_UNAVAILABLE
                return self._finish(Finish(Outcome.FAILED, code, message), interrupt)
            case Signal.CANCEL:
                return self._finish(Finish(Outcome.CANCELED), interrupt=True)
            case Signal.NEWER:
                return self._finish(Finish(Outcome.PREEMPTED), interrupt=True)
            case Signal.SHUTDOWN:
                message = 'the dialog manager was stopped; start it and ask again'
                end = Finish(Outcome.FAILED, Code.SHUTDOWN, message)
                return self._finish(end, interrupt=True)
            case Signal.TICK if now >= self._deadline:
                return self._finish(self._overdue(), interrupt=True)
        return ()

    def _waits_for(self, state: State, step: int) -> bool:
        return self.state is state and step == self._step

    def _look(self, now: float) -> tuple[Command, ...]:
        timeout = self.config.perception_timeout
        self._wait(State.LOOKING, now + timeout)
        policy = self.config.ask_policy
        if policy == 'always' and len(self._asked) >= self.config.max_questions:
            policy = 'never'  # it would never point by itself
        return (Look(self._step, self.dialog, policy, timeout),)

    def _answered(self, answer: Answer, now: float) -> tuple[Command, ...]:
        self.probabilities = (*self.probabilities, answer.probability)
        match answer.response:
            case Question(text):
                return self._consider(text, now)
            case Grounding(box):
                return self._finish(Finish(Outcome.GROUNDED, target=box))
            case Absent():
                return self._finish(Finish(Outcome.ABSENT))
            case Invalid(reason=reason):
                return self._finish(Finish(Outcome.FAILED, Code.INVALID_BOX, reason))

    def _consider(self, text: str, now: float) -> tuple[Command, ...]:
        try:
            question = clean_text(text, 'question')
        except InvalidRequest as error:
            return self._finish(Finish(Outcome.FAILED, Code.INVALID_BOX, str(error)))
        if any(question.casefold() == asked.casefold() for asked in self._asked):
            return self._unresolved(f'the answer to {question!r} did not settle it')
        return self._ask(question, now)

    def _ask(self, question: str, now: float) -> tuple[Command, ...]:
        budget = self.config.max_questions
        if len(self._asked) >= budget:
            return self._unresolved(f'{len(self._asked)} of {budget} questions were asked')
        timeout = self.config.reply_timeout + self.config.speech_timeout
        self._wait(State.ASKING, now + timeout, question)
        self._asked.append(question)
        return (Ask(self._step, question, self.config.reply_timeout, timeout),)

    def _replied(self, text: str, now: float) -> tuple[Command, ...]:
        question = self.question
        if is_cancel(text):
            return self._finish(Finish(Outcome.CANCELED))
        try:
            self.dialog = self.dialog.add(question, text)
        except InvalidRequest:
            # Nothing was understood. People expect to be asked again, but not for ever.
            return self._ask(question, now)
        return self._look(now)

    def _unresolved(self, why: str) -> tuple[Command, ...]:
        message = f'{self.dialog.request!r} is still unclear: {why}; describe the object further'
        return self._finish(Finish(Outcome.UNRESOLVED, message=message))

    def _overdue(self) -> Finish:
        if self.state is State.LOOKING:
            code = Code.PERCEPTION_UNAVAILABLE
            limit, who = self.config.perception_timeout, 'perception'
        else:
            code = Code.SPEECH_UNAVAILABLE
            limit, who = self.config.reply_timeout + self.config.speech_timeout, 'speech'
        message = f'wanted an answer of {who} within {limit:g} s, got none; check that it is alive'
        return Finish(Outcome.FAILED, code, message)

    def _wait(self, state: State, deadline: float, question: str = '') -> None:
        self.state = state
        self.question = question
        self._deadline = deadline
        self._step += 1

    def _finish(self, end: Finish, interrupt: bool = False) -> tuple[Command, ...]:
        """End; `interrupt` tells that a question may still be out."""
        interrupt = interrupt and self.state is State.ASKING
        self._wait(State.DONE, math.inf)
        self.end = end
        mute = not self.config.announce or end.code in _MUTE_CODES
        text = '' if mute else _ANNOUNCEMENTS.get(end.outcome, '')
        return (end, Say(text, interrupt)) if text or interrupt else (end,)
