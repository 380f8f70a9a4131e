"""What a figure was measured with: checkpoint, revision, libraries, machine."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from clue_ros.model.checkpoint import Checkpoint

# They compute; the others only read and write.
_LIBRARIES = ('numpy', 'peft', 'scikit-learn', 'scipy', 'torch', 'transformers')
# They tell of a checkpoint and change nothing that it does.
_WORDS_ABOUT = frozenset({'README.md', 'metrics.json', '.gitattributes'})


def checkpoint_folder(checkpoint: Checkpoint) -> Path:
    """Where all parts of a checkpoint lie."""
    return checkpoint.backbone if checkpoint.config is None else checkpoint.backbone.parent


def checkpoint_hash(checkpoint: Checkpoint) -> str:
    """SHA-256 over the names and contents of all parts of a checkpoint."""
    folder = checkpoint_folder(checkpoint)
    digest = hashlib.sha256()
    for path in sorted(folder.rglob('*')):
        if path.is_file() and path.name not in _WORDS_ABOUT:
            digest.update(f'{path.relative_to(folder)}\n'.encode())
            with path.open('rb') as file:
                digest.update(hashlib.file_digest(file, 'sha256').digest())
    return digest.hexdigest()


def revision() -> str:
    """The commit of this package's repository, `+` behind it if changed; empty outside of one."""
    described = _git('describe', '--always', '--abbrev=12', '--exclude=*', '--dirty=+')
    return described if _git('ls-files', '--', Path(__file__).name) else ''


def libraries() -> dict[str, str]:
    """Versions of what computes."""
    return {name: version(name) for name in _LIBRARIES}


def machine() -> dict[str, Any]:
    """Where it ran."""
    return {
        'system': platform.platform(),
        'processor': _processor(),
        'cores': os.cpu_count(),
        'threads': torch.get_num_threads(),
        'gpu': torch.cuda.get_device_name() if torch.cuda.is_available() else '',
        'python': platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(':')[2].strip() for line in lines if line.startswith('model name'))
    return next(names, platform.processor())


def _git(*arguments: str) -> str:
    """What git says here; empty without git, and where the package is no part of a repository."""
    try:
        done = subprocess.run(
            ('git', *arguments), cwd=Path(__file__).parent, capture_output=True, text=True
        )
    except OSError:
        return ''
    return done.stdout.strip()
