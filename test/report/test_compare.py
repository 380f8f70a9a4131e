"""One run against another: what is compared, what is refused, and what a gate sees."""

import shutil
from dataclasses import replace

import pytest
from report_builders import HEADER
from report_builders import RIGHT
from report_builders import SCENES
from report_builders import loop_records

from clue_ros.cli import main
from clue_ros.evaluate import log
from clue_ros.evaluate.log import LogWriter
from clue_ros.evaluate.rewards import ENDS
from clue_ros.report.compare import BETTER
from clue_ros.report.compare import SAME
from clue_ros.report.compare import WORSE
from clue_ros.report.compare import compare
from clue_ros.report.compare import describe

WRONG = {'outcome': log.WRONG_GRASP, 'box': RIGHT, 'iou': 0.0}
DATA = {'path': 'a', 'fingerprint': 'one'}


@pytest.fixture
def folders(runs, tmp_path):
    """Two runs; a comparison counts from their logs, the report.json only says what they are."""

    def make(a, b, measure='loop', data=DATA, other=DATA):
        made = []
        for name, records, described in (('a', a, data), ('b', b, other)):
            folder = tmp_path / name
            folder.mkdir()
            shutil.copy(runs[measure].path, folder)
            header = replace(HEADER, measure=measure, data=described)
            with LogWriter(folder / 'log.jsonl', header) as writer:
                writer.write(records)
            made.append(folder)
        return made

    return make


def spoiled(records, policy, count):
    """The same records, with wrong grasps in the first ones of a policy that went well."""
    left = count
    for record in records:
        hit = record.policy == policy and record.success and left > 0
        left -= hit
        yield replace(record, **WRONG) if hit else record


@pytest.mark.parametrize(
    ('change', 'named'),
    [
        ({'other': {'path': 'a', 'fingerprint': 'two'}}, "different data.*'one'.*'two'"),
        ({'other': {'scenes': {'count': 9, 'seed': 1}}}, "different data.*'seed': 1"),
        ({'b': [replace(one, policy='once') for one in loop_records()]}, 'no sample and policy'),
        ({'b': [replace(one, request='get it') for one in loop_records()]}, 'not the same in both'),
        ({'b': [replace(one, target=RIGHT) for one in loop_records()]}, 'not the same in both'),
        ({'b': [replace(one, outcome=log.UNREADABLE) for one in loop_records()]}, 'no readable'),
    ],
)
def test_what_cannot_be_compared_is_refused(folders, change, named):
    a, b = folders(**{'a': loop_records(), 'b': loop_records(), **change})
    with pytest.raises(log.LogError, match=named):
        compare(a, b)


def test_other_measures_are_refused(runs):
    with pytest.raises(log.LogError, match="'loop' and .* 'grounding'"):
        compare(runs['loop'].path, runs['grounding'].path)


@pytest.mark.parametrize(
    ('worse_by', 'better_by', 'verdict'), [(0, 0, SAME), (5, 0, WORSE), (0, 5, BETTER)]
)
def test_the_verdict_is_that_of_the_first_policy(folders, worse_by, better_by, verdict):
    records = loop_records()
    a, b = folders(
        [*spoiled(records, 'probe', better_by)],
        # the other policy gets worse in any case, and does not decide
        [*spoiled([*spoiled(records, 'probe', worse_by)], 'never', 3)],
    )
    found = compare(a, b)
    assert (found.deciding.policy, found.deciding.quantity.name) == ('probe', 'reward')
    assert found.deciding.verdict == verdict
    worth = ENDS[log.SUCCESS] - ENDS[log.WRONG_GRASP]
    assert found.deciding.change.value == pytest.approx((better_by - worse_by) * worth / SCENES)
    assert found.deciding.change.n == SCENES
    right = {one.policy: one for one in found.differences if one.quantity.name == 'right'}
    assert right['never'].change.value == pytest.approx(-3 / SCENES)
    # neither more nor fewer questions are better by themselves
    questions = [one for one in found.differences if one.quantity.name == 'questions']
    assert [one.verdict for one in questions] == ['', '']


def test_what_only_one_run_has_is_counted_and_named(folders):
    records = loop_records()
    unreadable = replace(records[0], outcome=log.UNREADABLE)
    a, b = folders(records, [unreadable, *records[1:-1]])
    found = compare(a, b)
    notes = ' '.join(found.notes)
    assert f'{a / "report.json"}, and left out: 1 record, never sample {SCENES - 1}.' in notes
    assert 'Unreadable in one of the runs, and left out: 1 record.' in notes
    assert {one.policy: one.change.n for one in found.differences} == {
        'probe': SCENES - 1,
        'never': SCENES - 1,
    }
    assert all(note in describe(found) for note in found.notes)


@pytest.mark.parametrize(
    ('data', 'other'),
    [
        ({'path': 'here', 'fingerprint': 'f'}, {'path': 'there', 'fingerprint': 'f'}),
        ({'scenes': {'count': 9, 'seed': 1}}, {'scenes': {'count': 12, 'seed': 1}}),
    ],
)
def test_the_same_data_elsewhere_or_more_of_it(folders, data, other):
    assert compare(*folders(loop_records(), loop_records(), data=data, other=other)).notes == ()


@pytest.mark.parametrize(
    ('measure', 'change', 'names'),
    [
        ('grounding', WRONG, ['right', 'IoU']),
        ('ambiguity', {'outcome': log.FALSE_NEGATIVE}, ['F1', 'right']),
    ],
)
def test_other_measures(runs, folders, measure, change, names):
    records = runs[measure].log.records
    worse = [replace(one, **change) if one.verdict == log.SEVERAL or 'box' in change else one
             for one in records]  # fmt: skip
    found = compare(*folders(records, worse, measure=measure))
    assert [one.quantity.name for one in found.differences] == names
    assert found.deciding.verdict == WORSE


def test_one_scene_has_no_interval(folders):
    records = [replace(one, group='the same') for one in loop_records()]
    found = compare(*folders(records, [*spoiled(records, 'probe', 3)]))
    assert found.deciding.verdict == SAME
    assert 'too few scenes' in describe(found)


@pytest.mark.parametrize(
    ('worse_by', 'arguments', 'status'),
    [(5, (), 0), (5, ('--fail-if-worse',), 1), (0, ('--fail-if-worse',), 0)],
)
def test_the_gate(folders, capsys, worse_by, arguments, status):
    records = loop_records()
    a, b = folders(records, [*spoiled(records, 'probe', worse_by)])
    assert main(['compare', str(a), str(b), *arguments]) == status
    said = capsys.readouterr().out
    assert ('b is worse than a' in said) == bool(worse_by)
    assert '| probe | reward |' in said


def test_the_gate_is_shut_when_nothing_can_be_compared(runs, tmp_path, capsys):
    assert main(['compare', str(runs['loop'].path), str(tmp_path), '--fail-if-worse']) == 1
    assert 'clue compare: wanted the report.json' in capsys.readouterr().err
