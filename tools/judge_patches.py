"""What a backbone's patches tell about things, in distribution and with one change at a time.

Run `python tools/judge_patches.py --corpus CORPUS` with a corpus that `clue train corpus` made: on
it linear readers of the patches are trained, the backbone stays as it is. Then scenes are drawn in
which one part of the held-out configuration is in force, then all of it, and the shares of patches
of which category, colour and size are read correctly are printed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # this tree, not an installed package

from clue_ros.model.backbone import Backbone  # noqa: E402
from clue_ros.model.checkpoint import EMBEDDED  # noqa: E402
from clue_ros.model.checkpoint import find  # noqa: E402
from clue_ros.sim.sampling import OOD  # noqa: E402
from clue_ros.sim.sampling import SceneConfig  # noqa: E402
from clue_ros.sim.scene import CATEGORIES  # noqa: E402
from clue_ros.sim.scene import COLORS  # noqa: E402
from clue_ros.sim.scene import HELD_OUT  # noqa: E402
from clue_ros.train.corpus import Corpus  # noqa: E402
from clue_ros.train.corpus import CorpusConfig  # noqa: E402
from clue_ros.train.corpus import render_corpus  # noqa: E402
from clue_ros.train.pictures import PLAIN  # noqa: E402
from clue_ros.train.pictures import PictureConfig  # noqa: E402
from clue_ros.train.pictures import lit  # noqa: E402
from clue_ros.train.vision import VisionModel  # noqa: E402
from clue_ros.train.vision import vision_batch  # noqa: E402

SEED = 77  # of the scenes, which no training has
SHARD = 32  # pictures, one of each aspect in a row
PATCHES = 64  # of each picture, for the readers
RATE = 3e-3
_LOOK = SceneConfig().look
_SURFACES = {name: getattr(OOD.look, name) for name in ('patterns', 'saturation')}
_LIGHT = {
    name: getattr(OOD.look, name)
    for name in ('light_azimuth', 'light_elevation', 'brightness', 'ambient', 'warmth')
}
KINDS = {
    'in distribution': SceneConfig(),
    'other shapes': SceneConfig(variants=OOD.variants),
    'other textures': SceneConfig(look=replace(_LOOK, **_SURFACES)),
    'other light': SceneConfig(look=replace(_LOOK, **_LIGHT)),
    'other camera': SceneConfig(
        distance=OOD.distance, elevation=OOD.elevation, azimuth=OOD.azimuth
    ),
    'other pairs of category and colour': SceneConfig(held_out=OOD.held_out),
    'all of it': OOD,
}


def read(vision: VisionModel, corpus: Corpus, grid: int, steps: int, pictures: int) -> None:
    """Train the readers, and nothing else."""
    vision.requires_grad_(False)
    vision.dense.requires_grad_(True)
    optimizer = torch.optim.AdamW(vision.dense.parameters(), lr=RATE, weight_decay=0)
    config = PictureConfig(recolored=0.2)
    for step in range(steps):
        for group in optimizer.param_groups:
            group['lr'] = RATE * (1 - 0.9 * step / steps)
        rng = np.random.default_rng([0, step])
        chosen = rng.integers(len(corpus), size=pictures)
        losses = vision(
            **lit(vision_batch(corpus, chosen, rng, config, grid, min(PATCHES, grid**2)))
        )
        optimizer.zero_grad()
        losses['loss'].backward()
        optimizer.step()


@torch.no_grad()
def judge(vision: VisionModel, corpus: Corpus, grid: int) -> list[float]:
    """Shares of shown patches read correctly: category, colour, size; category of held-out pairs.

    The last is not a number where there are none.
    """
    held_out = torch.tensor([[(one, two) in HELD_OUT for two in COLORS] for one in CATEGORIES])
    right, held = [], []
    for start in range(0, len(corpus), SHARD):
        indices = np.arange(start, min(start + SHARD, len(corpus)))
        rng = np.random.default_rng(0)
        batch = lit(vision_batch(corpus, indices, rng, PLAIN, grid, grid**2))
        features = vision.dense.norm(vision.features(batch['pixels'], batch['kept']))
        classes = batch['classes'][batch['classes'][..., 0] >= 0]
        shown = features[batch['classes'][..., 0] >= 0]
        found = torch.stack([head(shown).argmax(-1) for head in vision.dense.names], dim=-1)
        right.append((found == classes).float())
        held.append(held_out[classes[:, 0], classes[:, 1]])
    all_right = torch.cat(right)
    return [*all_right.mean(dim=0).tolist(), float(all_right[torch.cat(held), 0].mean())]


def main() -> None:
    """Print a table for each backbone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--corpus', type=Path, required=True, help='to train the readers on')
    parser.add_argument('--seed', type=int, default=1, help='of the corpus')
    parser.add_argument(
        '--backbone', type=Path, action='append', help='folder; of several each (default embedded)'
    )
    parser.add_argument('--scenes', type=int, default=192, help='of each kind (default 192)')
    parser.add_argument('--steps', type=int, default=250, help='of the readers (default 250)')
    options = parser.parse_args()
    learned = Corpus(options.corpus, options.seed, 'train')
    with tempfile.TemporaryDirectory() as folder:
        for name, kind in KINDS.items():
            config = CorpusConfig(seed=SEED, shard=SHARD)
            render_corpus(Path(folder) / name, options.scenes, config, [kind], 2)
        corpora = {name: Corpus(Path(folder) / name, SEED, '') for name in KINDS}
        for path in options.backbone or [find(EMBEDDED, allow_download=False).backbone]:
            backbone = Backbone.load(path, torch.device('cpu'), torch.float32)
            torch.manual_seed(0)
            vision = VisionModel(backbone.model)
            read(vision, learned, backbone.grid_side, options.steps, SHARD)
            print(f'\n{path}\n\n| | category | colour | size | category of held-out pairs |')
            print('|---|---|---|---|---|', flush=True)
            for name, corpus in corpora.items():
                figures = judge(vision, corpus, backbone.grid_side)
                print(f'| {name} | {" | ".join(f"{figure:.3f}" for figure in figures)} |')


if __name__ == '__main__':
    main()
