"""Pictures for the simulated camera, with their ground truth: from a folder or from a bag.

A folder holds images, and beside them `scenes.jsonl` or `samples.jsonl` with one row each:

    {"image": "a.jpg", "request": "get the mug", "target": [10, 20, 60, 90],
     "objects": [{"category": "mug", "color": "red", "size": "small", "box": [10, 20, 60, 90]}]}

Only `image` is needed; boxes are x1 y1 x2 y2 in pixels, `instruction` may stand for `request` and
a list `boxes` for `objects`. Without such a file every image of the folder is a scene without
ground truth. A bag (MCAP or sqlite3) is as many scenes as it has images; rows for them, in their
order and without `image`, may lie beside it in `<bag>.jsonl`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import Protocol

import numpy as np
import numpy.typing as npt
from rosbags.highlevel import AnyReader
from rosbags.highlevel import AnyReaderError
from rosbags.interfaces import Connection
from rosbags.typesys import Stores
from rosbags.typesys import get_typestore

from clue_ros.box import Box
from clue_ros.errors import InvalidBox
from clue_ros.errors import InvalidImage
from clue_ros.errors import InvalidSource
from clue_ros.person import Thing
from clue_ros.pixels import decode
from clue_ros.pixels import read_compressed
from clue_ros.pixels import read_raw

Image = npt.NDArray[np.uint8]  # (height, width, 3), RGB

ROW_FILES = ('scenes.jsonl', 'samples.jsonl')
IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp')
RAW, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'


@dataclass(frozen=True)
class Truth:
    """What is known about a picture."""

    request: str = ''  # what a person would ask for
    things: tuple[Thing, ...] = ()
    target: int | None = None  # which of the things is meant
    absent: bool = False  # whether the request is known to fit none of them


@dataclass(frozen=True, eq=False)
class Scene:
    """A picture and what is known about it."""

    name: str
    image: Image
    truth: Truth


class Source(Protocol):
    """A sequence of scenes; an item is read when it is asked for."""

    def __len__(self) -> int:
        """How many there are, at least one."""

    def __getitem__(self, index: int) -> Scene:
        """Read one; raises InvalidImage."""


def open_source(path: Path) -> Source:
    """Open a folder of images, one image, or a bag; raises InvalidSource."""
    path = path.expanduser()
    if not path.exists():
        raise InvalidSource(f'wanted a folder of images or a bag, found nothing at {path}')
    if path.suffix in ('.mcap', '.db3') or (path / 'metadata.yaml').exists():
        return Bag(path)
    return Folder(path)


class Folder:
    """Images in a folder, or a single one."""

    def __init__(self, path: Path) -> None:
        """Read the rows and check that their images are there; raises InvalidSource."""
        rows = next((path / name for name in ROW_FILES if (path / name).exists()), None)
        self._entries: list[tuple[Path, Truth]] = []
        if rows:
            for where, row in _read_rows(rows):
                image = path / str(row.get('image', ''))
                if not image.is_file():
                    raise InvalidSource(f'{where}: wanted an image in "image", none at {image}')
                self._entries.append((image, _read_truth(row, where)))
        else:
            files = sorted(path.iterdir()) if path.is_dir() else [path]
            images = [file for file in files if file.suffix.lower() in IMAGE_SUFFIXES]
            self._entries = [(image, Truth()) for image in images]
        if not self._entries:
            raise InvalidSource(
                f'wanted {" or ".join(ROW_FILES)} or images ({" ".join(IMAGE_SUFFIXES)}) in '
                f'{path}, found none'
            )

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, index: int) -> Scene:
        path, truth = self._entries[index]
        try:
            return Scene(path.name, decode(path.read_bytes()), truth)
        except (InvalidImage, OSError) as error:
            raise InvalidImage(f'{path}: {error}') from error


class Bag:
    """The images of a bag. Going forward is fast, going back starts over."""

    def __init__(self, path: Path) -> None:
        """Find the image topic and read the rows beside the bag; raises InvalidSource."""
        self._path = path
        # the types of bags that do not bring their own, older than Iron
        types = get_typestore(Stores.ROS2_HUMBLE)
        try:
            self._reader = AnyReader([path], default_typestore=types)
            self._reader.open()
        except (AnyReaderError, OSError) as error:
            raise InvalidSource(f'{path} cannot be read as a bag: {error}') from error
        self._connections = _image_connections(self._reader.connections, path)
        self._length = sum(connection.msgcount for connection in self._connections)
        rows = path.with_name(f'{path.name}.jsonl')
        truths = _read_rows(rows) if rows.exists() else ()
        self._truths = [_read_truth(row, where) for where, row in truths]
        if len(self._truths) > self._length:
            raise InvalidSource(
                f'{rows} has {len(self._truths)} rows for the {self._length} images of {path}'
            )
        self._messages: Iterator[tuple[Connection, int, bytes]] = iter(())
        self._next = self._length  # the index of the message that comes next

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> Scene:
        name = f'{self._path.name} {self._connections[0].topic} {index}'
        if index < self._next:
            self._messages = self._reader.messages(self._connections)
            self._next = 0
        try:
            while self._next <= index:
                connection, _, data = next(self._messages)
                self._next += 1
            message: Any = self._reader.deserialize(data, connection.msgtype)
        except (AnyReaderError, StopIteration) as error:
            raise InvalidImage(f'{name}: the bag is damaged: {error}') from error
        try:
            image = (read_compressed if connection.msgtype == COMPRESSED else read_raw)(message)
        except InvalidImage as error:
            raise InvalidImage(f'{name}: {error}') from error
        truth = self._truths[index] if index < len(self._truths) else Truth()
        return Scene(name, image, truth)


def _image_connections(connections: list[Connection], path: Path) -> list[Connection]:
    """The connections of the one camera; its raw images if there are compressed ones too."""
    images = [c for c in connections if c.msgtype in (RAW, COMPRESSED) and c.msgcount]
    raw = {c.topic for c in images if c.msgtype == RAW}
    topics = sorted(
        {c.topic for c in images if c.topic.removesuffix('/compressed') not in raw} | raw
    )
    if len(topics) != 1:
        found = f'images on {", ".join(topics)}; keep one of them' if topics else 'none'
        raise InvalidSource(f'wanted a bag with the images of one camera, {path} has {found}')
    return [connection for connection in images if connection.topic == topics[0]]


def _read_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Where each row is, for errors, and the row."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        where = f'{path}:{number}'
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InvalidSource(f'{where}: wanted a JSON object, {error}') from error
        if not isinstance(row, dict):
            raise InvalidSource(f'{where}: wanted a JSON object, got {line[:80]}')
        yield where, row


def _read_truth(row: dict[str, Any], where: str) -> Truth:
    try:
        objects = row.get('objects') or [{'box': box} for box in row.get('boxes', ())]
        things = [Thing(_label(item), Box(*item['box'])) for item in objects]
        request = row.get('request', row.get('instruction', ''))
        if not isinstance(request, str):
            raise TypeError(f'the request is {request!r}')
        if row.get('target') is None:
            return Truth(request, tuple(things), absent=row.get('verdict') == 'none')
        box = Box(*row['target'])
        overlaps = [thing.box.iou(box) for thing in things]
        if max(overlaps, default=0.0) < 0.5:
            things.append(Thing(_label(row.get('target_object', {})), box))
            overlaps.append(1.0)
        return Truth(request, tuple(things), int(np.argmax(overlaps)))
    except (InvalidBox, KeyError, TypeError, AttributeError) as error:
        raise InvalidSource(
            f'{where}: wanted a text "request", objects with a "box" and a box as "target", '
            f'each box [x1, y1, x2, y2] in pixels; {type(error).__name__}: {error}'
        ) from error


def _label(item: dict[str, str]) -> str:
    words = (item.get(name, '') for name in ('size', 'color', 'category'))
    return ' '.join(word for word in words if word)
