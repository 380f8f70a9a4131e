"""Real models for the tests: the embedded checkpoint and random weights at chosen shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoImageProcessor
from transformers import AutoTokenizer
from transformers import PaliGemmaConfig
from transformers import PaliGemmaForConditionalGeneration

from clue_ros.model.backbone import Backbone

CHECKPOINT = Path(__file__).parents[1] / 'clue_ros' / 'models' / 'clue-mini'

# google/paligemma2-3b-mix-448
TRUE_TEXT = {
    'hidden_size': 2304,
    'intermediate_size': 9216,
    'num_attention_heads': 8,
    'num_key_value_heads': 4,
    'head_dim': 256,
    'query_pre_attn_scalar': 256,
    'vocab_size': 257216,
    'num_hidden_layers': 26,
    'attn_logit_softcapping': 50.0,
    'final_logit_softcapping': 30.0,
    'sliding_window': 4096,
    'max_position_embeddings': 8192,
}
TRUE_VISION = {
    'hidden_size': 1152,
    'intermediate_size': 4304,
    'num_attention_heads': 16,
    'num_hidden_layers': 27,
    'image_size': 448,
    'patch_size': 14,
}


def mini_backbone() -> Backbone:
    return Backbone.load(CHECKPOINT / 'backbone', torch.device('cpu'), torch.float32)


def random_backbone(
    text: dict[str, Any],
    vision: dict[str, Any],
    scale: float = 0.02,
    layers: int | None = None,
    dtype: torch.dtype = torch.float32,
) -> Backbone:
    """A PaliGemma 2 with random weights, the mini tokenizer and its own picture size."""
    text = {**text, 'num_hidden_layers': layers or text['num_hidden_layers']}
    tokenizer: Any = AutoTokenizer.from_pretrained(CHECKPOINT / 'backbone')
    side = vision['image_size']
    config = PaliGemmaConfig(
        text_config={
            'model_type': 'gemma2',
            'use_bidirectional_attention': True,
            'hidden_activation': 'gelu_pytorch_tanh',
            'pad_token_id': 0,
            **text,
        },
        vision_config={
            'model_type': 'siglip_vision_model',
            'vision_use_head': False,
            'projection_dim': text['hidden_size'],
            **vision,
        },
        image_token_index=tokenizer.convert_tokens_to_ids('<image>'),
        projection_dim=text['hidden_size'],
        hidden_size=text['hidden_size'],
    )
    config._attn_implementation = {'text_config': 'eager', 'vision_config': 'sdpa'}
    with torch.device('meta'):
        model: Any = PaliGemmaForConditionalGeneration(config)
    model.to(dtype).to_empty(device='cpu')
    # Drawing billions of numbers takes minutes, so a million are drawn and laid end to end; their
    # count is prime, so that no two rows of a matrix are alike.
    draws = torch.randn(1_000_003, generator=torch.Generator().manual_seed(0)) * scale
    draws = draws.to(dtype)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1 and 'norm' in name:
                # SigLIP's norms multiply by the weight, Gemma's by 1 + weight
                parameter.fill_(1.0 if 'vision' in name and 'weight' in name else 0.0)
            else:
                flat = parameter.view(-1)
                for start in range(0, flat.numel(), draws.numel()):
                    piece = flat[start : start + draws.numel()]
                    piece.copy_(draws[: piece.numel()])
    model.tie_weights()
    _restore_buffers(model, config)
    load: Any = AutoImageProcessor.from_pretrained
    image_processor = load(CHECKPOINT / 'backbone', size={'height': side, 'width': side})
    return Backbone(model, tokenizer, image_processor)


def _restore_buffers(model: Any, config: Any) -> None:
    # `to_empty` leaves the computed buffers undefined
    decoder = model.model.language_model
    rotary = type(decoder.rotary_emb)(config.text_config)
    decoder.rotary_emb = rotary
    decoder.embed_tokens.embed_scale = torch.tensor(config.text_config.hidden_size**0.5)
    embeddings = model.model.vision_tower.embeddings
    embeddings.position_ids = torch.arange(embeddings.num_positions).expand((1, -1))
