"""What a CLUE checkpoint folder holds, and where it is found.

    clue.json           how the probe and the decoder were taught (CheckpointConfig)
    backbone/           a PaliGemma 2 with tokenizer and image processor
    adapter_ambiguity/  LoRA of the probed block         } all three absent: a bare backbone
    adapter_ivg/        LoRA of the IVG decoder          }
    probe.safetensors   the CNN on the attention map     }

A folder with a PaliGemma 2's own config.json is a bare backbone: it grounds and has no probe.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.errors import HFValidationError
from huggingface_hub.errors import LocalEntryNotFoundError

from clue_ros.errors import CheckpointError
from clue_ros.prompt import Prompts

EMBEDDED = 'clue-mini'
_EMBEDDED_FOLDER = Path(__file__).parent.parent / 'models' / EMBEDDED
_FORMAT = 1
_LISTS = ('parts', 'closer_looks')  # keys of clue.json
_FILES = ('*.json', '*.safetensors', '*.model', '*.txt')


@dataclass(frozen=True)
class CheckpointConfig:
    """The content of `clue.json`."""

    probe_layer: int  # L, 0-based index of the probed decoder block
    grid: int  # side of the attention map the probe was trained on
    threshold: float = 0.5  # p_amb from which a request counts as ambiguous, in (0, 1)
    temperature: float = 1.0  # divides the probe's logit, > 0
    queries: str = 'expression'  # rows the map is read from: expression (the paper) or words
    region_level: float = 0.5  # map value from which a cell belongs to a candidate region
    # parts of a frame that are looked at beside the whole: each its left and upper edge and its
    # size, in shares of the frame's sides
    parts: tuple[tuple[float, float, float], ...] = ()
    # shares of the picture's sides at which the decoder points again around its box, in (0, 1]
    closer_looks: tuple[float, ...] = ()
    look_away: bool = False  # point again with what a reply denies covered
    tried_questions: int = 0  # others that are tried out before the decoder's question is asked
    prompts: Prompts = field(default_factory=Prompts)

    def __post_init__(self) -> None:
        if type(self.probe_layer) is not int or self.probe_layer < 0:
            raise ValueError(f'probe_layer must be a whole number >= 0, got {self.probe_layer}')
        if type(self.grid) is not int or self.grid < 1:
            raise ValueError(f'grid must be a whole number >= 1, got {self.grid}')
        if not 0 < self.threshold < 1:
            raise ValueError(f'threshold must be between 0 and 1, got {self.threshold}')
        if not 0 < self.temperature < math.inf:  # also refuses NaN
            raise ValueError(f'temperature must be a finite number > 0, got {self.temperature}')
        if self.queries not in ('expression', 'words'):
            raise ValueError(f'queries must be expression or words, got {self.queries!r}')
        if type(self.look_away) is not bool:
            raise ValueError(f'look_away must be true or false, got {self.look_away!r}')
        if type(self.tried_questions) is not int or self.tried_questions < 0:
            raise ValueError(
                f'tried_questions must be a whole number >= 0, got {self.tried_questions}'
            )
        if not 0 < self.region_level <= 1:
            raise ValueError(f'region_level must be in (0, 1], got {self.region_level}')
        if not isinstance(self.parts, tuple) or not all(map(_is_part, self.parts)):
            raise ValueError(
                'parts must be a list of [left, top, size], in shares of a frame that they do not '
                f'leave, got {self.parts}'
            )
        shares = self.closer_looks
        if not isinstance(shares, tuple) or not all(
            isinstance(share, int | float) and 0 < share <= 1 for share in shares
        ):
            raise ValueError(f'closer_looks must be a list of shares in (0, 1], got {shares}')


@dataclass(frozen=True)
class Checkpoint:
    """Paths of a checkpoint's parts; None where a bare backbone has none."""

    name: str
    backbone: Path
    config: CheckpointConfig | None = None
    probe: Path | None = None
    adapters: dict[str, Path] = field(default_factory=dict)


def find(path_or_name: str, allow_download: bool) -> Checkpoint:
    """Find the embedded checkpoint, a folder or a hub id and check that it is whole.

    A hub id is looked for in the local cache; the network is used only with `allow_download`.
    Raises CheckpointError saying what is missing.
    """
    if path_or_name == EMBEDDED:
        return _read(_EMBEDDED_FOLDER, EMBEDDED)
    folder = Path(path_or_name).expanduser()
    if folder.is_dir():
        return _read(folder, path_or_name)
    return _read(download(path_or_name, local_only=not allow_download), path_or_name)


def download(repository: str, local_only: bool = False) -> Path:
    """Return the local folder of a hub repository, fetching it unless `local_only`."""
    try:
        folder = snapshot_download(
            repository, local_files_only=local_only, allow_patterns=list(_FILES)
        )
    except (HFValidationError, LocalEntryNotFoundError) as error:
        if local_only or isinstance(error, HFValidationError):
            raise CheckpointError(
                f'model {repository!r} is neither {EMBEDDED!r}, nor a folder, nor a hub repository '
                f'in the local cache; check the path, or run `clue fetch {repository}` first'
            ) from error
        raise CheckpointError(f'the hub cannot be reached for {repository!r}: {error}') from error
    except (HfHubHTTPError, OSError) as error:
        raise CheckpointError(
            f'the hub did not give {repository!r}: {error}; check the name, and for a gated model '
            'accept its licence on the hub and log in with `hf auth login`'
        ) from error
    return Path(folder)


def _read(folder: Path, name: str) -> Checkpoint:
    if not (folder / 'clue.json').is_file():
        if (folder / 'config.json').is_file():
            return Checkpoint(name, backbone=folder)
        raise CheckpointError(
            f'{folder} holds neither clue.json (a CLUE checkpoint) nor config.json (a PaliGemma 2)'
        )
    config = _read_config(folder / 'clue.json')
    parts = {
        'backbone': folder / 'backbone',
        'adapter_ambiguity': folder / 'adapter_ambiguity',
        'adapter_ivg': folder / 'adapter_ivg',
        'probe.safetensors': folder / 'probe.safetensors',
    }
    missing = [part for part, path in parts.items() if not path.exists()]
    if missing:
        raise CheckpointError(
            f'{folder} lacks {", ".join(missing)}; a CLUE checkpoint holds clue.json, '
            f'{", ".join(parts)}'
        )
    return Checkpoint(
        name,
        backbone=parts['backbone'],
        config=config,
        probe=parts['probe.safetensors'],
        adapters={'ambiguity': parts['adapter_ambiguity'], 'ivg': parts['adapter_ivg']},
    )


def _tuples(value: Any) -> Any:
    """Lists of JSON, also in lists, as tuples."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _is_part(part: Any) -> bool:
    if not isinstance(part, tuple) or [type(share) in (int, float) for share in part] != [True] * 3:
        return False
    left, top, size = (float(share) for share in part)
    # in shares like 0.15 + 0.85, the last digit of a float is no fault
    return size > 0 and all(edge >= 0 and edge + size <= 1 + 1e-9 for edge in (left, top))


def _read_config(path: Path) -> CheckpointConfig:
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
        if not isinstance(content, dict) or content.pop('format', None) != _FORMAT:
            raise ValueError(f'"format" must be {_FORMAT}')
        prompts = Prompts(**content.pop('prompts', {}))
        lists = {key: _tuples(content.pop(key)) for key in _LISTS if key in content}
        return CheckpointConfig(**content, **lists, prompts=prompts)
    except (ValueError, TypeError) as error:
        known = ', '.join(item.name for item in fields(CheckpointConfig))
        raise CheckpointError(f'{path} is not readable: {error}; it may hold {known}') from error
