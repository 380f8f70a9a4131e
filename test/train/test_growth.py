"""A backbone with more blocks says at first what the one it goes on from says."""

import pytest
import torch

from clue_ros.errors import InvalidRun
from clue_ros.train.growth import grow
from clue_ros.train.growth import mix
from clue_ros.train.miniature import MiniatureConfig
from clue_ros.train.miniature import build_model
from clue_ros.train.miniature import build_processor
from clue_ros.train.miniature import save_backbone

SIZES = {'side': 56, 'patch': 28, 'vision_width': 32, 'width': 32, 'hidden': 64}
VOCABULARY = 1728


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    torch.manual_seed(0)
    config = MiniatureConfig(**SIZES, vision_layers=2, layers=2)
    out = tmp_path_factory.mktemp('small')
    save_backbone(build_model(VOCABULARY, config), build_processor(['get the mug'], config), out)
    return out


@pytest.mark.parametrize(
    ('sizes', 'named'),
    [
        ({'width': 64}, r'wanted \('),
        ({'vision_width': 64}, r'wanted \('),
        ({'patch': 14}, r'wanted \('),
        ({'layers': 2, 'vision_layers': 2, 'hidden': 96}, r'wanted \('),
    ],
)
def test_other_widths_are_named(folder, sizes, named):
    with pytest.raises(InvalidRun, match=named):
        grow(folder, MiniatureConfig(**{**SIZES, 'vision_layers': 3, 'layers': 3, **sizes}))


def test_fewer_blocks_are_named(tmp_path):
    config = MiniatureConfig(**SIZES, vision_layers=3, layers=2)
    save_backbone(build_model(VOCABULARY, config), build_processor(['mug'], config), tmp_path)
    with pytest.raises(InvalidRun, match='no such block'):
        grow(tmp_path, MiniatureConfig(**SIZES, vision_layers=2, layers=2))


def test_a_folder_without_a_backbone_is_named(tmp_path):
    with pytest.raises(InvalidRun, match=str(tmp_path)):
        grow(tmp_path, MiniatureConfig(**SIZES))


@torch.no_grad()
def test_more_blocks_change_nothing_at_first_and_learn(folder):
    small, _ = grow(folder, MiniatureConfig(**SIZES, vision_layers=2, layers=2))
    large, processor = grow(folder, MiniatureConfig(**SIZES, vision_layers=4, layers=3))
    assert len(large.model.vision_tower.encoder.layers) == 4
    assert len(large.model.language_model.layers) == 3
    assert processor.tokenizer.convert_tokens_to_ids('<loc1023>') < VOCABULARY
    images = torch.full((1, 4), 4)
    inputs = {
        'input_ids': torch.cat([images, torch.arange(300, 306)[None]], dim=1),
        'attention_mask': torch.ones(1, 10, dtype=torch.long),
        'pixel_values': torch.rand(1, 3, 56, 56),
    }
    said = [model.eval()(**inputs).logits for model in (small, large)]
    torch.testing.assert_close(said[0], said[1], rtol=0, atol=1e-6)
    with torch.enable_grad():
        large(**inputs).logits.square().mean().backward()
    added = [
        *large.model.vision_tower.encoder.layers[2].self_attn.out_proj.parameters(),
        large.model.language_model.layers[2].post_feedforward_layernorm.weight,
    ]
    assert all(parameter.grad.any() for parameter in added)


@pytest.mark.parametrize('share', [0.0, 0.25, 1.0])
def test_a_mean_takes_a_share_of_each_weight_once(share):
    """The head writes with the weights by which words are read: these are in two places."""
    config = MiniatureConfig(**SIZES, vision_layers=2, layers=2)
    one, other = (build_model(VOCABULARY, config) for _ in range(2))
    before = {name: value.clone() for name, value in one.state_dict().items()}
    mix(one, other, share)
    theirs = other.state_dict()
    assert 'lm_head.weight' in theirs and 'model.language_model.embed_tokens.weight' in theirs
    for name, value in one.state_dict().items():
        torch.testing.assert_close(value, before[name] + share * (theirs[name] - before[name]))
