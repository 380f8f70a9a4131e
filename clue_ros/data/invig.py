"""InViG: dialogs of people who found out which thing in a photograph is meant.

Two schemas of jxu124/invig, as Parquet files or as train.jsonl validation.jsonl test.jsonl:

    one row per reference   dialog, bbox, and the picture as `image`, `image_path` or `image_id`
    one row per picture     ref_list of {dialog, bbox}, image_info {file_name}, image

A dialog is a list of [agent, human] pairs whose first agent says nothing: the first human is the
request. Boxes are x1 y1 x2 y2 in pixels. The split is that of the file's name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from clue_ros.data.data_set import DataSet
from clue_ros.data.fields import box
from clue_ros.data.fields import pairs
from clue_ros.data.parquet import Cell
from clue_ros.data.parquet import parquet_rows
from clue_ros.data.pictures import Size
from clue_ros.data.pictures import picture_in
from clue_ros.data.pictures import size_of
from clue_ros.data.rows import BrokenRow
from clue_ros.data.rows import Row
from clue_ros.data.rows import jsonl_rows
from clue_ros.data.rows import parse
from clue_ros.data.samples import DialogSample
from clue_ros.data.samples import Image
from clue_ros.data.samples import Picture
from clue_ros.dialog import Dialog
from clue_ros.dialog import Turn
from clue_ros.errors import InvalidImage
from clue_ros.errors import InvalidSource
from clue_ros.pixels import decode

IMAGES = 'images'  # where pictures lie that are not in the Parquet files
JSONL_FILES = ('train.jsonl', 'validation.jsonl', 'test.jsonl')

_SPLIT = re.compile(r'(?:^|/)(train|validation|test)(?=[-./])')


def find_invig(path: Path, max_broken: float) -> DataSet | None:
    """The data set in a folder or below it, if it is InViG."""
    files = [file.relative_to(path).as_posix() for file in sorted(path.rglob('*.parquet'))]
    files = files or [name for name in JSONL_FILES if (path / name).is_file()]
    if not files:
        return None
    return DataSet(f'{path} (InViG)', partial(_samples, path, files), max_broken)


def _samples(root: Path, files: list[str]) -> Iterator[DialogSample | BrokenRow]:
    for name in files:
        rows = (
            parquet_rows(root, name, large='image')
            if name.endswith('.parquet')
            else jsonl_rows(root, name)
        )
        split = _SPLIT.search(name)
        yield from parse(_references(rows), partial(_read, root, split[1] if split else ''))


def _references(rows: Iterable[Row | BrokenRow]) -> Iterator[Row | BrokenRow]:
    """One row per reference, whichever the schema."""
    for row in rows:
        if isinstance(row, BrokenRow) or 'ref_list' not in row.values:
            yield row
            continue
        references = row.values['ref_list']
        if not isinstance(references, list) or not references:
            yield BrokenRow(row.where, 'wanted a list of references in "ref_list", found none')
            continue
        shared = {name: value for name, value in row.values.items() if name != 'ref_list'}
        for number, reference in enumerate(references, 1):
            where = f'{row.where}.{number}'
            if isinstance(reference, dict):
                yield Row(where, shared | reference)
            else:
                yield BrokenRow(where, 'wanted an object with "dialog" and "bbox"')


def _read(root: Path, split: str, row: Row) -> DialogSample:
    dialog = _dialog(pairs(row.values, 'dialog'))
    picture, size = _picture(root, split, row)
    return DialogSample(
        id=row.where,
        picture=picture,
        dialog=dialog,
        target=box(row.values.get('bbox'), size),
        ambiguous=any('?' in turn.question for turn in dialog.turns),
    )


def _dialog(said: list[tuple[str, str]]) -> Dialog:
    if not said or said[0][0].strip():
        raise InvalidSource('wanted a "dialog" of [agent, human] pairs whose first agent is silent')
    (_, request), *turns = said
    if turns and '?' not in turns[-1][0]:  # "OK, here you are." - "Thank you."
        turns.pop()
    return Dialog(request, tuple(Turn(agent, human) for agent, human in turns))


def _picture(root: Path, split: str, row: Row) -> tuple[Picture, Size]:
    image = row.values.get('image')
    if isinstance(image, Cell):
        content = image.read()
        if isinstance(content, dict) and content.get('bytes'):
            name = _name(row, content) or row.where
            return Picture(name, name, partial(_load, image), split), size_of(content['bytes'])
        image = content
    name = _name(row, image)
    if not name:
        raise InvalidImage('wanted a picture in "image", or its name in "image_info" or the like')
    if not os.path.isfile(root / name):  # most paths are those of the machine they were written on
        name = f'{IMAGES}/{Path(name).name}'
    return picture_in(root, name, split=split)


def _name(row: Row, image: Any) -> str:
    """What the picture is called, empty when the row does not say."""
    info = row.values.get('image_info')
    names = (
        info.get('file_name') if isinstance(info, dict) else None,
        image.get('path') if isinstance(image, dict) else image,
        row.values.get('image_path'),
        row.values.get('image_id'),
    )
    return next((name for name in names if name and isinstance(name, str)), '')


def _load(cell: Cell) -> Image:
    try:
        return decode(cell.read()['bytes'])
    except (InvalidImage, InvalidSource) as error:
        raise InvalidImage(f'{cell.path}, row {cell.row} of group {cell.group}: {error}') from error
