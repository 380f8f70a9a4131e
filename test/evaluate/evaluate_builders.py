"""Logs made by hand, and a small data set of real pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scene_files import SCENES
from scene_files import load_scenes

from clue_ros.box import Box
from clue_ros.dialog import Turn
from clue_ros.evaluate.log import Header
from clue_ros.evaluate.log import Log
from clue_ros.evaluate.log import Record

HEADER = Header(
    measure='loop',
    checkpoint='mini',
    checkpoint_hash='abc',
    revision='123',
    libraries={'torch': '2'},
    data={'path': 'somewhere', 'split': ''},
    options={'batch': 4},
)
ASKED = (Turn('the red or the blue one?', 'the red one'),)
BOX = Box(10, 20, 60, 90)


def record(id_: str, **values: Any) -> Record:
    """A record about a picture of 100 x 100 pixels, in a scene of its own."""
    given = {
        'policy': 'probe',
        'group': id_,
        'picture': f'{id_}.png',
        'width': 100,
        'height': 100,
        'request': 'get the mug',
        'form': 'category',
        'verdict': 'one',
        'outcome': 'success',
    }
    return Record(id=id_, **{**given, **values})


def log(measure: str, *records: Record, **options: Any) -> Log:
    """A log of these records."""
    header = Header(measure, 'mini', 'abc', '', {}, {}, {'rules': {}, **options})
    return Log(header, records)


def small_folder(folder: Path, count: int = 4) -> Path:
    """The first scenes of the tests as a data set in our own format; both kinds of request."""
    folder.mkdir(exist_ok=True)
    rows = load_scenes()[:count]
    for row in rows:
        (folder / row['image']).symlink_to(SCENES / row['image'])
    (folder / 'samples.jsonl').write_text('\n'.join(map(json.dumps, rows)))
    return folder
