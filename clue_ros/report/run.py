"""A finished run, read back: its report.json and the log beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clue_ros.evaluate.intervals import Figure
from clue_ros.evaluate.log import Log
from clue_ros.evaluate.log import LogError
from clue_ros.evaluate.log import read_log

REPORT = 'report.json'
_FORMAT = 1
_KEYS = ('measure', 'figures', 'log')


@dataclass(frozen=True)
class Run:
    """What was measured, and every record it was counted from."""

    path: Path  # of the report.json
    summary: Mapping[str, Any]  # all that is in it
    figures: Mapping[str, Figure]
    log: Log
    cut: bool  # whether the log ends within a line

    @property
    def measure(self) -> str:
        """`ambiguity`, `grounding` or `loop`."""
        return self.log.header.measure

    @property
    def policies(self) -> tuple[str, ...]:
        """Of the records, in the order of the log; an empty one for `grounding`."""
        return tuple(dict.fromkeys(record.policy for record in self.log.records))


def read_run(path: Path) -> Run:
    """Read the report.json at `path`, or in the folder `path`, and its log. Raises LogError."""
    path = path / REPORT if path.is_dir() else path
    try:
        summary = json.loads(path.read_text(encoding='utf-8'))
    except FileNotFoundError as error:
        raise LogError(
            f'wanted the {REPORT} of an evaluation, found nothing at {path}; '
            '`clue evaluate` writes it'
        ) from error
    except (OSError, ValueError) as error:
        raise LogError(f'{path} cannot be read as JSON: {error}') from error
    _check(summary, path)
    log_path = path.parent / summary['log']
    log = read_log(log_path)
    if not log.records:
        raise LogError(f'{log_path} has no records: nothing was evaluated; run it again')
    if log.header.measure != summary['measure']:
        raise LogError(
            f'{path} is about {summary["measure"]!r}, the log beside it about '
            f'{log.header.measure!r}; keep each run in a folder of its own'
        )
    figures = {name: _figure(item, name, path) for name, item in summary['figures'].items()}
    return Run(path, summary, figures, log, cut=not log_path.read_bytes().endswith(b'\n'))


def _check(summary: Any, path: Path) -> None:
    if not isinstance(summary, dict) or summary.get('format') != _FORMAT:
        raise LogError(
            f'wanted a {REPORT} that `clue evaluate` wrote (format {_FORMAT}), {path} is another '
            'kind of JSON'
        )
    missing = [key for key in _KEYS if key not in summary]
    if missing or not isinstance(summary['figures'], dict):
        raise LogError(f'{path} lacks {", ".join(missing) or "figures"}; evaluate again')


def _figure(item: Any, name: str, path: Path) -> Figure:
    try:
        # JSON has no NaN; what is not defined is null
        value, low, high = (
            math.nan if item[key] is None else float(item[key]) for key in ('value', 'low', 'high')
        )
        return Figure(value, low, high, int(item['n']))
    except (KeyError, TypeError, ValueError) as error:
        raise LogError(f'{path}: {name!r} is not a figure with an interval: {error!r}') from error
