"""One evaluation from end to end: a checkpoint and data in, a log out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clue_ros.clue import Clue
from clue_ros.errors import MissingAdapter
from clue_ros.evaluate import rewards
from clue_ros.evaluate.ambiguity import AmbiguityMeasure
from clue_ros.evaluate.baselines import BASELINES
from clue_ros.evaluate.baselines import Baselines
from clue_ros.evaluate.grounding import GroundingMeasure
from clue_ros.evaluate.log import MEASURES
from clue_ros.evaluate.log import Header
from clue_ros.evaluate.log import Log
from clue_ros.evaluate.log import LogWriter
from clue_ros.evaluate.log import read_log
from clue_ros.evaluate.loop import Loop
from clue_ros.evaluate.metrics import Rule
from clue_ros.evaluate.mind import Mind
from clue_ros.evaluate.people import ModelPerson
from clue_ros.evaluate.people import People
from clue_ros.evaluate.people import scripted
from clue_ros.evaluate.plain import Plain
from clue_ros.evaluate.policies import PLAIN
from clue_ros.evaluate.policies import fit_rules
from clue_ros.evaluate.policies import with_baselines
from clue_ros.evaluate.provenance import checkpoint_hash
from clue_ros.evaluate.provenance import libraries
from clue_ros.evaluate.provenance import revision
from clue_ros.evaluate.runner import Measure
from clue_ros.evaluate.runner import Pace
from clue_ros.evaluate.runner import run
from clue_ros.evaluate.scenes import Scenes
from clue_ros.evaluate.sources import Data
from clue_ros.evaluate.sources import describe
from clue_ros.evaluate.sources import places
from clue_ros.model.checkpoint import EMBEDDED
from clue_ros.model.checkpoint import find

LOG, VALIDATION = 'log.jsonl', 'validation.jsonl'
PEOPLE = ('scripted', 'model')


@dataclass(frozen=True)
class EvaluationConfig:
    """What is evaluated, on what, how."""

    measure: str  # of MEASURES
    data: Data
    out: Path  # a folder for the logs; a run that was stopped goes on in it
    model: str = EMBEDDED
    device: str = 'auto'
    dtype: str = 'auto'
    person: str = PEOPLE[0]  # who answers in a loop
    validation: Data | None = None  # to fit the baselines on; None leaves them out
    policies: tuple[str, ...] = ()  # of a loop; empty for all
    batch: int = 32  # pictures looked at, and rows the decoder works on, at a time

    def __post_init__(self) -> None:
        for name, known in (('measure', MEASURES), ('person', PEOPLE)):
            if getattr(self, name) not in known:
                raise ValueError(f'{name} must be one of {known}, got {getattr(self, name)!r}')
        known = (*(policy.name for policy in PLAIN), *(BASELINES if self.validation else ()))
        if unknown := [name for name in self.policies if name not in known]:
            raise ValueError(f'no policy {", ".join(unknown)} here, known are {", ".join(known)}')
        if self.batch < 1:
            raise ValueError(f'batch counts from 1, got {self.batch}')


@dataclass(frozen=True)
class Evaluation:
    """What a run left behind."""

    log: Log
    pace: list[Pace]  # empty when all was in the log already


def evaluate(config: EvaluationConfig) -> Evaluation:
    """Run what is not in the folder yet and read the whole log.

    Raises CheckpointError, MissingAdapter, InvalidSource, LogError, MissingSimulator.
    """
    described = describe(config.data, config.measure)  # data that is not there is said at once
    clue = Clue.load(config.model, config.device, config.dtype)
    if config.measure != 'grounding' and not (clue.has_probe and clue.has_decoder):
        raise MissingAdapter(
            f'{clue.name} cannot ask, so that only `clue evaluate grounding` applies to it; '
            'use a CLUE checkpoint'
        )
    baselines, rules = None, dict[str, Rule]()
    if config.validation is not None and config.measure != 'grounding':
        baselines = Baselines(clue, Plain(find(config.model, allow_download=False), clue.device))
        rules = _fit(config, clue, baselines)
    measure, options = _measure(config, clue, baselines, rules)
    header = _header(config, clue, config.measure, options, described)
    pace = _run(config, clue, measure, header, config.data, config.out / LOG)
    return Evaluation(read_log(config.out / LOG), pace)


def _fit(config: EvaluationConfig, clue: Clue, baselines: Baselines) -> dict[str, Rule]:
    """Rules of the baselines, fitted on the validation data."""
    assert config.validation is not None
    path = config.out / VALIDATION
    described = describe(config.validation, 'ambiguity')
    header = _header(config, clue, 'ambiguity', {'rules': {}}, described)
    measure = AmbiguityMeasure(clue, baselines, config.batch)
    _run(config, clue, measure, header, config.validation, path)
    return fit_rules(read_log(path).records)


def _measure(
    config: EvaluationConfig,
    clue: Clue,
    baselines: Baselines | None,
    rules: Mapping[str, Rule],
) -> tuple[Measure, dict[str, Any]]:
    """What to do with the cases, and the options that it goes by."""
    if config.measure == 'ambiguity':
        return AmbiguityMeasure(clue, baselines, config.batch), {
            'rules': {name: asdict(rule) for name, rule in rules.items()}
        }
    if config.measure == 'grounding':
        return GroundingMeasure(clue, config.batch), {}
    policies = [
        policy
        for policy in with_baselines(rules)
        if not config.policies or policy.name in config.policies
    ]
    people: People = ModelPerson(clue, config.batch) if config.person == 'model' else scripted
    used = baselines if any(policy.baseline for policy in policies) else None
    return Loop(policies, people, lambda seen: Mind(clue, used, seen, config.batch)), {
        'person': config.person,
        'policies': [asdict(policy) for policy in policies],
        'rewards': {'question': rewards.QUESTION, **rewards.ENDS},
    }


def _header(
    config: EvaluationConfig,
    clue: Clue,
    measure: str,
    options: Mapping[str, Any],
    data: Mapping[str, Any],
) -> Header:
    checkpoint = find(config.model, allow_download=False)
    place = {
        'threshold': checkpoint.config.threshold if checkpoint.config else None,
        'device': clue.device,
        'dtype': clue.dtype,
        'batch': config.batch,
    }
    return Header(
        measure=measure,
        checkpoint=clue.name,
        checkpoint_hash=checkpoint_hash(checkpoint),
        revision=revision(),
        libraries=libraries(),
        data=data,
        options={**options, **place},
    )


def _run(
    config: EvaluationConfig,
    clue: Clue,
    measure: Measure,
    header: Header,
    data: Data,
    path: Path,
) -> list[Pace]:
    """Bring one log of the folder to its end."""
    total = data.count if isinstance(data, Scenes) else None
    with LogWriter(path, header) as writer:
        return run(clue, places(data, header.measure), measure, writer, config.batch, total)
