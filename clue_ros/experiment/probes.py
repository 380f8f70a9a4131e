"""Table I: six ways to read ambiguity out of one backbone, beside four that need no training.

What the words alone tell stands beside them, too.

All learn from the same requests for as many steps, and are asked the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
from tqdm import trange

from clue_ros.clue import Clue
from clue_ros.evaluate.baselines import BASELINES
from clue_ros.evaluate.baselines import BOXES
from clue_ros.evaluate.baselines import ENTROPY
from clue_ros.evaluate.baselines import NEUTRAL
from clue_ros.evaluate.baselines import PEAKS
from clue_ros.evaluate.baselines import RELATIVE
from clue_ros.evaluate.baselines import Baselines
from clue_ros.evaluate.baselines import entropy
from clue_ros.evaluate.intervals import Figure
from clue_ros.evaluate.metrics import Floats
from clue_ros.evaluate.plain import Plain
from clue_ros.experiment.cost import race
from clue_ros.experiment.cost import relative
from clue_ros.experiment.requests import Requests
from clue_ros.experiment.requests import draw_lists
from clue_ros.experiment.results import Figures
from clue_ros.experiment.results import detection
from clue_ros.experiment.results import judge
from clue_ros.experiment.results import sizes
from clue_ros.experiment.results import table
from clue_ros.experiment.results import write_results
from clue_ros.experiment.results import write_samples
from clue_ros.experiment.setting import TEST
from clue_ros.experiment.setting import TRAIN
from clue_ros.experiment.setting import VALIDATION
from clue_ros.experiment.setting import Arrays
from clue_ros.experiment.setting import Setting
from clue_ros.experiment.setting import check_block
from clue_ros.experiment.setting import kept
from clue_ros.experiment.variants import CNN
from clue_ros.experiment.variants import VARIANTS
from clue_ros.experiment.variants import Detector
from clue_ros.experiment.variants import ProbesConfig
from clue_ros.experiment.variants import Variant
from clue_ros.experiment.variants import adapted
from clue_ros.experiment.variants import bare
from clue_ros.experiment.words import WORDS
from clue_ros.experiment.words import learn_words
from clue_ros.experiment.words import score_words
from clue_ros.model.backbone import Backbone
from clue_ros.model.checkpoint import Checkpoint
from clue_ros.model.checkpoint import CheckpointConfig
from clue_ros.prompt import Prompts
from clue_ros.train import lora
from clue_ros.train.lessons import PROMPTS
from clue_ros.train.loop import fit
from clue_ros.train.loop import to_device
from clue_ros.train.settings import write_record

SCORES = 'scores.npz'
_TITLES = {
    PEAKS: 'peaks of the map',
    ENTROPY: 'entropy of the map',
    RELATIVE: 'entropy of the relative map',
    BOXES: 'boxes of `detect`',
    WORDS: 'words alone, without the picture',
}


def run_probes(setting: Setting, out: Path, config: ProbesConfig) -> None:
    """Train and test what is not in `out` yet, then measure what each answer costs.

    Raises InvalidRun when `out` belongs to another run, or for a block that is not there.
    """
    lists = draw_lists(setting, config.requests)
    backbone = setting.load()
    check_block(backbone, config.layer)
    write_record(out, 'probes', config, setting.digest())
    scores: dict[str, Arrays] = {}
    for variant in VARIANTS:
        train = partial(train_variant, variant, backbone, lists, out / variant.name, config)
        scores[variant.name] = kept(out / variant.name / SCORES, train)
    checkpoint = Checkpoint(
        'the backbone',
        setting.backbone,
        CheckpointConfig(
            probe_layer=config.layer,
            grid=backbone.grid_side,
            queries=config.queries,
            region_level=config.region_level,
            prompts=PROMPTS,
        ),
    )
    clue = Clue(backbone, checkpoint)
    plain = Plain(checkpoint, str(setting.device))
    found = kept(
        out / 'baselines' / SCORES,
        partial(score_baselines, Baselines(clue, plain), clue, lists, config.rows),
    )
    for column, name in enumerate(BASELINES):
        scores[name] = {split: values[:, column] for split, values in found.items()}
    scores[WORDS] = score_words(lists)
    seconds = kept(out / 'costs.npz', partial(_costs, clue, plain, backbone, lists, config))
    figures: Figures = {}
    for name, mine in scores.items():
        judged = judge(lists, mine, setting.tests)
        figures |= {f'{name}/{figure}': value for figure, value in judged.items()}
        figures[f'{name}/cost'] = relative(seconds[name], seconds[CNN.name])
    milliseconds = 1000 * float(np.median(seconds[CNN.name]))
    write_samples(out, lists, scores, setting.tests)
    words = _words(figures, setting.tests, lists, milliseconds, config)
    write_results(out, 'probes', setting, config, figures, words)


def train_variant(
    variant: Variant,
    backbone: Backbone,
    lists: Mapping[str, Requests],
    out: Path,
    config: ProbesConfig,
) -> Arrays:
    """Train a variant; its probabilities of ambiguity for the requests of all splits but TRAIN.

    What was trained stays in `out/best.pt`, the backbone is what it was.
    """
    model, groups = adapted(variant, backbone, config)
    loop = config.loop
    batches = lists[TRAIN].batches(backbone, variant.prompts, loop.batch, loop.seed)
    score = partial(score_requests, model, backbone, prompts=variant.prompts, rows=config.rows)
    truth = lists[VALIDATION].truth

    def validate() -> dict[str, float]:
        logits = score(lists[VALIDATION])
        loss = float(np.mean(np.logaddexp(0, np.where(truth, -logits, logits))))
        return {'score': -loss, 'loss': loss}

    fit(model, groups, batches, validate, loop, out)
    model.eval()
    logits = {name: score(requests) for name, requests in lists.items() if name != TRAIN}
    lora.remove(backbone.language_model)
    return {name: 1 / (1 + np.exp(-values)) for name, values in logits.items()}


def read_variant(
    variant: Variant, backbone: Backbone, folder: Path, config: ProbesConfig
) -> Detector:
    """A trained variant from its folder. It changes the backbone until `lora.remove`."""
    model, _ = adapted(variant, backbone, config)
    weights = torch.load(folder / 'best.pt', map_location='cpu', weights_only=True)
    model.load_state_dict(weights, strict=False)
    return model.eval()


@torch.no_grad()
def score_requests(
    model: Detector, backbone: Backbone, requests: Requests, prompts: Prompts, rows: int
) -> Floats:
    """Log-odds (requests,) of ambiguity."""
    found = []
    for start in trange(0, len(requests), rows, desc='asked', mininterval=5, leave=False):
        numbers = range(start, min(start + rows, len(requests)))
        batch = to_device(requests.batch(numbers, backbone, prompts), backbone.device)
        del batch['ambiguous']
        found.append(model.logits(**batch).double().cpu().numpy())
    return cast(Floats, np.concatenate(found))


def score_baselines(
    baselines: Baselines, clue: Clue, lists: Mapping[str, Requests], rows: int
) -> Arrays:
    """What the baselines say of the requests of each split but TRAIN, (requests, BASELINES)."""
    found: Arrays = {}
    for split in (name for name in lists if name != TRAIN):
        requests, values = lists[split], []
        for start in trange(0, len(requests), rows, desc=f'baselines, {split}', mininterval=5):
            numbers = range(start, min(start + rows, len(requests)))
            views = clue.look_all(requests.images(numbers))
            dialogs = [requests.drawn[number].dialog for number in numbers]
            maps = clue.ambiguity_all(views, dialogs)
            values += [
                [said[name] for name in BASELINES]
                for said in baselines.scores(views, dialogs, maps)
            ]
        found[split] = np.array(values)
    return found


@torch.inference_mode()
def _costs(
    clue: Clue,
    plain: Plain,
    backbone: Backbone,
    lists: Mapping[str, Requests],
    config: ProbesConfig,
) -> Arrays:
    """Seconds from one picture and its request to a score, alone and without a batch."""
    requests, reader = lists[TEST], learn_words(lists[TRAIN])

    def learned(model: Detector, prompts: Prompts, number: int) -> float:
        batch = to_device(requests.batch([number], backbone, prompts), backbone.device)
        del batch['ambiguous']
        return float(model.logits(**batch))

    def mapped(number: int, neutral: bool) -> float:
        view = clue.look(requests.images([number])[0])
        if neutral:
            clue.ambiguity(view, NEUTRAL)
        return entropy(clue.ambiguity(view, requests.drawn[number].dialog).map)

    def boxes(number: int) -> int:
        dialog = requests.drawn[number].dialog
        return plain.count_boxes(requests.images([number]), [dialog])[0]

    models = {variant: bare(variant, backbone, config).to(backbone.device) for variant in VARIANTS}
    return race(
        {
            **{v.name: partial(learned, model.eval(), v.prompts) for v, model in models.items()},
            PEAKS: partial(mapped, neutral=False),
            ENTROPY: partial(mapped, neutral=False),
            RELATIVE: partial(mapped, neutral=True),
            BOXES: boxes,
            WORDS: lambda number: reader.predict_proba(requests.texts([number], PROMPTS)),
        },
        min(config.rounds, len(requests)),
    )


def _words(
    figures: Mapping[str, Figure],
    tests: Sequence[str],
    lists: Mapping[str, Requests],
    milliseconds: float,
    config: ProbesConfig,
) -> str:
    titles = {variant.name: variant.title for variant in VARIANTS} | _TITLES
    columns = {**detection(tests), 'cost': 'cost'}
    return f"""# What is read and what is adapted (Table I)

Half depth ends at block {config.layer}. Requests: {sizes(lists)}; {config.loop.steps} steps of
{config.loop.batch * config.loop.accumulate} for each variant. In brackets 95 % intervals, resampled
by scene; thresholds from validation. Cost: time from one picture and request to an answer, in times
of that of {CNN.title} ({milliseconds:.1f} ms), median and p10 to p90 of the same requests in turns.

{table('', titles, columns, figures)}"""
