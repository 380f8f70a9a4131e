"""Does the loaded model behave as the method needs? Run at every load.

transformers has changed the masking of PaliGemma more than once without an error, and each change
silently ruins the maps. So the weights of the probed block are checked on a real forward pass of
the whole model, and the partial forward is held against them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from clue_ros.errors import SelfTestFailed
from clue_ros.model.attention import text_to_image_rows
from clue_ros.model.backbone import Backbone

_PREFIX = 'detect red apple'
_SUFFIX = 'red apple'
# Largest part of a row's attention that may lie elsewhere than in the reference. In bfloat16 the
# scores themselves are rounded to 3 digits.
_TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 0.05}


def run_self_test(backbone: Backbone, layer: int) -> None:
    """Raise SelfTestFailed unless block `layer` attends as the method needs."""
    if not 0 <= layer < backbone.layers:
        raise SelfTestFailed(
            f'the checkpoint probes block {layer}, the backbone has blocks 0..{backbone.layers - 1}'
        )
    side = backbone.model.config.vision_config.image_size
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    features = backbone.encode([noise])
    prefix = backbone.prefix(features, [_PREFIX])
    length = prefix.present.shape[1]

    weights = reference_attention(backbone, features, layer, _SUFFIX)
    images = backbone.image_token_count
    suffix = weights[0, :, length:, length:]
    checks = {
        'image tokens must see the last text token of the prefix': bool(
            (weights[0, :, :images, length - 1] > 0).all()
        ),
        'the prefix must not see the suffix': bool((weights[0, :, :length, length:] == 0).all()),
        'the suffix must be causal': bool((suffix.triu(diagonal=1) == 0).all()),
        'every row must sum to 1': bool(
            torch.allclose(weights.sum(-1), torch.ones(()).to(weights), atol=1e-2)
        ),
    }
    wrong = [what for what, holds in checks.items() if not holds]

    theirs = weights[:, :, images:length, :images]
    theirs = theirs / theirs.sum(-1, keepdim=True)
    # the reference carries a suffix, which the prefix does not see
    ours = text_to_image_rows(backbone, prefix, layer)
    error = float((ours - theirs).abs().sum(-1).max()) / 2
    if not error <= _TOLERANCE[backbone.dtype]:
        wrong.append(f'the partial forward must equal the full one (difference {error:.2g})')
    if wrong:
        raise SelfTestFailed(
            f'this model with this version of transformers fails the start-up test: '
            f'{"; ".join(wrong)}. Install the transformers version the package asks for, '
            'or use another checkpoint'
        )


@torch.inference_mode()
def reference_attention(
    backbone: Backbone, features: Tensor, layer: int, suffix: str, prefix: str = _PREFIX
) -> Tensor:
    """transformers' own attention weights of one block: (1, heads, tokens, tokens), float32.

    `features` (1, N, hidden). The sequence is the prefix and then the suffix.
    """
    tokenizer = backbone.tokenizer
    words = tokenizer(f'{prefix}\n', add_special_tokens=False).input_ids
    after = tokenizer(suffix, add_special_tokens=False).input_ids
    ids = [backbone.image_token] * backbone.image_token_count
    ids += [tokenizer.bos_token_id, *words, *after]
    types = [0] * (len(ids) - len(after)) + [1] * len(after)
    embeddings = backbone.language_model.embed_tokens(
        torch.tensor([[0 if i == backbone.image_token else i for i in ids]]).to(backbone.device)
    )
    embeddings[:, : backbone.image_token_count] = features.to(embeddings.dtype)
    kept: list[Tensor] = []

    def keep(_module: Any, _inputs: Any, output: tuple[Tensor, Tensor | None]) -> None:
        if output[1] is not None:
            kept.append(output[1])

    # a hook keeps one block's weights; output_attentions=True would keep every block's
    hook = backbone.language_model.layers[layer].self_attn.register_forward_hook(keep)
    try:
        backbone.model.model(
            inputs_embeds=embeddings,
            attention_mask=torch.ones(1, len(ids), dtype=torch.long, device=backbone.device),
            token_type_ids=torch.tensor([types], device=backbone.device),
            use_cache=False,
        )
    finally:
        hook.remove()
    if not kept or kept[0].dim() != 4:
        shape = tuple(kept[0].shape) if kept else None
        raise SelfTestFailed(
            f'block {layer} gives attention weights of shape {shape}, wanted '
            '(batch, heads, queries, keys); load the model with eager attention'
        )
    return kept[0].float()
