"""Pictures as Fig. 5, 8 and 9: what a clear and an ambiguous request draw attention to.

Each picture has two rows, its ambiguous and its clear request, and three columns: the frozen
backbone, Half-Last Detect (CNN) and Half-Last Disambig. (AR) as `clue experiment probes` left them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL.Image
import torch

from clue_ros.errors import InvalidRun
from clue_ros.evaluate.metrics import Floats
from clue_ros.evaluate.metrics import fit_rule
from clue_ros.experiment.probes import SCORES
from clue_ros.experiment.probes import read_variant
from clue_ros.experiment.probes import score_requests
from clue_ros.experiment.requests import Request
from clue_ros.experiment.requests import Requests
from clue_ros.experiment.requests import draw_requests
from clue_ros.experiment.results import write_results
from clue_ros.experiment.results import write_samples
from clue_ros.experiment.setting import OOD
from clue_ros.experiment.setting import VALIDATION
from clue_ros.experiment.setting import Setting
from clue_ros.experiment.setting import check_block
from clue_ros.experiment.variants import CNN
from clue_ros.experiment.variants import DETECT
from clue_ros.experiment.variants import HALF_LAST
from clue_ros.experiment.variants import ProbesConfig
from clue_ros.experiment.variants import Variant
from clue_ros.model.backbone import Backbone
from clue_ros.overlay import Line
from clue_ros.overlay import draw
from clue_ros.prompt import Prompts
from clue_ros.response import Ambiguity
from clue_ros.sim.dialogs import DialogConfig
from clue_ros.sim.dialogs import sample_dialog
from clue_ros.sim.expressions import ONE
from clue_ros.sim.expressions import SEVERAL
from clue_ros.train import lora
from clue_ros.train.corpus import Corpus
from clue_ros.train.loop import to_device
from clue_ros.train.probe import ProbeModel
from clue_ros.train.settings import write_record

Image = npt.NDArray[np.uint8]
Maps = npt.NDArray[np.float32]


@dataclass(frozen=True)
class MapsConfig:
    """Which scenes are shown: the first ones with both requests, in the seed's random order."""

    count: int = 6  # of each test split
    seed: int = 0

    def __post_init__(self) -> None:
        if self.count < 1 or self.seed < 0:
            raise ValueError('count counts from 1 and seed from 0')


@dataclass(frozen=True, eq=False)
class Column:
    """What one model makes of all requests."""

    title: str
    prompts: Prompts
    maps: Maps  # (requests, side, side)
    probabilities: Floats | None = None  # (requests,); None where nothing was trained
    threshold: float | None = None


def run_maps(
    setting: Setting, out: Path, config: MapsConfig, probes: Path, trained: ProbesConfig
) -> None:
    """Draw the pictures, with what `probes`, a finished run with the config `trained`, learned.

    Raises InvalidRun when that run did not end, or was another one.
    """
    for variant in (CNN, HALF_LAST):
        if not (probes / variant.name / SCORES).exists():
            raise InvalidRun(
                f'wanted the trained {variant.title} in {probes / variant.name}, it is not there; '
                'run `clue experiment probes` first'
            )
    write_record(probes, 'probes', trained, setting.digest())  # it is there: refused if another
    lists = {
        split: draw_pairs(setting.scenes(split), split, config.count, config.seed)
        for split in setting.tests
    }
    backbone = setting.load()
    check_block(backbone, trained.layer)
    write_record(out, 'maps', config, setting.digest())
    truth = draw_requests(
        setting.scenes(VALIDATION), VALIDATION, trained.requests.validation, trained.requests.seed
    ).truth
    scores: dict[str, dict[str, Floats]] = {CNN.name: {}, HALF_LAST.name: {}}
    lines = []
    for split, requests in lists.items():
        frozen = _maps(backbone, requests, DETECT, trained)
        columns = [Column('frozen backbone', DETECT, frozen)]
        for variant in (CNN, HALF_LAST):
            folder = probes / variant.name
            with np.load(folder / SCORES) as stored:
                threshold = fit_rule(truth, stored[VALIDATION]).threshold
            logits, maps = _trained(variant, backbone, requests, folder, trained)
            scores[variant.name][split] = probabilities = 1 / (1 + np.exp(-logits))
            columns.append(Column(variant.title, variant.prompts, maps, probabilities, threshold))
        for number in range(config.count):
            name = f'maps_{split}_{number}.jpg'
            picture = _draw(requests, 2 * number, columns)
            PIL.Image.fromarray(picture).save(out / name, quality=88)
            scene = requests.groups[2 * number]
            lines += [f'{split}, scene {scene}:', '', f'![maps]({name})', '']
    write_samples(out, lists, scores, setting.tests)
    write_results(out, 'maps', setting, config, {}, _words(config, trained, lines))


def draw_pairs(corpus: Corpus, split: str, count: int, seed: int) -> Requests:
    """An ambiguous and a clear request about each of `count` scenes, one after the other.

    Raises InvalidRun when fewer scenes have both.
    """
    rng = np.random.default_rng(seed)
    dialogs = DialogConfig(held_out=split == OOD)
    drawn: list[Request] = []
    for place in rng.permutation(len(corpus)).tolist():
        scene = corpus.scenes[place]
        pair = [sample_dialog(rng, scene, wanted, dialogs) for wanted in (SEVERAL, ONE)]
        if all(pair):
            drawn += [
                Request(f'{split}-{len(drawn) + k:05d}', place, sample)
                for k, sample in enumerate(pair)
                if sample
            ]
        if len(drawn) == 2 * count:
            return Requests(corpus, drawn)
    raise InvalidRun(
        f'wanted {count} scenes of {split} with an ambiguous and a clear request, '
        f'{len(drawn) // 2} have both; lower count or render more scenes'
    )


def _trained(
    variant: Variant, backbone: Backbone, requests: Requests, folder: Path, config: ProbesConfig
) -> tuple[Floats, Maps]:
    """Log-odds and maps of a trained variant; the backbone is what it was."""
    model = read_variant(variant, backbone, folder, config)
    logits = score_requests(model, backbone, requests, variant.prompts, config.rows)
    maps = _maps(backbone, requests, variant.prompts, config)
    lora.remove(backbone.language_model)
    return logits, maps


@torch.no_grad()
def _maps(backbone: Backbone, requests: Requests, prompts: Prompts, config: ProbesConfig) -> Maps:
    """M (requests, side, side) of the block at half depth, as the backbone is now."""
    reader = ProbeModel(backbone, config.layer, config.queries)
    batch = requests.batch(range(len(requests)), backbone, prompts)
    del batch['ambiguous']
    maps: Maps = reader.maps(**to_device(batch, backbone.device)).cpu().numpy()
    return maps


def _draw(requests: Requests, first: int, columns: Sequence[Column]) -> Image:
    """Request `first` above the one behind it, under each column's eyes."""
    rows = []
    for number in (first, first + 1):
        request = requests.drawn[number]
        camera = request.sample.scene.camera
        stretched = PIL.Image.fromarray(requests.images([number])[0])
        image = np.asarray(stretched.resize((camera.width, camera.height)))
        tiles = []
        for column in columns:
            said = column.prompts.probe_text(request.dialog)
            probability = None
            if column.probabilities is not None:
                probability = float(column.probabilities[number])
            seen = Ambiguity(column.maps[number], (), probability, column.threshold)
            caption = [Line(request.sample.verdict, said), Line('model', column.title)]
            tiles.append(draw(image, seen, caption))
        rows.append(np.hstack([_padded(tile, max(map(len, tiles))) for tile in tiles]))
    picture: Image = np.vstack(rows)
    return picture


def _padded(tile: Image, height: int) -> Image:
    """The tile with black below it."""
    return np.pad(tile, ((0, height - len(tile)), (0, 0), (0, 0)))


def _words(config: MapsConfig, trained: ProbesConfig, lines: Sequence[str]) -> str:
    listed = '\n'.join(lines)
    return f"""# Maps (Fig. 5, 8 and 9)

Block {trained.layer}. Above the ambiguous request, below a clear one about the same scene; from
left to right the frozen backbone, {CNN.title} and {HALF_LAST.title}. Scenes: the
first {config.count} with both requests, in the random order of seed {config.seed}.
Thresholds are those of Table I.

{listed}"""
