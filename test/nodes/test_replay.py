"""Bags played to real nodes, next to the deterministic replay of the same bags."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from ros_helpers import NodeProcess

from clue_ros.cli import main
from clue_ros.errors import ClueError
from clue_ros.evaluate.bag_command import SHIPPED
from clue_ros.evaluate.bag_file import BagFile
from clue_ros.evaluate.bag_live import LiveConfig
from clue_ros.evaluate.bag_replay import ReplayConfig
from clue_ros.evaluate.bag_topics import BagTopics
from clue_ros.evaluate.bag_topics import find_topics
from clue_ros.frames import open_source
from clue_ros.nodes import replay
from clue_ros.nodes.processes import ProcessError
from clue_ros.nodes.sim_camera import SHIPPED as PICTURES
from tools.record_demo_bag import record

pytestmark = [pytest.mark.ros, pytest.mark.slow]

SCENES = open_source(PICTURES)
EVALUATE_BAG = [sys.executable, '-m', 'clue_ros.nodes.evaluate_bag']


def dies() -> None:
    raise ProcessError('perception ended with status 1')


@pytest.mark.parametrize(
    ('check', 'named'),
    [
        (dies, 'perception ended'),
        (lambda: None, 'waited 1 s for perception to look at /camera/image/compressed'),
    ],
)
def test_a_live_replay_without_perception_ends(domain, monkeypatch, check, named):
    monkeypatch.setattr(replay, 'START_SECONDS', 1.0)
    with (
        NodeProcess(domain, 'clue_ros.nodes.dialog_manager'),
        NodeProcess(domain, 'clue_ros.nodes.speech'),
        BagFile(SHIPPED) as bag,
    ):
        topics = find_topics(bag, BagTopics())
        begin = time.monotonic()
        with pytest.raises(ClueError, match=named):
            replay.play(bag, topics, LiveConfig(ReplayConfig()), 10.0, check)
        assert time.monotonic() - begin < 10


@pytest.mark.timeout(240)
def test_a_session_of_the_bringup_replays_to_the_same_outcomes(tmp_path):
    bag = record(tmp_path / 'recorded', scenes=(0, 1), transport='raw')
    (bag / 'thresholds.yaml').write_text(
        'bag/agreement: {min: 1.0}\nbag/instructions: {min: 2}\nbag/problems: {max: 0}\n'
    )
    out = tmp_path / 'out'
    assert main(['evaluate', 'bag', str(bag), '--out', str(out)]) == 0
    lines = (out / bag.name / 'dialogs.jsonl').read_text().splitlines()
    for dialog, scene in zip(map(json.loads, lines), (SCENES[0], SCENES[1]), strict=True):
        assert dialog['request'] == scene.truth.request
        assert dialog['truth'] == list(scene.truth.things[scene.truth.target].box.corners)
        assert dialog['recorded']['questions'] == [turn['question'] for turn in dialog['turns']]
        assert dialog['agrees'] is True


@pytest.mark.timeout(240)
def test_the_shipped_bag_ends_live_as_in_the_deterministic_replay(tmp_path):
    run = subprocess.run(
        [*EVALUATE_BAG, '--live', '--rate', '4', '--out', tmp_path, '--ros-args'],
        capture_output=True, text=True, timeout=220, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    live = json.loads((tmp_path / SHIPPED.name / 'live.json').read_text())
    assert live['differences'] == []
    assert live['answer_latency']['count'] == len(live['dialogs']) == 3
    assert 0 < live['answer_latency']['p50'] <= live['answer_latency']['p95']
    assert live['frame_latency']['count'] > 0
    frames = live['frames']['camera']
    assert frames['sent'] >= frames['received'] >= frames['assessed'] > 0
