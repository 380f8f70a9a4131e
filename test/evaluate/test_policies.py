"""Who decides by what, and rules that are fitted on a log."""

from __future__ import annotations

import numpy as np
import pytest
from evaluate_builders import record

from clue_ros.errors import InvalidRequest
from clue_ros.errors import InvalidSource
from clue_ros.evaluate.baselines import BASELINES
from clue_ros.evaluate.baselines import entropy
from clue_ros.evaluate.metrics import Rule
from clue_ros.evaluate.policies import PLAIN
from clue_ros.evaluate.policies import Policy
from clue_ros.evaluate.policies import fit_rules
from clue_ros.evaluate.policies import with_baselines
from clue_ros.response import Ambiguity

FOUND = Ambiguity(np.zeros((2, 2), np.float32), (), probability=0.3, threshold=0.5)


def scored(id_, verdict, score):
    return record(
        id_, verdict=verdict, outcome='true negative', scores=dict.fromkeys(BASELINES, score)
    )


@pytest.mark.parametrize(
    ('values', 'says'),
    [
        ({'ask_policy': 'sometimes'}, 'ask policy must be'),
        ({'ask_policy': 'probe', 'baseline': 'peaks'}, 'needs a rule'),
        ({'ask_policy': 'never', 'baseline': 'peaks', 'rule': Rule(1)}, 'needs a rule'),
    ],
)
def test_no_policy(values, says):
    with pytest.raises((ValueError, InvalidRequest), match=says):
        Policy('mine', **values)


def test_the_probe_judges_by_itself():
    for policy in PLAIN:
        assert policy.judge(FOUND, {}) is FOUND


@pytest.mark.parametrize(
    ('rule', 'score', 'ambiguous'),
    [
        (Rule(2), 1, False),
        (Rule(2), 2, True),
        (Rule(2, above=False), 1, True),
        (Rule(2, above=False), 3, False),
    ],
)
def test_a_baseline_judges_by_its_score(rule, score, ambiguous):
    (policy,) = with_baselines({'peaks': rule})[len(PLAIN) :]
    judged = policy.judge(FOUND, {'peaks': score, 'entropy': 99})
    assert judged.ambiguous is ambiguous
    assert judged.map is FOUND.map


@pytest.mark.parametrize(
    'records',
    [
        [],
        [scored('a', 'one', 1), scored('b', 'none', 2)],
        [scored('a', 'several', 1), record('b', outcome='unreadable')],
    ],
)
def test_rules_need_both_kinds_of_request(records):
    with pytest.raises(InvalidSource, match='validation data'):
        fit_rules(records)


def test_rules_are_fitted_on_what_shall_not_be_asked_about_too():
    records = [scored('a', 'several', 5), scored('b', 'one', 1), scored('c', 'none', 3)]
    unreadable = record('d', outcome='unreadable')
    assert fit_rules([*records, unreadable]) == dict.fromkeys(BASELINES, Rule(4))


@pytest.mark.parametrize(
    ('map_', 'nats'),
    [
        (np.zeros((2, 2)), 0.0),
        (np.eye(1), 0.0),
        (np.array([[0, 0], [0, 7]]), 0.0),
        (np.full((3, 4), 0.2), np.log(12)),
        (np.array([[1, 1], [0, 2]]), 1.5 * np.log(2)),
    ],
)
def test_entropy(map_, nats):
    assert entropy(map_.astype(np.float32)) == pytest.approx(nats)
