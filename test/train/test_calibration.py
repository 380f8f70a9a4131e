import json
import shutil
from functools import partial

import numpy as np
import pytest
from model_builders import CHECKPOINT
from PIL import Image
from scene_files import SCENES
from scene_files import load_scenes

from clue_ros.cli import main
from clue_ros.clue import Clue
from clue_ros.data.samples import Picture
from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidImage
from clue_ros.errors import InvalidRun
from clue_ros.evaluate.cases import Case
from clue_ros.evaluate.cases import Place
from clue_ros.evaluate.log import ONE
from clue_ros.evaluate.log import SEVERAL
from clue_ros.evaluate.log import UNKNOWN
from clue_ros.train.calibration import best_threshold
from clue_ros.train.calibration import calibrate
from clue_ros.train.calibration import calibrate_checkpoint

ROWS = load_scenes()[::5]  # of every verdict


def load(row):
    return np.asarray(Image.open(SCENES / row['image']).convert('RGB'))


def place(name, image, requests):
    """A picture, given as a function, and (request, verdict) pairs about it."""
    picture = Picture(name, name, image)
    cases = [
        Case(f'{name}/{number}', picture, Dialog(request), verdict)
        for number, (request, verdict) in enumerate(requests)
    ]
    return Place(name, lambda: cases)


def scene_place(row):
    verdict = SEVERAL if row['ambiguous'] else ONE
    return place(row['image'], partial(load, row), [(row['instruction'], verdict)])


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(CHECKPOINT, tmp_path / 'model')


def settings(folder):
    return json.loads((folder / 'clue.json').read_text())


def test_a_temperature_that_was_applied_is_found_again():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 20_000)
    truth = rng.uniform(size=len(logits)) < 1 / (1 + np.exp(-logits))
    for temperature in (0.5, 1.0, 4.0):
        found = calibrate(logits * temperature, truth)
        assert found.temperature == pytest.approx(temperature, rel=0.06)
        # F1 is highest where the probability is half of that F1
        _, f1 = best_threshold(1 / (1 + np.exp(-logits)), truth)
        assert found.threshold == pytest.approx(f1 / 2, abs=0.06)


@pytest.mark.parametrize(
    ('probabilities', 'truth', 'threshold', 'f1'),
    [
        ([0.9, 0.8, 0.3, 0.1], [1, 1, 0, 0], 0.55, 1.0),
        ([0.9, 0.8, 0.3, 0.1], [1, 0, 1, 0], 0.2, 0.8),
        ([0.2, 0.1], [1, 1], 0.05, 1.0),
    ],
)
def test_thresholds_by_hand(probabilities, truth, threshold, f1):
    found = best_threshold(np.array(probabilities), np.array(truth, bool))
    assert found == pytest.approx((threshold, f1))


def test_what_a_checkpoint_was_calibrated_to_before_does_not_matter(folder):
    path, places = folder / 'clue.json', [scene_place(row) for row in ROWS]
    before = settings(folder)
    found = calibrate_checkpoint(folder, places, device='cpu')
    assert settings(folder) == before | {
        'temperature': found.temperature,
        'threshold': found.threshold,
    }
    path.write_text(json.dumps(before | {'temperature': 3.0, 'threshold': 0.9}))
    assert calibrate_checkpoint(folder, places, device='cpu') == found
    # and the checkpoint decides by it
    clue, images = Clue.load(str(folder), device='cpu'), map(load, ROWS)
    decided = [
        clue.ambiguity(clue.look(image), Dialog(row['instruction'])).ambiguous
        for row, image in zip(ROWS, images, strict=True)
    ]
    assert sum(d == row['ambiguous'] for d, row in zip(decided, ROWS, strict=True)) >= 11  # of 15


def test_what_cannot_be_read_is_named_and_left_out(folder, caplog):
    def broken():
        raise InvalidImage('half of it is missing')

    bad = [
        place('broken.jpg', broken, [('get the mug', SEVERAL)]),
        place('long.jpg', partial(load, ROWS[0]), [('get the ' + '☕' * 390, ONE)]),
        place('unknown.jpg', partial(load, ROWS[0]), [('get the mug', UNKNOWN)]),
        place('empty.jpg', broken, []),
    ]
    good = [scene_place(row) for row in ROWS[:6]]
    expected = calibrate_checkpoint(folder, good, device='cpu')
    assert calibrate_checkpoint(folder, [*bad, *good], device='cpu') == expected
    assert 'left out broken.jpg: half of it is missing' in caplog.text
    assert 'left out long.jpg: the dialog has' in caplog.text


@pytest.mark.parametrize(
    ('verdicts', 'said'),
    [
        ([], '0 requests with a known verdict'),
        ([ONE, ONE], '2 requests with a known verdict, 0 of them ambiguous'),
        ([SEVERAL], '1 requests with a known verdict, 1 of them ambiguous'),
        ([UNKNOWN], '0 requests with a known verdict'),
    ],
)
def test_nothing_is_fitted_to_one_kind_of_request(folder, verdicts, said):
    before = settings(folder)
    asked = place('one.jpg', partial(load, ROWS[0]), [('get the mug', each) for each in verdicts])
    with pytest.raises(InvalidRun, match=said):
        calibrate_checkpoint(folder, [asked], device='cpu')
    assert settings(folder) == before


@pytest.mark.parametrize('name', ['none', 'model/backbone'])
def test_folders_that_hold_no_checkpoint(folder, name):
    with pytest.raises(InvalidRun, match='found no clue.json in'):
        calibrate_checkpoint(folder.parent / name, [], device='cpu')


def test_by_the_command(folder, corpus_folder, capsys):
    assert main(['train', 'calibrate', '--model', str(folder), '--scenes', '3']) == 0
    found = settings(folder)
    said = f'temperature {found["temperature"]}, threshold {found["threshold"]}'
    assert said in capsys.readouterr().out
    for wrong, said in (
        (['--scenes', '0'], 'count starts at 1'),
        (['--data', str(folder / 'nowhere')], 'nowhere'),
    ):
        assert main(['train', 'calibrate', '--model', str(folder), *wrong]) == 1
        assert said in capsys.readouterr().err
