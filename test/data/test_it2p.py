"""IT2P: what its lines become, and lines that are not as they should be."""

import numpy as np
import pytest
from data_files import read
from data_files import write_picture

from clue_ros.data import open_data
from clue_ros.errors import InvalidSource


@pytest.fixture
def folder(tmp_path):
    for name in ('0000', '0007'):
        write_picture(tmp_path / 'train_img' / f'{name}.jpg', (250, 250))
    write(tmp_path / 'train_script' / '0000.txt', '148 203 pick up the green block\n')
    write(tmp_path / 'train_script' / '0007.txt', '42 70 pick up the top block\n')
    write(tmp_path / 'script_ambiguous' / '0000.txt', 'pick up the left block\n')
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize(
    ('file', 'text', 'where', 'named'),
    [
        ('train_script/0007.txt', 'pick up the top block', ':1', 'wanted "x y command"'),
        ('train_script/0007.txt', '42 pick it up', ':1', 'wanted "x y command"'),
        ('train_script/0007.txt', '-1 70 pick it up', ':1', 'wanted "x y command"'),
        ('train_script/0007.txt', '9' * 5000 + ' 70 pick it up', ':1', 'wanted "x y command"'),
        ('train_script/0007.txt', '42 70', ':1', 'wanted "x y command"'),
        ('train_script/0007.txt', '250 70 pick it up', ':1', 'not inside the 250x250'),
        ('train_script/0007.txt', '42 70 ' + 'x' * 10_000, ':1', '10000 characters'),
        ('train_script/0007.txt', b'1 1 a\n\n1 1 \xff', ':3', 'UTF-8'),
        ('train_script/0008.txt', '42 70 pick it up', ':1', 'no picture at'),
        ('script_ambiguous/0007.txt', '1 2 pick it up', ':1', 'a command without a place'),
        ('script_ambiguous/0007.txt', 'pick up the top block', ':1', 'this command twice'),
        ('train_script/0007.txt', '1 2 take it\n3 4 take it', ':2', 'this command twice'),
    ],
)
def test_a_broken_line_is_named(folder, file, text, where, named):
    write(folder / file, text)
    _, report = read(open_data(folder).ambiguity_samples())
    broken = {row.where: row.reason for row in report.listed}
    assert named in broken[f'{file}{where}']
    assert report.broken == len(report.listed) <= 2


@pytest.mark.parametrize('below', ['', 'data'])
def test_samples(folder, below, tmp_path):
    if below:
        outer = tmp_path / 'InteractivePickup'
        outer.mkdir()
        for item in list(folder.iterdir()):
            if item != outer:
                (outer / below).mkdir(exist_ok=True)
                item.rename(outer / below / item.name)
        folder = outer
    data = open_data(folder)
    assert 'IT2P' in data.name
    assert [
        (sample.id, sample.picture.group, sample.request, sample.ambiguous) for sample in data
    ] == [
        ('train_script/0000.txt:1', '0000', 'pick up the green block', False),
        ('script_ambiguous/0000.txt:1', '0000', 'pick up the left block', True),
        ('train_script/0007.txt:1', '0007', 'pick up the top block', False),
    ]
    assert next(iter(data)).picture.load().shape == (250, 250, 3)


def test_there_are_no_dialogs(folder):
    with pytest.raises(InvalidSource, match=r'IT2P.*what is meant'):
        list(open_data(folder).dialog_samples())


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ('the pickle was opened',))


def test_pickles_are_not_opened(folder):
    for name in ('data_ambiguous', 'data_certain', 'train_img', 'script_ambiguous'):
        (folder / name).mkdir(exist_ok=True)
        np.savez(folder / name / '0000.npz', data=np.array([Bomb()], dtype=object))
    with pytest.raises(pytest.fail.Exception):
        np.load(folder / 'data_certain' / '0000.npz', allow_pickle=True)['data']
    assert len(list(open_data(folder))) == 3
