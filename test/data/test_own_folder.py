"""The own-data format: every way a row can be broken, and what good rows become."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from data_files import BOX
from data_files import SIZE
from data_files import read
from data_files import write_picture
from data_files import write_rows

from clue_ros import frames
from clue_ros.box import Box
from clue_ros.cli import main
from clue_ros.data import open_data
from clue_ros.data.data_set import MAX_LISTED
from clue_ros.data.rows import MAX_REASON
from clue_ros.data.rows import MAX_ROW_BYTES
from clue_ros.data.samples import AmbiguitySample
from clue_ros.data.samples import DialogSample
from clue_ros.dialog import Turn
from clue_ros.errors import InvalidImage
from clue_ros.errors import InvalidSource
from clue_ros.person import Thing

LABEL = {'image': 'a.png', 'instruction': 'get the mug', 'ambiguous': False}
THINGS = [
    {'category': 'mug', 'color': 'red', 'size': 'small', 'box': BOX},
    {'category': 'mug', 'box': [20, 5, 30, 25]},
]
ASKED = {
    **LABEL,
    'ambiguous': True,
    'dialog': [['the red one?', 'yes']],
    'asked_about': [[0, 1]],
    'target': BOX,
    'objects': THINGS,
}
MUG = {**LABEL, 'target': BOX}


@pytest.fixture
def folder(tmp_path):
    write_picture(tmp_path / 'a.png')
    (tmp_path / 'broken.png').write_bytes(b'not a picture')
    (tmp_path / 'empty.png').touch()
    return tmp_path


def without(row, name):
    return {key: value for key, value in row.items() if key != name}


@pytest.mark.parametrize(
    ('row', 'named'),
    [
        ('{"image": "a.png", "instr', 'wanted a JSON object'),
        ('["a.png"]', 'wanted a JSON object, got ["a.png"]'),
        ('[' * 100_000, 'wanted a JSON object'),
        ('{"image": 1' + '0' * 5000 + '}', 'wanted a JSON object'),
        (b'{"image": "\xe4.png"}', 'UTF-8'),
        ('"' + 'x' * MAX_ROW_BYTES + '"', 'bytes or more'),
        ({}, 'wanted a text in "image", the row has nothing'),
        (without(LABEL, 'image'), "the row has 'instruction', 'ambiguous'"),
        ({**LABEL, 'image': 7}, 'wanted a text in "image", got 7'),
        ({**LABEL, 'image': 'b.png'}, 'no picture at'),
        ({**LABEL, 'image': ''}, 'no picture at'),
        ({**LABEL, 'image': 'a\0.png'}, 'no picture at'),
        ({**LABEL, 'image': 'x' * 10_000}, 'no picture at'),
        ({**LABEL, 'image': 'broken.png'}, 'broken.png cannot be read as a picture'),
        ({**LABEL, 'image': 'empty.png'}, 'empty.png cannot be read as a picture'),
        ({**LABEL, 'image': 'samples.jsonl'}, 'cannot be read as a picture'),
        (without(LABEL, 'instruction'), '"request" or "instruction"'),
        ({**LABEL, 'instruction': None}, '"request" or "instruction"'),
        ({**LABEL, 'instruction': ['get it']}, "got ['get it']"),
        ({**LABEL, 'instruction': ''}, 'the request is empty'),
        ({**LABEL, 'instruction': ' \n'}, 'the request is empty'),
        ({**LABEL, 'instruction': 'x' * 10_000}, '10000 characters'),
        (without(LABEL, 'ambiguous'), 'true or false in "ambiguous", the row has'),
        ({**LABEL, 'ambiguous': 1}, 'wanted true or false in "ambiguous", got 1'),
        ({**LABEL, 'ambiguous': 'yes'}, "got 'yes'"),
        ({**LABEL, 'form': 3}, 'wanted a text in "form"'),
        ({**LABEL, 'split': 3}, 'wanted a text in "split"'),
        ({**MUG, 'ambiguous': 'no'}, 'wanted true or false'),
        ({**MUG, 'ambiguous': True}, 'wanted the dialog'),
        ({**MUG, 'target': 7}, 'wanted a box'),
        ({**MUG, 'target': [1, 2, 3]}, 'wanted a box'),
        ({**MUG, 'target': ['1', '2', '3', '4']}, 'wanted a box'),
        ({**MUG, 'target': [True, 2, 3, 4]}, 'wanted a box'),
        ({**MUG, 'target': [11, 2, 1, 12]}, 'x1 < x2'),
        ({**MUG, 'target': [1, 12, 11, 12]}, 'y1 < y2'),
        ('{"image": "a.png", "request": "x", "target": [NaN, 2, 3, 4]}', 'wanted a box'),
        ({**MUG, 'target': [10**400, 2, 3, 4]}, 'wanted a box'),
        ({**MUG, 'target': [1, 2, 50, 12]}, 'not inside its picture of 40x30'),
        ({**MUG, 'target': [-2, 2, 11, 12]}, 'not inside'),
        ({**MUG, 'target': [0.1, 0.2, 0.5, 0.6]}, 'pixels, not fractions'),
        ({**MUG, 'dialog': 'the red one?'}, 'wanted a list in "dialog"'),
        ({**MUG, 'dialog': ['the red one?', 'yes']}, 'pairs of two texts'),
        ({**MUG, 'dialog': [['the red one?']]}, 'pairs of two texts'),
        ({**MUG, 'dialog': [['the red one?', None]]}, 'pairs of two texts'),
        ({**MUG, 'dialog': [['the red one?', 'yes', 'no']]}, 'pairs of two texts'),
        ({**MUG, 'dialog': [['the red one?', '']]}, 'the reply is empty'),
        ({**MUG, 'objects': [BOX]}, 'an object with a "box"'),
        ({**MUG, 'objects': [{'color': 'red'}]}, 'wanted a box'),
        ({**MUG, 'objects': [{'box': BOX, 'color': ['red']}]}, 'wanted a text in "color"'),
        ({**ASKED, 'asked_about': [[0], [1]]}, 'for each of 1 turns'),
        ({**ASKED, 'asked_about': [[0, 2]]}, 'numbers of the 2 objects'),
        ({**ASKED, 'asked_about': [[True]]}, 'numbers of the 2 objects'),
        ({**ASKED, 'asked_about': [0]}, 'a list of numbers'),
    ],
)
def test_a_broken_row_is_named_and_no_other_row_suffers(folder, row, named):
    write_rows(folder / 'samples.jsonl', MUG, row, '', MUG)
    samples, report = read(open_data(folder).samples())
    assert [sample.id for sample in samples] == ['samples.jsonl:1', 'samples.jsonl:4']
    assert (report.good, report.broken) == (2, 1)
    [broken] = report.listed
    assert broken.where == 'samples.jsonl:2'
    assert named in broken.reason
    assert len(broken.reason) <= MAX_REASON
    assert str(broken) in str(report)


@pytest.mark.parametrize(
    ('content', 'named'),
    [
        (b'', '0 samples, 0 broken rows; no sample'),
        (b'\n\n', 'no sample could be read'),
        (b'{}', '0 samples, 1 broken rows (samples.jsonl:1: wanted a text'),
    ],
)
def test_nothing_good_is_an_error(folder, content, named):
    (folder / 'samples.jsonl').write_bytes(content)
    data = open_data(folder)
    for samples in (data, data.ambiguity_samples(), data.dialog_samples()):
        with pytest.raises(InvalidSource) as error:
            list(samples)
        assert named in str(error.value)


def test_too_many_broken_rows_are_an_error(folder):
    write_rows(folder / 'samples.jsonl', *[{}] * 30, *[LABEL] * 70)
    samples = open_data(folder, max_broken=0.29).samples()
    with pytest.raises(InvalidSource, match=r'70 samples, 30 broken rows .* 30.0% .* 29.0%'):
        list(samples)
    assert len(samples.report.listed) == MAX_LISTED
    assert len(list(open_data(folder, max_broken=0.3))) == 70


@pytest.mark.parametrize('share', [-0.1, 1.1, float('nan')])
def test_no_share(folder, share):
    write_rows(folder / 'samples.jsonl', LABEL)
    with pytest.raises(InvalidSource, match='share from 0 to 1'):
        open_data(folder, max_broken=share)


def test_a_row_that_says_too_little_for_one_use_serves_the_other(folder):
    write_rows(folder / 'samples.jsonl', MUG, LABEL, without(MUG, 'ambiguous'))
    data = open_data(folder, max_broken=0.5)
    assert [type(sample) for sample in data] == [DialogSample, AmbiguitySample, DialogSample]
    labelled, report = read(data.ambiguity_samples())
    assert [sample.id for sample in labelled] == ['samples.jsonl:1', 'samples.jsonl:2']
    assert [row.where for row in report.listed] == ['samples.jsonl:3']
    grounded, report = read(data.dialog_samples())
    assert [sample.id for sample in grounded] == ['samples.jsonl:1', 'samples.jsonl:3']
    assert [row.where for row in report.listed] == ['samples.jsonl:2']


def test_a_dialog(folder):
    write_rows(
        folder / 'samples.jsonl', {**ASKED, 'form': 'attribute', 'scene': 's', 'split': 'ood'}
    )
    [sample] = open_data(folder).dialog_samples()
    assert sample.dialog.request == 'get the mug'
    assert sample.dialog.turns == (Turn('the red one?', 'yes'),)
    assert (sample.ambiguous, sample.form, sample.target) == (True, 'attribute', Box(*BOX))
    assert sample.things == (
        Thing('small red mug', Box(*BOX)),
        Thing('mug', Box(20, 5, 30, 25)),
    )
    assert sample.asked_about == (frozenset({0, 1}),)
    picture = sample.picture
    assert (picture.name, picture.group, picture.split) == ('a.png', 's', 'ood')
    image = picture.load()
    assert image.shape == (SIZE[1], SIZE[0], 3)
    assert image[0, 0].tolist() == [250, 20, 30]
    [labelled] = open_data(folder).ambiguity_samples()
    assert labelled.id == sample.id
    assert (labelled.request, labelled.ambiguous, labelled.form) == (
        'get the mug',
        True,
        'attribute',
    )


@pytest.mark.parametrize(
    ('target', 'box'),
    [
        (None, None),
        ([0.5, 2, 11.5, 12], Box(0.5, 2, 11.5, 12)),
        ([-1, -0.4, 41, 30.6], Box(0, 0, 40, 30)),
    ],
)
def test_targets(folder, target, box):
    write_rows(folder / 'samples.jsonl', {**MUG, 'target': target})
    [sample] = open_data(folder)
    assert sample.target == box


def test_a_byte_order_mark_and_windows_lines_are_read(folder):
    text = json.dumps(LABEL) + '\r\n'
    (folder / 'samples.jsonl').write_bytes(b'\xef\xbb\xbf' + text.encode() * 2)
    assert len(list(open_data(folder))) == 2


def test_a_picture_that_breaks_later_is_named(folder):
    write_rows(folder / 'samples.jsonl', LABEL)
    [sample] = open_data(folder)
    whole = (folder / 'a.png').read_bytes()
    (folder / 'a.png').write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InvalidImage, match=r'a\.png'):
        sample.picture.load()
    (folder / 'a.png').unlink()
    with pytest.raises(InvalidImage, match=r'a\.png'):
        sample.picture.load()


def test_samples_go_to_other_processes(folder):
    write_rows(folder / 'samples.jsonl', ASKED)
    [sample] = open_data(folder)
    copy = pickle.loads(pickle.dumps(sample))
    assert np.array_equal(copy.picture.load(), sample.picture.load())


@pytest.mark.parametrize(
    'scenes', [Path(__file__).parents[1] / 'scenes', Path(frames.__file__).parent / 'scenes']
)
def test_the_scenes_of_the_package(scenes):
    rows = [json.loads(line) for line in (scenes / 'samples.jsonl').read_text().splitlines()]
    samples = open_data(scenes).dialog_samples()
    for row, sample in zip(rows, samples, strict=True):
        assert sample.picture.name == row['image']
        assert sample.picture.split == row['split']
        assert sample.dialog.request == row['instruction']
        assert len(sample.dialog.turns) == len(row['dialog'])
        assert sample.ambiguous == row['ambiguous']
        assert (sample.target and list(sample.target.corners)) == row['target']
        assert sample.things[0].category == row['objects'][0]['category']
    assert samples.report.broken == 0


def test_what_clue_scenes_writes(tmp_path, capsys):
    out = tmp_path / 'scenes'
    size = ['--width', '160', '--height', '120']
    status = main(['scenes', '--out', str(out), '--count', '4', '--seed', '4', *size])
    if 'clue_ros[sim]' in (said := capsys.readouterr().err):
        pytest.skip(said)  # no MuJoCo or no OpenGL
    assert status == 0
    rows = [json.loads(line) for line in (out / 'samples.jsonl').read_text().splitlines()]
    samples = open_data(out).dialog_samples()
    for row, sample in zip(rows, samples, strict=True):
        assert (sample.picture.group, sample.picture.split) == (row['scene'], row['split'])
        assert (sample.ambiguous, sample.form) == (row['ambiguous'], row['form'])
        assert [sorted(numbers) for numbers in sample.asked_about] == row['asked_about']
        assert len(sample.things) == len(row['objects'])
        assert (sample.target is None) == (row['verdict'] == 'none')
    assert samples.report.broken == 0
    assert {sample.ambiguous for sample in open_data(out).ambiguity_samples()} == {True, False}
