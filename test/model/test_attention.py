"""The partial forward against transformers' own eager attention weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from model_builders import TRUE_TEXT
from model_builders import TRUE_VISION
from model_builders import mini_backbone
from model_builders import random_backbone
from PIL import Image
from transformers import PaliGemmaProcessor

from clue_ros.clue import Clue
from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidRequest
from clue_ros.model.attention import mean_attention
from clue_ros.model.attention import min_max
from clue_ros.model.attention import text_to_image_rows
from clue_ros.model.backbone import Backbone
from clue_ros.model.checkpoint import Checkpoint
from clue_ros.response import Absent
from clue_ros.response import Grounding
from clue_ros.response import Invalid

SMALL_TEXT = {
    **TRUE_TEXT,
    'hidden_size': 64,
    'intermediate_size': 96,
    'num_attention_heads': 4,
    'num_key_value_heads': 2,
    'head_dim': 16,
    'query_pre_attn_scalar': 16,
    'vocab_size': 1728,
    'num_hidden_layers': 4,
    # low enough to bend the scores of random weights
    'attn_logit_softcapping': 0.5,
}
SMALL_VISION = {
    **TRUE_VISION,
    'hidden_size': 32,
    'intermediate_size': 48,
    'num_attention_heads': 2,
    'num_hidden_layers': 2,
    'image_size': 70,
}
RESPONSES = (Grounding, Invalid, Absent)
TEXTS = ['detect red apple', 'detect bowl to the right of the yellow cone', 'detect mug']


def picture(side: int, seed: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((side, side)))


def reference(backbone: Backbone, image: np.ndarray, text: str, layer: int) -> torch.Tensor:
    """Eq. (1) of the paper, from `output_attentions=True` on the processor's own input."""
    processor = PaliGemmaProcessor(
        image_processor=_with_length(backbone), tokenizer=backbone.tokenizer
    )
    inputs = processor(images=image, text=f'<image>{text}', return_tensors='pt')
    inputs.pop('labels', None)
    with torch.inference_mode():
        output = backbone.model.model(**inputs, output_attentions=True)  # no need of words
    is_image = inputs['input_ids'][0] == backbone.image_token
    rows = output.attentions[layer][0][:, ~is_image][:, :, is_image].double()
    return rows / rows.sum(-1, keepdim=True)


def _with_length(backbone: Backbone):
    backbone.image_processor.image_seq_length = backbone.image_token_count
    return backbone.image_processor


def largest_relative_error(backbone: Backbone, layer: int, texts: list[str]) -> float:
    side = backbone.model.config.vision_config.image_size
    images = [picture(side, seed) for seed in range(len(texts))]
    features = backbone.encode(images)
    with torch.inference_mode():
        ours = text_to_image_rows(backbone, backbone.prefix(features, texts), layer)
    errors = []
    for row, (image, text) in enumerate(zip(images, texts, strict=True)):
        theirs = reference(backbone, image, text, layer)
        mine = ours[row, :, : theirs.shape[1]].double()
        # what is smaller has too few digits in theirs, or is 0
        errors.append(float(((mine - theirs).abs() / theirs.clamp(min=1e-28)).max()))
    return max(errors)


@pytest.mark.parametrize('layer', [0, 2, 9])
def test_equals_transformers_for_the_embedded_model(layer):
    backbone = mini_backbone()
    for text in TEXTS:
        # 1.04e-5 on one CPU, whose sums are added up in another order, below 1e-5 on others
        assert largest_relative_error(backbone, layer, [text]) < 2e-5
    # A padded batch: the texts differ in length. Matrix products of another size add up in another
    # order, which shows in the last digits of weights as small as 1e-30.
    assert largest_relative_error(backbone, layer, TEXTS) < 1e-4


def test_equals_transformers_with_soft_capping_and_grouped_heads():
    backbone = random_backbone(SMALL_TEXT, SMALL_VISION, scale=0.2)
    assert largest_relative_error(backbone, 2, TEXTS) < 1e-5


def test_soft_capping_matters_in_that_test():
    backbone = random_backbone(SMALL_TEXT, SMALL_VISION, scale=0.2)
    image = picture(70, 0)
    capped = reference(backbone, image, TEXTS[0], 2)
    for block in backbone.language_model.layers:
        block.self_attn.attn_logit_softcapping = None
    assert float((capped - reference(backbone, image, TEXTS[0], 2)).abs().max()) > 1e-3


@pytest.fixture(scope='module')
def true_shapes() -> Backbone:
    """Widths, heads, vocabulary, pixels and image tokens are those of the 3B model.

    Its blocks are all alike, so that two of them stand for twenty-six, the last for its block 14;
    and the decoder does not know how deep the vision tower is that its tokens come from.
    """
    return random_backbone(TRUE_TEXT, {**TRUE_VISION, 'num_hidden_layers': 2}, layers=2)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_equals_transformers_at_the_true_shapes_of_paligemma2_3b(true_shapes):
    assert true_shapes.image_token_count == 1024
    assert largest_relative_error(true_shapes, 1, TEXTS[:1]) < 1e-5


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_whole_door_opens_at_the_true_shapes(true_shapes):
    # start-up test, and with it the partial forward, included: a camera frame in, a box out
    clue = Clue(true_shapes, Checkpoint('random', backbone=Path()))
    view = clue.look(np.asarray(Image.fromarray(picture(448, 1)).resize((640, 480))))
    assert isinstance(clue.respond(view, Dialog('get the apple'), 'never'), RESPONSES)


def test_the_expression_is_what_lies_between_the_conditioning_word_and_the_newline():
    backbone = mini_backbone()
    features = backbone.encode([picture(140, 0)] * 2)
    texts = ['detect red apple', 'detect large mug on the left']
    prefix = backbone.prefix(features, texts)
    ids = [backbone.tokenizer(f'{text}\n', add_special_tokens=False).input_ids for text in texts]
    for row, tokens in enumerate(ids):
        # <bos> and then the text
        chosen = prefix.expression[row].nonzero().flatten().tolist()
        words = backbone.tokenizer.decode([tokens[place - 1] for place in chosen])
        assert words.strip() == texts[row].removeprefix('detect ')
        assert prefix.words[row].tolist() == [
            0 < place <= len(tokens) for place in range(prefix.words.shape[1])
        ]


def test_text_beyond_the_window_is_refused():
    backbone = mini_backbone()
    features = backbone.encode([picture(140, 0)])
    with pytest.raises(InvalidRequest, match='reads at most 315'):
        backbone.prefix(features, ['clarify ' + 'x7' * 400])


def test_mean_and_min_max():
    rows = torch.tensor([[[[0.5, 0.5, 0.0], [0.2, 0.3, 0.5], [9.0, 9.0, 9.0]]]])
    queries = torch.tensor([[True, True, False]])
    mean = mean_attention(rows, queries)
    assert mean.tolist()[0] == pytest.approx([0.35, 0.4, 0.25])
    assert min_max(mean).tolist()[0] == pytest.approx([2 / 3, 1.0, 0.0])
    assert min_max(torch.full((1, 4), 0.25)).tolist() == [[0.0] * 4]
