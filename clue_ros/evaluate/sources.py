"""Where cases come from: simulated scenes, or a data set that `clue_ros.data` can read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any
from typing import TypeAlias

from clue_ros.data.samples import AmbiguitySample
from clue_ros.data.samples import DialogSample
from clue_ros.data.samples import Image
from clue_ros.errors import InvalidSource
from clue_ros.evaluate.bag_frames import bag_pictures
from clue_ros.evaluate.cases import Case
from clue_ros.evaluate.cases import Place
from clue_ros.evaluate.cases import case_of
from clue_ros.evaluate.scenes import Scenes
from clue_ros.evaluate.scenes import scene_images
from clue_ros.evaluate.scenes import scene_places

Data: TypeAlias = Scenes | Path

# Labels and splits live in these; of other files, which may be large, names and sizes are enough.
_TEXTS = frozenset({'.csv', '.json', '.jsonl', '.txt', '.yaml'})


def places(data: Data) -> Iterator[Place]:
    """Pictures with their cases, always in the same order.

    Raises InvalidSource, MissingSimulator.
    """
    if isinstance(data, Scenes):
        yield from scene_places(data)
        return
    from clue_ros.data import open_data
    samples: Iterable[AmbiguitySample | DialogSample] = open_data(data)
    # side by side: what lies apart in the data set is looked at twice
    for name, group in groupby(samples, key=lambda sample: sample.picture.name):
        yield Place(name, partial(_cases, list(group)))


def describe(data: Data) -> dict[str, Any]:
    """What a log's header says of the data, enough to find it again and to tell it from others."""
    if isinstance(data, Scenes):
        return {'scenes': asdict(data)}
    return {'path': str(data), 'fingerprint': _fingerprint(data)}


def find_pictures(
    described: Mapping[str, Any], names: Iterable[str]
) -> Iterator[tuple[str, Image]]:
    """The pictures of a log by their names, in the order of the data, which must still be there.

    `described` is `Header.data`. Raises InvalidSource, InvalidImage, MissingSimulator.
    """
    wanted = frozenset(names)
    if 'scenes' in described:
        yield from scene_images(Scenes(**described['scenes']), wanted)
        return
    if 'bag' in described:
        yield from bag_pictures(Path(described['bag']), wanted)
        return
    from clue_ros.data import open_data
    path = Path(described['path'])
    if _fingerprint(path) != described['fingerprint']:
        raise InvalidSource(f'{path} has changed since it was evaluated; evaluate it again')
    seen = set()
    for sample in open_data(path):
        name = sample.picture.name
        if name in wanted and name not in seen:
            seen.add(name)
            yield name, sample.picture.load()


def _cases(samples: list[AmbiguitySample | DialogSample]) -> list[Case]:
    return [case_of(sample) for sample in samples]


def _fingerprint(path: Path) -> str:
    """Changes with the names and sizes of the files, and with what its texts say."""
    if not path.exists():
        raise InvalidSource(f'wanted a data set, found nothing at {path}')
    digest = hashlib.sha256()
    for file in sorted(path.rglob('*')) if path.is_dir() else [path]:
        if file.is_file():
            digest.update(f'{file.relative_to(path)} {file.stat().st_size}\n'.encode())
            if file.suffix.lower() in _TEXTS:
                digest.update(file.read_bytes())
    return digest.hexdigest()
