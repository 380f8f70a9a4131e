"""Training steps of both adapters on a PaliGemma 2 of true 3B shapes with random weights.

Run `python tools/train_true_shapes.py --steps 3`: what config/train/paligemma2-3b.yaml says, on the
dialogs of test/scenes, except for how many steps there are and how many batches make one. Says the
losses, the seconds of a step and the largest memory of the process.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from resource import RUSAGE_SELF
from resource import getrusage
from typing import Any

import torch
from torch import Tensor

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / 'test')]  # this tree, not an installed package

from model_builders import TRUE_TEXT  # noqa: E402
from model_builders import TRUE_VISION  # noqa: E402
from model_builders import random_backbone  # noqa: E402

from clue_ros.data.opening import open_data  # noqa: E402
from clue_ros.model.backbone import Backbone  # noqa: E402
from clue_ros.train.batches import Batches  # noqa: E402
from clue_ros.train.batches import sample_dialogs  # noqa: E402
from clue_ros.train.batches import sample_requests  # noqa: E402
from clue_ros.train.ivg import IvgConfig  # noqa: E402
from clue_ros.train.ivg import train_ivg  # noqa: E402
from clue_ros.train.lessons import PROMPTS  # noqa: E402
from clue_ros.train.probe import ProbeConfig  # noqa: E402
from clue_ros.train.probe import train_probe  # noqa: E402
from clue_ros.train.settings import read_section  # noqa: E402

CONFIG = ROOT / 'config' / 'train' / 'paligemma2-3b.yaml'


def measure(
    train: Callable[..., Any], backbone: Backbone, batches: Batches, config: Any, steps: int
) -> dict[str, Any]:
    """Train one adapter for a few steps and say what it took."""
    times: list[float] = []

    def timed(number: int) -> dict[str, Tensor]:
        times.append(time.perf_counter())
        return batches(number)

    loop = replace(config.loop, steps=steps, accumulate=1, validate_every=steps, warmup=1)
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch)
        train(backbone, timed, [batches(steps)], out, replace(config, loop=loop))
        with (out / 'losses.csv').open() as file:
            losses = [float(row['loss']) for row in csv.DictReader(file)]
        state = (out / 'state.pt').stat().st_size
    return {
        'train': train.__name__,
        'batch': loop.batch,
        'losses': [round(loss, 4) for loss in losses],
        'seconds_per_step': [round(b - a, 1) for a, b in pairwise(times)],
        'state_mebibytes': round(state / 2**20, 1),
        'largest_memory_gibibytes': round(getrusage(RUSAGE_SELF).ru_maxrss / 2**20, 1),
    }


def main() -> None:
    """Print one JSON line for each adapter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--steps', type=int, default=3)
    steps = parser.parse_args().steps
    backbone = random_backbone(TRUE_TEXT, TRUE_VISION, dtype=torch.bfloat16)
    data = open_data(ROOT / 'test' / 'scenes')

    ivg = read_section(CONFIG, 'ivg', IvgConfig)
    dialogs = sample_dialogs([*data.dialog_samples()], backbone, PROMPTS, ivg.loop.batch, 0)
    print(json.dumps(measure(train_ivg, backbone, dialogs, ivg, steps)), flush=True)

    probe = read_section(CONFIG, 'probe', ProbeConfig)
    requests = sample_requests([*data.ambiguity_samples()], backbone, PROMPTS, probe.loop.batch, 0)
    print(json.dumps(measure(train_probe, backbone, requests, probe, steps)), flush=True)


if __name__ == '__main__':
    main()
