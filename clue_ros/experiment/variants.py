"""The six variants of Table I: how deep, what is adapted, which word in front, what is read.

                        blocks that run   LoRA on              prefix         read
Half-Last Detect CNN    0..L              q, k of L            detect         map of L by a CNN
Half-Last Detect AR     0..L              all of L             detect         yes or no
Half-Last Disambig AR   0..L              all of L             disambiguate   yes or no
Half-Full Disambig AR   0..L              all of 0..L          disambiguate   yes or no
Full-Last Disambig AR   all               all of the last one  disambiguate   yes or no
Full-Full Disambig AR   all               all                  disambiguate   yes or no
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Any
from typing import TypeAlias

import torch
from torch import Tensor
from torch import nn

from clue_ros.errors import InvalidRun
from clue_ros.experiment.requests import RequestConfig
from clue_ros.model.attention import run_blocks
from clue_ros.model.backbone import Backbone
from clue_ros.model.backbone import PrefixTokens
from clue_ros.prompt import Prompts
from clue_ros.train import lora
from clue_ros.train.lessons import PROMPTS
from clue_ros.train.loop import LoopConfig
from clue_ros.train.probe import ProbeModel

DETECT = PROMPTS
DISAMBIGUATE = replace(PROMPTS, probe_prefix='disambiguate {expression}')
_ANSWERS = ('yes', 'no')


@dataclass(frozen=True)
class Variant:
    """One row of Table I."""

    name: str  # of its folder
    title: str
    full_depth: bool  # all blocks run, else 0..L
    all_adapted: bool  # every block that runs, else the last one of them
    prompts: Prompts
    reads_map: bool = False  # a CNN reads the map of the last block, else an answer is read


CNN = Variant('half-last-detect-cnn', 'Half-Last Detect (CNN)', False, False, DETECT, True)
HALF_LAST = Variant('half-last-disambig-ar', 'Half-Last Disambig. (AR)', False, False, DISAMBIGUATE)
VARIANTS = (
    CNN,
    Variant('half-last-detect-ar', 'Half-Last Detect (AR)', False, False, DETECT),
    HALF_LAST,
    Variant('half-full-disambig-ar', 'Half-Full Disambig. (AR)', False, True, DISAMBIGUATE),
    Variant('full-last-disambig-ar', 'Full-Last Disambig. (AR)', True, False, DISAMBIGUATE),
    Variant('full-full-disambig-ar', 'Full-Full Disambig. (AR)', True, True, DISAMBIGUATE),
)


@dataclass(frozen=True)
class ProbesConfig:
    """What is the same for all variants."""

    loop: LoopConfig
    layer: int  # L, 0-based index of the last block at half depth
    requests: RequestConfig = field(default_factory=RequestConfig)
    queries: str = 'expression'  # rows the map is read from, as in clue.json
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05  # of the LoRA
    lora_rate: float = 0.05  # relative to the loop's, at which the CNN learns
    rows: int = 16  # requests in one forward pass, when scores are computed
    region_level: float = 0.3  # of the map, for the baseline that counts its peaks
    rounds: int = 40  # requests on which costs are measured

    def __post_init__(self) -> None:
        if self.layer < 0 or min(self.rank, self.alpha, self.rows, self.rounds) < 1:
            raise ValueError('layer counts from 0; rank, alpha, rows and rounds from 1')
        if self.queries not in ('expression', 'words'):
            raise ValueError(f'queries must be expression or words, got {self.queries!r}')
        if not 0 <= self.dropout < 1 or not 0 < self.region_level <= 1:
            raise ValueError('dropout must lie in [0, 1) and region_level in (0, 1]')
        if self.lora_rate <= 0:
            raise ValueError(f'lora_rate must be above 0, got {self.lora_rate}')


class AnswerModel(nn.Module):
    """A frozen backbone with a LoRA, cut behind block `last`; its next word is yes or no.

    A cut decoder goes on with the final norm and the output layer of the whole one.
    """

    def __init__(self, backbone: Backbone, first: int, last: int) -> None:
        """`first` is the first block with a LoRA: those before it run without a gradient."""
        super().__init__()
        self.model = backbone.model
        self._backbone = backbone
        self._blocks = (first, last)
        self._answers = torch.tensor(answer_tokens(backbone.tokenizer))

    def forward(self, pixels: Tensor, ambiguous: Tensor, **tokens: Tensor) -> dict[str, Tensor]:
        """Cross-entropy of the answers to labels (batch,) in {0, 1}, over the vocabulary."""
        scores = self._scores(pixels, **tokens)
        answers = self._answers.to(scores.device)
        yes, no = answers
        loss = nn.functional.cross_entropy(scores, torch.where(ambiguous.bool(), yes, no))
        right = (scores[:, yes] > scores[:, no]) == ambiguous.bool()
        return {'loss': loss, 'right': right.float().mean()}

    def logits(self, pixels: Tensor, **tokens: Tensor) -> Tensor:
        """(batch,) log-odds of ambiguity: yes against no."""
        scores = self._scores(pixels, **tokens)[:, self._answers.to(pixels.device)]
        return scores[:, 0] - scores[:, 1]

    def _scores(self, pixels: Tensor, **tokens: Tensor) -> Tensor:
        """Of the word behind each prefix, (batch, vocabulary) float32."""
        backbone, decoder = self._backbone, self._backbone.language_model
        first, last = self._blocks
        with torch.no_grad():
            features = self.model.get_image_features(pixels.to(backbone.dtype)).pooler_output
            prefix = backbone.join(features, PrefixTokens(**tokens))
            hidden = run_blocks(backbone, prefix, first)
        rotary = decoder.rotary_emb(hidden, prefix.positions)
        mask = prefix.attention_mask()
        for block in decoder.layers[first : last + 1]:
            hidden = block(hidden, position_embeddings=rotary, attention_mask=mask)
        ends = prefix.present.sum(dim=1) - 1
        behind = hidden[torch.arange(len(hidden), device=hidden.device), ends]
        scores: Tensor = self.model.lm_head(decoder.norm(behind)).float()
        softcap = self.model.config.text_config.final_logit_softcapping
        return scores if softcap is None else torch.tanh(scores / softcap) * softcap


Detector: TypeAlias = ProbeModel | AnswerModel


def bare(variant: Variant, backbone: Backbone, config: ProbesConfig) -> Detector:
    """A variant without its LoRA; it computes as much as with one that is merged."""
    first, last = _blocks(variant, backbone, config)
    if variant.reads_map:
        return ProbeModel(backbone, last, config.queries)
    return AnswerModel(backbone, first, last)


def adapted(
    variant: Variant, backbone: Backbone, config: ProbesConfig
) -> tuple[Detector, list[dict[str, Any]]]:
    """A variant with a fresh LoRA, and the parameter groups that learn. Undone by `lora.remove`."""
    torch.manual_seed(config.loop.seed)
    first, last = _blocks(variant, backbone, config)
    # the map gives v, o and the feed-forward part no gradient
    projections = ('q_proj', 'k_proj') if variant.reads_map else lora.ATTENTION + lora.FEED_FORWARD
    blocks = tuple(range(first, last + 1))
    settings = (config.rank, config.alpha, config.dropout)
    _, added = lora.inject(backbone.language_model, projections, blocks, *settings)
    model = bare(variant, backbone, config).to(backbone.device)
    groups: list[dict[str, Any]] = [{'params': added, 'scale': config.lora_rate}]
    if isinstance(model, ProbeModel):
        groups.append({'params': list(model.probe.parameters())})
    return model, groups


def _blocks(variant: Variant, backbone: Backbone, config: ProbesConfig) -> tuple[int, int]:
    """The first block that is adapted and the last one that runs."""
    last = backbone.layers - 1 if variant.full_depth else config.layer
    return (0 if variant.all_adapted else last), last


def answer_tokens(tokenizer: Any) -> list[int]:
    """The first pieces of yes and no: what a greedy decoder decides by."""
    pieces = [tokenizer(word, add_special_tokens=False).input_ids[0] for word in _ANSWERS]
    if pieces[0] == pieces[1]:
        raise InvalidRun(f'wanted {" and ".join(_ANSWERS)} to begin with different tokens')
    return pieces
