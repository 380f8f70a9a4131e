"""How a model from nothing begins: heads that read words, others that look at patches."""

import pytest
import torch

from clue_ros.train.miniature import MiniatureConfig
from clue_ros.train.miniature import build_model
from clue_ros.train.miniature import share_out_heads
from clue_ros.train.miniature import start_quietly
from clue_ros.train.packed_model import run_decoder
from clue_ros.train.packing import Encoded
from clue_ros.train.packing import pack

IMAGES = 196
LESSONS = [
    Encoded((2, 310, 311, 312, 313), (400, 401), frozenset()),
    Encoded((2, 320), (), frozenset()),
]


@pytest.mark.parametrize(
    'values',
    [
        {'side': 100, 'patch': 16},
        {'width': 30},
        {'vision_width': 30},
        {'layers': 1},
        {'words': 10},
    ],
)
def test_bad_sizes(values):
    with pytest.raises(ValueError, match='wanted|must be'):
        MiniatureConfig(**values)


@torch.no_grad()
def test_the_first_head_reads_words_and_the_others_look_at_patches():
    torch.manual_seed(0)
    model = build_model(1664, MiniatureConfig(vision_layers=2, layers=3)).eval()
    start_quietly(model)
    share_out_heads(model)
    shares = []

    def note(_module, _inputs, output):
        shares.append(output[1][..., IMAGES:, IMAGES:].sum(dim=-1))  # (rows, heads, length)

    for block in model.model.language_model.layers:
        block.self_attn.register_forward_hook(note)
    packed = pack([LESSONS], 9, 2, IMAGES, end=1)
    text = {name: packed[name] for name in ('ids', 'positions', 'lesson', 'suffix')}
    run_decoder(model, torch.randn(1, IMAGES, 256), joined=False, **text)
    on_words = torch.stack(shares).mean(dim=-1)[:, 0]  # (blocks, heads)
    assert (on_words[:, 0] > 0.7).all()  # two and five words among 196 patches
    assert (on_words[:, 1:] < 0.2).all()
