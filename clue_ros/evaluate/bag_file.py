"""The messages of a bag in the order of their time, and what is wrong with the bag. No ROS.

MCAP and sqlite3, a folder or a single file. What cannot be read does not stop what can: it is
added to `BagFile.problems` as the error it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores
from rosbags.typesys import get_typestore

from clue_ros.errors import ClueError
from clue_ros.errors import InvalidSource
from clue_ros.evaluate.bag_recovery import recover
from clue_ros.evaluate.bag_recovery import unfinished

SUFFIXES = ('.mcap', '.db3')
_ENDS = 2**16  # bytes at the ends of a file, which may be large


@dataclass(frozen=True)
class Topic:
    """What a bag holds of one topic."""

    kind: str  # e.g. std_msgs/msg/String
    count: int  # of messages


@dataclass(frozen=True)
class BagMessage:
    """One message as it lies in the bag."""

    topic: str
    kind: str
    time: int  # when it was recorded, nanoseconds
    data: bytes  # CDR


class BagFile:
    """An open bag; leaving the `with` block closes it."""

    def __init__(self, path: Path) -> None:
        """Open it; raises InvalidSource when nothing of it can be read."""
        self.path = path
        self.problems: list[ClueError] = []
        self._files = ExitStack()
        try:
            self._reader = self._open()
        except BaseException:
            self._files.close()
            raise
        self.topics: dict[str, Topic] = {}
        for connection in self._reader.connections:
            known = self.topics.get(connection.topic)
            count = connection.msgcount + (known.count if known else 0)
            self.topics[connection.topic] = Topic(connection.msgtype, count)

    def __enter__(self) -> BagFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._files.close()

    @property
    def contents(self) -> str:
        """The topics in words, for errors."""
        return '; '.join(
            f'{name} ({topic.kind}, {topic.count} messages)'
            for name, topic in sorted(self.topics.items())
        )

    def messages(self, topics: Collection[str]) -> Iterator[BagMessage]:
        """The messages of `topics`; when the bag is damaged, those before the damage."""
        connections = [c for c in self._reader.connections if c.topic in topics]
        if not connections:
            return  # to the reader none means all
        messages = self._reader.messages(connections)
        time = self._reader.start_time
        while True:
            try:
                connection, time, data = next(messages)
            except StopIteration:
                return
            except Exception as error:  # damaged bytes raise nearly anything
                seconds = (time - self._reader.start_time) / 1e9
                self.problems.append(
                    InvalidSource(
                        f'{self.path} could be read up to second {seconds:.3f}: '
                        f'{type(error).__name__}: {error}'
                    )
                )
                return
            yield BagMessage(connection.topic, connection.msgtype, time, bytes(data))

    def read(self, message: BagMessage) -> Any:
        """The message with its fields as attributes; raises InvalidSource."""
        try:
            return self._reader.deserialize(message.data, message.kind)
        except Exception as error:  # a definition that lacks or does not fit raises nearly anything
            raise InvalidSource(
                f'{self.path}: a message of {message.topic} is no {message.kind}: '
                f'{type(error).__name__}: {error}'
            ) from error

    def _open(self) -> AnyReader:
        if not self.path.exists():
            raise InvalidSource(f'wanted a bag, found nothing at {self.path}')
        reason = None
        if (self.path / 'metadata.yaml').exists():
            try:
                return self._read([self.path])
            except InvalidSource as error:
                reason = error
        files = [self.path] if self.path.is_file() else sorted(self.path.iterdir())
        storages = [file for file in files if file.suffix in SUFFIXES]
        if not storages:
            raise InvalidSource(
                f'wanted a bag, {self.path} holds no {" or ".join(SUFFIXES)} file; '
                'give the folder that was recorded'
            )
        paths = [self._whole(file) for file in storages]
        # the damage lies in the metadata, or in a file that is not there
        if reason and not self.problems:
            self.problems.append(reason)
        return self._read(paths)

    def _whole(self, file: Path) -> Path:
        """The file itself if it can be read, else a new one with what can be read of it."""
        try:
            if unfinished(file):
                raise InvalidSource('its recorder was killed before it had written everything')
            with AnyReader([file], default_typestore=_old_types()):
                return file
        except Exception as error:  # damaged bytes raise nearly anything
            reason = str(error)
        folder = Path(self._files.enter_context(TemporaryDirectory(prefix='clue_bag_')))
        copy = folder / f'{file.stem}.mcap'
        count, damage = recover(file, copy)
        if not count:
            raise InvalidSource(
                f'{file} cannot be read as a bag: {reason}; it was looked through, '
                f'and no whole message was found ({damage or "it is empty"})'
            )
        self.problems.append(
            InvalidSource(
                f'{file} is damaged: {reason}; {count} messages before the damage could be read'
            )
        )
        return copy

    def _read(self, paths: list[Path]) -> AnyReader:
        reader = AnyReader(paths, default_typestore=_old_types())
        try:
            return self._files.enter_context(reader)
        except Exception as error:
            raise InvalidSource(f'{self.path} cannot be read as a bag: {error}') from error


def _old_types() -> Any:
    # of bags that do not bring their own, older than Iron
    return get_typestore(Stores.ROS2_HUMBLE)


def fingerprint(path: Path) -> str:
    """Tells bags apart by the sizes of their files and by how those begin and end."""
    files = [path] if path.is_file() else sorted(path.iterdir())
    digest = hashlib.sha256()
    for file in files:
        if file.suffix in SUFFIXES:
            size = file.stat().st_size
            digest.update(f'{file.name} {size}\n'.encode())
            with file.open('rb') as stream:
                digest.update(stream.read(_ENDS))
                stream.seek(max(0, size - _ENDS))
                digest.update(stream.read())
    return digest.hexdigest()
