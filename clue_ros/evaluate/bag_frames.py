"""The newest frame of a camera in a bag: kept as it lies there, decoded when it is looked at."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING

from clue_ros.errors import InvalidImage
from clue_ros.errors import InvalidSource
from clue_ros.evaluate.bag_file import BagFile
from clue_ros.evaluate.bag_file import BagMessage
from clue_ros.frames import COMPRESSED
from clue_ros.frames import Image
from clue_ros.pixels import read_compressed
from clue_ros.pixels import read_raw

if TYPE_CHECKING:
    from clue_ros.clue import Clue
    from clue_ros.view import View


@dataclass
class Frame:
    """A frame; what lies behind the time is known when it was looked at."""

    time: float  # when it was recorded, seconds since the first message
    picture: str  # its name, see `bag_pictures`
    stamp: int = 0  # of its header, nanoseconds
    frame_id: str = ''
    width: int = 0  # pixels
    height: int = 0


class CameraFrames:
    """See the module's text."""

    def __init__(self, camera: str, bag: BagFile, topic: str) -> None:
        self.newest: Frame | None = None
        self._camera = camera
        self._bag = bag
        self._topic = topic
        self._message: BagMessage | None = None
        self._view: View | None = None
        self._last_stamp = 0
        self._disorder: InvalidSource | None = None

    def put(self, message: BagMessage, now: float) -> None:
        """Take a new frame; one that is older than the frame before is a problem of the bag."""
        stamp = stamp_of(message.data)
        if stamp < self._last_stamp and self._disorder is None:
            self._disorder = InvalidSource(
                f'{self._bag.path}: images of {self._topic} are out of order: the one recorded at '
                f'{now:.3f} s is {(self._last_stamp - stamp) / 1e9:.3f} s older than the one '
                'before; the order of recording is used'
            )
            self._bag.problems.append(self._disorder)
        self._last_stamp = stamp
        self.newest, self._message, self._view = Frame(now, _picture(message), stamp), message, None

    def view(self, clue: Clue) -> View:
        """The newest frame, encoded once; raises InvalidImage."""
        if self._view is None:
            assert self._message and self.newest
            try:
                image, frame_id = _decode(self._bag, self._message)
                self._view = clue.look(image)
            except (InvalidImage, InvalidSource) as error:
                raise InvalidImage(f'camera {self._camera!r}: {error}') from error
            self.newest.frame_id = frame_id
            self.newest.width, self.newest.height = self._view.width, self._view.height
        return self._view


def stamp_of(data: bytes) -> int:
    """Nanoseconds of the header's stamp, the first field of a CDR image, without reading it."""
    seconds, nanoseconds = Struct('<iI' if data[1:2] == b'\1' else '>iI').unpack(data[4:12])
    return int(seconds) * 10**9 + int(nanoseconds)


def bag_pictures(path: Path, names: Collection[str]) -> Iterator[tuple[str, Image]]:
    """The pictures of a bag by the names that frames have; raises InvalidSource, InvalidImage."""
    topics = {name.rpartition('@')[0] for name in names}
    with BagFile(path) as bag:
        for message in bag.messages(topics):
            if (name := _picture(message)) in names:
                yield name, _decode(bag, message)[0]


def _picture(message: BagMessage) -> str:
    return f'{message.topic}@{message.time}'


def _decode(bag: BagFile, message: BagMessage) -> tuple[Image, str]:
    """Its pixels and its frame_id."""
    read = bag.read(message)
    image = read_compressed(read) if message.kind == COMPRESSED else read_raw(read)
    return image, read.header.frame_id
