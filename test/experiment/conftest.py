"""A toy corpus, one out of distribution, and a backbone with random weights, made once."""

import os

import pytest
import torch
import yaml

pytest.importorskip('accelerate')

from clue_ros.cli import main  # noqa: E402
from clue_ros.errors import MissingSimulator  # noqa: E402
from clue_ros.evaluate import intervals  # noqa: E402
from clue_ros.sim.sampling import OOD  # noqa: E402
from clue_ros.sim.sampling import SceneConfig  # noqa: E402
from clue_ros.train.corpus import CorpusConfig  # noqa: E402
from clue_ros.train.corpus import render_shard  # noqa: E402
from clue_ros.train.miniature import MiniatureConfig  # noqa: E402
from clue_ros.train.miniature import build_model  # noqa: E402
from clue_ros.train.miniature import build_processor  # noqa: E402
from clue_ros.train.miniature import save_backbone  # noqa: E402
from clue_ros.train.miniature import start_quietly  # noqa: E402

os.environ['ACCELERATE_USE_CPU'] = 'true'
LOOP = {
    'steps': 2, 'batch': 4, 'learning_rate': 1e-2, 'warmup': 0, 'precision': 'no',
    'validate_every': 2,
}  # fmt: skip
REQUESTS = {'train': 8, 'validation': 8, 'test': 8, 'ood': 8}
CONFIG = {
    'corpus': {'side': 112, 'seed': 1, 'shard': 32},
    'layers': {'loop': LOOP, 'requests': REQUESTS},
    'probes': {
        'loop': LOOP, 'requests': REQUESTS, 'layer': 1, 'rank': 2, 'lora_rate': 1.0, 'rounds': 2,
    },
    'lora': {'loop': LOOP, 'pairs': [[4, 2], [2, 4]], 'batches': 2, 'test': 4, 'ood': 4},
    'maps': {'count': 2},
}  # fmt: skip


@pytest.fixture(scope='session')
def corpora(tmp_path_factory):
    """Folders of scenes in and out of distribution."""
    folder = tmp_path_factory.mktemp('corpora')
    config = CorpusConfig(side=112, seed=1, shard=32)
    try:
        for name, scenes in (('corpus', SceneConfig()), ('ood', OOD)):
            render_shard(folder / name, 0, config, scenes)
    except MissingSimulator as error:
        pytest.skip(str(error))
    return folder / 'corpus', folder / 'ood'


@pytest.fixture(scope='session')
def backbone_folder(tmp_path_factory):
    """Three blocks that look around as random weights do."""
    config = MiniatureConfig(
        side=112, patch=28, vision_width=32, vision_layers=2, width=32, layers=3, hidden=64
    )
    processor = build_processor(['detect red mug\n', 'yes', 'no', 'the blue box, left'], config)
    torch.manual_seed(0)
    model = build_model(-(-len(processor.tokenizer) // 64) * 64, config)
    start_quietly(model)
    for block in model.model.language_model.layers:
        # a trained block has its say, and one that says nothing cannot be taught to say yes
        torch.nn.init.zeros_(block.post_attention_layernorm.weight)
        torch.nn.init.zeros_(block.post_feedforward_layernorm.weight)
    folder = tmp_path_factory.mktemp('backbone')
    save_backbone(model, processor, folder)
    return folder


@pytest.fixture(scope='session')
def config_file(tmp_path_factory):
    path = tmp_path_factory.mktemp('config') / 'toy.yaml'
    path.write_text(yaml.safe_dump(CONFIG))
    return path


@pytest.fixture(scope='session')
def arguments(corpora, backbone_folder, config_file):
    """What every experiment is told."""
    corpus, ood = corpora
    return [
        *('--config', str(config_file), '--backbone', str(backbone_folder), '--device', 'cpu'),
        *('--corpus', str(corpus), '--ood', str(ood)),
    ]


@pytest.fixture(scope='module')
def probes_run(arguments, quick_intervals, tmp_path_factory):
    """A finished `clue experiment probes`."""
    out = tmp_path_factory.mktemp('probes')
    assert main(['experiment', 'probes', *arguments, '--out', str(out)]) == 0
    return out


@pytest.fixture(autouse=True, scope='module')
def quick_intervals():
    """Fewer resamples; how intervals come about is tested by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intervals, 'RESAMPLES', 20)
        yield
