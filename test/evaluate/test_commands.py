"""`clue evaluate` from the command line: what it prints, writes and returns."""

from __future__ import annotations

import json
import shutil

import pytest
from evaluate_builders import small_folder

from clue_ros.cli import main
from clue_ros.errors import CheckpointError
from clue_ros.evaluate import card
from clue_ros.evaluate.intervals import Figure
from clue_ros.evaluate.log import read_log
from clue_ros.evaluate.scenes import Scenes

pytestmark = pytest.mark.usefixtures('one_thread', 'quick_intervals', 'hasty')


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return small_folder(tmp_path_factory.mktemp('data'))


def evaluate(*words):
    return main(['evaluate', *map(str, words)])


@pytest.mark.parametrize(
    ('words', 'says'),
    [
        (['loop', '--scenes', '0'], 'count starts at 1'),
        (['loop', '--person', 'nobody'], 'person must be'),
        (['grounding', '--batch', '0'], 'batch counts from 1'),
        (['grounding', '--data', 'missing'], 'missing'),
        (['grounding', '--thresholds', 'missing.yaml'], 'missing.yaml'),
        (['card', '--model', 'missing'], 'missing'),
        (['card', '--write', '--scenes', '0'], '--scenes'),
    ],
)
def test_a_mistake_is_told_in_one_line(tmp_path, monkeypatch, capsys, words, says):
    monkeypatch.chdir(tmp_path)
    assert evaluate(*words) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith('clue evaluate: ') and says in error
    assert not list(tmp_path.rglob('log.jsonl'))


def test_a_run_and_its_folder(data, tmp_path, capsys):
    out = tmp_path / 'out'
    words = ['loop', '--data', data, '--out', out, '--policies', 'probe,never', '--batch', 2]
    assert evaluate(*words) == 0
    printed = capsys.readouterr().out
    assert 'loop/probe/success' in printed and 'loop/never/reward_minus_probe' in printed
    report = json.loads((out / 'report.json').read_text())
    assert report['command'].startswith('clue evaluate loop --data')
    assert report['records'] == len(read_log(out / report['log']).records) == 8
    assert report['checkpoint']['name'] == 'clue-mini' and len(report['checkpoint']['hash']) == 64
    assert report['figures']['loop/probe/success']['n'] == 4
    timings = json.loads((out / 'timings.json').read_text())
    assert timings['cases'] == 4 and timings['seconds'] > 0
    # the log is whole: nothing to run, the same figures
    assert evaluate(*words) == 0
    assert json.loads((out / 'report.json').read_text())['figures'] == report['figures']


@pytest.mark.parametrize(
    ('limits', 'status', 'says'),
    [
        ('grounding/accuracy: {min: 0}', 0, 'passed: all 1 limits'),
        ('grounding/accuracy: {max: -1}', 1, 'failed: grounding/accuracy is'),
        ('grounding/beauty: {min: 0}', 1, 'this run has grounding/absent'),
    ],
)
def test_limits_decide_the_exit_status(data, tmp_path_factory, capsys, limits, status, says):
    out = tmp_path_factory.getbasetemp() / 'limits'  # one run serves all rows
    out.mkdir(exist_ok=True)
    (out / 'thresholds.yaml').write_text(limits)
    words = ['grounding', '--data', data, '--out', out, '--thresholds', out / 'thresholds.yaml']
    assert evaluate(*words) == status
    captured = capsys.readouterr()
    assert says in captured.out + captured.err


@pytest.fixture
def checkpoint(hasty, tmp_path):
    """A copy whose card may be written."""
    return shutil.copytree(hasty, tmp_path / 'mine')


STATED = card.CardRun(
    'grounding',
    Scenes(2),
    Scenes(1, split='validation'),
    {'grounding/accuracy': Figure(0.5, 0.25, 0.75, 4), 'grounding/x': Figure(0, 0, 1, 1)},
)


def test_a_card_is_written_and_read(checkpoint):
    undefined = {'grounding/y': Figure(float('nan'), float('nan'), float('nan'), 0)}
    stated = card.CardRun('loop', Scenes(3, ood=True), STATED.validation, undefined)
    path = card.write_card(str(checkpoint), [STATED, stated])
    assert path == checkpoint / 'metrics.json'
    first, second = card.read_card(str(checkpoint))
    assert first == STATED and second.data == stated.data and second.name == 'loop-ood'
    measured = card.CardRun(
        'grounding', STATED.data, STATED.validation, {'grounding/accuracy': Figure(0.7, 0, 1, 4)}
    )
    checks = {check.name: check.holds for check in card.compare(first, measured)}
    # what is not measured any more does not hold; what has no interval cannot be checked
    assert checks == {'grounding/accuracy': True, 'grounding/x': False}
    assert card.compare(second, measured) == []


@pytest.mark.parametrize(
    ('content', 'says'),
    [
        (None, 'states no figures'),
        ('{"test": {}}', '"format" must be 1'),
        ('{"format": 1}', 'runs'),
        ('{"format": 1, "runs": [{}]}', 'measure'),
        ('{"format": 1, "runs": [], "checkpoint_hash": "x"}', 'other weights'),
    ],
)
def test_a_card_that_cannot_be_checked(checkpoint, content, says):
    path = checkpoint / 'metrics.json'
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(CheckpointError, match=says):
        card.read_card(str(checkpoint))


def test_a_card_is_about_its_weights(checkpoint):
    card.write_card(str(checkpoint), [STATED])
    (checkpoint / 'README.md').write_text('other words')
    card.read_card(str(checkpoint))
    with (checkpoint / 'probe.safetensors').open('ab') as file:
        file.write(b' ')
    with pytest.raises(CheckpointError, match='other weights'):
        card.read_card(str(checkpoint))


@pytest.mark.usefixtures('simulator')
def test_the_figures_of_a_card_are_measured_again(checkpoint, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(card, 'card_runs', lambda scenes, seed: [STATED])
    words = ['card', '--model', checkpoint, '--out', tmp_path / 'logs', '--device', 'cpu']
    assert evaluate(*words, '--write') == 0
    assert evaluate(*words) == 0
    assert 'holds' in capsys.readouterr().out
    (stated,) = card.read_card(str(checkpoint))
    wrong = {name: Figure(-1, -1.5, -0.5, figure.n) for name, figure in stated.figures.items()}
    card.write_card(
        str(checkpoint), [card.CardRun('grounding', STATED.data, STATED.validation, wrong)]
    )
    assert evaluate(*words) == 1
    assert 'DIFFERS' in capsys.readouterr().out
