"""VQ-FocusAmbiguity: questions about pictures that may be about one region or several.

    train_gt.json val_gt.json test_gt.json    each a list of rows
    images/                                   what `file_name` of a row names

Of a row, `file_name`, `question` and `label` are read. Some pictures are in two of the three
files, so that the files are no splits: a picture's split is that of its name. Focus areas are masks
of regions and parts, no boxes of things: this serves the ambiguity probe only.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from clue_ros.data.data_set import DataSet
from clue_ros.data.fields import text
from clue_ros.data.pictures import picture_in
from clue_ros.data.rows import BrokenRow
from clue_ros.data.rows import Row
from clue_ros.data.rows import json_rows
from clue_ros.data.rows import parse
from clue_ros.data.samples import AmbiguitySample
from clue_ros.dialog import clean_text
from clue_ros.errors import InvalidSource

IMAGES = 'images'
LABELS = {'ambiguous': True, 'unambiguous': False}


def find_focus(path: Path, max_broken: float) -> DataSet | None:
    """The data set in a folder, if it is VQ-FocusAmbiguity."""
    if not any(path.glob('*_gt.json')):
        return None
    return DataSet(f'{path} (VQ-FocusAmbiguity)', partial(_samples, path), max_broken)


def _samples(root: Path) -> Iterator[AmbiguitySample | BrokenRow]:
    for file in sorted(root.glob('*_gt.json')):
        yield from parse(json_rows(root, file.name), partial(_read, root))


def _read(root: Path, row: Row) -> AmbiguitySample:
    label = text(row.values, 'label')
    if label not in LABELS:
        raise InvalidSource(f'wanted "label" {" or ".join(LABELS)}, got {label[:80]!r}')
    picture, _ = picture_in(root, f'{IMAGES}/{text(row.values, "file_name")}')
    question = clean_text(text(row.values, 'question'), 'question')
    return AmbiguitySample(row.where, picture, question, LABELS[label])
