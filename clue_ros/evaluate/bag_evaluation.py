"""The evaluation of a bag from end to end: a folder with log and dialogs, and figures.

    log.jsonl       what `clue_ros.evaluate.log` holds, for figures and reports
    dialogs.jsonl   everything about each dialog, also how it ended on the robot
    live.json       what was seen of the running nodes, if it was played to them

The first two are the same bytes in every run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from typing import TypeAlias

from clue_ros.evaluate import rewards
from clue_ros.evaluate.bag_file import BagFile
from clue_ros.evaluate.bag_file import fingerprint
from clue_ros.evaluate.bag_live import LiveConfig
from clue_ros.evaluate.bag_live import LiveRun
from clue_ros.evaluate.bag_live import compare
from clue_ros.evaluate.bag_live import describe_live
from clue_ros.evaluate.bag_replay import Replay
from clue_ros.evaluate.bag_replay import ReplayConfig
from clue_ros.evaluate.bag_result import Replayed
from clue_ros.evaluate.bag_result import describe
from clue_ros.evaluate.bag_result import to_record
from clue_ros.evaluate.bag_topics import BagTopics
from clue_ros.evaluate.bag_topics import find_topics
from clue_ros.evaluate.evaluation import LOG
from clue_ros.evaluate.figures import Figures
from clue_ros.evaluate.figures import count_figures
from clue_ros.evaluate.intervals import Figure
from clue_ros.evaluate.intervals import mean_by_scene
from clue_ros.evaluate.intervals import proportion
from clue_ros.evaluate.log import UNREADABLE
from clue_ros.evaluate.log import Header
from clue_ros.evaluate.log import Log
from clue_ros.evaluate.log import LogWriter
from clue_ros.evaluate.provenance import checkpoint_hash
from clue_ros.evaluate.provenance import libraries
from clue_ros.evaluate.provenance import revision
from clue_ros.model.checkpoint import find

if TYPE_CHECKING:
    from clue_ros.clue import Clue

DIALOGS, LIVE = 'dialogs.jsonl', 'live.json'

# Plays a bag to nodes; its logs go to the folder. `clue_ros.nodes.evaluate_bag` has it.
PlayLive: TypeAlias = Callable[[BagFile, BagTopics, LiveConfig, Path], LiveRun]


@dataclass(frozen=True)
class BagConfig:
    """Which bag, and where the results go."""

    bag: Path
    out: Path  # a folder
    topics: BagTopics = field(default_factory=BagTopics)
    replay: ReplayConfig = field(default_factory=ReplayConfig)
    live: LiveConfig | None = None  # None: not through nodes


@dataclass(frozen=True)
class BagReport:
    """What came out."""

    results: tuple[Replayed, ...]
    problems: tuple[str, ...]  # named errors; the evaluation is partial if there are any
    log: Log
    figures: Figures
    live_differences: tuple[str, ...]  # to the deterministic replay


def evaluate_bag(clue: Clue, model: str, config: BagConfig, play: PlayLive) -> BagReport:
    """Replay a bag and write the folder; `model` is what `clue` was loaded from.

    Raises InvalidSource, UnknownCamera or MissingAdapter when nothing can be evaluated.
    """
    config.out.mkdir(parents=True, exist_ok=True)
    with BagFile(config.bag) as bag:
        topics = find_topics(bag, config.topics)
        results = tuple(Replay(clue, bag, topics, config.replay).run())
        problems = tuple(f'{type(error).__name__}: {error}' for error in bag.problems)
        log = _write(clue, model, config, topics, results, problems)
        run = None
        differences: tuple[str, ...] = ()
        if config.live:
            live = replace(config.live, camera=_dialog_camera(results))
            run = play(bag, topics, live, config.out / 'logs')
            differences = tuple(compare(results, run, live.camera))
            text = json.dumps({**describe_live(run), 'differences': differences}, indent=1)
            (config.out / LIVE).write_text(text + '\n')
    figures = count_figures(log) | _figures(log, results, problems)
    if run:
        figures |= _live_figures(run, len(differences))
    return BagReport(results, problems, log, figures, differences)


def _write(
    clue: Clue,
    model: str,
    config: BagConfig,
    topics: BagTopics,
    results: Sequence[Replayed],
    problems: Sequence[str],
) -> Log:
    data = {
        'bag': str(config.bag),
        'fingerprint': fingerprint(config.bag),
        'topics': asdict(topics),
        'problems': problems,
        'partial': bool(problems),
    }
    options = {
        **asdict(config.replay),
        'device': clue.device,
        'dtype': clue.dtype,
        'rewards': {'question': rewards.QUESTION, **rewards.ENDS},
    }
    found = checkpoint_hash(find(model, allow_download=False))
    header = Header('loop', clue.name, found, revision(), libraries(), data, options)
    policy = config.replay.dialog.ask_policy
    records = tuple(to_record(result, policy, config.bag.name) for result in results)
    path = config.out / LOG
    path.unlink(missing_ok=True)  # there is nothing to go on with: bags are short
    with LogWriter(path, header) as writer:
        writer.write(records)
    lines = (json.dumps(describe(result), ensure_ascii=False) + '\n' for result in results)
    (config.out / DIALOGS).write_text(''.join(lines), encoding='utf-8')
    return Log(header, records)


def _dialog_camera(results: Sequence[Replayed]) -> str:
    """The camera that the robot talked about, else the first."""
    recorded = (result.camera for result in results if result.recorded)
    return next(recorded, results[0].camera)


def _figures(log: Log, results: Sequence[Replayed], problems: Sequence[str]) -> Figures:
    known = [result.agrees for result in results if result.agrees is not None]
    turns = [turn for result in results for turn in result.turns]
    judged = [record for record in log.records if record.outcome != UNREADABLE]
    other = sum(turn.reply_of_other_question for turn in turns)
    return {
        'bag/success': proportion(sum(record.success for record in judged), len(judged)),
        'bag/questions': mean_by_scene(
            [record.group for record in judged], [len(record.turns) for record in judged]
        ),
        'bag/agreement': proportion(sum(known), len(known)),
        'bag/judged': proportion(len(judged), len(log.records)),
        'bag/replies_of_other_questions': proportion(other, len(turns)),
        'bag/instructions': _number(len({result.number for result in results})),
        'bag/problems': _number(len(problems)),
    }


def _live_figures(run: LiveRun, differences: int) -> Figures:
    seen = describe_live(run)
    frames = [counts for counts in seen['frames'].values() if 'received' in counts]
    received = sum(counts['received'] for counts in frames)
    figures = {
        'live/differences': _number(differences),
        'live/dropped': proportion(sum(counts['dropped'] for counts in frames), received),
        'live/lost': _number(sum(counts['sent'] for counts in frames) - received),
    }
    for name in ('frame_latency', 'answer_latency'):
        for part in ('p50', 'p95'):
            value = seen[name][part]
            seconds = math.nan if value is None else value
            figures[f'live/{name}/{part}'] = Figure(
                seconds, math.nan, math.nan, seen[name]['count']
            )
    return figures


def _number(value: float) -> Figure:
    """A figure that is counted, not estimated."""
    return Figure(value, value, value, 1)
