"""VQ-FocusAmbiguity: what its rows become, and rows that are not as they should be."""

import json
import sys

import pytest
from data_files import read
from data_files import write_picture

from clue_ros.data import open_data
from clue_ros.data.splits import split_of_picture
from clue_ros.errors import InvalidSource

ROW = {
    'id': 3,
    'masks_id': '3_a',
    'set': 'train',
    'file_name': 'a.jpg',
    'size': {'width': 30, 'height': 40},  # swapped, as in some rows of the real files
    'question': 'What is on the table?',
    'label': 'ambiguous',
    'focus_areas': ['0.png', '1.png'],
    'attributes': {'data_source': 'paco'},
}


@pytest.fixture
def folder(tmp_path):
    write_picture(tmp_path / 'images' / 'a.jpg')
    return tmp_path


def write(folder, *rows, name='train_gt.json'):
    (folder / name).write_text(json.dumps(rows))


@pytest.mark.parametrize(
    ('row', 'named'),
    [
        ({**ROW, 'label': 'maybe'}, "ambiguous or unambiguous, got 'maybe'"),
        ({**ROW, 'label': True}, 'wanted a text in "label"'),
        ({**ROW, 'file_name': 'b.jpg'}, 'no picture at'),
        ({**ROW, 'question': ''}, 'the question is empty'),
        ({'label': 'ambiguous'}, 'wanted a text in "file_name"'),
        ('a.jpg', 'wanted a JSON object, got a.jpg'),
    ],
)
def test_a_broken_row_is_named(folder, row, named):
    write(folder, ROW, row, ROW)
    samples, report = read(open_data(folder).samples())
    assert [sample.id for sample in samples] == ['train_gt.json#1', 'train_gt.json#3']
    assert [row.where for row in report.listed] == ['train_gt.json#2']
    assert named in report.listed[0].reason


@pytest.mark.parametrize(
    ('content', 'named'),
    [
        (b'', 'ends after 0 rows'),
        (json.dumps([ROW, ROW]).encode()[:-40], 'ends after 1 rows'),
        (json.dumps([ROW]).encode()[:-1] + b', {"question": "\xff"}]', 'ends after 1 rows'),
        (json.dumps(ROW).encode(), 'no sample could be read'),
    ],
)
def test_a_file_that_breaks_off_is_an_error(folder, content, named):
    (folder / 'train_gt.json').write_bytes(content)
    with pytest.raises(InvalidSource, match=named):
        list(open_data(folder))


def test_without_ijson(folder, monkeypatch):
    write(folder, ROW)
    monkeypatch.setitem(sys.modules, 'ijson', None)
    with pytest.raises(InvalidSource, match=r'clue_ros\[data\]'):
        list(open_data(folder))


def test_samples(folder):
    write(folder, ROW)
    write(folder, {**ROW, 'label': 'unambiguous', 'question': 'Which cup?'}, name='test_gt.json')
    data = open_data(folder)
    assert 'VQ-FocusAmbiguity' in data.name
    one, two = data.ambiguity_samples()
    assert (one.id, one.request, one.ambiguous) == ('test_gt.json#1', 'Which cup?', False)
    assert (two.request, two.ambiguous) == (ROW['question'], True)
    # one picture in two files is in one split all the same
    assert split_of_picture(one.picture) == split_of_picture(two.picture)
    assert one.picture.load().shape == (30, 40, 3)
    with pytest.raises(InvalidSource, match='what is meant'):
        list(data.dialog_samples())
