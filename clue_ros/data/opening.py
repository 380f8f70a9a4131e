"""One door to all data sets: which one a folder holds is seen from its files."""

from __future__ import annotations

from pathlib import Path

from clue_ros.data.data_set import DataSet
from clue_ros.data.focus import find_focus
from clue_ros.data.folder import find_folder
from clue_ros.data.invig import find_invig
from clue_ros.data.it2p import find_it2p
from clue_ros.errors import InvalidSource

_WANTED = (
    'samples.jsonl or scenes.jsonl (own format), '
    '*.parquet or train.jsonl validation.jsonl test.jsonl (InViG), '
    'train_img train_script script_ambiguous (IT2P), or *_gt.json (VQ-FocusAmbiguity)'
)


def open_data(path: Path, max_broken: float = 0.05) -> DataSet:
    """The data set in a folder; its `name` says what was recognised.

    `max_broken` is the share of broken rows, 0 to 1, with which it is still used. Raises
    InvalidSource, which says what was found, when it is no data set that can be read here.
    """
    path = path.expanduser()
    if not path.is_dir():
        found = 'a file; name its folder' if path.exists() else 'nothing'
        raise InvalidSource(f'wanted a folder with a data set at {path}, found {found}')
    for find in (find_folder, find_it2p, find_focus, find_invig):
        data = find(path, max_broken)
        if data is not None:
            return data
    names = sorted(item.name + '/' * item.is_dir() for item in path.iterdir())
    found = f'{", ".join(names[:8])}{", ..." if len(names) > 8 else ""}' or 'nothing'
    raise InvalidSource(f'wanted {_WANTED} in {path}, found {found}; see docs/data.md')
