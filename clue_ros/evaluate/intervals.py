"""How sure a figure is: 95 % intervals.

Requests about one scene fail together, so that everything but plain shares is resampled scene by
scene; whatever is compared is resampled together, for the scenes are the same.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import DegenerateDataWarning
from scipy.stats import binomtest
from scipy.stats import bootstrap

CONFIDENCE = 0.95
RESAMPLES = 1000
_SEED = 0

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Figure:
    """A number with its interval. What the data does not define is NaN."""

    value: float
    low: float
    high: float
    n: int  # how many samples it is counted from

    def __contains__(self, value: float) -> bool:
        """Whether `value` lies in the interval."""
        return self.low <= value <= self.high


def proportion(hits: int, n: int) -> Figure:
    """A share with Wilson's interval."""
    if n == 0:
        return Figure(math.nan, math.nan, math.nan, 0)
    interval = binomtest(hits, n).proportion_ci(CONFIDENCE, method='wilson')
    return Figure(hits / n, float(interval.low), float(interval.high), n)


def by_scene(groups: Sequence[str], statistic: Callable[[Indices], float]) -> Figure:
    """A statistic of samples with the percentile interval over resampled scenes.

    `groups` names the scene of each sample; `statistic` gets the numbers of the samples that count,
    some of them repeatedly. The interval is NaN with fewer than two scenes.
    """
    value = statistic(np.arange(len(groups))) if len(groups) else math.nan
    members = _members(groups)
    if len(members) < 2 or math.isnan(value):
        return Figure(value, math.nan, math.nan, len(groups))

    def resampled(scenes: Indices) -> float:
        return statistic(np.concatenate([members[scene] for scene in scenes]))

    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DegenerateDataWarning)
        found = bootstrap(
            (np.arange(len(members)),),
            resampled,
            n_resamples=RESAMPLES,
            vectorized=False,
            confidence_level=CONFIDENCE,
            method='percentile',
            rng=np.random.default_rng(_SEED),
        )
    # a resample without positives has no AUROC: its value says nothing, the others still do
    values = found.bootstrap_distribution
    values = values[np.isfinite(values)]
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(values, [tail, 100 - tail]) if values.size else (math.nan, math.nan)
    return Figure(value, float(low), float(high), len(groups))


def mean_by_scene(groups: Sequence[str], values: Sequence[float]) -> Figure:
    """The mean of one value for each sample.

    Differences of two policies on the same samples make a paired comparison.
    """
    array = np.asarray(values, dtype=float)
    return by_scene(groups, lambda chosen: float(array[chosen].mean()))


def ratio_by_scene(groups: Sequence[str], above: Sequence[float], below: Sequence[float]) -> Figure:
    """The ratio of two sums; NaN where the lower one is 0."""
    upper, lower = np.asarray(above, dtype=float), np.asarray(below, dtype=float)

    def ratio(chosen: Indices) -> float:
        total = float(lower[chosen].sum())
        return float(upper[chosen].sum()) / total if total else math.nan

    return by_scene(groups, ratio)


def _members(groups: Sequence[str]) -> list[Indices]:
    """The numbers of the samples of each scene, scenes in the order of their appearance."""
    found: dict[str, list[int]] = {}
    for number, group in enumerate(groups):
        found.setdefault(group, []).append(number)
    return [np.array(numbers) for numbers in found.values()]
