"""The layer sweep: what goes wrong is named, what is done is kept, maps are those of the probe."""

import json

import numpy as np
import pytest
import torch
import yaml

from clue_ros.cli import main
from clue_ros.experiment.layers import block_maps
from clue_ros.model.attention import mean_attention
from clue_ros.model.attention import min_max
from clue_ros.model.attention import text_to_image_rows
from clue_ros.model.backbone import Backbone


@pytest.fixture(scope='module')
def done(arguments, tmp_path_factory):
    out = tmp_path_factory.mktemp('layers')
    assert main(['experiment', 'layers', *arguments, '--out', str(out)]) == 0
    return out


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        ({'layers': None}, 'wanted a section "layers"'),
        ({'layers': {}}, "'loop'"),
        ({'layers': {'lop': 1}}, 'unknown lop'),
        ({'layers': {'queries': 'all'}}, 'queries must be expression or words'),
        ({'layers': {'rows': 0}}, 'rows must be at least 1'),
        ({'layers': {'requests': {'test': 1}}}, 'test must be at least 2'),
        ({'layers': {'requests': {'seed': -1}}}, 'seed must not be negative'),
    ],
)
def test_bad_settings_are_named(config_file, arguments, tmp_path, capsys, change, said):
    content = yaml.safe_load(config_file.read_text())
    loop = {} if change['layers'] == {} else {'loop': content['layers']['loop']}
    content['layers'] = change['layers'] and {**loop, **change['layers']} or change['layers']
    path = tmp_path / 'bad.yaml'
    path.write_text(yaml.safe_dump(content))
    changed = ['--config', str(path), *arguments[2:], '--out', str(tmp_path / 'out')]
    assert main(['experiment', 'layers', *changed]) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ('name', 'said'),
    [
        ('corpus', 'clue train corpus'),
        ('ood', 'clue train corpus'),
        ('backbone', 'neither clue.json'),
        ('device', 'device must be'),
    ],
)
def test_what_is_not_there_is_named(arguments, tmp_path, capsys, name, said):
    (tmp_path / 'empty').mkdir()
    changed = [*arguments, f'--{name}', str(tmp_path / 'empty'), '--out', str(tmp_path / 'out')]
    assert main(['experiment', 'layers', *changed]) == 1
    assert said in capsys.readouterr().err


def test_a_folder_of_another_run_is_refused(done, config_file, arguments, tmp_path, capsys):
    content = yaml.safe_load(config_file.read_text())
    content['layers']['queries'] = 'words'
    path = tmp_path / 'other.yaml'
    path.write_text(yaml.safe_dump(content))
    changed = ['--config', str(path), *arguments[2:], '--out', str(done)]
    assert main(['experiment', 'layers', *changed]) == 1
    assert 'other layers' in capsys.readouterr().err


def test_what_it_leaves(done, arguments):
    record = json.loads((done / 'results.json').read_text())
    names = {f'{block}/{split}/f1' for block in range(3) for split in ('test', 'ood')}
    assert names < set(record['figures'])
    assert all(0 <= record['figures'][name]['value'] <= 1 for name in names)
    assert record['config']['requests']['seed'] == 0 and len(record['data']) == 64
    assert record['command'].startswith('clue experiment layers') and record['machine']['cores']
    rows = [json.loads(line) for line in (done / 'samples.jsonl').read_text().splitlines()]
    assert len(rows) == len({row['id'] for row in rows}) == 16
    assert {row['split'] for row in rows} == {'test', 'ood'}
    assert all(set(row['scores']) == {'0', '1', '2'} and row['kind'] for row in rows)
    assert sum(row['truth'] for row in rows) == 8
    assert '(layers.svg)' in (done / 'results.md').read_text()
    assert '<svg' in (done / 'layers.svg').read_text()


def test_what_is_done_is_not_done_again(done, arguments):
    parts = [*done.rglob('*.npz'), *done.glob('block_*/best.pt')]
    before = {path: path.stat().st_mtime_ns for path in parts}
    figures = json.loads((done / 'results.json').read_text())['figures']
    (done / 'results.json').unlink()
    assert main(['experiment', 'layers', *arguments, '--out', str(done)]) == 0
    assert {path: path.stat().st_mtime_ns for path in parts} == before and len(before) == 10
    assert json.loads((done / 'results.json').read_text())['figures'] == figures


@pytest.mark.parametrize('queries', ['words', 'expression'])
def test_maps_of_all_blocks_are_those_of_each(backbone_folder, queries):
    backbone = Backbone.load(backbone_folder, torch.device('cpu'), torch.float32)
    images = np.random.default_rng(0).integers(0, 256, (2, 112, 112, 3), dtype=np.uint8)
    prefix = backbone.prefix(backbone.encode(images), ['detect mug', 'detect the red box'])
    maps = block_maps(backbone, prefix, queries)
    asking = getattr(prefix, queries)
    for block in range(backbone.layers):
        rows = text_to_image_rows(backbone, prefix, block)
        one = min_max(mean_attention(rows, asking)).view(2, 4, 4)
        assert torch.equal(maps[:, block], one)
    assert maps[:, 0].ne(maps[:, 2]).any()
