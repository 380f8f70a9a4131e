"""What a reader must know before trusting a run, and what it takes to repeat it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from clue_ros.evaluate.log import UNREADABLE
from clue_ros.report.run import Run


def problems(run: Run) -> Iterator[str]:
    """What makes the figures less than whole, one sentence each."""
    records = run.log.records
    if run.cut:
        yield f'The log ends within a line, as after a kill; {len(records)} records are whole.'
    for problem in run.log.header.data.get('problems', ()):
        yield f'Only a part could be read. {problem}'
    unreadable = sum(record.outcome == UNREADABLE for record in records)
    if unreadable:
        yield f'{unreadable} of {len(records)} records were unreadable and count in no figure.'


def origin(run: Run) -> Iterator[tuple[str, str]]:
    """Terms and values."""
    header, summary = run.log.header, run.summary
    yield 'command', summary.get('command', '')
    yield 'revision', header.revision or 'unknown, not run from a repository'
    yield 'checkpoint', f'{header.checkpoint}, SHA-256 {header.checkpoint_hash}'
    yield 'data', json.dumps(header.data, ensure_ascii=False)
    yield 'options', json.dumps(header.options, ensure_ascii=False)
    yield 'machine', _words(summary.get('machine', {}))
    yield 'libraries', _words(header.libraries)
    yield 'date', summary.get('date', '')


def _words(values: Mapping[str, Any]) -> str:
    return ', '.join(f'{name} {value}' for name, value in values.items() if value != '')
