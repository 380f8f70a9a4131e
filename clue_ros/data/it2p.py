"""IT2P (Interactive Text2Pickup): coloured blocks, commands that name one block or several.

    train_img/0000.jpg
    train_script/0000.txt        "148 203 pick up the green block": x y of the block, the command
    script_ambiguous/0000.txt    "pick up the left block": no single place

Points, no boxes: this serves the ambiguity probe only. The .npz files beside it hold pickled
objects, which could run anything; they are never opened.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from clue_ros.data.data_set import DataSet
from clue_ros.data.pictures import picture_in
from clue_ros.data.rows import BrokenRow
from clue_ros.data.rows import Line
from clue_ros.data.rows import text_lines
from clue_ros.data.samples import AmbiguitySample
from clue_ros.dialog import clean_text
from clue_ros.errors import ClueError
from clue_ros.errors import InvalidSource

IMAGES, CLEAR, AMBIGUOUS = 'train_img', 'train_script', 'script_ambiguous'

_CLEAR_LINE = re.compile(r'(\d{1,6}) +(\d{1,6}) +(.+)')


def find_it2p(path: Path, max_broken: float) -> DataSet | None:
    """The data set in the folder `path` or `path/data`, if it is IT2P."""
    for root in (path, path / 'data'):
        if all((root / name).is_dir() for name in (IMAGES, CLEAR, AMBIGUOUS)):
            return DataSet(f'{root} (IT2P)', partial(_samples, root), max_broken)
    return None


def _samples(root: Path) -> Iterator[AmbiguitySample | BrokenRow]:
    names = {path.name for kind in (CLEAR, AMBIGUOUS) for path in (root / kind).glob('*.txt')}
    for name in sorted(names):
        # picture by picture, as only all lines about one show whether they agree
        lines = [
            (line, kind == AMBIGUOUS)
            for kind in (CLEAR, AMBIGUOUS)
            if (root / kind / name).is_file()
            for line in text_lines(root, f'{kind}/{name}')
        ]
        times = Counter(_command(line.text) for line, _ in lines if isinstance(line, Line))
        for line, ambiguous in lines:
            if isinstance(line, BrokenRow):
                yield line
            elif times[_command(line.text)] > 1:
                yield BrokenRow(line.where, 'the picture has this command twice, clear or not')
            else:
                try:
                    yield _read(root, line, ambiguous)
                except ClueError as error:
                    yield BrokenRow(line.where, str(error))


def _command(line: str) -> str:
    found = _CLEAR_LINE.fullmatch(line)
    return found[3] if found else line


def _read(root: Path, line: Line, ambiguous: bool) -> AmbiguitySample:
    stem = Path(line.where).stem  # of 0000.txt:12
    picture, (width, height) = picture_in(root, f'{IMAGES}/{stem}.jpg', group=stem)
    found = _CLEAR_LINE.fullmatch(line.text)
    if ambiguous == bool(found):
        wanted = 'a command without a place' if ambiguous else '"x y command"'
        raise InvalidSource(f'wanted {wanted}, got {line.text[:80]!r}')
    if found and not (int(found[1]) < width and int(found[2]) < height):
        raise InvalidSource(f'{found[1]} {found[2]} is not inside the {width}x{height} picture')
    return AmbiguitySample(line.where, picture, clean_text(_command(line.text)), ambiguous)
