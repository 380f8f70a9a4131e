"""A live replay next to the deterministic one: what was seen of the nodes, and whether it agrees.

The replay itself is `clue_ros.nodes.replay`; this is its side without ROS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Any

import numpy as np

from clue_ros.box import Box
from clue_ros.conversation import Outcome
from clue_ros.errors import InvalidRequest
from clue_ros.evaluate.bag_replay import ReplayConfig
from clue_ros.evaluate.bag_result import Replayed
from clue_ros.evaluate.bag_result import same_end

NODES = ('own', 'running')


@dataclass(frozen=True)
class LiveConfig:
    """How a bag is played to nodes."""

    replay: ReplayConfig
    nodes: str = 'own'  # of NODES: nodes of our own, or those that run already
    rate: float = 1.0  # times as fast as it was recorded
    camera: str = ''  # of the dialogs; empty: the first
    model: str = ''
    device: str = ''

    def __post_init__(self) -> None:
        if self.nodes not in NODES:
            raise InvalidRequest(f'nodes must be one of {", ".join(NODES)}, got {self.nodes!r}')
        if not 0.01 <= self.rate <= 100:
            raise InvalidRequest(f'rate must be from 0.01 to 100, got {self.rate:g}')

    @property
    def longest(self) -> float:
        """Real seconds after which every dialog of the nodes has ended."""
        return self.replay.dialog.longest / min(self.rate, 1.0)


@dataclass
class LiveDialog:
    """What became of one instruction on the running nodes."""

    outcome: Outcome | None = None  # None while it runs
    camera: str = ''
    target: Box | None = None  # pixels, when GROUNDED
    questions: tuple[str, ...] = ()  # that were answered


@dataclass
class LiveRun:
    """What was seen of the nodes. Latencies in seconds that really passed."""

    dialogs: list[LiveDialog] = field(default_factory=list)  # in the order of the instructions
    frame_latencies: list[float] = field(default_factory=list)  # frame sent to frame assessed
    answer_latencies: list[float] = field(default_factory=list)  # instruction to first answer
    sent: dict[str, int] = field(default_factory=dict)  # frames of each camera
    counts: dict[str, dict[str, int]] = field(default_factory=dict)  # perception's, of each camera


def compare(results: Sequence[Replayed], run: LiveRun, camera: str) -> list[str]:
    """What differs between a live run and the deterministic one through `camera`, in words."""
    mine = [result for result in results if result.camera == camera]
    differences = []
    if len(run.dialogs) != len(mine):
        differences.append(f'{len(run.dialogs)} dialogs took place live, {len(mine)} in the replay')
    for result, live in zip(mine, run.dialogs, strict=False):
        about = f'{result.number} {result.request!r}'
        if live.outcome is None:
            differences.append(f'{about} did not end live')
        elif not same_end(result.end, live.outcome, live.target):
            differences.append(
                f'{about} ended {live.outcome.name} {_where(live.target)} live, '
                f'{result.end.outcome.name} {_where(result.end.target)} in the replay'
            )
        elif live.questions != tuple(turn.question for turn in result.turns):
            differences.append(f'{about}: other questions live: {" ".join(live.questions)}')
    return differences


def describe_live(run: LiveRun) -> dict[str, Any]:
    """The figures of a live run as plain values."""
    return {
        'dialogs': [
            {
                'outcome': dialog.outcome and dialog.outcome.name,
                'camera': dialog.camera,
                'box': dialog.target and dialog.target.corners,
                'questions': dialog.questions,
            }
            for dialog in run.dialogs
        ],
        'frame_latency': _percentiles(run.frame_latencies),
        'answer_latency': _percentiles(run.answer_latencies),
        'frames': {
            name: {'sent': sent, **run.counts.get(name, {})} for name, sent in run.sent.items()
        },
    }


def _percentiles(seconds: Sequence[float]) -> dict[str, float | int | None]:
    p50, p95 = np.percentile(seconds, [50, 95]) if seconds else (None, None)
    return {'count': len(seconds), 'p50': p50 and float(p50), 'p95': p95 and float(p95)}


def _where(box: Box | None) -> str:
    return f'at {[round(value) for value in box.corners]}' if box else 'without a box'
