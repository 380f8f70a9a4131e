"""What a bag knows about its pictures: what is there and what is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clue_ros.errors import InvalidSource
from clue_ros.evaluate.bag_script import read_box
from clue_ros.person import Person
from clue_ros.person import Thing


@dataclass(frozen=True)
class BagTruth:
    """The truth about the pictures of one camera, from one time on."""

    frame_id: str  # of the camera; empty when the bag does not tell
    things: Sequence[Thing]
    target: Thing

    def fits(self, frame_id: str) -> bool:
        """Whether it is about pictures with this frame_id."""
        return not (self.frame_id and frame_id) or self.frame_id == frame_id

    def person(self, request: str) -> Person:
        """Somebody who means the target and asked for it with the words of `request`."""
        return Person(self.things, self.things.index(self.target), request)


class TruthReader:
    """Puts the messages of the two truth topics together."""

    def __init__(self) -> None:
        self._objects: Any = None
        self._target: Any = None
        self.now: BagTruth | None = None  # None while it is not known

    def take_objects(self, message: Any) -> None:
        """Take a vision_msgs/Detection2DArray; raises InvalidSource."""
        self._objects = message
        self._know()

    def take_target(self, message: Any) -> None:
        """Take a vision_msgs/Detection2D; an empty one says that nobody knows."""
        self._target = message
        self._know()

    def _know(self) -> None:
        self.now = None
        target = self._target
        if target is None or not target.results:
            return
        things = [_thing(target)]
        # objects of another scene are on their way out, or in
        if self._objects and self._objects.header == target.header:
            others = [_thing(item) for item in self._objects.detections if item.id != target.id]
            things += others
        self.now = BagTruth(target.header.frame_id, tuple(things), things[0])


def _thing(message: Any) -> Thing:
    try:
        return Thing(message.results[0].hypothesis.class_id, read_box(message.bbox))
    except (AttributeError, IndexError) as error:
        raise InvalidSource(f'an object of the ground truth has no label: {error}') from error
