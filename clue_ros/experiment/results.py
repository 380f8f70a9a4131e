"""What an experiment leaves: results.json, results.md for docs/experiments, samples.jsonl."""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC
from datetime import datetime
from pathlib import Path
from typing import Any
from typing import TypeAlias

from clue_ros.evaluate import metrics
from clue_ros.evaluate.intervals import Figure
from clue_ros.evaluate.intervals import by_scene
from clue_ros.evaluate.intervals import proportion
from clue_ros.evaluate.metrics import Booleans
from clue_ros.evaluate.metrics import Floats
from clue_ros.evaluate.metrics import Rule
from clue_ros.evaluate.metrics import fit_rule
from clue_ros.evaluate.provenance import libraries
from clue_ros.evaluate.provenance import machine
from clue_ros.evaluate.provenance import revision
from clue_ros.evaluate.summary import plain
from clue_ros.experiment.requests import Requests
from clue_ros.experiment.setting import VALIDATION
from clue_ros.experiment.setting import Setting

Figures: TypeAlias = dict[str, Figure]


def judge(
    lists: Mapping[str, Requests], scores: Mapping[str, Floats], tests: Sequence[str]
) -> Figures:
    """Figures of one score of ambiguity on each test split, named `<split>/<figure>`.

    Whatever gives the score, its threshold is the one with the best balanced accuracy on the
    validation requests.
    """
    rule = fit_rule(lists[VALIDATION].truth, scores[VALIDATION])
    return {
        f'{split}/{name}': figure
        for split in tests
        for name, figure in _decisions(
            lists[split].truth, scores[split], lists[split].groups, rule
        ).items()
    }


def _decisions(truth: Booleans, scores: Floats, groups: Sequence[str], rule: Rule) -> Figures:
    decided = rule.decide(scores)
    # the side was chosen on validation data, so that a score may also be wrong about it
    oriented = scores if rule.above else -scores
    return {
        'f1': by_scene(groups, lambda chosen: metrics.f1(truth[chosen], decided[chosen])),
        'auroc': by_scene(groups, lambda chosen: metrics.auroc(truth[chosen], oriented[chosen])),
        'accuracy': proportion(int((truth == decided).sum()), truth.size),
        'precision': proportion(int((truth & decided).sum()), int(decided.sum())),
        'recall': proportion(int((truth & decided).sum()), int(truth.sum())),
    }


def write_samples(
    out: Path,
    lists: Mapping[str, Requests],
    scores: Mapping[str, Mapping[str, Floats]],
    splits: Sequence[str],
) -> None:
    """One JSON line for each request, with what every contestant says of it.

    `scores` are arrays in the order of the requests, by contestant and split.
    """
    with (out / 'samples.jsonl').open('w', encoding='utf-8') as file:
        for split in splits:
            for number, row in enumerate(lists[split].describe()):
                said = {name: float(mine[split][number]) for name, mine in scores.items()}
                file.write(json.dumps({'split': split, **row, 'scores': said}) + '\n')


def write_results(
    out: Path,
    experiment: str,
    setting: Setting,
    config: Any,
    figures: Mapping[str, Figure],
    words: str,
) -> None:
    """Write results.json, and results.md with `words` about the figures."""
    place = machine()
    record = {
        'experiment': experiment,
        'command': setting.command,
        'date': datetime.now(UTC).isoformat(timespec='seconds'),
        'revision': revision(),
        'data': setting.digest(),
        'config': asdict(config),
        'device': str(setting.device),
        'dtype': str(setting.dtype).removeprefix('torch.'),
        'machine': place,
        'libraries': libraries(),
        'figures': {name: plain(figure) for name, figure in figures.items()},
    }
    text = json.dumps(record, indent=1, allow_nan=False)
    (out / 'results.json').write_text(text + '\n', encoding='utf-8')
    origin = (
        f'`{setting.command}`, revision {record["revision"] or "unknown"}, in {record["dtype"]} on '
        f'{place["gpu"] or place["processor"]} with {place["cores"]} cores. Config, hash of the '
        'data, libraries and all figures are in `results.json`.'
    )
    (out / 'results.md').write_text(f'{words.strip()}\n\n{origin}\n', encoding='utf-8')


def table(
    first: str,
    titles: Mapping[str, str],
    columns: Mapping[str, str],
    figures: Mapping[str, Figure],
) -> str:
    """Figures `<name>/<figure>` as a Markdown table.

    `titles` are those of the names, one row each, under the heading `first`; `columns` are the
    headings of the others with their figures.
    """
    lines = [[first, *columns], ['---'] * (len(columns) + 1)]
    for name, title in titles.items():
        found = (figures[f'{name}/{figure}'] for figure in columns.values())
        lines.append([title, *(f'{f.value:.3f} ({f.low:.3f} to {f.high:.3f})' for f in found)])
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def detection(tests: Sequence[str]) -> dict[str, str]:
    """Columns of `table` for what `judge` counts."""
    kinds = {'f1': 'F1', 'auroc': 'AUROC'}
    return {f'{split} {kinds[kind]}': f'{split}/{kind}' for split in tests for kind in kinds}


def sizes(lists: Mapping[str, Requests]) -> str:
    """How many requests there are, in words."""
    return ', '.join(f'{split} {len(requests)}' for split, requests in lists.items())
