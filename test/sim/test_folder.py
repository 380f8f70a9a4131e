"""`clue scenes`: a folder that the readers of the package understand, the same one every time."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import PIL.Image
import pytest

from clue_ros.cli import main
from clue_ros.frames import open_source
from clue_ros.sim.folder import split_of

SIZE = ['--width', '160', '--height', '120']


def read(folder):
    return [json.loads(line) for line in (folder / 'samples.jsonl').read_text().splitlines()]


@pytest.fixture(scope='module')
def folder(renderer, tmp_path_factory):
    out = tmp_path_factory.mktemp('scenes') / 'id'
    assert main(['scenes', '--out', str(out), '--count', '12', '--seed', '4', *SIZE]) == 0
    return out


def test_rows(folder):
    rows = read(folder)
    assert len({row['image'] for row in rows}) == 12
    assert {row['verdict'] for row in rows} == {'one', 'several', 'none'}
    for row in rows:
        boxes = [item['box'] for item in row['objects']]
        assert all(0 <= x1 < x2 <= 160 and 0 <= y1 < y2 <= 120 for x1, y1, x2, y2 in boxes)
        assert all(item['visible'] >= 0.6 for item in row['objects'])
        assert row['ambiguous'] == (row['verdict'] == 'several') == bool(row['dialog'])
        assert all(box in boxes for box in row['boxes'])
        assert row['target'] in row['boxes'] if row['boxes'] else row['target'] is None
        assert len(row['dialog']) == len(row['asked_about'])


def test_a_scene_is_in_one_split(folder):
    splits = {}
    for row in read(folder):
        assert splits.setdefault(row['scene'], row['split']) == row['split']
    counts = [split_of(0, index) for index in range(4000)]
    assert counts.count('train') / 4000 == pytest.approx(0.7, abs=0.03)
    assert counts.count('test') / 4000 == pytest.approx(0.15, abs=0.03)


def test_the_simulated_camera_reads_it(folder):
    rows = read(folder)
    source = open_source(folder)
    assert len(source) == len(rows)
    for row, scene in zip(rows, source, strict=False):
        truth = scene.truth
        assert scene.image.shape == (120, 160, 3)
        assert truth.request == row['instruction']
        assert len(truth.things) == len(row['objects'])
        if row['target']:
            assert list(truth.things[truth.target].box.corners) == row['target']


def test_the_sheet_is_a_picture(folder):
    assert PIL.Image.open(folder / 'sheet.png').width == 1600


def test_the_same_numbers_write_the_same_folder(folder, tmp_path):
    out = tmp_path / 'again'
    assert main(['scenes', '--out', str(out), '--count', '3', '--seed', '4', *SIZE]) == 0
    again = (out / 'samples.jsonl').read_text()
    assert again and (folder / 'samples.jsonl').read_text().startswith(again)
    for image in (out / 'images').iterdir():
        assert image.read_bytes() == (folder / 'images' / image.name).read_bytes()


def test_ood(renderer, tmp_path):
    assert main(['scenes', '--out', str(tmp_path), '--count', '2', '--ood', *SIZE]) == 0
    assert {row['split'] for row in read(tmp_path)} == {'ood'}


def test_without_graphics_nothing_is_written(tmp_path):
    """Where MuJoCo is not installed this is the same error."""
    out = tmp_path / 'new'
    code = (
        f"import sys; from clue_ros.cli import main; sys.exit(main(['scenes', '--out', '{out}']))"
    )
    ended = subprocess.run(
        [sys.executable, '-c', code],
        env={**os.environ, 'MUJOCO_GL': 'nothing'},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert re.search(r'clue_ros\[sim\].*apt install libegl1', ended.stderr), ended.stderr
    assert not out.exists()


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--count', '0'], 'count'),
        (['--seed', '-1'], 'seed'),
        (['--width', '10'], '64 to 1920'),
        ([], 'empty folder'),
    ],
)
def test_refusals(tmp_path, capsys, arguments, message):
    (tmp_path / 'mine.txt').touch()
    assert main(['scenes', '--out', str(tmp_path), *arguments]) == 1
    assert message in capsys.readouterr().err
