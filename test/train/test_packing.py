"""Packed rows: who sees whom, and that packing changes nothing of what a lesson gives."""

import copy

import pytest
import torch

from clue_ros.train.miniature import MiniatureConfig
from clue_ros.train.miniature import build_model
from clue_ros.train.packed_model import answer_kinds
from clue_ros.train.packed_model import compile_blocks
from clue_ros.train.packed_model import decision_loss
from clue_ros.train.packed_model import run_decoder
from clue_ros.train.packed_model import text_loss
from clue_ros.train.packing import IGNORED
from clue_ros.train.packing import Encoded
from clue_ros.train.packing import fill
from clue_ros.train.packing import pack
from clue_ros.train.packing import visible

NOTHING = frozenset()
SHORT = Encoded((2, 10, 11), (20,), NOTHING)
LONG = Encoded((2, 12, 13, 14), (21, 22, 23), NOTHING)
EMPTY = Encoded((2, 15, 11), (), NOTHING)
IMAGES = 4


@pytest.mark.parametrize(
    ('lessons', 'length', 'most', 'wanted'),
    [
        ([], 40, 3, []),
        ([LONG], 6, 3, []),
        ([SHORT, LONG, EMPTY], 200, 2, [SHORT, LONG]),
        ([SHORT, LONG, EMPTY], 200, 9, [SHORT, LONG, EMPTY]),
        ([SHORT] * 99, 40, 99, [SHORT] * 8),  # no room worth filling is left
    ],
)
def test_fill(lessons, length, most, wanted):
    assert fill(lessons, length, most) == wanted


def test_labels_are_the_next_tokens_of_suffixes_and_the_end():
    packed = pack([[SHORT, EMPTY]], 10, 2, IMAGES, end=1)
    x = IGNORED
    assert packed['ids'][0].tolist() == [2, 10, 11, 20, 2, 15, 11, 0, 0, 0]
    assert packed['labels'][0].tolist() == [x, x, 20, 1, x, x, 1, x, x, x]
    assert packed['positions'][0].tolist() == [5, 6, 7, 8, 5, 6, 7, 0, 0, 0]
    assert packed['last'][0].tolist() == [2, 6]


def test_what_is_given_of_a_suffix_is_not_taught():
    begun = Encoded((2, 10, 11), (21, 22, 23), NOTHING, given=2)
    packed = pack([[begun, SHORT]], 12, 2, IMAGES, end=1)
    x = IGNORED
    assert packed['ids'][0].tolist() == [2, 10, 11, 21, 22, 23, 2, 10, 11, 20, 0, 0]
    assert packed['labels'][0].tolist() == [x, x, x, x, 23, 1, x, x, 20, 1, x, x]
    assert packed['suffix'][0].nonzero()[:, 0].tolist() == [3, 4, 5, 9]
    assert packed['last'][0].tolist() == [2, 8]


@pytest.mark.parametrize('joined', [False, True])
def test_who_sees_whom(joined):
    rows = [[LONG]] if joined else [[SHORT, LONG]]
    packed = pack(rows, 12, 2, IMAGES, end=1)
    seen = visible(packed['lesson'], packed['suffix'], IMAGES, joined)[0, 0]
    assert seen[:, :IMAGES].all()  # everything sees the picture
    lesson, suffix = packed['lesson'][0], packed['suffix'][0]
    for query in range(12):
        # image tokens see the prefix of the one lesson, and only then
        assert bool(seen[0, IMAGES + query]) == (
            joined and lesson[query].item() == 0 and not suffix[query]
        )
        for key in range(12):
            wanted = lesson[query] == lesson[key] and (not suffix[key] or key <= query)
            assert bool(seen[IMAGES + query, IMAGES + key]) == bool(wanted)


@pytest.fixture(scope='module')
def model():
    torch.manual_seed(0)
    config = MiniatureConfig(
        side=56, patch=28, vision_width=32, vision_layers=2, width=32, layers=3, hidden=64
    )
    return build_model(1600, config).eval()


@torch.no_grad()
def test_a_packed_lesson_gives_what_it_gives_alone(model):
    features = torch.randn(1, IMAGES, 32)

    def states(row):
        packed = pack([row], 20, 2, IMAGES, end=1)
        text = {k: packed[k] for k in ('ids', 'positions', 'lesson', 'suffix')}
        hidden, _, _ = run_decoder(model, features, joined=False, **text)
        return hidden[0]

    together = states([SHORT, LONG])
    torch.testing.assert_close(together[:4], states([SHORT])[:4])
    torch.testing.assert_close(together[4:11], states([LONG])[:7])


@torch.no_grad()
def test_a_joined_row_is_what_transformers_computes(model):
    pixels = torch.randn(1, 3, 56, 56)
    packed = pack([[LONG]], 7, 1, IMAGES, end=1)
    text = {k: packed[k] for k in ('ids', 'positions', 'lesson', 'suffix')}
    features = model.get_image_features(pixels).pooler_output
    ours, _, _ = run_decoder(model, features, joined=True, **text)
    image = torch.full((1, IMAGES), model.config.image_token_id)
    theirs = model.model(
        input_ids=torch.cat([image, packed['ids']], dim=1),
        pixel_values=pixels,
        attention_mask=torch.ones(1, IMAGES + 7, dtype=torch.long),
        token_type_ids=torch.tensor([[0] * (IMAGES + 4) + [1] * 3]),
    ).last_hidden_state[:, IMAGES:]
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_a_look_is_the_attention_that_transformers_computes(model):
    packed = pack([[SHORT, LONG]], 12, 2, IMAGES, end=1)
    text = {k: packed[k] for k in ('ids', 'positions', 'lesson', 'suffix')}
    given = []
    attention = model.model.language_model.layers[1].self_attn
    hook = attention.register_forward_hook(lambda _, __, output: given.append(output[1]))
    _, _, [ours] = run_decoder(model, torch.randn(1, IMAGES, 32), joined=False, after=(1,), **text)
    hook.remove()
    theirs = given[0][:, :, IMAGES:, :IMAGES]
    theirs = (theirs / theirs.sum(dim=-1, keepdim=True)).mean(dim=1)
    torch.testing.assert_close(ours, theirs)


def test_compiled_blocks_keep_their_names(model):
    """What is trained is saved and loaded by name; torch.compile may put a wrapper around it."""
    compiled = copy.deepcopy(model)
    compile_blocks(compiled)
    assert compiled.state_dict().keys() == model.state_dict().keys()


def test_the_loss_of_a_location_grows_with_the_distance(model):
    first = 500
    hidden = torch.zeros(1, 32)
    label = torch.tensor([first + 500])
    losses = []
    for guess in (500, 503, 520, 700):
        model.lm_head.weight.data[first : first + 1024] = 0
        model.lm_head.weight.data[first + guess] = 1
        losses.append(float(text_loss(model, hidden + 0.5, label, first, spread=5.0)))
    assert losses == sorted(losses)
    assert float(text_loss(model, hidden, label, first, spread=0.0)) > 0


def test_where_no_answer_is_to_begin_there_is_nothing_to_decide(model):
    none = torch.empty(0, dtype=torch.long)
    assert float(decision_loss(model, torch.empty(0, 32), none, 500)) == 0


@pytest.mark.parametrize(
    ('begins', 'kind'), [(1, 2), (7, 0), (499, 0), (500, 1), (1523, 1), (1524, 0)]
)
def test_any_token_of_the_right_kind_is_a_right_decision(model, begins, kind):
    first, end = 500, model.config.text_config.eos_token_id
    words, box, none = torch.tensor([3]), torch.tensor([first + 9]), torch.tensor([end])
    assert answer_kinds(model, first)[:, begins].tolist() == [k == kind for k in range(3)]
    weights = model.lm_head.weight.data
    weights.zero_()
    weights[begins] = 30.0  # all but certain
    losses = [
        float(decision_loss(model, torch.ones(1, 32), label, first)) for label in (words, box, none)
    ]
    assert losses[kind] < 1e-3
    assert min(loss for k, loss in enumerate(losses) if k != kind) > 10
