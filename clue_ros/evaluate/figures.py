"""All figures of an evaluation, counted from its log and nothing else.

Names are paths: `ambiguity/f1`, `grounding/small/accuracy`, `loop/never/reward_minus_probe`.
Samples whose picture could not be read count in none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np

from clue_ros.evaluate import metrics
from clue_ros.evaluate.intervals import Figure
from clue_ros.evaluate.intervals import by_scene
from clue_ros.evaluate.intervals import mean_by_scene
from clue_ros.evaluate.intervals import proportion
from clue_ros.evaluate.intervals import ratio_by_scene
from clue_ros.evaluate.log import FALSE_ABSENT
from clue_ros.evaluate.log import INVALID
from clue_ros.evaluate.log import NONE
from clue_ros.evaluate.log import ONE
from clue_ros.evaluate.log import SEVERAL
from clue_ros.evaluate.log import UNKNOWN
from clue_ros.evaluate.log import UNREADABLE
from clue_ros.evaluate.log import VERDICTS
from clue_ros.evaluate.log import WRONG_GRASP
from clue_ros.evaluate.log import Log
from clue_ros.evaluate.log import Record
from clue_ros.evaluate.policies import PROBE
from clue_ros.evaluate.rewards import reward

Figures = dict[str, Figure]
Records = Sequence[Record]


def count_figures(log: Log) -> Figures:
    """Every figure that the log holds, by name."""
    records = [record for record in log.records if record.outcome != UNREADABLE]
    counts = {'ambiguity': _ambiguity, 'grounding': _grounding, 'loop': _loop}
    counted = counts[log.header.measure](records, log.header.options)
    return {f'{log.header.measure}/{name}': figure for name, figure in counted.items()}


def _ambiguity(records: Records, options: Mapping[str, Any]) -> Figures:
    """Of requests that fit something; those that fit nothing are told apart."""
    absent = [record for record in records if record.verdict == NONE]
    records = [record for record in records if record.verdict in (ONE, SEVERAL)]
    found: Figures = {}
    decided = np.array([_flagged(record) for record in records], dtype=bool)
    found |= _decisions(records, decided)
    found['accuracy'] = _share(record.success for record in records)
    positives = [record for record in records if _flagged(record)]
    found['precision'] = _share(record.verdict == SEVERAL for record in positives)
    truly = [record for record in records if record.verdict == SEVERAL]
    found['recall'] = _share(_flagged(record) for record in truly)
    probabilities = np.array([record.probabilities[0] for record in records], dtype=float)
    found |= _scored(records, probabilities)
    truth = _truth(records)
    found['ece'] = by_scene(
        _groups(records),
        lambda chosen: metrics.calibration_error(truth[chosen], probabilities[chosen]),
    )
    for form, mine in _split(records, lambda record: record.form).items():
        found[f'form/{form}/accuracy'] = _share(record.success for record in mine)
    if absent:
        found['absent/asked'] = _share(_flagged(record) for record in absent)
    for name, fitted in options['rules'].items():
        rule = metrics.Rule(**fitted)
        scores = np.array([record.scores[name] for record in records], dtype=float)
        # the side was chosen on validation data, so that a score may also be wrong about it
        oriented = scores if rule.above else -scores
        cheap = _decisions(records, rule.decide(scores)) | _scored(records, oriented)
        found |= {f'{name}/{figure}': value for figure, value in cheap.items()}
    return found


def _grounding(records: Records, _: Mapping[str, Any]) -> Figures:
    """Of requests that mean something there; an answer without a box overlaps by 0."""
    absent = [record for record in records if record.verdict == NONE]
    records = [record for record in records if record.verdict != NONE]
    found = _boxes(records)
    found['accuracy_above'] = _share(_iou(record) > metrics.MIN_IOU for record in records)
    found['invalid'] = _share(record.outcome == INVALID for record in records)
    found['false_absent'] = _share(record.outcome == FALSE_ABSENT for record in records)
    if absent:
        found['absent/accuracy'] = _share(record.success for record in absent)
    for by in (_size, _dialog, lambda record: record.form and f'form/{record.form}'):
        for name, mine in _split(records, by).items():
            found |= {f'{name}/{figure}': value for figure, value in _boxes(mine).items()}
    return found


def _loop(records: Records, _: Mapping[str, Any]) -> Figures:
    """Policy by policy, on the same cases; `_minus_probe` is paired."""
    policies = _split(records, lambda record: record.policy)
    ends = {
        name: {record.id: record for record in policies.get(name, ())} for name in (PROBE, 'never')
    }
    found: Figures = {}
    for policy, mine in policies.items():
        figures = _conversations(mine) | _asking(mine)
        if ends['never'] and policy != 'never':
            figures |= _grasps(mine, ends['never'])
        if ends[PROBE] and policy != PROBE:
            figures |= _paired(mine, ends[PROBE])
        found |= {f'{policy}/{name}': figure for name, figure in figures.items()}
    return found


def _conversations(records: Records) -> Figures:
    groups = _groups(records)
    questions = [len(record.turns) for record in records]
    successes = [float(record.success) for record in records]
    found = {
        'success': _share(record.success for record in records),
        'wrong_grasps': _share(record.outcome == WRONG_GRASP for record in records),
        'reward': mean_by_scene(groups, [reward(record) for record in records]),
        'questions': mean_by_scene(groups, questions),
        'questions_per_success': ratio_by_scene(groups, questions, successes),
    }
    for verdict in VERDICTS:
        mine = [record for record in records if record.verdict == verdict]
        if mine and verdict != UNKNOWN:
            found[f'{verdict}/success'] = _share(record.success for record in mine)
    return found


def _asking(records: Records) -> Figures:
    """How often it asked for nothing, and pointed where it should have asked."""
    ambiguous = [record for record in records if record.verdict == SEVERAL]
    clear = [record for record in records if record.verdict in (ONE, NONE)]
    return {
        'false_asks': _share(bool(record.turns) for record in clear),
        'missed_asks': _share(not record.turns for record in ambiguous),
    }


def _grasps(records: Records, never: Mapping[str, Record]) -> Figures:
    """What asking changed: cases in which the robot asked, beside the same without a question."""

    def changed(before: bool, after: bool) -> Figure:
        return _share(
            bool(record.turns)
            and (never[record.id].outcome == WRONG_GRASP) == before
            and (record.outcome == WRONG_GRASP) == after
            for record in records
        )

    return {'grasps_avoided': changed(True, False), 'grasps_spoiled': changed(False, True)}


def _paired(records: Records, probe: Mapping[str, Record]) -> Figures:
    groups = _groups(records)
    pairs = [(record, probe[record.id]) for record in records]
    return {
        'reward_minus_probe': mean_by_scene(groups, [reward(a) - reward(b) for a, b in pairs]),
        'success_minus_probe': mean_by_scene(groups, [a.success - b.success for a, b in pairs]),
    }


def _decisions(records: Records, decided: metrics.Booleans) -> Figures:
    truth = _truth(records)
    f1 = by_scene(_groups(records), lambda chosen: metrics.f1(truth[chosen], decided[chosen]))
    return {'f1': f1}


def _scored(records: Records, scores: metrics.Floats) -> Figures:
    truth = _truth(records)
    auroc = by_scene(_groups(records), lambda chosen: metrics.auroc(truth[chosen], scores[chosen]))
    return {'auroc': auroc}


def _boxes(records: Records) -> Figures:
    return {
        'accuracy': _share(_iou(record) >= metrics.MIN_IOU for record in records),
        'mean_iou': mean_by_scene(_groups(records), [_iou(record) for record in records]),
    }


def _share(hits: Iterable[bool]) -> Figure:
    flags = list(hits)
    return proportion(sum(flags), len(flags))


def _flagged(record: Record) -> bool:
    """Whether the probe called it ambiguous."""
    return record.success == (record.verdict == SEVERAL)


def _truth(records: Records) -> metrics.Booleans:
    return np.array([record.verdict == SEVERAL for record in records], dtype=bool)


def _groups(records: Records) -> list[str]:
    return [record.group for record in records]


def _iou(record: Record) -> float:
    return record.iou or 0.0


def _size(record: Record) -> str:
    assert record.target is not None
    return metrics.size_class(record.target.area, record.width, record.height)


def _dialog(record: Record) -> str:
    return 'with_dialog' if record.turns else 'no_dialog'


def _split(records: Records, name: Callable[[Record], str]) -> dict[str, list[Record]]:
    """Records by a property, in the order of its names; those without it are left out."""
    found: dict[str, list[Record]] = {}
    for record in records:
        found.setdefault(name(record), []).append(record)
    return {key: found[key] for key in sorted(found) if key}
