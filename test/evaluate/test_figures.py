"""Figures counted from logs that were made by hand."""

from __future__ import annotations

import math

import pytest
from evaluate_builders import ASKED
from evaluate_builders import BOX
from evaluate_builders import log
from evaluate_builders import record

from clue_ros.box import Box
from clue_ros.evaluate.figures import count_figures
from clue_ros.evaluate.rewards import reward

RULES = {'peaks': {'threshold': 1.5, 'above': True}, 'entropy': {'threshold': 2, 'above': False}}


def assessed(id_, verdict, outcome, probability, peaks, entropy, form='category'):
    return record(
        id_,
        verdict=verdict,
        outcome=outcome,
        probabilities=(probability,),
        scores={'peaks': peaks, 'entropy': entropy},
        form=form,
    )


ASSESSED = log(
    'ambiguity',
    assessed('a', 'several', 'true positive', 0.9, 2, 1),
    assessed('b', 'several', 'true positive', 0.8, 1, 1, 'spatial'),
    assessed('c', 'several', 'false negative', 0.2, 2, 1, 'spatial'),
    assessed('d', 'one', 'true negative', 0.1, 1, 3),
    assessed('e', 'one', 'false positive', 0.6, 1, 3),
    assessed('f', 'none', 'false positive', 0.7, 1, 3),
    assessed('g', 'none', 'true negative', 0.3, 1, 3),
    record('h', outcome='unreadable', width=0, height=0),
    rules=RULES,
)

# 1 % and 4 % of the picture are where sizes change
SMALL, MEDIUM = Box(0, 0, 9, 9), Box(0, 0, 15, 15)
GROUNDED = log(
    'grounding',
    record('a', policy='', target=SMALL, outcome='success', iou=1.0, turns=ASKED),
    record('b', policy='', target=SMALL, outcome='success', iou=0.5, form='spatial'),
    record('c', policy='', target=MEDIUM, outcome='wrong grasp', iou=0.25),
    record('d', policy='', target=BOX, outcome='invalid', turns=ASKED),
    record('e', policy='', target=BOX, outcome='false absent'),
    record('f', policy='', verdict='none', outcome='success'),
    record('g', policy='', verdict='none', outcome='wrong grasp', box=BOX),
    record('h', policy='', outcome='unreadable', width=0, height=0),
)

TALKED = log(
    'loop',
    record('a', verdict='several', turns=ASKED),
    record('b', verdict='several', outcome='wrong grasp'),
    record('c', verdict='one', turns=ASKED * 2),
    record('d', verdict='one', outcome='wrong grasp', turns=ASKED),
    record('e', verdict='none', outcome='success'),
    record('f', verdict='several', outcome='unresolved', turns=ASKED * 3),
    record('a', policy='never', verdict='several', outcome='wrong grasp'),
    record('b', policy='never', verdict='several', outcome='wrong grasp'),
    record('c', policy='never', verdict='one', outcome='success'),
    record('d', policy='never', verdict='one', outcome='success'),
    record('e', policy='never', verdict='none', outcome='wrong grasp'),
    record('f', policy='never', verdict='several', outcome='success'),
)


@pytest.fixture(scope='module')
def figures(quick_intervals):
    return {n: f for log_ in (ASSESSED, GROUNDED, TALKED) for n, f in count_figures(log_).items()}


@pytest.mark.parametrize(
    ('name', 'value', 'n'),
    [
        ('ambiguity/accuracy', 3 / 5, 5),
        ('ambiguity/precision', 2 / 3, 3),
        ('ambiguity/recall', 2 / 3, 3),
        ('ambiguity/f1', 2 / 3, 5),
        ('ambiguity/auroc', 5 / 6, 5),
        ('ambiguity/ece', (0.1 + 0.2 + 0.8 + 0.1 + 0.6) / 5, 5),
        ('ambiguity/form/category/accuracy', 2 / 3, 3),
        ('ambiguity/form/spatial/accuracy', 1 / 2, 2),
        ('ambiguity/absent/asked', 1 / 2, 2),
        ('ambiguity/peaks/f1', 4 / 5, 5),
        ('ambiguity/peaks/auroc', 5 / 6, 5),
        ('ambiguity/entropy/f1', 1, 5),
        ('ambiguity/entropy/auroc', 1, 5),
        ('grounding/accuracy', 2 / 5, 5),
        ('grounding/accuracy_above', 1 / 5, 5),
        ('grounding/mean_iou', 1.75 / 5, 5),
        ('grounding/invalid', 1 / 5, 5),
        ('grounding/false_absent', 1 / 5, 5),
        ('grounding/absent/accuracy', 1 / 2, 2),
        ('grounding/small/accuracy', 1, 2),
        ('grounding/medium/mean_iou', 0.25, 1),
        ('grounding/large/accuracy', 0, 2),
        ('grounding/with_dialog/accuracy', 1 / 2, 2),
        ('grounding/no_dialog/accuracy', 1 / 3, 3),
        ('grounding/form/spatial/accuracy', 1, 1),
        ('loop/probe/success', 3 / 6, 6),
        ('loop/probe/wrong_grasps', 2 / 6, 6),
        ('loop/probe/questions', 7 / 6, 6),
        ('loop/probe/questions_per_success', 7 / 3, 6),
        ('loop/probe/reward', (8 - 10 + 6 - 12 + 10 - 6) / 6, 6),
        ('loop/probe/one/success', 1 / 2, 2),
        ('loop/probe/several/success', 1 / 3, 3),
        ('loop/probe/none/success', 1, 1),
        ('loop/probe/false_asks', 2 / 3, 3),
        ('loop/probe/missed_asks', 1 / 3, 3),
        ('loop/probe/grasps_avoided', 1 / 6, 6),
        ('loop/probe/grasps_spoiled', 1 / 6, 6),
        ('loop/never/reward', (-10 - 10 + 10 + 10 - 10 + 10) / 6, 6),
        ('loop/never/reward_minus_probe', (-18 + 0 + 4 + 22 - 20 + 16) / 6, 6),
        ('loop/never/success_minus_probe', 0, 6),
        ('loop/never/missed_asks', 1, 3),
        ('loop/never/false_asks', 0, 3),
    ],
)
def test_by_hand(figures, name, value, n):
    figure = figures[name]
    assert figure.value == pytest.approx(value)
    assert figure.n == n
    assert math.isnan(figure.low) or figure.low <= figure.value <= figure.high


@pytest.mark.parametrize('measure', ['ambiguity', 'grounding', 'loop'])
def test_nothing_has_no_figures(measure):
    figures = count_figures(log(measure))
    assert all(math.isnan(figure.value) and figure.n == 0 for figure in figures.values())


def test_no_figure_is_compared_with_what_is_not_there():
    names = count_figures(log('loop', record('a', policy='once')))
    assert not [name for name in names if 'probe' in name or 'grasps_' in name]


@pytest.mark.parametrize(
    ('outcome', 'questions', 'worth'),
    [
        ('success', 0, 10),
        ('success', 2, 6),
        ('wrong grasp', 1, -12),
        ('false absent', 0, 0),
        ('unresolved', 3, -6),
        ('invalid', 0, 0),
    ],
)
def test_rewards(outcome, questions, worth):
    assert reward(record('a', outcome=outcome, turns=ASKED * questions)) == worth
