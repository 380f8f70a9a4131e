import pytest
import torch
from model_builders import mini_backbone

from clue_ros.errors import SelfTestFailed
from clue_ros.model.self_test import run_self_test


def use_sdpa(backbone):
    backbone.model.config.text_config._attn_implementation = 'sdpa'


def forget_the_soft_cap_of_the_reference(backbone):
    attention = backbone.language_model.layers[3].self_attn
    original = attention.forward

    def forward(*args, **kwargs):
        output, weights = original(*args, **kwargs)
        return output, torch.softmax(weights * 3, dim=-1)

    attention.forward = forward


def mask_like_a_decoder(backbone):
    original = backbone.model.model.forward

    def forward(token_type_ids, **kwargs):
        # what happens when token_type_ids get lost
        return original(**kwargs)

    backbone.model.model.forward = forward


def see_everything(backbone):
    original = backbone.model.model.forward

    def forward(token_type_ids, **kwargs):
        return original(token_type_ids=torch.zeros_like(token_type_ids), **kwargs)

    backbone.model.model.forward = forward


@pytest.mark.parametrize(
    ('spoil', 'layer', 'says'),
    [
        (lambda backbone: None, 10, 'probes block 10, the backbone has blocks 0..9'),
        (lambda backbone: None, -1, 'probes block -1'),
        (use_sdpa, 3, 'load the model with eager attention'),
        (mask_like_a_decoder, 3, 'image tokens must see the last text token'),
        (see_everything, 3, 'the prefix must not see the suffix; the suffix must be causal'),
        (forget_the_soft_cap_of_the_reference, 3, 'must equal the full one'),
    ],
)
def test_a_model_that_behaves_otherwise_is_refused(spoil, layer, says):
    backbone = mini_backbone()
    spoil(backbone)
    with pytest.raises(SelfTestFailed, match=says):
        run_self_test(backbone, layer)


@pytest.mark.parametrize('layer', [0, 3, 9])
def test_the_embedded_backbone_passes(layer):
    run_self_test(mini_backbone(), layer)


def test_bfloat16_passes():
    backbone = mini_backbone()
    backbone.model.to(torch.bfloat16)
    run_self_test(backbone, 3)
