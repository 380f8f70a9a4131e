"""Pictures of maps: what was trained is read back as it was, scenes are chosen by the seed."""

import json

import numpy as np
import PIL.Image
import pytest
import torch
import yaml

from clue_ros.cli import main
from clue_ros.errors import InvalidRun
from clue_ros.experiment.maps import draw_pairs
from clue_ros.experiment.probes import read_variant
from clue_ros.experiment.probes import score_requests
from clue_ros.experiment.requests import RequestConfig
from clue_ros.experiment.requests import draw_requests
from clue_ros.experiment.variants import CNN
from clue_ros.experiment.variants import HALF_LAST
from clue_ros.experiment.variants import ProbesConfig
from clue_ros.experiment.variants import adapted
from clue_ros.model.backbone import Backbone
from clue_ros.train import lora
from clue_ros.train.corpus import Corpus
from clue_ros.train.settings import read_section


def test_a_run_that_did_not_end_is_named(arguments, tmp_path, capsys):
    folders = ['--probes', str(tmp_path), '--out', str(tmp_path / 'out')]
    assert main(['experiment', 'maps', *arguments, *folders]) == 1
    assert 'run `clue experiment probes` first' in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_run_with_another_config_is_refused(probes_run, config_file, arguments, tmp_path, capsys):
    content = yaml.safe_load(config_file.read_text())
    content['probes']['rank'] = 4
    path = tmp_path / 'other.yaml'
    path.write_text(yaml.safe_dump(content))
    folders = ['--probes', str(probes_run), '--out', str(tmp_path / 'out')]
    changed = ['--config', str(path), *arguments[2:], *folders]
    assert main(['experiment', 'maps', *changed]) == 1
    assert 'other probes' in capsys.readouterr().err


def test_more_scenes_than_there_are(corpora):
    corpus = Corpus(corpora[0], 1, 'test')
    with pytest.raises(InvalidRun, match='lower count'):
        draw_pairs(corpus, 'test', len(corpus) + 1, 0)


def test_pairs_are_about_one_scene_and_follow_from_the_seed(corpora):
    corpus = Corpus(corpora[1], 1, '')
    one, again, other = (draw_pairs(corpus, 'ood', 4, seed) for seed in (0, 0, 1))
    assert one.truth.tolist() == [True, False] * 4
    assert one.groups[::2] == one.groups[1::2] and len(set(one.groups)) == 4
    assert one.describe() == again.describe() != other.describe()


def test_pictures(probes_run, arguments, tmp_path):
    folders = ['--probes', str(probes_run), '--out', str(tmp_path)]
    assert main(['experiment', 'maps', *arguments, *folders]) == 0
    names = {f'maps_{split}_{number}.jpg' for split in ('test', 'ood') for number in range(2)}
    assert {path.name for path in tmp_path.glob('*.jpg')} == names
    with PIL.Image.open(tmp_path / 'maps_test_0.jpg') as picture:
        assert picture.width >= 3 * 320
    text = (tmp_path / 'results.md').read_text()
    assert all(f'({name})' in text for name in names)
    rows = [json.loads(line) for line in (tmp_path / 'samples.jsonl').read_text().splitlines()]
    assert len(rows) == 8 and all(set(row['scores']) == {CNN.name, HALF_LAST.name} for row in rows)


@pytest.mark.parametrize('variant', [CNN, HALF_LAST], ids=lambda variant: variant.name)
def test_what_was_trained_is_read_back(probes_run, config_file, backbone_folder, corpora, variant):
    config = read_section(config_file, 'probes', ProbesConfig)
    assert isinstance(config.requests, RequestConfig)
    requests = draw_requests(Corpus(corpora[0], 1, 'test'), 'test', config.requests.test, 0)
    backbone = Backbone.load(backbone_folder, torch.device('cpu'), torch.float32)
    model = read_variant(variant, backbone, probes_run / variant.name, config)
    logits = score_requests(model, backbone, requests, variant.prompts, config.rows)
    lora.remove(backbone.language_model)
    untrained, _ = adapted(variant, backbone, config)
    fresh = score_requests(untrained, backbone, requests, variant.prompts, config.rows)
    lora.remove(backbone.language_model)
    assert not np.allclose(fresh, logits, rtol=1e-3)
    with np.load(probes_run / variant.name / 'scores.npz') as stored:
        np.testing.assert_allclose(1 / (1 + np.exp(-logits)), stored['test'], rtol=1e-5)
