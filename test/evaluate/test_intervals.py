"""Intervals: known values, and that scenes count, not samples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from clue_ros.evaluate.intervals import Figure
from clue_ros.evaluate.intervals import by_scene
from clue_ros.evaluate.intervals import mean_by_scene
from clue_ros.evaluate.intervals import proportion
from clue_ros.evaluate.intervals import ratio_by_scene


@pytest.mark.parametrize(
    ('hits', 'n', 'low', 'high'),
    [
        (0, 0, math.nan, math.nan),
        # (2 n p + z^2 -+ z sqrt(z^2 + 4 n p (1 - p))) / (2 (n + z^2)) with z = 1.959964
        (0, 10, 0.0, 0.277533),
        (8, 10, 0.490162, 0.943318),
        (10, 10, 0.722467, 1.0),
        (500, 1000, 0.469071, 0.530929),
    ],
)
def test_wilson(hits, n, low, high):
    figure = proportion(hits, n)
    assert (figure.low, figure.high) == pytest.approx((low, high), abs=1e-5, nan_ok=True)
    assert figure.n == n


@pytest.mark.parametrize(
    ('groups', 'values', 'value'), [([], [], math.nan), (['a'] * 3, [1, 2, 3], 2)]
)
def test_one_scene_has_no_interval(groups, values, value):
    figure = mean_by_scene(groups, values)
    assert figure.value == pytest.approx(value, nan_ok=True)
    assert math.isnan(figure.low) and math.isnan(figure.high)


def test_scenes_count_and_not_their_samples():
    rng = np.random.default_rng(0)
    scenes = rng.normal(size=40)
    values = np.repeat(scenes, 25)
    alone = mean_by_scene([str(k) for k in range(40)], list(scenes))
    repeated = mean_by_scene([str(k // 25) for k in range(1000)], list(values))
    independent = mean_by_scene([str(k) for k in range(1000)], list(values))
    assert repeated.high - repeated.low == pytest.approx(alone.high - alone.low)
    assert independent.high - independent.low < 0.3 * (repeated.high - repeated.low)
    # the normal theory: 1.96 standard errors to each side
    width = 2 * 1.96 * scenes.std() / 40**0.5
    assert repeated.high - repeated.low == pytest.approx(width, rel=0.15)
    assert repeated.value in repeated


def test_the_same_every_time():
    groups, values = [str(k % 7) for k in range(50)], [float(k * k % 13) for k in range(50)]
    assert mean_by_scene(groups, values) == mean_by_scene(groups, values)


def test_paired_differences_are_surer_than_what_they_are_made_of():
    rng = np.random.default_rng(1)
    hard = rng.normal(size=100) * 10
    groups = [str(k) for k in range(100)]
    one, other = hard + rng.normal(size=100), hard + 1 + rng.normal(size=100)
    paired = mean_by_scene(groups, list(other - one))
    assert paired.low > 0.5
    assert mean_by_scene(groups, list(other)).low < mean_by_scene(groups, list(one)).high
    assert mean_by_scene(groups, [0.0] * 100) == Figure(0, 0, 0, 100)


def test_ratios():
    figure = ratio_by_scene(['a', 'b', 'c'], [2, 0, 1], [1, 1, 0])
    assert figure.value == 1.5
    # a resample of `c` alone has no ratio and is left out
    assert 0 <= figure.low <= figure.high <= 4
    nothing = ratio_by_scene(['a', 'b'], [1, 1], [0, 0])
    assert math.isnan(nothing.value) and math.isnan(nothing.low)


def test_a_statistic_sees_scenes_whole():
    seen = []

    def statistic(chosen):
        seen.append(sorted(chosen.tolist()))
        return float(len(chosen))

    by_scene(['a', 'b', 'a'], statistic)
    assert {tuple(numbers) for numbers in seen} == {(0, 1, 2), (0, 0, 2, 2), (1, 1)}
