"""The log of an evaluation: a header line, then one JSON line for each sample and policy.

Every figure can be counted again from the log alone. A second run writes the same bytes, so
nothing that differs between two runs, such as a time, is in it. A run that was killed goes on
where its log ends.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import Any
from typing import TextIO

import numpy as np
import numpy.typing as npt

from clue_ros.box import Box
from clue_ros.dialog import Turn
from clue_ros.errors import ClueError

FORMAT = 1

MEASURES = ('ambiguity', 'grounding', 'loop')

# The truth about a request: how many things of the picture it fits.
ONE, SEVERAL, NONE, UNKNOWN = 'one', 'several', 'none', ''
VERDICTS = (ONE, SEVERAL, NONE, UNKNOWN)

# How a sample ended. The first four are those of `ambiguity`, where ambiguous is positive.
TRUE_POSITIVE, FALSE_POSITIVE = 'true positive', 'false positive'
FALSE_NEGATIVE, TRUE_NEGATIVE = 'false negative', 'true negative'
SUCCESS = 'success'  # the right thing, or rightly nothing
WRONG_GRASP = 'wrong grasp'  # pointed at something else
FALSE_ABSENT = 'false absent'  # said that there is no such thing
UNRESOLVED = 'unresolved'  # still asked when no question was left, or repeated one
INVALID = 'invalid'  # wrote neither a question nor a box
UNREADABLE = 'unreadable'  # the picture or the request could not be used; counts in no figure
OUTCOMES = (
    *(TRUE_POSITIVE, FALSE_POSITIVE, FALSE_NEGATIVE, TRUE_NEGATIVE),
    *(SUCCESS, WRONG_GRASP, FALSE_ABSENT, UNRESOLVED, INVALID, UNREADABLE),
)


class LogError(ClueError):
    """A log that cannot be read, or that belongs to another run."""


@dataclass(frozen=True)
class Header:
    """What was evaluated: all that decides the content of the log."""

    measure: str  # of MEASURES
    checkpoint: str  # its name
    checkpoint_hash: str  # SHA-256 of all its parts
    revision: str  # of this package's repository; empty outside of one
    libraries: Mapping[str, str]  # versions of those that compute
    data: Mapping[str, Any]  # where the samples come from, see `clue_ros.evaluate.sources`
    options: Mapping[str, Any]  # policies, thresholds, batch size, device and the like

    def __post_init__(self) -> None:
        if self.measure not in MEASURES:
            raise ValueError(f'measure must be one of {MEASURES}, got {self.measure!r}')


@dataclass(frozen=True)
class Record:
    """What became of one sample under one policy. Boxes are pixels of the source picture."""

    id: str  # of the sample; with the policy, unique in its log
    policy: str  # what decided whether to ask; empty for `grounding`, where nothing does
    group: str  # the scene: records of one group are not independent of each other
    picture: str  # name; `clue_ros.evaluate.sources.find_pictures` finds it again
    width: int  # pixels; 0 when the picture could not be read
    height: int
    request: str
    form: str  # of language, e.g. relational; empty when unknown
    verdict: str  # the truth, of VERDICTS
    outcome: str  # of OUTCOMES
    target: Box | None = None  # what is meant; None when nothing is, or when it is not known
    candidates: tuple[Box, ...] | None = None  # all that the request fits; None when unknown
    turns: tuple[Turn, ...] = ()  # questions and replies; given with the sample in `grounding`
    probabilities: tuple[float | None, ...] = ()  # of ambiguity, at each look; None without a probe
    scores: Mapping[str, float] = field(default_factory=dict)  # of cheap baselines, first look
    map: str = ''  # attention at the first look, see `unpack_map`; policy `probe` only
    box: Box | None = None  # where the robot pointed
    iou: float | None = None  # of box and target; None when one of them lacks
    confidence: float | None = None  # of the box, in [0, 1]
    reason: str = ''  # why it is unresolved, invalid or unreadable

    def __post_init__(self) -> None:
        for name, known in (('verdict', VERDICTS), ('outcome', OUTCOMES)):
            if getattr(self, name) not in known:
                raise ValueError(f'{name} must be one of {known}, got {getattr(self, name)!r}')

    @property
    def success(self) -> bool:
        """Whether it ended as the person wanted."""
        return self.outcome in (SUCCESS, TRUE_POSITIVE, TRUE_NEGATIVE)


def pack_map(map_: npt.NDArray[np.float32]) -> str:
    """A square map (side, side) in [0, 1] as text: one byte for each cell, base64."""
    return base64.b64encode((map_ * 255).round().astype(np.uint8).tobytes()).decode('ascii')


def unpack_map(text: str) -> npt.NDArray[np.float32]:
    """The map (side, side) in [0, 1] that `pack_map` made into text."""
    cells = np.frombuffer(base64.b64decode(text), np.uint8)
    side = math.isqrt(len(cells))
    return (cells.reshape(side, side) / 255).astype(np.float32)


@dataclass(frozen=True)
class Log:
    """A whole log, read."""

    header: Header
    records: tuple[Record, ...]


def read_log(path: Path) -> Log:
    """Read a log; a last line that was cut off by a kill is left out. Raises LogError."""
    try:
        lines = path.read_text(encoding='utf-8').split('\n')[:-1]
    except (OSError, UnicodeDecodeError) as error:
        raise LogError(f'{path} cannot be read as a log: {error}') from error
    if not lines:
        raise LogError(f'wanted the log of an evaluation, {path} holds no whole line')
    header = _read_header(lines[0], path)
    return Log(header, tuple(_read_record(line, path, n) for n, line in enumerate(lines[1:], 2)))


class LogWriter:
    """A log being written: new, or one that goes on."""

    def __init__(self, path: Path, header: Header) -> None:
        """Open `path`; raises LogError when it belongs to another run."""
        self.path = path
        self.resumed: tuple[Record, ...] = ()  # what was in it already
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and b'\n' in (content := path.read_bytes()):
            log = read_log(path)
            _check_same(header, log.header, path)
            self.resumed = log.records
            whole = content.rindex(b'\n') + 1
            self._file: TextIO = path.open('r+', encoding='utf-8')
            self._file.truncate(whole)
            self._file.seek(whole)
        else:
            self._file = path.open('w', encoding='utf-8')
            self._file.write(_line({'format': FORMAT, **asdict(header)}))
            self._file.flush()

    def __enter__(self) -> LogWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def write(self, records: Iterable[Record]) -> None:
        """Add records; they are in the file when this returns."""
        self._file.write(''.join(_line(_plain(record)) for record in records))
        self._file.flush()


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + '\n'


def _plain(record: Record) -> dict[str, Any]:
    row = {item.name: getattr(record, item.name) for item in fields(Record)}
    for name in ('target', 'box'):
        row[name] = row[name] and row[name].corners
    if record.candidates is not None:
        row['candidates'] = [box.corners for box in record.candidates]
    row['turns'] = [(turn.question, turn.reply) for turn in record.turns]
    return row


def _read_header(line: str, path: Path) -> Header:
    try:
        row = json.loads(line)
        if not isinstance(row, dict) or row.pop('format', None) != FORMAT:
            raise ValueError(f'"format" must be {FORMAT}')
        return Header(**row)
    except (ValueError, TypeError) as error:
        raise LogError(f'{path}:1 is not the header of an evaluation: {error}') from error


def _read_record(line: str, path: Path, number: int) -> Record:
    try:
        row = json.loads(line)
        for name in ('target', 'box'):
            row[name] = row[name] and Box(*row[name])
        if row['candidates'] is not None:
            row['candidates'] = tuple(Box(*corners) for corners in row['candidates'])
        row['turns'] = tuple(Turn(*turn) for turn in row['turns'])
        row['probabilities'] = tuple(row['probabilities'])
        return Record(**row)
    except (ValueError, TypeError, KeyError, ClueError) as error:
        raise LogError(f'{path}:{number} is not a record: {error!r}') from error


def _check_same(wanted: Header, found: Header, path: Path) -> None:
    # through JSON, which knows no tuples
    mine, theirs = (json.loads(_line(asdict(header))) for header in (wanted, found))
    differences = [
        f'{name} was {_short(theirs[name])} and is {_short(mine[name])}'
        for name in mine
        if mine[name] != theirs[name]
    ]
    if differences:
        raise LogError(
            f'{path} belongs to another run: {"; ".join(differences)}; '
            'delete it or name another folder'
        )


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) < 120 else f'{text[:117]}...'
