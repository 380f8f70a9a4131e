"""Figures of binary decisions and of boxes, from plain arrays.

Curves are scikit-learn's. What is resampled a thousand times is counted here, for its checks of
the arguments take longer than the counting; so is what it lacks, the expected calibration error. A
figure that the data does not define, e.g. AUROC with one class only, is NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata
from sklearn.metrics import precision_recall_curve
from sklearn.metrics import roc_curve

Booleans = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

CALIBRATION_BINS = 15
MIN_IOU = 0.5  # from which a box counts as the right one
# Shares of the picture's area at which small ends and large begins: a square of a tenth and of a
# fifth of the picture's side.
SMALL, LARGE = 0.01, 0.04
SIZES = ('small', 'medium', 'large')


def f1(truth: Booleans, decided: Booleans) -> float:
    """Harmonic mean of precision and recall; NaN where there is nothing to be found or wrong."""
    hits, misses = int((truth & decided).sum()), int((truth ^ decided).sum())
    return 2 * hits / (2 * hits + misses) if hits + misses else math.nan


def auroc(truth: Booleans, scores: Floats) -> float:
    """How likely a positive scores higher than a negative; ties count half."""
    positives, negatives = int(truth.sum()), int((~truth).sum())
    if not positives or not negatives:
        return math.nan
    # the statistic of Mann and Whitney
    won = float(rankdata(scores)[truth].sum()) - positives * (positives + 1) / 2
    return won / (positives * negatives)


@dataclass(frozen=True)
class Bin:
    """Probabilities of one interval, and how often they came true."""

    count: int
    probability: float  # mean of those in it
    frequency: float  # of positives among them


def reliability(truth: Booleans, probabilities: Floats, bins: int = CALIBRATION_BINS) -> list[Bin]:
    """Bins of equal width over [0, 1], those that hold something."""
    numbers = np.minimum((probabilities * bins).astype(int), bins - 1)
    return [
        Bin(int(mine.sum()), float(probabilities[mine].mean()), float(truth[mine].mean()))
        for mine in (numbers == number for number in range(bins))
        if mine.any()
    ]


def calibration_error(
    truth: Booleans, probabilities: Floats, bins: int = CALIBRATION_BINS
) -> float:
    """ECE: mean distance of probability and frequency over the bins, weighted by their counts."""
    if not truth.size:
        return math.nan
    found = reliability(truth, probabilities, bins)
    return sum(b.count * abs(b.probability - b.frequency) for b in found) / truth.size


@dataclass(frozen=True)
class Point:
    """What a threshold would give: positive is what reaches it."""

    threshold: float
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def threshold_curve(truth: Booleans, scores: Floats) -> list[Point]:
    """A point for each score that occurs, lowest first; empty without positives."""
    if not truth.any():
        return []
    precisions, recalls, thresholds = precision_recall_curve(truth, scores)
    return [
        Point(float(t), float(p), float(r))
        for t, p, r in zip(thresholds, precisions, recalls, strict=False)
    ]


@dataclass(frozen=True)
class Rule:
    """A score decides: positive is what lies on one side of a threshold, or on it."""

    threshold: float
    above: bool = True  # the side

    def decide(self, scores: Floats) -> Booleans:
        """Which scores mean positive."""
        return scores >= self.threshold if self.above else scores <= self.threshold


def fit_rule(truth: Booleans, scores: Floats) -> Rule:
    """The rule with the best balanced accuracy, with a threshold halfway between two scores.

    Raises ValueError unless there are both positives and negatives.
    """
    if truth.all() or not truth.any():
        raise ValueError('a rule is fitted on positives and negatives, got only one of them')
    found = []
    for sign in (1, -1):
        false_positives, true_positives, thresholds = roc_curve(
            truth, sign * scores, drop_intermediate=False
        )
        gains = true_positives - false_positives
        best = int(np.argmax(gains[1:])) + 1  # the first point calls nothing positive
        below = thresholds[min(best + 1, len(thresholds) - 1)]
        found.append((float(gains[best]), sign * float(thresholds[best] + below) / 2, sign > 0))
    _, threshold, above = max(found, key=lambda one: one[0])
    return Rule(threshold, above)


def size_class(area: float, width: int, height: int) -> str:
    """`small`, `medium` or `large`, by the share that `area` (pixels) has of the picture's."""
    share = area / (width * height)
    return SIZES[(share >= SMALL) + (share >= LARGE)]
