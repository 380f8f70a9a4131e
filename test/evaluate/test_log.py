"""The log: what is written is read, a cut run goes on, another run's log is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from evaluate_builders import ASKED
from evaluate_builders import BOX
from evaluate_builders import HEADER
from evaluate_builders import record

from clue_ros.evaluate.log import Header
from clue_ros.evaluate.log import LogError
from clue_ros.evaluate.log import LogWriter
from clue_ros.evaluate.log import pack_map
from clue_ros.evaluate.log import read_log
from clue_ros.evaluate.log import unpack_map

RECORDS = (
    record('plain'),
    record(
        'full',
        form='relational',
        verdict='several',
        outcome='wrong grasp',
        target=BOX,
        candidates=(BOX, BOX),
        turns=ASKED,
        probabilities=(0.9, None),
        scores={'peaks': 2.0},
        map=pack_map(np.eye(3, dtype=np.float32)),
        box=BOX,
        iou=1 / 3,
        confidence=0.1 + 0.2,
        reason='äöü',
    ),
    record('empty', verdict='none', candidates=()),
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / 'run' / 'log.jsonl'


def write(path, *records, header=HEADER):
    with LogWriter(path, header) as writer:
        writer.write(records)
    return path.read_bytes()


@pytest.mark.parametrize(
    ('content', 'says'),
    [
        (None, 'cannot be read'),
        (b'', 'no whole line'),
        (b'{"format": 1', 'no whole line'),
        (b'\xff\n', 'cannot be read'),
        (b'not JSON\n', 'log.jsonl:1'),
        (b'[]\n', 'log.jsonl:1'),
        (b'{"format": 2}\n', '"format" must be 1'),
        (b'{"format": 1, "measure": "loop"}\n', 'missing'),
    ],
)
def test_no_log(path, content, says):
    path.parent.mkdir()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(LogError, match=says):
        read_log(path)


@pytest.mark.parametrize(
    ('line', 'says'),
    [
        ('{}', 'KeyError'),
        ('nonsense', 'JSONDecodeError'),
        ({'target': [1, 2]}, 'TypeError'),
        ({'target': [5, 5, 1, 1]}, 'InvalidBox'),
        ({'turns': [['?']]}, 'TypeError'),
        ({'outcome': 'great'}, 'outcome must be'),
        ({'verdict': 'maybe'}, 'verdict must be'),
        ({'surprise': 1}, 'surprise'),
    ],
)
def test_a_broken_record_is_named(path, line, says):
    lines = write(path, *RECORDS).decode().splitlines()
    lines[2] = line if isinstance(line, str) else json.dumps({**json.loads(lines[2]), **line})
    path.write_text('\n'.join([*lines, '']))
    with pytest.raises(LogError, match='log.jsonl:3') as error:
        read_log(path)
    assert says in str(error.value)


def test_an_unknown_measure():
    with pytest.raises(ValueError, match='measure must be'):
        Header('beauty', '', '', '', {}, {}, {})


def test_what_is_written_is_read(path):
    write(path, *RECORDS)
    log = read_log(path)
    assert log.header == HEADER
    assert log.records == RECORDS


@pytest.mark.parametrize('cut', [1, 20, 200])
def test_a_cut_run_goes_on(path, cut):
    whole = write(path, *RECORDS)
    path.write_bytes(whole[:-cut])
    assert read_log(path).records == RECORDS[:-1]
    with LogWriter(path, HEADER) as writer:
        assert writer.resumed == RECORDS[:-1]
        writer.write(RECORDS[-1:])
    assert path.read_bytes() == whole


def test_a_log_without_a_whole_header_begins_anew(path):
    whole = write(path, *RECORDS)
    path.write_bytes(whole[:30])
    assert write(path, *RECORDS) == whole


@pytest.mark.parametrize(
    ('change', 'says'),
    [
        ({'measure': 'grounding'}, 'measure was "loop" and is "grounding"'),
        ({'checkpoint_hash': 'def'}, 'checkpoint_hash was "abc" and is "def"'),
        ({'revision': '124'}, 'revision'),
        ({'libraries': {'torch': '3'}}, 'libraries'),
        ({'data': {'path': 'elsewhere', 'split': ''}}, 'data'),
        ({'options': {'batch': 8}}, 'options was {"batch": 4} and is {"batch": 8}'),
        ({'options': {'batch': 4, 'policies': ['x' * 200]}}, r'\.\.\.'),
    ],
)
def test_the_log_of_another_run_is_refused(path, change, says):
    before = write(path, *RECORDS)
    with pytest.raises(LogError, match=says) as error:
        LogWriter(path, replace(HEADER, **change))
    assert 'delete it or name another folder' in str(error.value)
    assert path.read_bytes() == before


def test_maps_survive_to_a_255th():
    map_ = np.random.default_rng(0).random((16, 16), dtype=np.float32)
    assert np.abs(unpack_map(pack_map(map_)) - map_).max() <= 0.5 / 255 + 1e-6
