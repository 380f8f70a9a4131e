"""The text-to-image attention of one decoder block, by a partial forward pass.

Blocks after the probed one never run. In the probed block only what the map needs is computed:
norm, the queries of the text tokens, the keys of the image tokens, rotary embedding, soft-cap and
a softmax over the image keys alone. That softmax equals the paper's L1-renormalised row, Eq. (1):
both divide exp(score) by the sum over the image keys, whatever the other keys hold.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers.models.gemma2.modeling_gemma2 import apply_rotary_pos_emb

from clue_ros.model.backbone import Backbone
from clue_ros.model.backbone import Prefix


def text_to_image_rows(backbone: Backbone, prefix: Prefix, layer: int) -> Tensor:
    """A-bar of Eq. (1): (batch, heads, queries, image tokens), float32, rows sum to 1.

    Queries are all positions of the prefix behind its image tokens, padding included; `prefix`
    knows which of them count (`prefix.expression`, `prefix.words`).
    """
    return block_rows(backbone, prefix, run_blocks(backbone, prefix, layer), layer)


def run_blocks(backbone: Backbone, prefix: Prefix, layer: int) -> Tensor:
    """Hidden states (batch, length, hidden) that enter block `layer`."""
    model = backbone.language_model
    hidden = prefix.embeddings
    rotary = model.rotary_emb(hidden, prefix.positions)
    mask = prefix.attention_mask()
    for block in model.layers[:layer]:
        hidden = block(hidden, position_embeddings=rotary, attention_mask=mask)
    return hidden


def block_rows(backbone: Backbone, prefix: Prefix, hidden: Tensor, layer: int) -> Tensor:
    """The rows of `text_to_image_rows`, from the hidden states that enter the block."""
    model = backbone.language_model
    rotary = model.rotary_emb(hidden, prefix.positions)
    return image_rows(model.layers[layer], hidden, rotary, backbone.image_token_count)


def image_rows(block: Any, hidden: Tensor, rotary: tuple[Tensor, Tensor], images: int) -> Tensor:
    """The rows (batch, heads, queries, images) of a block of Gemma 2, float32.

    `hidden` (batch, length, hidden) enters the block, its image tokens first; `rotary` are the
    cosines and sines of all positions.
    """
    attention = block.self_attn
    cosine, sine = rotary
    hidden = block.input_layernorm(hidden)
    query = _heads(attention.q_proj(hidden[:, images:]), attention.head_dim)
    key = _heads(attention.k_proj(hidden[:, :images]), attention.head_dim)
    query, _ = apply_rotary_pos_emb(query, query, cosine[:, images:], sine[:, images:])
    key, _ = apply_rotary_pos_emb(key, key, cosine[:, :images], sine[:, :images])
    key = key.repeat_interleave(attention.num_key_value_groups, dim=1)

    scores = torch.matmul(query, key.transpose(2, 3)) * attention.scaling
    softcap = attention.attn_logit_softcapping
    if softcap is not None:
        scores = torch.tanh(scores / softcap) * softcap
    return torch.softmax(scores, dim=-1, dtype=torch.float32)


def mean_attention(rows: Tensor, queries: Tensor) -> Tensor:
    """v of Eq. (2): mean over heads and over the queries that count; (batch, image tokens).

    `rows` (batch, heads, queries, image tokens), `queries` (batch, queries) bool.
    """
    weights = queries[:, None, :, None].to(rows.dtype)
    total = (rows * weights).sum(dim=(1, 2))
    return total / (rows.shape[1] * queries.sum(dim=1, keepdim=True))


def min_max(attention: Tensor) -> Tensor:
    """M: each sample (batch, image tokens) scaled to [0, 1]; a constant one becomes 0."""
    low = attention.amin(dim=1, keepdim=True)
    high = attention.amax(dim=1, keepdim=True)
    return (attention - low) / (high - low).clamp_min(torch.finfo(attention.dtype).tiny)


def _heads(projected: Tensor, head_dim: int) -> Tensor:
    batch, length, _ = projected.shape
    return projected.view(batch, length, -1, head_dim).transpose(1, 2)
