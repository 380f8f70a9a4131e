"""Splits by group: all samples about one scene are in one split, the same one every time.

The split follows from a hash of the seed and the group's name alone. It stays when data is added,
taken away or read in another order.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable
from collections.abc import Iterator
from typing import TypeVar

from clue_ros.data.samples import AmbiguitySample
from clue_ros.data.samples import DialogSample
from clue_ros.data.samples import Picture
from clue_ros.errors import InvalidSource

SHARES = (('train', 70), ('validation', 15), ('test', 15))  # percent of the groups

Sample = TypeVar('Sample', bound=AmbiguitySample | DialogSample)


def split_of(seed: int, group: str | int) -> str:
    """The split of a group, e.g. of a scene by its number."""
    percent = zlib.crc32(f'{seed} {group}'.encode()) % 100
    for split, share in SHARES:
        if percent < share:
            return split
        percent -= share
    raise AssertionError('the shares add up to 100')


def split_of_picture(picture: Picture, seed: int = 0) -> str:
    """The split that its data set puts a picture in, else that of its group."""
    return picture.split or split_of(seed, picture.group)


def in_split(samples: Iterable[Sample], split: str, seed: int = 0) -> Iterator[Sample]:
    """The samples of one split; raises InvalidSource at the end when there was none."""
    met: Counter[str] = Counter()
    for sample in samples:
        name = split_of_picture(sample.picture, seed)
        met[name] += 1
        if name == split:
            yield sample
    if not met[split]:
        found = ', '.join(f'{name} ({count})' for name, count in sorted(met.items()))
        raise InvalidSource(f'wanted samples of the split {split}, found {found or "none at all"}')
