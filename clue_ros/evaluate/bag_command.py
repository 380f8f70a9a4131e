"""`clue evaluate bag`: its options, and what it prints."""

from __future__ import annotations

import argparse
import math
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from clue_ros.conversation import ConversationConfig
from clue_ros.dialog import ASK_POLICIES
from clue_ros.errors import InvalidRequest

if TYPE_CHECKING:
    from clue_ros.evaluate.bag_evaluation import BagConfig
    from clue_ros.evaluate.bag_evaluation import BagReport
    from clue_ros.evaluate.bag_file import BagFile
    from clue_ros.evaluate.bag_live import LiveConfig
    from clue_ros.evaluate.bag_live import LiveRun
    from clue_ros.evaluate.bag_topics import BagTopics
    from clue_ros.evaluate.thresholds import Limit

# Beside a bag they make it a test case.
THRESHOLDS, TOPICS = 'thresholds.yaml', 'topics.yaml'
PAGE = 'report.html'
OUT = Path('out', 'evaluate', 'bag')
SHIPPED = Path(__file__).parents[1] / 'bags' / 'tabletop'

_SAVED = """\
# What this bag gave when it was made a test case. `clue evaluate bag` fails where it does worse.
"""
_SAVED_FIGURES = {
    'bag/success': 'min',
    'bag/questions': 'max',
    'bag/agreement': 'min',
    'bag/instructions': 'min',
    'bag/problems': 'max',
}


def add_bag_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `bag` to the commands of `clue evaluate`."""
    parser = commands.add_parser('bag', help="replay a robot's session and judge it")
    parser.add_argument(
        'bags', nargs='*', type=Path, default=[SHIPPED],
        help='folders or files, MCAP or sqlite3 (default: the shipped one)',
    )  # fmt: skip
    parser.add_argument('--out', type=Path, default=OUT, help=f'folder (default {OUT})')
    parser.add_argument('--model', default='clue-mini', help='name, folder or hub id (clue-mini)')
    parser.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N')
    parser.add_argument(
        '--camera', action='append', default=[], metavar='name=topic',
        help='look through this camera, may be given again (default: every image topic)',
    )  # fmt: skip
    parser.add_argument(
        '--topic', action='append', default=[], metavar='name=topic',
        help='instruction, heard, said, state, objects or target, where it has another name',
    )  # fmt: skip
    parser.add_argument(
        '--topics', type=Path, help=f'the same as YAML (default: {TOPICS} beside the bag)'
    )
    parser.add_argument('--ask-policy', choices=ASK_POLICIES, default='joint')
    parser.add_argument(
        '--person', default='recorded', choices=['recorded', 'scripted'],
        help='who replies: the person of the bag, or a scripted one who knows the ground truth',
    )  # fmt: skip
    parser.add_argument(
        '--thresholds', type=Path, help=f'limits of figures (default: {THRESHOLDS} beside the bag)'
    )
    parser.add_argument(
        '--save-case', action='store_true', help=f"write {THRESHOLDS} from this run's figures"
    )
    parser.add_argument(
        '--report', action='store_true', help=f'write {PAGE} into the folder, to look at'
    )
    parser.add_argument(
        '--live', nargs='?', const='own', choices=['own', 'running'],
        help='also play it to real nodes: own ones, or those that are running here',
    )  # fmt: skip
    parser.add_argument(
        '--rate', type=float, default=1.0, help='live, times as fast as recorded (default 1)'
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Evaluate each bag; 0 if all are whole and within their limits."""
    from clue_ros.clue import Clue
    from clue_ros.evaluate.bag_evaluation import evaluate_bag
    from clue_ros.evaluate.evaluation import Evaluation
    from clue_ros.evaluate.summary import write_summary

    # what is wrong with an option or a file is said before the first run
    configs = [_config(bag.expanduser(), options) for bag in options.bags]
    cases = [(config, _limits(config.bag, options.thresholds)) for config in configs]
    if len({config.out for config, _ in cases}) < len(cases):
        raise InvalidRequest('two bags have the same name, and so the same folder in --out')
    command = shlex.join(['clue', *options.arguments])
    clue = Clue.load(options.model, options.device)
    failed = False
    for config, limits in cases:
        print(config.bag)
        report = evaluate_bag(clue, options.model, config, _play)
        summary = write_summary(config.out, Evaluation(report.log, []), report.figures, command)
        _show(report)
        if options.report:
            from clue_ros.report.write import write_report

            write_report(summary, config.out / PAGE)
        if options.save_case:
            print(f'  wrote {_save(report, config)}')
        failures = _judge(report, limits)
        for failure in failures:
            print(f'  failed: {failure}', file=sys.stderr)
        print(f'  {"FAILED" if failures else "passed"}; everything in {config.out}', flush=True)
        failed |= bool(failures)
    return 1 if failed else 0


def _config(bag: Path, options: argparse.Namespace) -> BagConfig:
    from clue_ros.evaluate.bag_evaluation import BagConfig
    from clue_ros.evaluate.bag_live import LiveConfig
    from clue_ros.evaluate.bag_replay import ReplayConfig

    replay = ReplayConfig(ConversationConfig(ask_policy=options.ask_policy), person=options.person)
    live = None
    if options.live:
        model, device = options.model, options.device
        live = LiveConfig(replay, options.live, options.rate, model=model, device=device)
    name = bag.resolve().name
    return BagConfig(bag, options.out / name, _topics(bag, options), replay, live)


def _topics(bag: Path, options: argparse.Namespace) -> BagTopics:
    from dataclasses import fields
    from dataclasses import replace

    from clue_ros.evaluate.bag_topics import BagTopics

    file = options.topics or _beside(bag, TOPICS)
    topics = BagTopics.load(file) if file else BagTopics()
    cameras = dict(_assignments(options.camera, '--camera'))
    named = dict(_assignments(options.topic, '--topic'))
    known = {item.name for item in fields(BagTopics)} - {'cameras'}
    if unknown := sorted(set(named) - known):
        raise InvalidRequest(f'--topic takes {", ".join(sorted(known))}, got {unknown[0]!r}')
    return replace(topics, cameras=cameras or topics.cameras, **named)


def _assignments(words: list[str], option: str) -> list[tuple[str, str]]:
    pairs = [(name, topic) for name, _, topic in (word.partition('=') for word in words)]
    for word, (name, topic) in zip(words, pairs, strict=True):
        if not (name and topic.startswith('/')):
            raise InvalidRequest(f'{option} wants name=/topic, got {word!r}')
    return pairs


def _beside(bag: Path, name: str) -> Path | None:
    path = (bag if bag.is_dir() else bag.parent) / name
    return path if path.is_file() else None


def _limits(bag: Path, named: Path | None) -> dict[str, Limit]:
    from clue_ros.evaluate.thresholds import read_limits

    file = named or _beside(bag, THRESHOLDS)
    return read_limits(file) if file else {}


def _judge(report: BagReport, limits: dict[str, Limit]) -> list[str]:
    """What is wrong, in words; a bag that is not whole never passes unnoticed."""
    from clue_ros.evaluate.thresholds import check

    # a file of limits serves runs with nodes and without
    live = any(name.startswith('live/') for name in report.figures)
    usable = {name: limit for name, limit in limits.items() if live or not name.startswith('live/')}
    failures = check(report.figures, usable)
    if report.problems and 'bag/problems' not in limits:
        failures.append(f'partial: {len(report.problems)} problems, see above')
    if report.live_differences and 'live/differences' not in limits:
        failures.append(f'{len(report.live_differences)} differences between live and replay')
    return failures


def _show(report: BagReport) -> None:
    from clue_ros.evaluate.log import UNREADABLE

    for result, record in zip(report.results, report.log.records, strict=True):
        overlap = '' if record.iou is None else f', IoU {record.iou:.2f}'
        robot = {None: '', True: ', as on the robot', False: ', NOT as on the robot'}
        other = sum(turn.reply_of_other_question for turn in result.turns)
        print(
            f'  {result.begin:8.2f} s  {result.camera}  "{result.request}"  '
            f'{len(result.turns)} questions, {result.end.outcome.name}{overlap}'
            f'{"" if record.outcome == UNREADABLE else f": {record.outcome}"}'
            f'{robot[result.agrees]}{f", {other} replies were to another question" * bool(other)}'
        )
        if record.reason:
            print(f'              {record.reason}')
    for problem in report.problems:
        print(f'  PARTIAL: {problem}')
    for difference in report.live_differences:
        print(f'  LIVE: {difference}')
    for name, figure in report.figures.items():
        if not math.isnan(figure.value):
            interval = f' [{figure.low:.3g}, {figure.high:.3g}]' if figure.low < figure.high else ''
            print(f'  {name:36} {figure.value:.4g}{interval}  n={figure.n}')


def _save(report: BagReport, config: BagConfig) -> Path:
    """Make the bag a test case: what it gives now is wanted from now on."""
    import yaml

    if not config.bag.is_dir():
        raise InvalidRequest(f'--save-case wants the folder of a bag, {config.bag} is a file')
    found = {name: figure.value for name, figure in report.figures.items()}
    limits = {
        name: {bound: found[name]}
        for name, bound in _SAVED_FIGURES.items()
        if not math.isnan(found[name])
    }
    path = config.bag / THRESHOLDS
    path.write_text(_SAVED + yaml.safe_dump(limits, sort_keys=False))
    return path


def _play(bag: BagFile, topics: BagTopics, config: LiveConfig, logs: Path) -> LiveRun:
    # real nodes need ROS, the replay does not
    from clue_ros.nodes.evaluate_bag import play_live

    seen: LiveRun = play_live(bag, topics, config, logs)
    return seen
