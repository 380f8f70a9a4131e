"""What the tower learns besides: to stay what a decoder was taught on, where that was right."""

import pytest
import torch

from clue_ros.train.dense import NAMES
from clue_ros.train.miniature import MiniatureConfig
from clue_ros.train.miniature import build_model
from clue_ros.train.vision import VisionModel

GRID = 2


@pytest.fixture
def model():
    torch.manual_seed(0)
    sizes = {'side': 56, 'patch': 28, 'vision_width': 32, 'width': 32, 'hidden': 64}
    return build_model(1728, MiniatureConfig(**sizes, vision_layers=2, layers=2))


def batch(vision):
    """Two pictures; the labels are what the readers say, so that they are right."""
    pixels = torch.randn(2, 3, 56, 56)
    kept = torch.arange(GRID**2).repeat(2, 1)
    features = vision.dense.norm(vision.features(pixels, kept))
    classes = torch.stack([head(features).argmax(-1) for head in vision.dense.names], dim=-1)
    return {'pixels': pixels, 'kept': kept, 'classes': classes, 'numbers': torch.rand(2, 4, 6)}


def change(vision, **inputs):
    return vision(**inputs)['change'].item()


def test_without_loyalty_nothing_is_kept(model):
    vision = VisionModel(model)
    assert 'change' not in vision(**batch(vision))


def test_change_counts_where_the_old_tower_was_right(model):
    vision = VisionModel(model, loyal=2.0)
    inputs = batch(vision)
    losses = vision(**inputs)
    assert losses['change'] == 0
    with torch.no_grad():
        vision.tower.post_layernorm.weight.mul_(1.5)
    losses = vision(**inputs)
    assert losses['change'] > 0
    assert losses['loss'].item() == pytest.approx(
        (losses['dense'] + 2 * losses['change']).item(), rel=1e-5
    )
    wrong = inputs['classes'].clone()
    wrong[..., 0] = (wrong[..., 0] + 1) % len(NAMES['category'])
    assert change(vision, **{**inputs, 'classes': wrong}) == 0
    bare = torch.full_like(wrong, -1)
    assert change(vision, **{**inputs, 'classes': bare}) > 0


def test_pictures_of_other_colours_say_nothing_about_change(model):
    vision = VisionModel(model, loyal=1.0)
    inputs = batch(vision)
    inputs['classes'][..., list(NAMES).index('color')] = -1
    with torch.no_grad():
        vision.tower.post_layernorm.weight.mul_(1.5)
    losses = vision(**inputs)
    assert losses['change'] == 0
    losses['loss'].backward()  # such a batch is one to learn from all the same
    assert vision.tower.post_layernorm.weight.grad.abs().sum() > 0
    assert all(value.grad is None for value in vision.before.parameters())


def test_compiled_blocks_keep_their_names_and_say_the_same(model):
    vision = VisionModel(model)
    inputs = batch(vision)
    names, before = list(vision.state_dict()), vision.features(inputs['pixels'], inputs['kept'])
    vision.compile_blocks()
    assert list(vision.state_dict()) == names
    with torch.compiler.set_stance('force_eager'):  # a test needs no compiler
        after = vision.features(inputs['pixels'], inputs['kept'])
    torch.testing.assert_close(after, before)
