"""Rows of a data set's files, one after the other: no file is ever in memory as a whole.

What cannot be read becomes a BrokenRow in its place, so that nothing is lost without a word.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from typing import NamedTuple
from typing import TypeVar

from clue_ros.errors import ClueError
from clue_ros.errors import InvalidSource

MAX_ROW_BYTES = 2**20  # a row is some text and boxes: more is another kind of file
MAX_REASON = 240  # characters

T = TypeVar('T')


class Line(NamedTuple):
    """One line of a text file."""

    where: str  # file, relative to its data set, and number: samples.jsonl:12
    text: str


@dataclass(frozen=True)
class Row:
    """One object of a file, with its place as in Line."""

    where: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class BrokenRow:
    """A place in a file where no sample could be read, and why."""

    where: str
    reason: str

    def __post_init__(self) -> None:
        if len(self.reason) > MAX_REASON:
            object.__setattr__(self, 'reason', f'{self.reason[: MAX_REASON - 3]}...')

    def __str__(self) -> str:
        return f'{self.where}: {self.reason}'


def parse(rows: Iterable[Row | BrokenRow], read: Callable[[Row], T]) -> Iterator[T | BrokenRow]:
    """What `read` makes of each row; a ClueError that it raises breaks that row only."""
    for row in rows:
        if isinstance(row, BrokenRow):
            yield row
            continue
        try:
            yield read(row)
        except ClueError as error:
            yield BrokenRow(row.where, str(error))


def text_lines(root: Path, name: str) -> Iterator[Line | BrokenRow]:
    """The lines of the UTF-8 file `root / name`, empty ones left out.

    Raises InvalidSource when there is no such file or it cannot be opened.
    """
    try:
        file = (root / name).open('rb')
    except OSError as error:
        raise InvalidSource(f'{root / name} cannot be read: {error.strerror}') from error
    with file:
        number = 0
        while data := file.readline(MAX_ROW_BYTES):
            number += 1
            where = f'{name}:{number}'
            if len(data) == MAX_ROW_BYTES:
                yield BrokenRow(where, f'wanted a row, got a line of {MAX_ROW_BYTES} bytes or more')
                while data and not data.endswith(b'\n'):
                    data = file.readline(MAX_ROW_BYTES)
                continue
            try:
                text = data.decode('utf-8-sig').strip()
            except UnicodeDecodeError as error:
                yield BrokenRow(where, f'wanted text in UTF-8: {error}')
                continue
            if text:
                yield Line(where, text)


def jsonl_rows(root: Path, name: str) -> Iterator[Row | BrokenRow]:
    """The rows of a file with one JSON object in each line; raises InvalidSource as text_lines."""
    for line in text_lines(root, name):
        if isinstance(line, BrokenRow):
            yield line
            continue
        try:
            values = json.loads(line.text)
        except (ValueError, RecursionError) as error:
            yield BrokenRow(line.where, f'wanted a JSON object: {error}')
            continue
        if isinstance(values, dict):
            yield Row(line.where, values)
        else:
            yield BrokenRow(line.where, f'wanted a JSON object, got {line.text[:80]}')


def json_rows(root: Path, name: str) -> Iterator[Row | BrokenRow]:
    """The rows of a file with one JSON list of objects.

    Raises InvalidSource where the list breaks off, as nobody knows how many rows are lost.
    """
    try:
        import ijson
    except ImportError as error:
        raise InvalidSource(f'{name} needs ijson: pip install "clue_ros[data]"') from error
    number = 0
    try:
        with (root / name).open('rb') as file:
            for values in ijson.items(file, 'item', use_float=True):
                number += 1
                where = f'{name}#{number}'
                if isinstance(values, dict):
                    yield Row(where, values)
                else:
                    yield BrokenRow(where, f'wanted a JSON object, got {str(values)[:80]}')
    except OSError as error:
        raise InvalidSource(f'{root / name} cannot be read: {error.strerror}') from error
    except (ijson.JSONError, UnicodeDecodeError) as error:
        raise InvalidSource(
            f'{root / name}: the JSON list ends after {number} rows: {error}; download it again'
        ) from error
