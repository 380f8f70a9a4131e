"""Deterministic replay: a bag through the model and the conversation, as the robot would have it.

Time is the bag's, so nothing depends on how fast this machine is: each look takes the newest frame
of its camera at that moment, replies come in their order, and a second run gives the same bytes.
Frames are streamed, and only those that are looked at are decoded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING

from clue_ros.conversation import Answer
from clue_ros.conversation import Ask
from clue_ros.conversation import Conversation
from clue_ros.conversation import ConversationConfig
from clue_ros.conversation import Event
from clue_ros.conversation import Fault
from clue_ros.conversation import Finish
from clue_ros.conversation import Look
from clue_ros.conversation import Outcome
from clue_ros.conversation import Reply
from clue_ros.conversation import Signal
from clue_ros.conversation import Silence
from clue_ros.errors import ClueError
from clue_ros.errors import InvalidImage
from clue_ros.errors import InvalidRequest
from clue_ros.errors import InvalidSource
from clue_ros.errors import NoImage
from clue_ros.evaluate.bag_file import BagFile
from clue_ros.evaluate.bag_file import BagMessage
from clue_ros.evaluate.bag_frames import CameraFrames
from clue_ros.evaluate.bag_frames import Frame
from clue_ros.evaluate.bag_result import Replayed
from clue_ros.evaluate.bag_result import ReplayedTurn
from clue_ros.evaluate.bag_script import Answered
from clue_ros.evaluate.bag_script import Canceled
from clue_ros.evaluate.bag_script import Ended
from clue_ros.evaluate.bag_script import Instruction
from clue_ros.evaluate.bag_script import Script
from clue_ros.evaluate.bag_script import ScriptEvent
from clue_ros.evaluate.bag_topics import BagTopics
from clue_ros.evaluate.bag_truth import BagTruth
from clue_ros.evaluate.bag_truth import TruthReader
from clue_ros.evaluate.log import pack_map
from clue_ros.person import Person
from clue_ros.response import Grounding

if TYPE_CHECKING:
    from clue_ros.clue import Clue

PERSONS = ('recorded', 'scripted')


@dataclass(frozen=True)
class ReplayConfig:
    """How a bag is replayed. Times in seconds."""

    dialog: ConversationConfig = field(default_factory=ConversationConfig)
    image_timeout: float = 2.0  # a frame counts as current this long, as in perception
    person: str = 'recorded'  # of PERSONS: who replies where the ground truth is known

    def __post_init__(self) -> None:
        if self.person not in PERSONS:
            raise InvalidRequest(f'person must be one of {", ".join(PERSONS)}, got {self.person!r}')
        if not self.image_timeout > 0:
            raise InvalidRequest(f'image_timeout must be above 0 s, got {self.image_timeout}')


@dataclass(eq=False)
class _Talk:
    """One conversation through one camera."""

    number: int
    camera: str
    dialog: str  # of its events in the script
    begin: float
    request: str
    truth: BagTruth | None = None  # at that time, about any camera
    conversation: Conversation | None = None  # None when the request was refused
    person: Person | None = None  # who replies from the truth
    end: Finish | None = None
    look: Look | None = None  # that waits for a frame
    asked: Ask | None = None  # that waits for a reply
    since: float = 0.0  # of what waits
    replies: deque[Answered] = field(default_factory=deque)  # not used yet
    turns: list[ReplayedTurn] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    map: str = ''  # of the first look
    confidence: float | None = None
    over: bool = False  # on the robot
    recorded: Ended | None = None

    @property
    def known(self) -> BagTruth | None:
        """The truth about the pictures that were looked at."""
        if self.truth and self.frames and self.truth.fits(self.frames[-1].frame_id):
            return self.truth
        return None

    def result(self) -> Replayed:
        assert self.end
        probabilities = self.conversation.probabilities if self.conversation else ()
        return Replayed(
            self.number,
            self.camera,
            self.begin,
            self.request,
            self.end,
            tuple(self.turns),
            probabilities,
            self.map,
            self.confidence,
            tuple(self.frames),
            self.known,
            self.recorded,
        )


class Replay:
    """One pass through a bag."""

    def __init__(self, clue: Clue, bag: BagFile, topics: BagTopics, config: ReplayConfig) -> None:
        """Get ready; `topics` are those of `find_topics`."""
        self._clue = clue
        self._bag = bag
        self._topics = topics
        self._config = config
        self._script = Script(bag, topics)
        self._truth = TruthReader()
        self._cameras = {
            name: CameraFrames(name, bag, topic) for name, topic in topics.cameras.items()
        }
        self._talks: deque[_Talk] = deque()  # in the order of their instructions
        self._number = 0
        self._readers: dict[str, Callable[[BagMessage, float], None]] = {
            **dict.fromkeys(self._script.topics, self._hear),
            **{topics.objects: self._know, topics.target: self._know},
            **dict.fromkeys(topics.cameras.values(), self._see),
        }
        self._readers.pop('', None)

    def run(self) -> Iterator[Replayed]:
        """Replay it; results come in the order of the instructions.

        Problems are added to those of the bag. Raises InvalidSource when no instruction was found,
        or MissingAdapter when the model cannot follow the ask policy.
        """
        begin, now = None, 0.0
        for message in self._bag.messages(list(self._readers)):
            begin = message.time if begin is None else begin
            now = (message.time - begin) / 1e9
            self._tick(now)
            try:
                self._readers[message.topic](message, now)
            except InvalidSource as error:
                self._complain(error)
            yield from self._finished()
        for talk in self._talks:
            self._silence(talk, now)
            if talk.look:
                self._fail(talk, NoImage('the bag ended before another frame came'), now)
        if not self._number:
            raise InvalidSource(
                f'wanted a bag with an instruction, {self._bag.path} has none in '
                f'{", ".join(self._script.topics)}; it holds {self._bag.contents}'
            )
        yield from self._finished(ended=True)

    def _finished(self, ended: bool = False) -> Iterator[Replayed]:
        # where states tell how it ended on the robot, that comes later than our own end
        ended = ended or not self._topics.state
        while self._talks and self._talks[0].end and (ended or self._talks[0].over):
            yield self._talks.popleft().result()

    def _see(self, message: BagMessage, now: float) -> None:
        """Keep a frame, and look at it where it was waited for."""
        for name, topic in self._topics.cameras.items():
            if topic == message.topic:
                self._cameras[name].put(message, now)
                for talk in [talk for talk in self._talks if talk.camera == name]:
                    self._look(talk, now)

    def _know(self, message: BagMessage, now: float) -> None:
        take = self._truth.take_objects
        if message.topic == self._topics.target:
            take = self._truth.take_target
        take(self._bag.read(message))
        for talk in self._talks:
            # what is latched may be recorded a moment later than the instruction
            if talk.truth is None and not talk.end:
                talk.truth = self._truth.now

    def _hear(self, message: BagMessage, now: float) -> None:
        for event in self._script.events(message):
            if isinstance(event, Instruction):
                self._begin(event, now)
                continue
            for talk in [talk for talk in self._talks if talk.dialog == event.dialog]:
                self._happen(talk, event, now)

    def _begin(self, event: Instruction, now: float) -> None:
        number, self._number = self._number, self._number + 1
        talks = []
        for camera in self._topics.cameras:
            talk = _Talk(number, camera, event.dialog, now, event.text, self._truth.now)
            talks.append(talk)
            try:
                talk.conversation = Conversation(event.text, self._config.dialog)
            except InvalidRequest as error:
                talk.end = Finish(Outcome.FAILED, error.code, str(error))
        if not talks[0].end:
            for other in self._talks:
                self._handle(other, Signal.NEWER, now)
        self._talks += talks
        for talk in talks:
            self._handle(talk, Signal.START, now)

    def _happen(self, talk: _Talk, event: ScriptEvent, now: float) -> None:
        match event:
            case Canceled():
                self._handle(talk, Signal.CANCEL, now)
            case Answered():
                talk.replies.append(event)
                self._reply(talk, now)
            case Ended(outcome=outcome):
                talk.over = True
                # the robot looked through one camera
                if f'/{event.camera}/' in self._topics.cameras[talk.camera] or not event.camera:
                    talk.recorded = event
                if outcome is Outcome.PREEMPTED:
                    self._handle(talk, Signal.NEWER, now)
                self._silence(talk, now)  # nobody replies any more

    def _handle(self, talk: _Talk, event: Event, now: float) -> None:
        """Let the conversation decide and carry its commands out."""
        if talk.conversation is None:
            return
        for command in talk.conversation.handle(event, now):
            talk.look = talk.asked = None
            talk.since = now
            match command:
                case Look():
                    talk.look = command
                    self._look(talk, now)
                case Ask():
                    talk.asked = command
                    self._reply(talk, now)
                case Finish():
                    talk.end = command

    def _look(self, talk: _Talk, now: float) -> None:
        """Look if there is a frame to look at."""
        look = talk.look
        frame = self._cameras[talk.camera].newest
        if look is None or frame is None or now - frame.time > self._config.image_timeout:
            return
        try:
            view = self._cameras[talk.camera].view(self._clue)
            found = self._clue.ambiguity(view, look.dialog)
            [response] = self._clue.respond_all([view], [look.dialog], look.ask_policy, [found])
        except InvalidImage as error:
            self._complain(error)
            self._fail(talk, error, now)
            return
        except InvalidRequest as error:
            self._fail(talk, error, now)
            return
        talk.frames.append(frame)
        talk.map = talk.map or pack_map(found.map)
        if isinstance(response, Grounding):
            talk.confidence = response.confidence
        self._handle(talk, Answer(look.step, response, found.probability), now)

    def _reply(self, talk: _Talk, now: float) -> None:
        """Reply to the question that is out, if there is a reply."""
        asked = talk.asked
        if asked is None:
            return
        other = False
        if self._config.person == 'scripted' and talk.known:
            talk.person = talk.person or talk.known.person(talk.request)
            text = talk.person.reply(asked.question)
        elif talk.replies:
            reply = talk.replies.popleft()
            text = reply.text
            other = reply.question is not None and not _same(reply.question, asked.question)
        else:
            return
        talk.turns.append(ReplayedTurn(asked.question, text, other))
        self._handle(talk, Reply(asked.step, text), now)

    def _tick(self, now: float) -> None:
        for talk in self._talks:
            waited = now - talk.since
            if talk.look and waited > self._config.image_timeout:
                limit = self._config.image_timeout
                error = NoImage(f'no image from camera {talk.camera!r} in {limit:g} s')
                self._fail(talk, error, now)
            elif waited > self._config.dialog.reply_timeout:
                self._silence(talk, now)

    def _silence(self, talk: _Talk, now: float) -> None:
        if talk.asked:
            self._handle(talk, Silence(talk.asked.step), now)

    def _fail(self, talk: _Talk, error: ClueError, now: float) -> None:
        assert talk.look
        self._handle(talk, Fault(talk.look.step, error.code, str(error)), now)

    def _complain(self, error: ClueError) -> None:
        # the same trouble with every message is one problem
        if len(self._bag.problems) < 100 and str(error) not in map(str, self._bag.problems):
            self._bag.problems.append(error)


def _same(question: str, other: str) -> bool:
    return ' '.join(question.casefold().split()) == ' '.join(other.casefold().split())
