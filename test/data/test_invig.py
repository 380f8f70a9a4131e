"""InViG in both schemas: what rows become, and rows that are not as they should be."""

import pickle
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from data_files import BOX
from data_files import read
from data_files import write_picture
from data_files import write_rows

from clue_ros.box import Box
from clue_ros.data import open_data
from clue_ros.data.parquet import _column
from clue_ros.data.samples import AmbiguitySample
from clue_ros.dialog import Turn
from clue_ros.errors import InvalidImage
from clue_ros.errors import InvalidSource

SAID = [['', 'i want a bottle.'], ['which one?', 'the green one.']]
OLD = {'dialog': SAID, 'bbox': [float(value) for value in BOX], 'image_path': 'some/disk/a.png'}
NEW = {
    'ref_list': [{'bbox': BOX, 'category': 'bottle', 'dialog': SAID, 'id': '0'}] * 2,
    'image_info': {'file_name': 'a.png', 'height': 30, 'id': '7', 'width': 40},
}


@pytest.fixture
def folder(tmp_path):
    write_picture(tmp_path / 'images' / 'a.png')
    return tmp_path


def write_parquet(path, rows, group=100):
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=group)
    return path


def embedded(folder, color=(250, 20, 30)):
    path = write_picture(folder / 'embedded.png', color=color)
    return {'bytes': path.read_bytes(), 'path': None}


@pytest.mark.parametrize(
    ('row', 'named'),
    [
        ('{"dialog": ', 'JSON'),
        ({}, 'whose first agent is silent'),
        ({**OLD, 'dialog': []}, 'whose first agent is silent'),
        ({**OLD, 'dialog': SAID[1:]}, 'whose first agent is silent'),
        ({**OLD, 'dialog': 'i want it'}, 'wanted a list in "dialog"'),
        ({**OLD, 'dialog': [['', 'i want it'], ['which?']]}, 'pairs of two texts'),
        ({**OLD, 'dialog': [['', '']]}, 'the request is empty'),
        ({**OLD, 'dialog': [['', 'x' * 10_000]]}, '10000 characters'),
        ({**OLD, 'dialog': [*SAID, ['which?', '']]}, 'the reply is empty'),
        ({**OLD, 'bbox': None}, 'wanted a box'),
        ({**OLD, 'bbox': [11, 2, 1, 12]}, 'x1 < x2'),
        ({**OLD, 'bbox': [1, 2, 60, 12]}, 'not inside its picture of 40x30'),
        ({**OLD, 'bbox': [0.1, 0.2, 0.5, 0.6]}, 'not fractions'),
        ({**OLD, 'image_path': 'b.png'}, 'no picture at'),
        ({**OLD, 'image_path': None}, 'wanted a picture in "image"'),
        ({**NEW, 'ref_list': []}, 'wanted a list of references'),
        ({**NEW, 'ref_list': 'none'}, 'wanted a list of references'),
        ({**NEW, 'ref_list': [7]}, '"dialog" and "bbox"'),
        ({**NEW, 'ref_list': [{'bbox': BOX}]}, 'whose first agent is silent'),
    ],
)
def test_a_broken_row_is_named(folder, row, named):
    write_rows(folder / 'train.jsonl', OLD, row, OLD)
    samples, report = read(open_data(folder).samples())
    assert [sample.id for sample in samples] == ['train.jsonl:1', 'train.jsonl:3']
    assert report.broken == 1
    assert report.listed[0].where.startswith('train.jsonl:2')
    assert named in report.listed[0].reason


def test_a_broken_reference_leaves_the_others(folder):
    row = {**NEW, 'ref_list': [NEW['ref_list'][0], {'dialog': SAID, 'bbox': [1]}]}
    write_rows(folder / 'train.jsonl', row)
    samples, report = read(open_data(folder).samples())
    assert [sample.id for sample in samples] == ['train.jsonl:1.1']
    assert [row.where for row in report.listed] == ['train.jsonl:1.2']


@pytest.mark.parametrize('cut', [0, 4, 0.5, 0.99])
def test_a_damaged_parquet_file_is_an_error(folder, cut):
    path = write_parquet(folder / 'data' / 'train-0.parquet', [NEW])
    whole = path.read_bytes()
    path.write_bytes(whole[: int(cut * len(whole)) if cut < 1 else cut])
    with pytest.raises(InvalidSource, match=r'train-0\.parquet cannot be read as Parquet'):
        list(open_data(folder))


def test_without_pyarrow(folder, monkeypatch):
    write_parquet(folder / 'train.parquet', [NEW])
    monkeypatch.setitem(sys.modules, 'pyarrow', None)
    with pytest.raises(InvalidSource, match=r'clue_ros\[data\]'):
        list(open_data(folder))


def test_other_parquet_files_are_refused(folder):
    write_parquet(folder / 'train.parquet', [{'text': 'hello'}])
    with pytest.raises(InvalidSource, match='whose first agent is silent'):
        list(open_data(folder))


@pytest.mark.parametrize(
    ('image', 'named'),
    [
        ({'bytes': b'not a picture', 'path': None}, '13 bytes cannot be read as a picture'),
        ({'bytes': b'', 'path': None}, 'wanted a picture in "image"'),
        ({'bytes': None, 'path': 'b.png'}, 'no picture at'),
    ],
)
def test_a_broken_embedded_picture_is_named(folder, image, named):
    row = {'dialog': SAID, 'bbox': BOX}
    rows = [{**row, 'image': embedded(folder)}, {**row, 'image': image}]
    write_parquet(folder / 'train.parquet', rows)
    samples, report = read(open_data(folder).samples())
    assert len(samples) == 1
    assert [row.where for row in report.listed] == ['train.parquet:2']
    assert named in report.listed[0].reason


@pytest.mark.parametrize('kind', ['jsonl', 'parquet', 'embedded'])
@pytest.mark.parametrize(('row', 'count'), [(OLD, 1), (NEW, 2)])
def test_samples(folder, kind, row, count):
    if kind == 'jsonl':
        write_rows(folder / 'validation.jsonl', row)
    else:
        image = {'image': embedded(folder)} if kind == 'embedded' else {}
        write_parquet(folder / 'data' / 'validation-00000-of-00001-ab.parquet', [{**row, **image}])
    data = open_data(folder)
    assert 'InViG' in data.name
    samples = list(data.dialog_samples())
    assert len(samples) == len({sample.id for sample in samples}) == count
    assert len({sample.picture.group for sample in samples}) == 1
    for sample in samples:
        assert sample.dialog.request == 'i want a bottle.'
        assert sample.dialog.turns == (Turn('which one?', 'the green one.'),)
        assert sample.target == Box(*BOX)
        assert sample.ambiguous
        assert sample.picture.split == 'validation'
        image = pickle.loads(pickle.dumps(sample)).picture.load()
        assert image.shape == (30, 40, 3)
        assert image[0, 0].tolist() == [250, 20, 30]


@pytest.mark.parametrize(
    ('said', 'turns', 'ambiguous'),
    [
        (SAID[:1], 0, False),
        (SAID, 1, True),
        ([*SAID, ['ok, here you are.', 'thank you.']], 1, True),
        ([*SAID, ['ok.', '']], 1, True),
        ([*SAID[:1], ['ok, here you are.', 'thank you.']], 0, False),
        ([*SAID[:1], ['yes, they are nice.', 'give me one.'], ['which one?', 'the left']], 2, True),
        ([*SAID[:1], ['yes.', 'the left one.'], ['ok.', 'thanks.']], 1, False),
    ],
)
def test_dialogs(folder, said, turns, ambiguous):
    write_rows(folder / 'test.jsonl', {**OLD, 'dialog': said})
    [sample] = open_data(folder)
    assert len(sample.dialog.turns) == turns
    assert sample.ambiguous is ambiguous
    [labelled] = open_data(folder).ambiguity_samples()
    assert isinstance(labelled, AmbiguitySample)
    assert labelled.ambiguous is ambiguous


def test_pictures_of_many_row_groups_are_the_right_ones(folder):
    rows = [
        {'dialog': SAID, 'bbox': BOX, 'image': embedded(folder, (number, 0, 0))}
        for number in range(10)
    ]
    write_parquet(folder / 'train.parquet', rows, group=3)
    samples = list(open_data(folder))
    for number in (9, 0, 4, 5, 3, 9):
        assert samples[number].picture.load()[0, 0].tolist() == [number, 0, 0]


def test_an_embedded_picture_that_breaks_later_is_named(folder):
    path = write_parquet(
        folder / 'train.parquet', [{'dialog': SAID, 'bbox': BOX, 'image': embedded(folder)}]
    )
    [sample] = open_data(folder)
    path.unlink()
    _column.cache_clear()
    with pytest.raises(InvalidImage, match=r'train\.parquet'):
        sample.picture.load()
