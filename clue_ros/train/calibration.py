"""What makes a probe's logit a decision: a temperature and a threshold, fitted on held-out data.

The stage `probe` fits them to single looks at small pictures. A checkpoint that looks at parts of a
frame, too, wants its own: fitted to what it says of whole frames, as a robot will see them.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from clue_ros.clue import Clue
from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidImage
from clue_ros.errors import InvalidRequest
from clue_ros.errors import InvalidRun
from clue_ros.evaluate.cases import Place
from clue_ros.evaluate.log import SEVERAL
from clue_ros.evaluate.log import UNKNOWN

_SURE = 1e-7  # probabilities are kept so far from 0 and 1, so that each has a logit

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Calibration:
    """As in `clue.json`: p = sigmoid(logit / temperature), ambiguous from `threshold` on."""

    temperature: float
    threshold: float


def calibrate(logits: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_]) -> Calibration:
    """The temperature with the lowest log loss, then the threshold with the highest F1."""
    temperatures = np.exp(np.linspace(np.log(0.2), np.log(8.0), 200))
    losses = [
        np.mean(np.logaddexp(0, np.where(truth, -logits, logits) / temperature))
        for temperature in temperatures
    ]
    temperature = float(temperatures[int(np.argmin(losses))])
    threshold, _ = best_threshold(1 / (1 + np.exp(-logits / temperature)), truth)
    return Calibration(round(temperature, 4), round(threshold, 4))


def best_threshold(
    probabilities: npt.NDArray[np.float64], truth: npt.NDArray[np.bool_]
) -> tuple[float, float]:
    """The threshold, midway between two samples, with the highest F1; and that F1."""
    order = np.argsort(-probabilities)
    found = np.cumsum(truth[order])
    said = np.arange(1, len(truth) + 1)
    f1 = 2 * found / (said + truth.sum())
    best = int(np.argmax(f1))
    ranked = probabilities[order]
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float(np.clip((ranked[best] + below) / 2, 1e-3, 1 - 1e-3)), float(f1[best])


def calibrate_checkpoint(
    folder: Path, places: Iterable[Place], device: str = 'auto', dtype: str = 'auto'
) -> Calibration:
    """Fit the checkpoint in `folder` to cases with a verdict, and write it into its `clue.json`.

    Raises InvalidRun when there is none or the cases do not hold both ambiguous and other requests,
    and CheckpointError when it cannot be read.
    """
    path = folder / 'clue.json'
    if not path.is_file():
        raise InvalidRun(f'wanted the folder of a CLUE checkpoint, found no clue.json in {folder}')
    clue = Clue.load(str(folder), device, dtype)
    content = json.loads(path.read_text(encoding='utf-8'))
    pairs = list(_assess(clue, places))
    probabilities, truth = np.array(pairs).reshape(-1, 2).T
    if len(set(truth)) < 2:
        raise InvalidRun(
            f'{len(truth)} requests with a known verdict, {int(truth.sum())} of them ambiguous; '
            'to calibrate on, some must be ambiguous and some not'
        )
    kept = np.clip(probabilities, _SURE, 1 - _SURE)
    logits = np.log(kept / (1 - kept)) * content.get('temperature', 1.0)
    found = calibrate(logits, truth.astype(bool))
    path.write_text(json.dumps(content | asdict(found), indent=2) + '\n', encoding='utf-8')
    return found


def _assess(clue: Clue, places: Iterable[Place]) -> Iterator[tuple[float, bool]]:
    """The probability of each first request with a verdict, and whether it is ambiguous."""
    for place in tqdm(places, unit=' pictures', disable=not sys.stderr.isatty()):
        cases = [case for case in place.cases() if case.verdict != UNKNOWN]
        if not cases:
            continue
        try:
            view = clue.look(cases[0].picture.load())
            dialogs = [Dialog(case.dialog.request) for case in cases]
            found = clue.ambiguity_all([view] * len(cases), dialogs)
        except (InvalidImage, InvalidRequest) as error:
            _logger.warning('left out %s: %s', place.name, error)
            continue
        for case, assessed in zip(cases, found, strict=True):
            assert assessed.probability is not None  # nothing with a clue.json lacks a probe
            yield assessed.probability, case.verdict == SEVERAL
