"""The layer sweep, Fig. 7: at which block of a frozen backbone does the map tell ambiguity?

The maps of all blocks come out of one forward pass for each request and are kept, so that one CNN
for each block is trained on arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch import nn
from tqdm import trange

from clue_ros.experiment.plots import draw_layers
from clue_ros.experiment.requests import RequestConfig
from clue_ros.experiment.requests import Requests
from clue_ros.experiment.requests import draw_lists
from clue_ros.experiment.results import Figures
from clue_ros.experiment.results import detection
from clue_ros.experiment.results import judge
from clue_ros.experiment.results import sizes
from clue_ros.experiment.results import table
from clue_ros.experiment.results import write_results
from clue_ros.experiment.results import write_samples
from clue_ros.experiment.setting import TRAIN
from clue_ros.experiment.setting import VALIDATION
from clue_ros.experiment.setting import Arrays
from clue_ros.experiment.setting import Setting
from clue_ros.experiment.setting import kept
from clue_ros.model.attention import block_rows
from clue_ros.model.attention import mean_attention
from clue_ros.model.attention import min_max
from clue_ros.model.backbone import Backbone
from clue_ros.model.backbone import Prefix
from clue_ros.model.probe import Probe
from clue_ros.train.lessons import PROMPTS
from clue_ros.train.loop import LoopConfig
from clue_ros.train.loop import fit
from clue_ros.train.settings import write_record


@dataclass(frozen=True)
class LayersConfig:
    """How the CNNs learn, and from what."""

    loop: LoopConfig  # of each CNN
    requests: RequestConfig = field(default_factory=RequestConfig)
    queries: str = 'expression'  # rows the maps are read from, as in clue.json
    rows: int = 16  # requests in one forward pass

    def __post_init__(self) -> None:
        if self.queries not in ('expression', 'words'):
            raise ValueError(f'queries must be expression or words, got {self.queries!r}')
        if self.rows < 1:
            raise ValueError(f'rows must be at least 1, got {self.rows}')


class MapModel(nn.Module):
    """The CNN alone."""

    def __init__(self) -> None:
        super().__init__()
        self.probe = Probe()

    def forward(self, maps: Tensor, ambiguous: Tensor) -> dict[str, Tensor]:
        """Loss of maps (batch, side, side) in [0, 1] with labels (batch,)."""
        logits = self.probe(maps)
        loss = nn.functional.binary_cross_entropy_with_logits(logits, ambiguous.float())
        return {'loss': loss}


def run_layers(setting: Setting, out: Path, config: LayersConfig) -> None:
    """Train and test a CNN on each block; what is in `out` already is not done again.

    Raises InvalidRun when `out` belongs to another run.
    """
    lists = draw_lists(setting, config.requests)
    backbone = setting.load()
    write_record(out, 'layers', config, setting.digest())
    maps = {
        split: kept(
            out / f'maps_{split}.npz', partial(compute_maps, backbone, requests, config, split)
        )['maps']
        for split, requests in lists.items()
    }
    scores: dict[str, Arrays] = {}
    figures: Figures = {}
    for block in range(backbone.layers):
        mine = {split: values[:, block] for split, values in maps.items()}
        folder = out / f'block_{block}'
        train = partial(train_block, mine, lists, folder, config.loop)
        scores[str(block)] = kept(folder / 'scores.npz', train)
        found = judge(lists, scores[str(block)], setting.tests)
        figures |= {f'{block}/{name}': figure for name, figure in found.items()}
    write_samples(out, lists, scores, setting.tests)
    draw_layers(out / 'layers.svg', figures, backbone.layers, setting.tests)
    words = _words(figures, backbone.layers, setting.tests, lists)
    write_results(out, 'layers', setting, config, figures, words)


def compute_maps(
    backbone: Backbone, requests: Requests, config: LayersConfig, split: str
) -> Arrays:
    """`maps` (requests, blocks, side, side) float16 in [0, 1]."""
    found = []
    for start in trange(0, len(requests), config.rows, desc=f'maps of {split}', mininterval=5):
        numbers = range(start, min(start + config.rows, len(requests)))
        features = backbone.encode(requests.images(numbers))
        prefix = backbone.prefix(features, requests.texts(numbers, PROMPTS))
        found.append(block_maps(backbone, prefix, config.queries).cpu().numpy().astype(np.float16))
    return {'maps': np.concatenate(found)}


@torch.inference_mode()
def block_maps(backbone: Backbone, prefix: Prefix, queries: str) -> Tensor:
    """M of every block: (batch, blocks, side, side) in [0, 1], float32."""
    decoder = backbone.language_model
    side = backbone.grid_side
    asking = prefix.words if queries == 'words' else prefix.expression
    rotary = decoder.rotary_emb(prefix.embeddings, prefix.positions)
    mask = prefix.attention_mask()
    hidden = prefix.embeddings
    maps = []
    for number, block in enumerate(decoder.layers):
        rows = block_rows(backbone, prefix, hidden, number)
        maps.append(min_max(mean_attention(rows, asking)).view(-1, side, side))
        if number + 1 < backbone.layers:
            hidden = block(hidden, position_embeddings=rotary, attention_mask=mask)
    return torch.stack(maps, dim=1)


def train_block(maps: Arrays, lists: Mapping[str, Requests], out: Path, loop: LoopConfig) -> Arrays:
    """Train a CNN on maps (requests, side, side) of one block; probabilities on all but TRAIN."""
    torch.manual_seed(loop.seed)
    model = MapModel()
    inputs = {split: torch.from_numpy(values.astype(np.float32)) for split, values in maps.items()}
    truth = {split: torch.from_numpy(requests.truth) for split, requests in lists.items()}

    def batch(number: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([loop.seed, number])
        chosen = torch.from_numpy(rng.integers(len(lists[TRAIN]), size=loop.batch))
        return {'maps': inputs[TRAIN][chosen], 'ambiguous': truth[TRAIN][chosen]}

    @torch.no_grad()
    def validate() -> dict[str, float]:
        device = next(model.parameters()).device
        held_out = inputs[VALIDATION].to(device), truth[VALIDATION].to(device)
        loss = float(model(*held_out)['loss'])
        return {'score': -loss, 'loss': loss}

    fit(model, [{'params': list(model.parameters())}], batch, validate, loop, out)
    probe = model.probe.eval().cpu()
    with torch.no_grad():
        return {
            split: probe(values).double().sigmoid().numpy()
            for split, values in inputs.items()
            if split != TRAIN
        }


def _words(
    figures: Figures, blocks: int, tests: tuple[str, ...], lists: Mapping[str, Requests]
) -> str:
    titles = {str(block): str(block) for block in range(blocks)}
    return f"""# Layer sweep (Fig. 7)

A frozen backbone, one CNN for each decoder block on the map of that block. In brackets 95 %
intervals, resampled by scene; thresholds from validation. Requests: {sizes(lists)}.

![F1 and AUROC by block](layers.svg)

{table('block', titles, detection(tests), figures)}"""
