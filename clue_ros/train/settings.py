"""One YAML per run: read strictly, and saved beside the result with what else it depends on.

    corpus:   {side: 224, seed: 1}
    backbone: {vision: {steps: 1800, ...}, packed: {...}, joined: {...}, miniature: {...}}
    ivg:      {loop: {...}, rank: 16}
    probe:    {loop: {...}, layer: 3}

Sections are the config classes of the same names; a key that is left out keeps its default.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import fields
from dataclasses import is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any
from typing import TypeVar
from typing import get_args
from typing import get_type_hints

import yaml

from clue_ros.errors import InvalidRun
from clue_ros.evaluate.provenance import libraries
from clue_ros.evaluate.provenance import revision

Config = TypeVar('Config')


def read_section(path: Path, name: str, kind: type[Config]) -> Config:
    """A section of a YAML file as its config class; raises InvalidRun saying what is wrong."""
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InvalidRun(f'{path} is not readable as YAML: {error}') from error
    if not isinstance(content, dict) or not isinstance(content.get(name), dict):
        found = ', '.join(map(str, content)) if isinstance(content, dict) else repr(content)
        raise InvalidRun(f'{path}: wanted a section "{name}", found {found or "nothing"}')
    return _build(kind, content[name], f'{path}: {name}')


def _build(kind: type[Config], content: Mapping[str, Any], where: str) -> Config:
    hints = get_type_hints(kind)
    known = [item.name for item in fields(kind)]  # type: ignore[arg-type]
    unknown = sorted(set(content) - set(known))
    if unknown:
        raise InvalidRun(f'{where}: unknown {", ".join(unknown)}; it may hold {", ".join(known)}')
    values: dict[str, Any] = {}
    for key, value in content.items():
        hint = _wanted(hints[key])
        if is_dataclass(hint) and isinstance(value, dict):
            values[key] = _build(hint, value, f'{where}.{key}')  # type: ignore[arg-type]
        else:
            values[key] = tuple(value) if isinstance(value, list) else value
            wanted = (int, float) if hint is float else hint
            if wanted in (int, str, bool, (int, float)) and (
                not isinstance(value, wanted) or (isinstance(value, bool) and hint is not bool)
            ):
                raise InvalidRun(f'{where}.{key}: wanted {hint.__name__}, got {value!r}')
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise InvalidRun(f'{where}: {error}') from error


def write_record(out: Path, name: str, config: Any, data: str) -> None:
    """Save what a run is made of as `out/run.yaml`: config, data hash, revision, libraries.

    Raises InvalidRun when `out` holds a run of another config or other data: it would go on from
    a state that means something else.
    """
    out.mkdir(parents=True, exist_ok=True)
    path = out / 'run.yaml'
    now = {name: asdict(config), 'data': data}
    now = yaml.safe_load(yaml.safe_dump(_plain(now)))
    if path.exists():
        before = yaml.safe_load(path.read_text())
        changed = [key for key in now if before.get(key) != now[key]]
        if changed:
            raise InvalidRun(
                f'{out} holds a run with other {" and ".join(changed)}; name another folder, or '
                'remove it to begin anew'
            )
        return
    content = {**now, 'revision': revision(), 'libraries': libraries()}
    whole = out / f'run.{os.getpid()}.yaml'  # no process reads half of another's
    whole.write_text(yaml.safe_dump(content, sort_keys=False))
    whole.replace(path)


def hash_files(folder: Path, pattern: str) -> str:
    """SHA-256 over the names and contents of the files that match, in their order."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob(pattern)):
        digest.update(path.name.encode())
        with path.open('rb') as file:
            digest.update(hashlib.file_digest(file, 'sha256').digest())
    return digest.hexdigest()


def _wanted(hint: Any) -> Any:
    """What a key may hold, of one that may be left out its other kind."""
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    return kinds[0] if len(kinds) == 1 and NoneType in get_args(hint) else hint


def _plain(value: Any) -> Any:
    """Tuples as lists, for YAML."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
