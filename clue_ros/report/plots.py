"""The figures of a run, drawn from its records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np
from markupsafe import Markup

from clue_ros.evaluate.intervals import Figure
from clue_ros.evaluate.intervals import proportion
from clue_ros.evaluate.log import ONE
from clue_ros.evaluate.log import SEVERAL
from clue_ros.evaluate.log import UNREADABLE
from clue_ros.evaluate.log import Record
from clue_ros.evaluate.metrics import MIN_IOU
from clue_ros.evaluate.metrics import Booleans
from clue_ros.evaluate.metrics import Floats
from clue_ros.evaluate.metrics import reliability
from clue_ros.evaluate.metrics import threshold_curve
from clue_ros.evaluate.policies import PROBE
from clue_ros.report.drawing import INK
from clue_ros.report.drawing import MUTED
from clue_ros.report.drawing import PAPER
from clue_ros.report.drawing import SERIES
from clue_ros.report.drawing import drawing
from clue_ros.report.run import Run

BINS = 10  # of the reliability curve; fewer than for the error, so that most hold enough to show


@dataclass(frozen=True)
class Plot:
    """A drawn figure with what the page says around it."""

    title: str
    caption: str
    svg: Markup


def plots(run: Run) -> Iterator[Plot]:
    """All figures that the records have data for, the one that the run is about first."""
    records = [record for record in run.log.records if record.outcome != UNREADABLE]
    if not records:
        return
    if run.measure == 'loop':
        # a policy of which no dialog could be read has no figures
        names = [name for name in run.policies if f'loop/{name}/success' in run.figures]
        if len(names) > 1:
            yield _policies(run.figures, names)
    threshold = run.log.header.options.get('threshold')
    truth, scores = _scores(run)
    if truth.any() and not truth.all():
        yield _precision_recall(truth, scores, threshold)
        if PROBE in scores:
            yield _reliability(truth, scores[PROBE])
            yield _thresholds(truth, scores[PROBE], threshold)
    if run.measure == 'loop':
        yield _questions(records)
    if run.measure != 'ambiguity':
        yield _overlaps(records)


def _policies(figures: Mapping[str, Figure], names: Sequence[str]) -> Plot:
    title = 'Ask policies'
    quantities = ('success', 'reward', 'questions')
    with drawing('policies', title, (4.4, 0.8 + 0.45 * len(names))) as drawn:
        columns = drawn.figure.subplots(1, len(quantities), sharey=True)
        for axes, quantity in zip(columns, quantities, strict=True):
            for place, name in enumerate(names):
                figure = figures[f'loop/{name}/{quantity}']
                axes.errorbar(
                    figure.value,
                    place,
                    xerr=_whiskers([figure]),
                    fmt='o',
                    color=MUTED if place else SERIES[0],
                    elinewidth=2,
                    markersize=7,
                )
            axes.set(xlabel=quantity, yticks=range(len(names)), yticklabels=names)
            axes.set_ylim(len(names) - 0.4, -0.6)  # the first one on top
            axes.grid(visible=False, axis='y')
        columns[0].set_xlim(0, 1)
    caption = 'Dots are means, lines their 95 % intervals; all policies met the same requests.'
    return Plot(title, caption, drawn.svg)


def _scores(run: Run) -> tuple[Booleans, dict[str, Floats]]:
    """Whether each request is ambiguous, and how ambiguous the probe and the baselines find it."""
    looks = [
        record
        for record in run.log.records
        if record.policy == PROBE
        and record.verdict in (ONE, SEVERAL)
        and record.outcome != UNREADABLE
    ]
    columns = {PROBE: [record.probabilities[0] for record in looks if record.probabilities]}
    for name, rule in _rules(run).items():
        # some scores are lower where more things may be meant
        sign = 1 if rule['above'] else -1
        columns[name] = [sign * record.scores[name] for record in looks if name in record.scores]
    scores = {
        name: np.array(values, dtype=float)
        for name, values in columns.items()
        if len(values) == len(looks) and None not in values
    }
    return np.array([record.verdict == SEVERAL for record in looks], dtype=bool), scores


def _rules(run: Run) -> dict[str, dict[str, Any]]:
    """How each baseline decides; a loop tells it with its policies."""
    options = run.log.header.options
    policies = options.get('policies') or ()
    return {
        **(options.get('rules') or {}),
        **{policy['baseline']: policy['rule'] for policy in policies if policy['baseline']},
    }


def _precision_recall(
    truth: Booleans, scores: Mapping[str, Floats], threshold: float | None
) -> Plot:
    title = 'Precision and recall of finding ambiguity'
    with drawing('precision-recall', title) as drawn:
        axes = drawn.axes
        for (name, values), color in zip(scores.items(), cycle(SERIES), strict=False):
            curve = threshold_curve(truth, values)
            axes.plot(
                [point.recall for point in curve],
                [point.precision for point in curve],
                color=color,
                label=name,
                linewidth=2.4 if name == PROBE else 1.3,
                zorder=3 if name == PROBE else 2,
            )
        if PROBE in scores and threshold is not None:
            decided = scores[PROBE] >= threshold
            found = (truth & decided).sum()
            if found:
                axes.plot(
                    found / truth.sum(), found / decided.sum(), 'o', color=SERIES[0], zorder=4
                )
        axes.axhline(truth.mean(), color=MUTED, linewidth=1, linestyle=':', label='chance')
        axes.set(xlabel='recall', ylabel='precision', xlim=(0, 1.02), ylim=(0, 1.03))
        axes.legend()
    caption = f'{truth.sum()} of {truth.size} requests are ambiguous.'
    if threshold is not None:
        caption += f' The dot is the threshold in use, {threshold:.3g}.'
    return Plot(title, caption, drawn.svg)


def _reliability(truth: Booleans, probabilities: Floats) -> Plot:
    title = 'Reliability of the probability'
    found = reliability(truth, probabilities, BINS)
    bars = [proportion(round(one.count * one.frequency), one.count) for one in found]
    with drawing('reliability', title) as drawn:
        upper, lower = drawn.figure.subplots(
            2, 1, sharex=True, gridspec_kw={'height_ratios': (4, 1)}
        )
        upper.plot((0, 1), (0, 1), color=MUTED, linewidth=1, linestyle=':')
        upper.errorbar(
            [one.probability for one in found],
            [one.frequency for one in found],
            yerr=_whiskers(bars),
            fmt='o',
            color=SERIES[0],
            elinewidth=1.2,
            capsize=3,
        )
        upper.set(ylabel='share that is ambiguous', ylim=(-0.03, 1.03), xlim=(0, 1))
        lower.hist(probabilities, bins=BINS, range=(0, 1), color=SERIES[0], alpha=0.7, rwidth=0.9)
        lower.set(xlabel='probability of ambiguity', ylabel='requests')
    caption = (
        'On the dotted line the probability is as good as its word. Bars: 95 % intervals '
        "(Wilson) of a bin's share; below, how many requests a bin holds."
    )
    return Plot(title, caption, drawn.svg)


def _thresholds(truth: Booleans, probabilities: Floats, threshold: float | None) -> Plot:
    title = 'What another threshold would give'
    curve = threshold_curve(truth, probabilities)
    with drawing('thresholds', title) as drawn:
        axes = drawn.axes
        at = [point.threshold for point in curve]
        # between two scores a threshold gives what the higher one gives
        for name, color in zip(('f1', 'precision', 'recall'), SERIES, strict=False):
            values = [getattr(point, name) for point in curve]
            axes.step(at, values, where='pre', color=color, label=name.replace('f1', 'F1'))
        if threshold is not None:
            axes.axvline(threshold, color=INK, linewidth=1.2, linestyle='--', label='in use')
        axes.set(xlabel='threshold', ylabel='score', xlim=(0, 1), ylim=(0, 1.03))
        axes.legend(loc='lower left')
    caption = 'The robot asks where the probability reaches the threshold.'
    return Plot(title, caption, drawn.svg)


def _questions(records: Sequence[Record]) -> Plot:
    title = 'Questions until the end'
    counts: dict[str, Counter[int]] = {}
    for record in records:
        counts.setdefault(record.policy, Counter())[len(record.turns)] += 1
    names = list(counts)[::-1]
    most = max(max(found) for found in counts.values())
    with drawing('questions', title) as drawn:
        axes = drawn.axes
        left = np.zeros(len(names))
        for number in range(most + 1):
            shares = np.array([counts[name][number] / counts[name].total() for name in names])
            # the more questions, the fuller the colour
            alpha = (number + 0.6) / (most + 0.6)
            bars = axes.barh(names, shares, left=left, color=SERIES[0], alpha=alpha, label=number)
            texts = [f'{100 * share:.0f} %' if share > 0.08 else '' for share in shares]
            color = PAPER if alpha > 0.5 else INK
            axes.bar_label(bars, texts, label_type='center', color=color, fontsize=9)
            left += shares
        axes.grid(visible=False, axis='y')
        axes.set(xlabel='share of the dialogs', xlim=(0, 1))
        axes.legend(loc='lower right', bbox_to_anchor=(1, 1), ncols=most + 1, title='questions')
    caption = 'How many questions the robot asked before it pointed or gave up.'
    return Plot(title, caption, drawn.svg)


def _overlaps(records: Sequence[Record]) -> Plot:
    title = 'Overlap with what was meant'
    with drawing('overlaps', title) as drawn:
        axes = drawn.axes
        policies = dict.fromkeys(record.policy for record in records)
        for policy, color in zip(policies, cycle(SERIES), strict=False):
            meant = [r for r in records if r.policy == policy and r.target is not None]
            overlaps = np.sort([record.iou or 0.0 for record in meant])
            if overlaps.size:
                reached = 1 - np.arange(overlaps.size + 1) / overlaps.size
                # up to each overlap what reaches it, beyond the last one nothing
                axes.step([0, *overlaps, 1], [1, *reached], where='pre', color=color, label=policy)
        axes.axvline(MIN_IOU, color=INK, linewidth=1.2, linestyle='--')
        axes.set(xlabel='IoU', ylabel='share that reaches it', xlim=(0, 1), ylim=(0, 1.03))
        if len(axes.lines) > 2:
            axes.legend(loc='lower left')
    caption = f'The dashed line is where an answer begins to count as right, {MIN_IOU:g}.'
    return Plot(title, caption, drawn.svg)


def _whiskers(figures: Sequence[Figure]) -> Floats:
    """Lengths of the whiskers below and above each value, (2, number of figures)."""
    below = [max(figure.value - figure.low, 0) for figure in figures]
    above = [max(figure.high - figure.value, 0) for figure in figures]
    return np.array([below, above])
