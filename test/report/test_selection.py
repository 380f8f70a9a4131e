"""Which cases are shown, and in which order."""

from collections import Counter

import pytest
from report_builders import LEFT
from report_builders import TURN
from report_builders import record

from clue_ros.evaluate import log
from clue_ros.report.selection import OUTCOMES_WORST_FIRST
from clue_ros.report.selection import choose


def test_every_outcome_has_its_place():
    assert sorted(OUTCOMES_WORST_FIRST) == sorted(log.OUTCOMES)


@pytest.mark.parametrize(
    ('worse', 'better'),
    [
        ({'outcome': log.WRONG_GRASP, 'iou': 0.4}, {'outcome': log.UNRESOLVED}),
        ({'outcome': log.FALSE_NEGATIVE}, {'outcome': log.FALSE_POSITIVE}),
        ({'outcome': log.SUCCESS}, {'outcome': log.UNREADABLE}),
        ({'outcome': log.WRONG_GRASP, 'iou': 0.1}, {'outcome': log.WRONG_GRASP, 'iou': 0.4}),
        ({'iou': 0.6}, {'iou': 0.9}),
        ({'turns': (TURN,)}, {}),
        (
            {'outcome': log.FALSE_POSITIVE, 'probabilities': (0.9,)},
            {'outcome': log.FALSE_POSITIVE, 'probabilities': (0.6,)},
        ),
        (
            {'outcome': log.FALSE_NEGATIVE, 'probabilities': (0.1,)},
            {'outcome': log.FALSE_NEGATIVE, 'probabilities': (0.4,)},
        ),
    ],
)
def test_worst_first(worse, better):
    records = [record(1, **better), record(2, **worse)]
    assert choose(records) == records[::-1]


def test_policies_keep_the_order_of_the_log():
    wrong = {'outcome': log.WRONG_GRASP, 'iou': 0.0}
    main, other = record(1, policy='probe', **wrong), record(2, policy='always', **wrong)
    right = record(3, policy='probe')
    assert choose([right, other, main]) == [main, other, right]
    assert choose([other, main]) == [other, main]


def test_every_kind_is_there_and_the_rest_are_the_worst():
    wrong = [
        record(number, outcome=log.WRONG_GRASP, box=LEFT, iou=number / 100) for number in range(40)
    ]
    rare = [record(number, policy='never') for number in range(100, 103)]
    common = [record(number) for number in range(200, 260)]
    chosen = choose([*common, *rare, *wrong], limit=20, each=4)
    counts = Counter((one.policy, one.outcome) for one in chosen)
    assert counts == {
        ('probe', log.WRONG_GRASP): 13,
        ('probe', log.SUCCESS): 4,
        ('never', log.SUCCESS): 3,
    }
    assert [one for one in chosen if one in wrong] == wrong[:13]


def test_more_kinds_than_room():
    records = [record(number, policy=f'policy {number}') for number in range(30)]
    assert len(choose(records, limit=10, each=5)) == 10


def test_fewer_than_the_limit():
    records = [record(number) for number in range(3)]
    assert sorted(choose(records), key=lambda one: one.id) == records
