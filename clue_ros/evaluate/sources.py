"""Where cases come from: simulated scenes, or a data set that `clue_ros.data` can read."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any
from typing import TypeAlias

from clue_ros.data.data_set import Samples
from clue_ros.data.opening import open_data
from clue_ros.data.samples import AmbiguitySample
from clue_ros.data.samples import DialogSample
from clue_ros.data.samples import Image
from clue_ros.data.splits import in_split
from clue_ros.errors import InvalidImage
from clue_ros.errors import InvalidSource
from clue_ros.evaluate.bag_frames import bag_pictures
from clue_ros.evaluate.cases import Case
from clue_ros.evaluate.cases import Place
from clue_ros.evaluate.cases import case_of
from clue_ros.evaluate.scenes import Scenes
from clue_ros.evaluate.scenes import scene_images
from clue_ros.evaluate.scenes import scene_places

# Labels and splits live in these; of other files, which may be large, names and sizes are enough.
_TEXTS = frozenset({'.csv', '.json', '.jsonl', '.txt', '.yaml'})

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stored:
    """A data set on disk."""

    path: Path
    split: str = ''  # empty for all of it


Data: TypeAlias = Scenes | Stored
Sample: TypeAlias = AmbiguitySample | DialogSample


def places(data: Data, measure: str) -> Iterator[Place]:
    """Pictures with what `measure` evaluates of them, always in the same order.

    Raises InvalidSource, MissingSimulator.
    """
    if isinstance(data, Scenes):
        yield from scene_places(data)
        return
    samples = _samples(data.path, _kind(measure))
    chosen: Iterable[Sample] = in_split(samples, data.split) if data.split else samples
    # side by side: what lies apart in the data set is looked at twice
    for name, group in groupby(chosen, key=lambda sample: sample.picture.name):
        yield Place(name, partial(_cases, list(group)))
    if samples.report.broken:
        _logger.warning('left out what could not be read: %s', samples.report)


def describe(data: Data, measure: str) -> dict[str, Any]:
    """What a log's header says of the data, enough to find it again and to tell it from others."""
    if isinstance(data, Scenes):
        return {'scenes': asdict(data)}
    return {
        'path': str(data.path),
        'split': data.split,
        'samples': _kind(measure),
        'fingerprint': _fingerprint(data.path),
    }


def find_pictures(
    described: Mapping[str, Any], names: Iterable[str]
) -> Iterator[tuple[str, Image]]:
    """The pictures of a log by their names, in the order of the data, which must still be there.

    `described` is `Header.data`. Those that cannot be read any more are left out. Raises
    InvalidSource, MissingSimulator.
    """
    wanted = frozenset(names)
    if 'bag' in described:
        yield from bag_pictures(Path(described['bag']), wanted)
        return
    if 'scenes' in described:
        yield from scene_images(Scenes(**described['scenes']), wanted)
        return
    path = Path(described['path'])
    if _fingerprint(path) != described['fingerprint']:
        raise InvalidSource(f'{path} has changed since it was evaluated; evaluate it again')
    seen = set()
    for sample in _samples(path, described['samples']):
        name = sample.picture.name
        if name in wanted and name not in seen:
            seen.add(name)
            try:
                image = sample.picture.load()
            except InvalidImage:
                continue
            yield name, image


def _kind(measure: str) -> str:
    return 'requests' if measure == 'ambiguity' else 'dialogs'


def _samples(path: Path, kind: str) -> Samples[AmbiguitySample] | Samples[DialogSample]:
    found = open_data(path)
    return found.ambiguity_samples() if kind == 'requests' else found.dialog_samples()


def _cases(samples: Sequence[Sample]) -> list[Case]:
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
