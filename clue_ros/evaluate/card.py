"""The figures that a checkpoint states about itself, `metrics.json` beside its weights.

    {"format": 1, "checkpoint_hash": "...", "revision": "...", "machine": {...}, "libraries": {...},
     "runs": [{"measure": "loop", "data": {"scenes": {...}}, "validation": {"scenes": {...}},
               "figures": {"loop/probe/success": {"value": 0.9, "low": 0.8, "high": 1.0, "n": 8}}}]}

Every run says how to repeat it, so that everybody can see whether the figures hold for them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace
from math import nan
from pathlib import Path
from typing import Any

from clue_ros.errors import CheckpointError
from clue_ros.evaluate.baselines import BASELINES
from clue_ros.evaluate.evaluation import EvaluationConfig
from clue_ros.evaluate.evaluation import evaluate
from clue_ros.evaluate.figures import Figures
from clue_ros.evaluate.figures import count_figures
from clue_ros.evaluate.intervals import Figure
from clue_ros.evaluate.log import MEASURES
from clue_ros.evaluate.provenance import checkpoint_folder
from clue_ros.evaluate.provenance import checkpoint_hash
from clue_ros.evaluate.provenance import libraries
from clue_ros.evaluate.provenance import machine
from clue_ros.evaluate.provenance import revision
from clue_ros.evaluate.scenes import Scenes
from clue_ros.evaluate.summary import plain
from clue_ros.model.checkpoint import find

CARD = 'metrics.json'
# of closed loops; `always` is left out, whose dialogs without end take as long as all the others
POLICIES = ('joint', 'probe', 'decoder', 'once', 'never', *BASELINES)
_FORMAT = 1
_DIGITS = 4


@dataclass(frozen=True)
class CardRun:
    """One evaluation that a card states the figures of."""

    measure: str
    data: Scenes
    validation: Scenes
    figures: Figures

    @property
    def name(self) -> str:
        """E.g. `loop-test`."""
        return f'{self.measure}-{"ood" if self.data.ood else self.data.split}'


@dataclass(frozen=True)
class Check:
    """A stated figure and the one that was measured."""

    run: CardRun
    name: str
    stated: Figure
    measured: float

    @property
    def holds(self) -> bool:
        """Whether the measured value lies in the stated interval."""
        return self.measured in self.stated


def card_runs(scenes: int, seed: int) -> list[CardRun]:
    """What a card is about: each measure, in and out of distribution."""
    validation = Scenes(max(1, scenes // 2), seed, split='validation')
    return [
        CardRun(measure, Scenes(scenes, seed, ood), validation, {})
        for ood in (False, True)
        for measure in MEASURES
    ]


def measure_card(
    model: str, runs: Sequence[CardRun], out: Path, device: str = 'auto', dtype: str = 'auto'
) -> Iterator[CardRun]:
    """The same runs with the figures that `model` has; logs go into folders below `out`."""
    for run in runs:
        config = EvaluationConfig(
            measure=run.measure,
            data=run.data,
            out=out / run.name,
            model=model,
            device=device,
            dtype=dtype,
            validation=run.validation,
            policies=POLICIES if run.measure == 'loop' else (),
        )
        yield replace(run, figures=count_figures(evaluate(config).log))


def write_card(model: str, runs: Sequence[CardRun]) -> Path:
    """State measured runs in the checkpoint's card and return its path; raises CheckpointError."""
    checkpoint = find(model, allow_download=False)
    content = {
        'format': _FORMAT,
        'checkpoint_hash': checkpoint_hash(checkpoint),
        'revision': revision(),
        'machine': machine(),
        'libraries': libraries(),
        'runs': [
            {
                'measure': run.measure,
                'data': {'scenes': asdict(run.data)},
                'validation': {'scenes': asdict(run.validation)},
                'figures': {name: _rounded(figure) for name, figure in run.figures.items()},
            }
            for run in runs
        ],
    }
    path = checkpoint_folder(checkpoint) / CARD
    try:
        path.write_text(json.dumps(content, indent=1) + '\n', encoding='utf-8')
    except OSError as error:
        raise CheckpointError(f'{path} cannot be written: {error}') from error
    return path


def read_card(model: str) -> list[CardRun]:
    """What a checkpoint states; raises CheckpointError when that is nothing, or of others."""
    checkpoint = find(model, allow_download=False)
    path = checkpoint_folder(checkpoint) / CARD
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        if not isinstance(content, dict) or content.get('format') != _FORMAT:
            raise ValueError(f'"format" must be {_FORMAT}')
        runs = [_read_run(row) for row in content['runs']]
        stated_hash = content['checkpoint_hash']
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(
            f'{path} states no figures that can be checked: {error!r}; '
            'write it with `clue evaluate card --write`'
        ) from error
    if stated_hash != checkpoint_hash(checkpoint):
        raise CheckpointError(
            f'{path} is about other weights than those beside it; '
            'write it anew with `clue evaluate card --write`'
        )
    return runs


def compare(stated: CardRun, measured: CardRun) -> list[Check]:
    """Each stated figure that has an interval beside the measured one."""
    return [
        Check(
            stated, name, figure, measured.figures[name].value if name in measured.figures else nan
        )
        for name, figure in stated.figures.items()
        if figure.low <= figure.high
    ]


def _read_run(row: dict[str, Any]) -> CardRun:
    return CardRun(
        row['measure'],
        Scenes(**row['data']['scenes']),
        Scenes(**row['validation']['scenes']),
        {
            name: Figure(
                _number(figure['value']),
                _number(figure['low']),
                _number(figure['high']),
                figure['n'],
            )
            for name, figure in row['figures'].items()
        },
    )


def _number(value: float | None) -> float:
    return nan if value is None else value


def _rounded(figure: Figure) -> dict[str, float | None]:
    return {
        name: round(value, _DIGITS) if isinstance(value, float) else value
        for name, value in plain(figure).items()
    }
