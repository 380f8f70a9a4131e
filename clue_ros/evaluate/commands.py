"""The arguments of `clue evaluate`, and what is printed."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

from clue_ros.evaluate.bag_command import add_bag_command

if TYPE_CHECKING:  # torch takes seconds to load, the arguments need none of it
    from clue_ros.evaluate.evaluation import EvaluationConfig
    from clue_ros.evaluate.figures import Figures
    from clue_ros.evaluate.sources import Data

_HELP = {
    'ambiguity': 'does the probe tell ambiguous requests from clear ones',
    'grounding': 'does the decoder point at the right thing, told the whole dialog',
    'loop': 'ask, hear an answer, point: all ask policies side by side',
}


def add_evaluate(commands: Any) -> None:
    """Add `evaluate` to the subparsers of `clue`."""
    parser = commands.add_parser('evaluate', help='how well it works, on scenes of your own')
    measures = parser.add_subparsers(dest='measure', required=True, metavar='MEASURE')
    for measure, text in _HELP.items():
        one = measures.add_parser(measure, help=text)
        _add_data(one)
        _add_model(one)
        one.add_argument('--out', type=Path, help=f'folder (default out/evaluate/{measure})')
        one.add_argument('--thresholds', type=Path, help='YAML with limits: passed or failed')
        one.add_argument('--report', type=Path, metavar='out.html', help='write a page to look at')
        one.add_argument('--batch', type=int, default=32, help='pictures at a time (default 32)')
        if measure != 'grounding':
            one.add_argument(
                '--validation',
                type=Path,
                help='with --data, another one to fit the cheap baselines on (else: none)',
            )
            one.add_argument(
                '--no-baselines', action='store_true', help='leave out the cheap baselines'
            )
        if measure == 'loop':
            one.add_argument('--person', default='scripted', help='scripted (default) or model')
            one.add_argument('--policies', default='', help='some of them, with commas')
        one.set_defaults(run=_evaluate)
    add_bag_command(measures)
    card = measures.add_parser('card', help="do the figures of the checkpoint's card hold here")
    _add_model(card)
    card.add_argument('--write', action='store_true', help='measure them and write the card')
    card.add_argument('--scenes', type=int, default=200, help='with --write (default 200)')
    card.add_argument('--seed', type=int, default=0, help='with --write (default 0)')
    card.add_argument('--out', type=Path, default=Path('out/evaluate/card'), help='folder of logs')
    card.set_defaults(run=_card)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--data', type=Path, help='a data set or a folder of your own')
    parser.add_argument('--split', default='', help='of the data set (default: all of it)')
    parser.add_argument('--scenes', type=int, default=200, help='simulated, without --data (200)')
    parser.add_argument('--seed', type=int, default=0, help='other scenes for another (default 0)')
    parser.add_argument('--ood', action='store_true', help='scenes as training never shows them')


def _add_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--model', default='clue-mini', help='name, folder or hub id (clue-mini)')
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N')
    parser.add_argument('--dtype', default='auto', help='auto, float32 or bfloat16')


def _evaluate(options: argparse.Namespace) -> int:
    from clue_ros.evaluate.evaluation import evaluate
    from clue_ros.evaluate.figures import count_figures
    from clue_ros.evaluate.summary import write_summary
    from clue_ros.evaluate.thresholds import check
    from clue_ros.evaluate.thresholds import read_limits

    # what is wrong with a file of limits is said before the run, not after it
    limits = read_limits(options.thresholds) if options.thresholds else {}
    config = _config(options)
    evaluation = evaluate(config)
    figures = count_figures(evaluation.log)
    command = shlex.join(['clue', *options.arguments])
    path = write_summary(config.out, evaluation, figures, command)
    if options.report:
        from clue_ros.report.write import write_report

        write_report(path, options.report)
    _print_figures(figures)
    print(f'{len(evaluation.log.records)} records in {config.out}; figures in {path}')
    failures = check(figures, limits)
    for failure in failures:
        print(f'failed: {failure}', file=sys.stderr)
    if limits and not failures:
        print(f'passed: all {len(limits)} limits of {options.thresholds} hold')
    return 1 if failures else 0


def _config(options: argparse.Namespace) -> EvaluationConfig:
    from clue_ros.errors import InvalidRequest
    from clue_ros.evaluate.evaluation import EvaluationConfig

    grounding = options.measure == 'grounding'
    try:
        return EvaluationConfig(
            measure=options.measure,
            data=_data(options),
            out=options.out or Path('out', 'evaluate', options.measure),
            model=options.model,
            device=options.device,
            dtype=options.dtype,
            person='scripted' if options.measure != 'loop' else options.person,
            validation=None if grounding or options.no_baselines else _validation(options),
            policies=_names(options.policies) if options.measure == 'loop' else (),
            batch=options.batch,
        )
    except ValueError as error:
        raise InvalidRequest(str(error)) from error


def _data(options: argparse.Namespace) -> Data:
    from clue_ros.evaluate.scenes import Scenes
    from clue_ros.evaluate.sources import Stored

    if options.data:
        return Stored(options.data, options.split)
    return Scenes(options.scenes, options.seed, options.ood)


def _validation(options: argparse.Namespace) -> Data | None:
    """What baselines are fitted on: never out-of-distribution scenes, nobody has those before."""
    from clue_ros.evaluate.scenes import Scenes
    from clue_ros.evaluate.sources import Stored

    if options.validation:
        return Stored(options.validation)
    if options.data:
        return None
    return Scenes(max(1, options.scenes // 2), options.seed, split='validation')


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(',') if name.strip())


def _print_figures(figures: Figures) -> None:
    width = max(map(len, figures))
    for name, figure in figures.items():
        interval = f'{figure.low:8.3f} .. {figure.high:.3f}'
        print(f'{name:{width}} {figure.value:8.3f}   {interval}   n = {figure.n}')


def _card(options: argparse.Namespace) -> int:
    from clue_ros.errors import InvalidRequest
    from clue_ros.evaluate import card

    if options.scenes < 1 or options.seed < 0:
        raise InvalidRequest('--scenes counts from 1 and --seed from 0')
    place = (options.device, options.dtype)
    if options.write:
        runs = card.card_runs(options.scenes, options.seed)
        measured = list(card.measure_card(options.model, runs, options.out, *place))
        print(f'{sum(len(run.figures) for run in measured)} figures in', end=' ')
        print(card.write_card(options.model, measured))
        return 0
    broken = total = 0
    for stated in card.read_card(options.model):
        (measured_run,) = card.measure_card(options.model, [stated], options.out, *place)
        for check in card.compare(stated, measured_run):
            total += 1
            broken += not check.holds
            print(
                f'{"holds" if check.holds else "DIFFERS":8} {stated.name}/{check.name}: '
                f'stated {check.stated.value:.3f} ({check.stated.low:.3f} .. '
                f'{check.stated.high:.3f}), measured {check.measured:.3f}'
            )
    print(f'{total - broken} of {total} figures lie within their stated intervals')
    return 1 if broken else 0
