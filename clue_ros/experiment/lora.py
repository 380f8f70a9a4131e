"""Table III: rank and alpha of the LoRA that asks and points, and how well it then points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from tqdm import trange

from clue_ros.box import Box
from clue_ros.clue import Clue
from clue_ros.evaluate.intervals import mean_by_scene
from clue_ros.evaluate.intervals import proportion
from clue_ros.evaluate.metrics import MIN_IOU
from clue_ros.evaluate.metrics import Floats
from clue_ros.experiment.requests import Request
from clue_ros.experiment.requests import Requests
from clue_ros.experiment.requests import draw_requests
from clue_ros.experiment.results import Figures
from clue_ros.experiment.results import sizes
from clue_ros.experiment.results import table
from clue_ros.experiment.results import write_results
from clue_ros.experiment.results import write_samples
from clue_ros.experiment.setting import TEST
from clue_ros.experiment.setting import TRAIN
from clue_ros.experiment.setting import VALIDATION
from clue_ros.experiment.setting import Arrays
from clue_ros.experiment.setting import Setting
from clue_ros.experiment.setting import kept
from clue_ros.model.adapters import Adapters
from clue_ros.model.checkpoint import Checkpoint
from clue_ros.model.checkpoint import CheckpointConfig
from clue_ros.model.decoder import Form
from clue_ros.response import Grounding
from clue_ros.train.batches import Batches
from clue_ros.train.batches import corpus_dialogs
from clue_ros.train.corpus import Corpus
from clue_ros.train.ivg import IvgConfig
from clue_ros.train.ivg import IvgModel
from clue_ros.train.ivg import train_ivg
from clue_ros.train.lessons import PROMPTS
from clue_ros.train.loop import LoopConfig
from clue_ros.train.loop import to_device
from clue_ros.train.pictures import PLAIN
from clue_ros.train.pictures import PictureConfig
from clue_ros.train.settings import write_record

_ADAPTER = 'ivg'
_LOSSES = (VALIDATION, TEST)


@dataclass(frozen=True)
class RanksConfig:
    """What is the same for all pairs, and the pairs."""

    loop: LoopConfig
    pairs: tuple[tuple[int, int], ...] = ((16, 8), (16, 32), (8, 16))  # rank and alpha
    dropout: float = 0.05
    spread: float = 0.0  # of location targets, as in `clue train ivg`
    length: int = 112  # tokens behind the image tokens
    batches: int = 16  # on which losses are counted
    test: int = 600  # whole dialogs after which the adapter points
    ood: int = 600
    rows: int = 16  # pointed at in one batch

    def __post_init__(self) -> None:
        if not self.pairs or any(min(rank, alpha) < 1 for rank, alpha in self.pairs):
            raise ValueError(f'pairs must hold (rank, alpha) from 1, got {self.pairs}')
        for name in ('length', 'batches', 'rows'):
            if getattr(self, name) < 1:
                raise ValueError(f'{name} must be at least 1, got {getattr(self, name)}')
        if min(self.test, self.ood) < 2:
            raise ValueError(f'test and ood must be at least 2, got {self.test} and {self.ood}')


def run_ranks(setting: Setting, out: Path, config: RanksConfig) -> None:
    """Train and test an adapter for each pair that is not in `out` yet.

    Raises InvalidRun when `out` belongs to another run.
    """
    seed = config.loop.seed
    corpora = {split: setting.scenes(split) for split in setting.splits}
    asked = {
        split: draw_requests(corpora[split], split, getattr(config, split), seed)
        for split in setting.tests
    }
    write_record(out, 'lora', config, setting.digest())
    overlaps: dict[str, Mapping[str, Floats]] = {}
    figures: Figures = {}
    for rank, alpha in config.pairs:
        name = _name(rank, alpha)
        folder = out / name
        losses = kept(
            folder / 'losses.npz',
            partial(_train, setting, corpora, folder, config, rank, alpha),
        )
        overlaps[name] = kept(
            folder / 'overlaps.npz', partial(point, setting, asked, folder, config.rows)
        )
        for split in _LOSSES:
            numbers = [str(number) for number in range(len(losses[split]))]
            figures[f'{name}/{split}/loss'] = mean_by_scene(numbers, losses[split].tolist())
        for split, requests in asked.items():
            hits = int((overlaps[name][split] >= MIN_IOU).sum())
            figures[f'{name}/{split}/accuracy'] = proportion(hits, len(requests))
    write_samples(out, asked, overlaps, setting.tests)
    write_results(out, 'lora', setting, config, figures, _words(figures, config, asked))


def _train(
    setting: Setting,
    corpora: Mapping[str, Corpus],
    out: Path,
    config: RanksConfig,
    rank: int,
    alpha: int,
) -> Arrays:
    """Train one adapter; its cross-entropy on each batch of VALIDATION and TEST."""
    torch.manual_seed(config.loop.seed)
    backbone = setting.load()

    def batches(split: str, look: PictureConfig) -> Batches:
        rows, seed = config.loop.batch, config.loop.seed
        return corpus_dialogs(corpora[split], backbone, rows, config.length, look, seed)

    held_out = {
        split: [batches(split, PLAIN)(number) for number in range(config.batches)]
        for split in _LOSSES
    }
    ivg = IvgConfig(config.loop, rank, alpha, config.dropout, config.spread)
    train_ivg(backbone, batches(TRAIN, PictureConfig()), held_out[VALIDATION], out, ivg)
    model = IvgModel(backbone, spread=0.0).eval()
    adapters = Adapters(backbone, {_ADAPTER: out / 'adapter_ivg'})
    found: Arrays = {}
    with torch.no_grad(), adapters.use(_ADAPTER):
        for split, asked in held_out.items():
            moved = (to_device(batch, backbone.device) for batch in asked)
            losses = [
                float(model(**{**batch, 'pixels': batch['pixels'].to(backbone.dtype)})['loss'])
                for batch in moved
            ]
            found[split] = np.array(losses)
    return found


def point(setting: Setting, asked: Mapping[str, Requests], out: Path, rows: int) -> Arrays:
    """The guesser: IoU (requests,) of what is meant and where `out/adapter_ivg` points.

    It is told the whole dialog and may not ask; an answer without a box overlaps by 0.
    """
    backbone = setting.load()
    config = CheckpointConfig(
        probe_layer=0,  # probes nothing: any block serves
        grid=backbone.grid_side,
        prompts=PROMPTS,
    )
    adapters = {_ADAPTER: out / 'adapter_ivg'}
    clue = Clue(backbone, Checkpoint(out.name, setting.backbone, config, adapters=adapters))
    found: Arrays = {}
    for split, requests in asked.items():
        overlaps: list[float] = []
        for start in trange(0, len(requests), rows, desc=f'{out.name}, {split}', mininterval=5):
            numbers = range(start, min(start + rows, len(requests)))
            views = clue.look_all(requests.images(numbers))
            chosen = [requests.drawn[number] for number in numbers]
            dialogs = [one.sample.dialog for one in chosen]
            responses = clue.decode_all(views, dialogs, [Form.BOX] * len(views))
            overlaps += [
                response.box.iou(target(one, view.width, view.height))
                if isinstance(response, Grounding)
                else 0.0
                for response, one, view in zip(responses, chosen, views, strict=True)
            ]
        found[split] = np.array(overlaps)
    return found


def target(request: Request, width: int, height: int) -> Box:
    """What is meant, in pixels of the stretched picture."""
    sample = request.sample
    assert sample.target is not None  # requests that fit nothing are not asked
    camera, box = sample.scene.camera, sample.scene.things[sample.target].box
    across, down = width / camera.width, height / camera.height
    return Box(box.x1 * across, box.y1 * down, box.x2 * across, box.y2 * down)


def _name(rank: int, alpha: int) -> str:
    return f'r{rank}-a{alpha}'


def _words(figures: Figures, config: RanksConfig, asked: Mapping[str, Requests]) -> str:
    titles = {_name(*pair): f'{pair[0]}, {pair[1]}' for pair in config.pairs}
    columns = {f'{split} loss': f'{split}/loss' for split in _LOSSES}
    columns |= {f'{split} Acc@{MIN_IOU:g}': f'{split}/accuracy' for split in asked}
    return f"""# Rank and alpha of the adapter that asks and points (Table III)

{config.loop.steps} steps of {config.loop.batch * config.loop.accumulate} turns of dialogs for each.
Loss: cross-entropy of suffixes on {config.batches} batches. Acc@{MIN_IOU:g}: told the whole dialog,
how often it points at what is meant; dialogs: {sizes(asked)}. In brackets 95 % intervals,
of losses resampled by batch, of shares Wilson's.

{table('rank, alpha', titles, columns, figures)}"""
