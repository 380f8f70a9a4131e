"""How a model from nothing begins: the first head of each block gathers the words of a lesson."""

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
LESSON = Encoded((2, 310, 311, 312, 313), (400, 401), frozenset())


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
def test_the_first_head_gathers_words_and_the_others_do_not():
    torch.manual_seed(0)
    model = build_model(1664, MiniatureConfig(vision_layers=2, layers=3)).eval()
    start_quietly(model)
    share_out_heads(model)
    shares = []

    def note(_module, _inputs, output):
        among_text = output[1][0, :, IMAGES:, IMAGES:]  # (heads, length, length)
        itself = among_text.diagonal(dim1=1, dim2=2)
        shares.append((among_text.sum(dim=-1) - itself)[:, :5].mean(dim=-1))

    for block in model.model.language_model.layers:
        block.self_attn.register_forward_hook(note)
    packed = pack([[LESSON]], 9, 1, IMAGES, end=1)
    text = {name: packed[name] for name in ('ids', 'positions', 'lesson', 'suffix')}
    run_decoder(model, torch.randn(1, IMAGES, 256), joined=False, **text)
    on_other_words = torch.stack(shares)  # (blocks, heads): of the prefix, among 196 patches
    assert (on_other_words[:, 0] > 0.5).all()
    assert (on_other_words[:, 1:] < 0.2).all()
