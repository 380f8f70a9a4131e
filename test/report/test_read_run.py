"""Runs read back, and every way in which one can be broken."""

import json
import shutil

import pytest
from report_builders import SCENES

from clue_ros.evaluate.log import LogError
from clue_ros.report.run import read_run


@pytest.fixture
def folder(runs, tmp_path):
    return shutil.copytree(runs['loop'].path.parent, tmp_path / 'run')


def change(folder, **values):
    path = folder / 'report.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def without(folder, key):
    path = folder / 'report.json'
    report = json.loads(path.read_text())
    del report[key]
    path.write_text(json.dumps(report))


def cut(folder, lines):
    path = folder / 'log.jsonl'
    path.write_text('\n'.join(path.read_text().splitlines()[:lines]) + '\n' * bool(lines))


def break_line(folder, number, text):
    path = folder / 'log.jsonl'
    lines = path.read_text().splitlines()
    lines[number] = text
    path.write_text('\n'.join(lines) + '\n')


@pytest.mark.parametrize(
    ('spoil', 'named'),
    [
        (lambda run: (run / 'report.json').unlink(), 'found nothing at .*report.json'),
        (lambda run: (run / 'report.json').write_text('{"format": '), 'cannot be read as JSON'),
        (lambda run: (run / 'report.json').write_bytes(b'\xff\xfe\x00'), 'cannot be read as JSON'),
        (lambda run: (run / 'report.json').write_text('[1, 2]'), 'another kind of JSON'),
        (lambda run: (run / 'report.json').write_text('{"scenes": []}'), 'another kind of JSON'),
        (lambda run: change(run, format=2), 'another kind of JSON'),
        (lambda run: without(run, 'figures'), 'lacks figures'),
        (lambda run: without(run, 'log'), 'lacks log'),
        (lambda run: change(run, figures=[1]), 'lacks figures'),
        (lambda run: change(run, figures={'loop/x': 0.5}), "'loop/x' is not a figure"),
        (lambda run: change(run, figures={'loop/x': {'value': 1}}), "'loop/x' is not a figure"),
        (lambda run: change(run, measure='grounding'), "about 'grounding', the log .* 'loop'"),
        (lambda run: change(run, log='other.jsonl'), 'other.jsonl cannot be read'),
        (lambda run: (run / 'log.jsonl').unlink(), 'log.jsonl cannot be read'),
        (lambda run: cut(run, 0), 'no whole line'),
        (lambda run: cut(run, 1), 'has no records'),
        (lambda run: break_line(run, 0, '{}'), 'log.jsonl:1'),
        (lambda run: break_line(run, 3, '{"id": 3'), 'log.jsonl:4'),
        (lambda run: break_line(run, 3, '[]'), 'log.jsonl:4'),
    ],
)
def test_a_broken_run_is_named(folder, spoil, named):
    spoil(folder)
    with pytest.raises(LogError, match=named):
        read_run(folder)


def test_a_run(folder):
    run = read_run(folder)
    assert run == read_run(folder / 'report.json')
    assert (run.measure, run.policies) == ('loop', ('probe', 'never'))
    assert len(run.log.records) == 2 * SCENES
    assert run.figures['loop/never/questions'].value == 0
    assert not run.cut


def test_a_log_that_ends_within_a_line(folder):
    path = folder / 'log.jsonl'
    path.write_text(path.read_text()[:-40])
    run = read_run(folder)
    assert run.cut
    assert len(run.log.records) == 2 * SCENES - 1
