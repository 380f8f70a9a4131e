"""Figures against tables counted by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score
from sklearn.metrics import roc_auc_score

from clue_ros.evaluate import metrics

# 83 39 12 56: the row of the paper's table whose integers can be solved for
PAPER = (83, 39, 12, 56)


def table(true_positives, false_positives, false_negatives, true_negatives):
    truth = [1] * true_positives + [0] * false_positives + [1] * false_negatives
    found = [1] * (true_positives + false_positives) + [0] * (false_negatives + true_negatives)
    return np.array(truth + [0] * true_negatives, bool), np.array(found, bool)


@pytest.mark.parametrize(
    ('counts', 'f1'),
    [
        ((0, 0, 0, 0), math.nan),
        ((0, 0, 0, 2), math.nan),
        ((0, 0, 3, 1), 0),
        ((0, 2, 0, 2), 0),
        ((3, 0, 0, 2), 1),
        ((2, 1, 2, 5), 4 / 7),
        (PAPER, 166 / 217),
    ],
)
def test_f1(counts, f1):
    assert metrics.f1(*table(*counts)) == pytest.approx(f1, nan_ok=True)


@pytest.mark.parametrize(
    ('truth', 'scores', 'auroc'),
    [
        ([], [], math.nan),
        ([1, 1], [0.1, 0.9], math.nan),
        ([0, 0], [0.1, 0.9], math.nan),
        ([0, 1], [0.1, 0.9], 1),
        ([1, 0], [0.1, 0.9], 0),
        ([0, 1], [0.5, 0.5], 0.5),
        # pairs of a positive and a negative: 5 won, 1 tied, 2 lost
        ([1, 0, 1, 0, 1, 0], [5, 4, 4, 3, 2, 1], (6 + 0.5) / 9),
    ],
)
def test_auroc(truth, scores, auroc):
    measured = metrics.auroc(np.array(truth, bool), np.array(scores, float))
    assert measured == pytest.approx(auroc, nan_ok=True)


def test_as_the_library_counts_them():
    rng = np.random.default_rng(0)
    for size in (5, 50, 500):
        truth = rng.random(size) < 0.3
        truth[:2] = True, False
        scores = rng.integers(20, size=size) / 20  # with ties
        assert metrics.auroc(truth, scores) == pytest.approx(roc_auc_score(truth, scores))
        assert metrics.f1(truth, scores > 0.5) == pytest.approx(f1_score(truth, scores > 0.5))


def test_calibration_by_hand():
    probabilities = np.array([0.0, 0.04, 0.5, 0.52, 1.0, 1.0])
    truth = np.array([0, 1, 1, 1, 1, 0], bool)
    bins = metrics.reliability(truth, probabilities, bins=10)
    assert [(b.count, b.frequency) for b in bins] == [(2, 0.5), (2, 1.0), (2, 0.5)]
    assert [b.probability for b in bins] == pytest.approx([0.02, 0.51, 1.0])
    error = (2 * 0.48 + 2 * 0.49 + 2 * 0.5) / 6
    assert metrics.calibration_error(truth, probabilities, bins=10) == pytest.approx(error)
    assert math.isnan(metrics.calibration_error(np.array([], bool), np.array([])))


def test_what_is_calibrated_has_no_error():
    rng = np.random.default_rng(0)
    probabilities = rng.random(200_000)
    truth = rng.random(200_000) < probabilities
    assert metrics.calibration_error(truth, probabilities) < 0.01
    assert metrics.calibration_error(truth, probabilities**2) > 0.1


def test_threshold_curve():
    truth, scores = np.array([0, 1, 0, 1], bool), np.array([0.1, 0.4, 0.4, 0.8])
    points = [(p.threshold, p.precision, p.recall) for p in metrics.threshold_curve(truth, scores)]
    assert points == [(0.1, 0.5, 1.0), (0.4, pytest.approx(2 / 3), 1.0), (0.8, 1.0, 0.5)]
    assert metrics.threshold_curve(truth, scores)[1].f1 == pytest.approx(0.8)
    assert metrics.threshold_curve(np.zeros(4, bool), scores) == []
    assert metrics.Point(1.0, 0.0, 0.0).f1 == 0.0


@pytest.mark.parametrize(
    ('truth', 'scores', 'rule'),
    [
        ([0, 0, 1, 1], [1, 2, 4, 5], metrics.Rule(3.0)),
        ([1, 1, 0, 0], [1, 2, 4, 5], metrics.Rule(3.0, above=False)),
        ([0, 1, 1, 1], [1, 1, 2, 2], metrics.Rule(1.5)),
        # balanced accuracy, not accuracy: nine positives do not outvote one negative
        ([0] + [1] * 9, [1] + [1] * 3 + [2] * 6, metrics.Rule(1.5)),
    ],
)
def test_rules_fitted(truth, scores, rule):
    truth, scores = np.array(truth, bool), np.array(scores, float)
    assert metrics.fit_rule(truth, scores) == rule
    assert rule.decide(scores).sum() > 0


@pytest.mark.parametrize('truth', [[], [True, True], [False]])
def test_a_rule_needs_both_classes(truth):
    with pytest.raises(ValueError, match='positives and negatives'):
        metrics.fit_rule(np.array(truth, bool), np.arange(len(truth), dtype=float))


@pytest.mark.parametrize(
    ('area', 'size'), [(399, 'small'), (400, 'medium'), (1599, 'medium'), (1600, 'large')]
)
def test_sizes(area, size):
    assert metrics.size_class(area, 400, 100) == size
