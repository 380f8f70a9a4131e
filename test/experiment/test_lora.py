"""Table III: pairs are trained once each, and pointing is counted against what is meant."""

import json

import numpy as np
import pytest
import yaml

from clue_ros.box import decode_locations
from clue_ros.cli import main
from clue_ros.evaluate.intervals import proportion
from clue_ros.experiment.lora import target
from clue_ros.experiment.requests import draw_requests
from clue_ros.train.corpus import Corpus
from clue_ros.train.lessons import locations

NAMES = {'r4-a2', 'r2-a4'}


@pytest.fixture(scope='module')
def done(arguments, tmp_path_factory):
    out = tmp_path_factory.mktemp('lora')
    assert main(['experiment', 'lora', *arguments, '--out', str(out)]) == 0
    return out


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        ({'pairs': []}, 'pairs must hold'),
        ({'pairs': [[16, 0]]}, 'pairs must hold'),
        ({'pairs': [16, 8]}, 'cannot unpack'),
        ({'batches': 0}, 'batches must be at least 1'),
        ({'test': 1}, 'test and ood must be at least 2'),
        ({'rank': 8}, 'unknown rank'),
    ],
)
def test_bad_settings_are_named(config_file, arguments, tmp_path, capsys, change, said):
    content = yaml.safe_load(config_file.read_text())
    path = tmp_path / 'bad.yaml'
    path.write_text(yaml.safe_dump({**content, 'lora': {**content['lora'], **change}}))
    changed = ['--config', str(path), *arguments[2:], '--out', str(tmp_path / 'out')]
    assert main(['experiment', 'lora', *changed]) == 1
    assert said in capsys.readouterr().err


def test_what_it_leaves(done):
    figures = json.loads((done / 'results.json').read_text())['figures']
    assert set(figures) == {
        f'{name}/{figure}'
        for name in NAMES
        for figure in ('validation/loss', 'test/loss', 'test/accuracy', 'ood/accuracy')
    }
    assert all(figures[f'{name}/test/loss']['value'] > 0 for name in NAMES)
    rows = [json.loads(line) for line in (done / 'samples.jsonl').read_text().splitlines()]
    assert len(rows) == 8 and all(set(row['scores']) == NAMES for row in rows)
    hits = sum(row['scores']['r4-a2'] >= 0.5 for row in rows if row['split'] == 'test')
    assert figures['r4-a2/test/accuracy']['value'] == proportion(hits, 4).value
    for name in NAMES:
        settings = json.loads((done / name / 'adapter_ivg' / 'adapter_config.json').read_text())
        assert f'r{settings["r"]}-a{settings["lora_alpha"]}' == name
        with np.load(done / name / 'losses.npz') as losses:
            assert losses['test'].shape == losses['validation'].shape == (2,)


def test_what_is_done_is_not_done_again(done, arguments):
    before = {path: path.stat().st_mtime_ns for path in done.glob('*/*.npz')}
    text = (done / 'samples.jsonl').read_text()
    assert main(['experiment', 'lora', *arguments, '--out', str(done)]) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before and len(before) == 4
    assert (done / 'samples.jsonl').read_text() == text


def test_in_bfloat16(done, arguments, tmp_path):
    rough = [*arguments, '--dtype', 'bfloat16', '--out', str(tmp_path)]
    assert main(['experiment', 'lora', *rough]) == 0
    for name in NAMES:
        with (
            np.load(done / name / 'losses.npz') as one,
            np.load(tmp_path / name / 'losses.npz') as two,
        ):
            np.testing.assert_allclose(one['test'], two['test'], rtol=0.02)


def test_the_target_is_where_the_lesson_points(corpora):
    corpus = Corpus(corpora[0], 1, 'test')
    for request in draw_requests(corpus, 'test', 6, 0).drawn:
        sample = request.sample
        taught = decode_locations(locations(sample.scene, sample.target), 112, 112)
        assert target(request, 112, 112).iou(taught) > 0.95
