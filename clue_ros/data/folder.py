"""Our own format: a folder of pictures and `samples.jsonl`, as `clue scenes` writes it.

    {"image": "images/a.jpg", "instruction": "get the mug", "ambiguous": true,
     "dialog": [["the red or the blue one?", "the red one"]], "target": [10, 20, 60, 90]}

`request` may stand for `instruction` and `scenes.jsonl` for `samples.jsonl`. Boxes are
x1 y1 x2 y2 in pixels of the picture. docs/data.md lists all fields.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from clue_ros.data.data_set import DataSet
from clue_ros.data.fields import box
from clue_ros.data.fields import entries
from clue_ros.data.fields import flag
from clue_ros.data.fields import pairs
from clue_ros.data.fields import text
from clue_ros.data.fields import thing
from clue_ros.data.pictures import Size
from clue_ros.data.pictures import picture_in
from clue_ros.data.rows import BrokenRow
from clue_ros.data.rows import Row
from clue_ros.data.rows import jsonl_rows
from clue_ros.data.rows import parse
from clue_ros.data.samples import AmbiguitySample
from clue_ros.data.samples import DialogSample
from clue_ros.data.samples import Picture
from clue_ros.dialog import Dialog
from clue_ros.dialog import Turn
from clue_ros.dialog import clean_text
from clue_ros.errors import InvalidSource

ROW_FILES = ('scenes.jsonl', 'samples.jsonl')  # the first one that is there


def find_folder(path: Path, max_broken: float) -> DataSet | None:
    """The data set in a folder of our own format, if it is one."""
    for name in ROW_FILES:
        if (path / name).is_file():
            return DataSet(f'{path / name} (own format)', partial(_samples, path, name), max_broken)
    return None


def _samples(root: Path, name: str) -> Iterator[AmbiguitySample | DialogSample | BrokenRow]:
    return parse(jsonl_rows(root, name), partial(_read, root))


def _read(root: Path, row: Row) -> AmbiguitySample | DialogSample:
    """A row that says what is meant makes a dialog, one that does not is a labelled request."""
    values = row.values
    picture, size = _picture(root, row)
    request = text(values, 'request', 'instruction')
    form = text(values, 'form', default='')
    if 'target' not in values:
        label = flag(values, 'ambiguous')
        return AmbiguitySample(row.where, picture, clean_text(request), label, form)
    target = None if values['target'] is None else box(values['target'], size)
    dialog = Dialog(request, tuple(Turn(*pair) for pair in pairs(values, 'dialog')))
    ambiguous = flag(values, 'ambiguous') if 'ambiguous' in values else None
    if ambiguous and target and not dialog.turns:
        # it would teach to guess
        raise InvalidSource('wanted the dialog that leads from an ambiguous request to its target')
    things = tuple(thing(item, size) for item in entries(values, 'objects'))
    asked_about = _asked_about(row, len(dialog.turns), len(things))
    return DialogSample(row.where, picture, dialog, target, ambiguous, form, things, asked_about)


def _picture(root: Path, row: Row) -> tuple[Picture, Size]:
    values = row.values
    group, split = (text(values, name, default='') for name in ('scene', 'split'))
    return picture_in(root, text(values, 'image'), group, split)


def _asked_about(row: Row, turn_count: int, thing_count: int) -> tuple[frozenset[int], ...]:
    asked = entries(row.values, 'asked_about')
    if not asked:
        return ()
    known = range(thing_count)
    # a bool is an int to Python, and True would count as thing 1
    if len(asked) != turn_count or not all(
        isinstance(numbers, list) and all(type(k) is int and k in known for k in numbers)
        for numbers in asked
    ):
        raise InvalidSource(
            f'wanted for each of {turn_count} turns a list of numbers of the {thing_count} objects '
            'in "asked_about"'
        )
    return tuple(frozenset(numbers) for numbers in asked)
