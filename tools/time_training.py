"""How much sooner a step of the packed stage is done when the decoder's blocks are compiled.

Run `python tools/time_training.py --corpus CORPUS` with a corpus that `clue train corpus` made. A
plain and a compiled copy of the embedded checkpoint take the same steps in turns; printed are the
median of the ratios and the middle nine tenths of them.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # this tree, not an installed package

from clue_ros.model.backbone import Backbone  # noqa: E402
from clue_ros.model.checkpoint import EMBEDDED  # noqa: E402
from clue_ros.model.checkpoint import find  # noqa: E402
from clue_ros.sim.dialogs import DialogConfig  # noqa: E402
from clue_ros.train.classroom import Classroom  # noqa: E402
from clue_ros.train.classroom import ClassroomConfig  # noqa: E402
from clue_ros.train.corpus import Corpus  # noqa: E402
from clue_ros.train.dense import DenseHeads  # noqa: E402
from clue_ros.train.packed_model import PackedModel  # noqa: E402
from clue_ros.train.packed_model import compile_blocks  # noqa: E402
from clue_ros.train.pictures import PictureConfig  # noqa: E402
from clue_ros.train.pictures import lit  # noqa: E402

SHAPE = ClassroomConfig(rows=12, detect=0.35)  # as `packed` in config/train/clue-mini.yaml
POINTERS = (2, 5)
WARM_UP = 2  # steps, in the first of which blocks are compiled


def learner(backbone: Backbone, compiled: bool) -> PackedModel:
    """What `packed` trains; its heads are random."""
    model = copy.deepcopy(backbone.model).requires_grad_(True)
    model.model.vision_tower.requires_grad_(False)
    model.model.multi_modal_projector.requires_grad_(False)
    if compiled:
        compile_blocks(model)
    dense = DenseHeads(model.config.text_config.hidden_size).requires_grad_(False)
    return PackedModel(model, dense, backbone.first_location, POINTERS).train()


def seconds(packed: PackedModel, batch: dict[str, Any]) -> float:
    """Of one forward and backward pass in bfloat16."""
    began = time.perf_counter()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        losses = packed(**batch)
    losses['loss'].backward()
    packed.zero_grad()
    return time.perf_counter() - began


def main() -> None:
    """Print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--corpus', type=Path, required=True)
    parser.add_argument('--seed', type=int, default=1, help='of the corpus')
    parser.add_argument('--steps', type=int, default=20)
    options = parser.parse_args()
    corpus = Corpus(options.corpus, options.seed, 'train')
    device = torch.device('cpu')
    backbone = Backbone.load(find(EMBEDDED, allow_download=False).backbone, device, torch.float32)
    grid = backbone.grid_side
    pictures, dialogs = PictureConfig(), DialogConfig()
    room = Classroom(corpus, backbone.tokenizer, grid, SHAPE, pictures, dialogs, seed=0)
    plain, compiled = (learner(backbone, way) for way in (False, True))
    ratios = []
    for number in range(options.steps + WARM_UP):
        # whoever is first finds colder caches
        batch = lit(room.batch(number))
        pair = [(plain, batch), (compiled, batch)]
        if number % 2:
            pair.reverse()
        took = {packed: seconds(packed, batch) for packed, batch in pair}
        if number >= WARM_UP:
            ratios.append(took[plain] / took[compiled])
    low, middle, high = np.quantile(ratios, (0.05, 0.5, 0.95))
    print(f'plain / compiled: {middle:.2f} x [{low:.2f}, {high:.2f}] in {len(ratios)} steps')


if __name__ == '__main__':
    main()
