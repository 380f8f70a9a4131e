"""Lists of requests: fixed by their seed, balanced; what cannot be drawn is named."""

import numpy as np
import pytest
import torch
import yaml

from clue_ros.cli import main
from clue_ros.errors import InvalidRun
from clue_ros.experiment.requests import draw_requests
from clue_ros.experiment.setting import OOD
from clue_ros.experiment.setting import TEST
from clue_ros.experiment.setting import TRAIN
from clue_ros.experiment.setting import Setting
from clue_ros.experiment.setting import kept
from clue_ros.model.backbone import Backbone
from clue_ros.sim.expressions import NONE
from clue_ros.sim.expressions import ONE
from clue_ros.sim.expressions import SEVERAL
from clue_ros.sim.expressions import names_held_out
from clue_ros.sim.sampling import SceneConfig
from clue_ros.train.corpus import Corpus
from clue_ros.train.corpus import CorpusConfig
from clue_ros.train.corpus import render_shard
from clue_ros.train.lessons import PROMPTS


@pytest.fixture(scope='module')
def corpus(corpora):
    return Corpus(corpora[0], 1, 'train')


def test_scenes_without_a_wanted_request(corpora, tmp_path):
    config = CorpusConfig(side=112, seed=1, shard=2)
    render_shard(tmp_path, 0, config, SceneConfig(things=(1, 1)))
    with pytest.raises(InvalidRun, match='render more scenes'):
        draw_requests(Corpus(tmp_path, 1, ''), TEST, 2, 0)


def test_scenes_out_of_distribution_that_were_not_named(corpora, backbone_folder):
    cpu, kind = torch.device('cpu'), torch.float32
    setting = Setting(backbone_folder, corpora[0], None, 1, cpu, kind, '')
    assert setting.tests == (TEST,)
    with pytest.raises(InvalidRun, match='--ood'):
        setting.scenes(OOD)


def test_another_backbone_or_corpus_is_other_data(corpora, backbone_folder):
    cpu, kind = torch.device('cpu'), torch.float32
    corpus, ood = corpora
    folders = [(backbone_folder, corpus, ood), (backbone_folder, corpus, None)]
    folders += [(backbone_folder, ood, corpus), (corpus, corpus, ood)]
    digests = [Setting(*three, 1, cpu, kind, '').digest() for three in folders]
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize(
    ('split', 'verdicts'), [(TRAIN, [SEVERAL, SEVERAL, ONE, NONE]), (TEST, [SEVERAL, ONE] * 2)]
)
def test_verdicts_take_turns_and_scenes_come_again_last(corpus, split, verdicts):
    count = 2 * len(corpus)
    drawn = draw_requests(corpus, split, count, 0)
    rows = drawn.describe()
    assert [row['verdict'] for row in rows[:4]] == verdicts
    assert len({row['id'] for row in rows}) == count
    assert drawn.truth.tolist() == [row['verdict'] == SEVERAL for row in rows]
    assert len(set(drawn.groups[: len(corpus) // 2])) == len(corpus) // 2


def test_the_seed_and_the_split_decide(corpus):
    first, again = (draw_requests(corpus, TEST, 6, 0).describe() for _ in range(2))
    assert first == again
    assert first != draw_requests(corpus, TEST, 6, 1).describe()
    assert first != draw_requests(corpus, TRAIN, 6, 0).describe()


def test_a_batch_is_what_was_drawn(corpus, backbone_folder):
    backbone = Backbone.load(backbone_folder, torch.device('cpu'), torch.float32)
    drawn = draw_requests(corpus, TRAIN, 8, 0)
    batch = drawn.batch([5, 2], backbone, PROMPTS)
    assert batch['ambiguous'].tolist() == drawn.truth[[5, 2]].tolist()
    image = corpus.picture(drawn.drawn[5].place)[0]
    torch.testing.assert_close(batch['pixels'][0], backbone.pixels([image])[0])
    text = backbone.tokenizer.decode(batch['ids'][0][batch['present'][0]])
    assert PROMPTS.probe_text(drawn.drawn[5].dialog) in text
    batches = drawn.batches(backbone, PROMPTS, rows=3, seed=0)
    assert torch.equal(batches(7)['pixels'], batches(7)['pixels'])
    assert not torch.equal(batches(7)['pixels'], batches(8)['pixels'])


def test_the_command_renders_what_training_never_shows(config_file, corpora, tmp_path):
    content = yaml.safe_load(config_file.read_text())
    content['corpus']['shard'] = 2
    path = tmp_path / 'small.yaml'
    path.write_text(yaml.safe_dump(content))
    out = ['--out', str(tmp_path / 'ood'), '--scenes', '2', '--ood']
    assert main(['train', 'corpus', '--config', str(path), *out]) == 0
    images = np.load(tmp_path / 'ood' / '000000.images.npy')
    assert np.array_equal(images, np.load(corpora[1] / '000000.images.npy')[:2])


def test_out_of_distribution_all_scenes_count_and_unseen_pairs_are_named(corpora):
    corpus = Corpus(corpora[1], 1, '')
    assert len(corpus) == 32
    said = [
        any(
            names_held_out(one.sample.expression)
            for one in draw_requests(corpus, split, 32, 0).drawn
        )
        for split in (OOD, TEST)
    ]
    assert said == [True, False]


def test_what_is_kept_is_made_once_and_whole(tmp_path):
    path = tmp_path / 'part' / 'scores.npz'
    made = []

    def make():
        made.append(1)
        return {'test': np.arange(3)}

    def fail():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept(path, fail)
    assert not path.exists()
    for _ in range(2):
        assert kept(path, make)['test'].tolist() == [0, 1, 2]
    assert len(made) == 1 and [file.name for file in path.parent.iterdir()] == ['scores.npz']
