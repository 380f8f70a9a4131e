"""What was said in a bag, as events: instructions, replies and how dialogs ended.

Told by the states of the dialog manager where the bag has them: they hold instructions of topics
and of actions, and exactly the replies that were taken. Any other bag tells it by its instruction
and reply topics.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from typing import TypeAlias

from clue_ros.box import Box
from clue_ros.conversation import Outcome
from clue_ros.conversation import is_cancel
from clue_ros.errors import InvalidBox
from clue_ros.errors import InvalidSource
from clue_ros.evaluate.bag_file import BagFile
from clue_ros.evaluate.bag_file import BagMessage
from clue_ros.evaluate.bag_topics import BagTopics

# Constants of msg/DialogState; a test holds them equal.
DONE = 3
OUTCOMES: dict[int, Outcome] = dict(enumerate(Outcome, 1))


@dataclass(frozen=True)
class Instruction:
    """A person wants something; `dialog` is what later events about it carry."""

    dialog: str
    text: str


@dataclass(frozen=True)
class Answered:
    """A person said something to the robot."""

    dialog: str
    text: str
    question: str | None  # what the robot had asked; None when the bag does not tell


@dataclass(frozen=True)
class Canceled:
    """The instruction was taken back."""

    dialog: str


@dataclass(frozen=True)
class Ended:
    """How a dialog ended when the bag was recorded."""

    dialog: str
    outcome: Outcome
    camera: str
    target: Box | None  # pixels, when GROUNDED
    questions: tuple[str, ...]  # that were answered


ScriptEvent: TypeAlias = Instruction | Answered | Canceled | Ended


class Script:
    """Reads what was said, message by message."""

    def __init__(self, bag: BagFile, topics: BagTopics) -> None:
        """Begin; `topics` are those of `find_topics`."""
        self.topics = tuple(
            name
            for name in (
                (topics.state,) if topics.state else (topics.instruction, topics.heard, topics.said)
            )
            if name
        )
        self._bag = bag
        self._reader = _States() if topics.state else _Words(topics)

    def events(self, message: BagMessage) -> list[ScriptEvent]:
        """What a message of `topics` tells; raises InvalidSource."""
        read = self._bag.read(message)
        try:
            return list(self._reader.events(message.topic, read))
        # a type of that name may have other fields or numbers
        except (AttributeError, KeyError, TypeError) as error:
            raise InvalidSource(
                f'a {message.kind} on {message.topic} cannot be understood: '
                f'{type(error).__name__}: {error}'
            ) from error


class _Words:
    """Reads text topics."""

    def __init__(self, topics: BagTopics) -> None:
        self._topics = topics
        self._dialogs = 0
        self._question: str | None = None  # what the robot has said since the instruction

    def events(self, topic: str, message: Any) -> Iterator[ScriptEvent]:
        text = message.data
        if topic == self._topics.said:
            self._question = text
        elif topic == self._topics.heard:
            # unless the robot had said nothing yet: then it did not listen
            if text.strip() and (self._question is not None or not self._topics.said):
                yield Answered(str(self._dialogs), text, self._question)
        elif is_cancel(text):
            yield Canceled(str(self._dialogs))
        else:
            self._dialogs += 1
            self._question = None
            yield Instruction(str(self._dialogs), text)


class _States:
    """Reads states of the dialog manager, which may come twice."""

    def __init__(self) -> None:
        self._turns: dict[str, int] = {}  # told so far, of each dialog
        self._ended: set[str] = set()

    def events(self, topic: str, message: Any) -> Iterator[ScriptEvent]:
        dialog = message.dialog
        if not dialog.id or dialog.id in self._ended:
            return
        if dialog.id not in self._turns:
            if dialog.turns:
                self._ended.add(dialog.id)
                raise InvalidSource(
                    f'the dialog about {dialog.request!r} on {topic} began before the bag did'
                )
            self._turns[dialog.id] = 0
            yield Instruction(dialog.id, dialog.request)
        for turn in dialog.turns[self._turns[dialog.id] :]:
            yield Answered(dialog.id, turn.reply, turn.question)
        self._turns[dialog.id] = len(dialog.turns)
        if message.state == DONE:
            self._ended.add(dialog.id)
            outcome = OUTCOMES[message.outcome]
            if outcome is Outcome.CANCELED:
                yield Canceled(dialog.id)
            target = read_box(message.target.bbox) if outcome is Outcome.GROUNDED else None
            questions = tuple(turn.question for turn in dialog.turns)
            yield Ended(dialog.id, outcome, message.camera, target, questions)


def read_box(message: Any) -> Box:
    """The box of a message shaped like vision_msgs/BoundingBox2D; raises InvalidSource."""
    center = message.center
    try:
        if center.theta:
            raise InvalidBox(f'wanted an upright box (theta 0), got theta {center.theta} rad')
        x, y = center.position.x, center.position.y
        half_width, half_height = message.size_x / 2, message.size_y / 2
        return Box(x - half_width, y - half_height, x + half_width, y + half_height)
    # older vision_msgs have other fields
    except (InvalidBox, AttributeError) as error:
        raise InvalidSource(f'a box of the bag cannot be used: {error}') from error
