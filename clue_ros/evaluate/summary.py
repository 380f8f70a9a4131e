"""The folder that a run leaves: figures with intervals, and what they were measured with.

log.jsonl         every sample; the same bytes in every run
validation.jsonl  the samples that the baselines' thresholds were fitted on, if any
report.json       every figure counted from the log, curves, and where they come from
timings.json      how fast the run was, in how much memory
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from clue_ros.evaluate import metrics
from clue_ros.evaluate.evaluation import LOG
from clue_ros.evaluate.evaluation import Evaluation
from clue_ros.evaluate.figures import Figures
from clue_ros.evaluate.intervals import Figure
from clue_ros.evaluate.log import NONE
from clue_ros.evaluate.log import SEVERAL
from clue_ros.evaluate.log import UNREADABLE
from clue_ros.evaluate.log import Log
from clue_ros.evaluate.provenance import machine

REPORT, TIMINGS = 'report.json', 'timings.json'
_FORMAT = 1
_CURVE_POINTS = 200


def write_summary(folder: Path, evaluation: Evaluation, figures: Figures, command: str) -> Path:
    """Write report.json and timings.json and return the path of the former."""
    log = evaluation.log
    report = {
        'format': _FORMAT,
        'measure': log.header.measure,
        'log': LOG,
        'command': command,
        'date': datetime.now(UTC).isoformat(timespec='seconds'),
        'revision': log.header.revision,
        'checkpoint': {'name': log.header.checkpoint, 'hash': log.header.checkpoint_hash},
        'machine': machine(),
        'libraries': log.header.libraries,
        'data': log.header.data,
        'options': log.header.options,
        'records': len(log.records),
        'unreadable': sum(record.outcome == UNREADABLE for record in log.records),
        'figures': {name: plain(figure) for name, figure in figures.items()},
        **(_ambiguity_tables(log) if log.header.measure == 'ambiguity' else {}),
    }
    _write(folder / REPORT, report)
    if evaluation.pace:  # a run with nothing left to do keeps the timings of the one before
        _write(folder / TIMINGS, _timings(evaluation))
    return folder / REPORT


def plain(figure: Figure) -> dict[str, float | None]:
    """A figure for JSON, which has no NaN."""
    return {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in asdict(figure).items()
    }


def _ambiguity_tables(log: Log) -> dict[str, Any]:
    """Threshold curve, reliability, and the confusion of each form of expression."""
    records = [r for r in log.records if r.verdict != NONE and r.outcome != UNREADABLE]
    truth = np.array([record.verdict == SEVERAL for record in records], dtype=bool)
    probabilities = np.array([record.probabilities[0] for record in records], dtype=float)
    curve = metrics.threshold_curve(truth, probabilities)
    step = max(1, len(curve) // _CURVE_POINTS)
    forms: dict[str, Counter[str]] = {}
    for record in records:
        forms.setdefault(record.form, Counter())[record.outcome] += 1
    return {
        'threshold_curve': [{**asdict(point), 'f1': point.f1} for point in curve[::step]],
        'reliability': [asdict(bin_) for bin_ in metrics.reliability(truth, probabilities)],
        'confusion': {form: dict(sorted(forms[form].items())) for form in sorted(forms)},
    }


def _timings(evaluation: Evaluation) -> dict[str, Any]:
    last = evaluation.pace[-1]
    return {
        'cases': last.cases,
        'seconds': last.seconds,
        'cases_per_second': last.cases / last.seconds,
        'pace': [asdict(pace) for pace in evaluation.pace],
    }


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + '\n', encoding='utf-8')
