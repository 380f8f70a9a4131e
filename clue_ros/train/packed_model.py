"""A PaliGemma 2 with what it is taught by: answers, what patches show, what words refer to."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch import nn

from clue_ros.box import LOCATION_COUNT
from clue_ros.model.attention import image_rows
from clue_ros.model.attention import min_max
from clue_ros.model.decoder import first_tokens
from clue_ros.model.probe import Probe
from clue_ros.train.dense import DenseHeads
from clue_ros.train.dense import shares_of_names
from clue_ros.train.dense import side_error
from clue_ros.train.packing import IGNORED
from clue_ros.train.packing import visible

_SPREAD = 5.0  # location tokens, of the bell that is a location's target
_LOWEST = -30000.0  # for keys that are not seen; within float16 and bfloat16


class Pointer(nn.Module):
    """From the words of a prefix to the patches of the things it speaks of, by a dot product."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.words = nn.Linear(hidden, hidden)
        self.last = nn.Linear(hidden, hidden)
        self.patches = nn.Linear(hidden, hidden)
        # what is alike points at each other from the start
        self.words.load_state_dict(self.patches.state_dict())

    def forward(self, words: Tensor, last: Tensor, patches: Tensor) -> Tensor:
        """Logits (rows, lessons, patches) from means of words and last words of prefixes."""
        query = self.words(words) + self.last(last)
        scores: Tensor = query @ self.patches(patches).transpose(1, 2)
        return scores.div(words.shape[-1] ** 0.5).sub(1.0)


class PackedModel(nn.Module):
    """The model and its training heads; `forward` gives named losses."""

    def __init__(
        self, model: Any, dense: DenseHeads, first_location: int, pointers: tuple[int, ...]
    ) -> None:
        """`dense` as the vision stage left it; after the blocks `pointers` referents are known."""
        super().__init__()
        self.model = model
        hidden = model.config.text_config.hidden_size
        self.dense = dense
        self.pointers = nn.ModuleDict({str(block): Pointer(hidden) for block in pointers})
        self.probe = Probe()
        self.first_location = first_location

    def forward(
        self,
        pixels: Tensor,
        classes: Tensor,
        numbers: Tensor,
        referents: Tensor,
        spoken: Tensor,
        last: Tensor,
        joined: bool,
        **text: Tensor,
    ) -> dict[str, Tensor]:
        """Tensors as `pack` and `patch_labels` make them; bool, which patches show what a lesson
        is about, `referents` (rows, lessons, patches), and what the next token speaks of, `spoken`
        (rows, length, patches).
        """
        with torch.no_grad():
            features = self.model.get_image_features(pixels).pooler_output
        losses: dict[str, Tensor] = {}
        labels = text.pop('labels')
        after = tuple(int(block) for block in self.pointers)
        hidden, kept, maps = run_decoder(self.model, features, joined=joined, after=after, **text)
        taught = labels != IGNORED
        losses['text'] = text_loss(
            self.model, hidden[taught], labels[taught], self.first_location, _SPREAD
        )
        # only among the patches that show a thing: which of them is the question
        weight = ((classes[..., 0] >= 0)[:, None, :] & (last > 0)[..., None]).float()
        images = features.shape[1]
        numbers_of = torch.arange(last.shape[1], device=last.device)[None, :, None]
        begins = hidden.gather(1, last[..., None].expand(-1, -1, hidden.shape[-1]))
        opening = labels.gather(1, last)
        free = (last > 0) & (opening != IGNORED)
        losses['decision'] = decision_loss(
            self.model, begins[free], opening[free], self.first_location
        )
        own = text['lesson'][:, None] == numbers_of
        prefix = own & ~text['suffix'][:, None]
        words = _means(prefix)
        begin = self.model.config.text_config.bos_token_id
        read = _means(prefix & (text['ids'] != begin)[:, None])
        _, alone = _box_of(referents, numbers[..., :4])
        points: list[Tensor] = []
        looks: list[Tensor] = []
        for state, seen, pointer in zip(kept, maps, self.pointers.values(), strict=True):
            said = state[:, images:]
            ends = said.gather(1, last[..., None].expand(-1, -1, said.shape[-1]))
            logits = pointer(words @ said.float(), ends, state[:, :images]).float()
            errors = nn.functional.binary_cross_entropy_with_logits(
                logits, referents.float(), weight, reduction='sum'
            )
            points.append(errors / weight.sum().clamp(min=1))
            # first the words, whose map the probe reads, then each token that answers
            if looks:
                looks.append(_look_loss(seen, spoken))
                continue
            seen = read @ seen
            several = referents.any(dim=2) & ~alone
            asked = last > 0
            losses['ambiguity'] = self._judge(seen[asked], several[asked])
            looks.append(_look_loss(seen, referents))
        losses['point'] = torch.stack(points).mean()
        losses['look'] = torch.stack(looks).mean()
        # where a location is about to be written, the box must be known as the patches know it
        known = self.dense.sides(kept[-1][:, images:])
        wanted, one = _box_of(spoken, numbers[..., :4])
        counted = self._is_location(labels) & one
        error = side_error(known, wanted) * counted
        losses['box'] = error.sum() / counted.sum().clamp(min=1)
        # and where words are about to name something, the names that its patches have
        worded = taught & ~self._is_location(labels)
        names = [share[worded] for share in shares_of_names(spoken, classes)]
        losses['names'] = self.dense.naming(kept[-1][:, images:][worded], names)
        losses['loss'] = (
            losses['text']
            + losses['decision']
            + 2 * losses['point']
            + 0.3 * losses['look']
            + losses['ambiguity']
            + 3 * losses['box']
            + 0.3 * losses['names']
        )
        return losses

    def _judge(self, attention: Tensor, several: Tensor) -> Tensor:
        """Loss of the probe that reads attention (n, patches) and tells if several are meant."""
        side = math.isqrt(attention.shape[1])
        maps = min_max(attention.float()).view(-1, side, side)
        return nn.functional.binary_cross_entropy_with_logits(
            self.probe(maps).float(), several.float()
        )

    def _is_location(self, labels: Tensor) -> Tensor:
        places = labels - self.first_location
        return (places >= 0) & (places < LOCATION_COUNT)


def compile_blocks(model: Any) -> None:
    """Have torch.compile fuse what the decoder's blocks do between their products of matrices."""
    for block in model.model.language_model.layers:
        block.compile(dynamic=False)


def run_decoder(
    model: Any,
    features: Tensor,
    ids: Tensor,
    positions: Tensor,
    lesson: Tensor,
    suffix: Tensor,
    joined: bool,
    after: tuple[int, ...] = (),
) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Final hidden states of the text (rows, length, hidden), and of the blocks `after` two things:
    all states behind them, and the text's attention over the image tokens, mean of the heads of
    Eq. (1), (rows, length, images).

    Tensors as `pack` makes them; `features` (rows, image tokens, hidden).
    """
    decoder = model.model.language_model
    images = features.shape[1]
    words = decoder.embed_tokens(ids)
    hidden = torch.cat([features.to(words.dtype), words], dim=1)
    places = torch.arange(1, images + 1, device=ids.device).expand(len(ids), -1)
    rotary = decoder.rotary_emb(hidden, torch.cat([places, positions], dim=1))
    seen = visible(lesson, suffix, images, joined)
    # what is added to scores in lower precision shall not lift them to a higher one
    kind = hidden.device.type
    dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else hidden.dtype
    rotary = tuple(part.to(dtype) for part in rotary)
    mask = torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill(~seen, _LOWEST)
    kept, maps = [], []
    for number, block in enumerate(decoder.layers):
        if number in after:
            maps.append(image_rows(block, hidden, rotary, images).mean(dim=1))
        hidden = block(hidden, position_embeddings=rotary, attention_mask=mask)
        if number in after:
            kept.append(decoder.norm(hidden))
    return decoder.norm(hidden[:, images:]), kept, maps


def _look_loss(attention: Tensor, patches: Tensor) -> Tensor:
    """Cross-entropy of attention (rows, n, patches) that shall lie evenly on some patches."""
    target = patches / patches.sum(dim=2, keepdim=True).clamp(min=1)
    return -(target * (attention + 1e-6).log()).sum() / target.sum().clamp(min=1)


def _box_of(referents: Tensor, sides: Tensor) -> tuple[Tensor, Tensor]:
    """The box (rows, n, 4) of what each of n lessons or tokens means, and whether it is one thing.

    `referents` (rows, n, patches), `sides` (rows, patches, 4).
    """
    missing = ~referents[..., None]
    sides = sides[:, None]
    low = sides.masked_fill(missing, 2.0).amin(dim=2)
    high = sides.masked_fill(missing, -2.0).amax(dim=2)
    return low, (low == high).all(dim=-1)


def _means(chosen: Tensor) -> Tensor:
    """Weights that make means over the chosen (rows, lessons, length)."""
    return chosen / chosen.sum(dim=2, keepdim=True).clamp(min=1)


def text_loss(
    model: Any, hidden: Tensor, labels: Tensor, first_location: int, spread: float
) -> Tensor:
    """Mean cross-entropy of next tokens `labels` (n,) from final states `hidden` (n, hidden).

    With `spread` above 0, in location tokens, a location's target is a bell over its neighbours:
    a box is right when its sides are nearly right. Locations, which are few, then weigh as much
    as all words together.
    """
    log_probabilities = _log_probabilities(model, hidden)
    exact = log_probabilities.gather(1, labels[:, None]).squeeze(1)
    if not spread:
        return -exact.mean()
    places = labels - first_location
    is_place = (places >= 0) & (places < LOCATION_COUNT)
    values = torch.arange(LOCATION_COUNT, device=labels.device)
    near = torch.exp(-(((values - places[:, None]) / spread) ** 2) / 2)
    near = near / near.sum(dim=1, keepdim=True).clamp(min=1e-6)
    among = log_probabilities[:, first_location : first_location + LOCATION_COUNT]
    losses = -torch.where(is_place, (near * among).sum(dim=1), exact)
    kinds = (losses[chosen] for chosen in (is_place, ~is_place) if chosen.any())
    return torch.stack([kind.mean() for kind in kinds]).mean()


def decision_loss(model: Any, hidden: Tensor, labels: Tensor, first_location: int) -> Tensor:
    """Mean cross-entropy of what kind of answer begins: a box, a question, or none.

    `hidden` (n, hidden) are final states where prefixes end, `labels` (n,) the first tokens of
    the answers. A question is the one token of some twenty on which all depends; by itself it
    would count a twentieth. 0 where no answer is to begin.
    """
    kinds = answer_kinds(model, first_location).to(hidden.device)
    log_probabilities = _log_probabilities(model, hidden)
    sums = [log_probabilities[:, kind].logsumexp(dim=1) for kind in kinds]
    right = kinds[:, labels].int().argmax(dim=0)
    summed = nn.functional.nll_loss(torch.stack(sums, dim=1), right, reduction='sum')
    return summed / max(1, len(labels))


def answer_kinds(model: Any, first_location: int) -> Tensor:
    """What the model's answers begin with, as `first_tokens` gives it."""
    end = model.config.text_config.eos_token_id
    return first_tokens(model.lm_head.weight.shape[0], first_location, end)


def _log_probabilities(model: Any, hidden: Tensor) -> Tensor:
    logits = model.lm_head(hidden).float()
    softcap = model.config.text_config.final_logit_softcapping
    if softcap is not None:
        logits = torch.tanh(logits / softcap) * softcap
    shares: Tensor = logits.log_softmax(dim=-1)
    return shares
