"""`ros2 run clue_ros evaluate_bag`: a bag through the model, and with --live through the nodes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rclpy.utilities import remove_ros_args

from clue_ros.errors import InvalidSource
from clue_ros.evaluate.bag_file import BagFile
from clue_ros.evaluate.bag_live import LiveConfig
from clue_ros.evaluate.bag_live import LiveRun
from clue_ros.evaluate.bag_topics import BagTopics
from clue_ros.frames import COMPRESSED
from clue_ros.nodes import bringup
from clue_ros.nodes.processes import Processes
from clue_ros.nodes.processes import private_domain
from clue_ros.nodes.replay import play
from clue_ros.nodes.runtime import prepare_transport

SPARE_SECONDS = 10.0  # beyond what the dialog manager promises


def play_live(bag: BagFile, topics: BagTopics, config: LiveConfig, logs: Path) -> LiveRun:
    """Play a bag to nodes of our own, in a ROS domain of their own, or to those that run here.

    Raises InvalidSource when the bag cannot be played, ReplayError or ProcessError.
    """
    patience = config.longest + SPARE_SECONDS
    if config.nodes == 'running':
        prepare_transport()
        return play(bag, topics, config, patience, lambda: None)
    with private_domain(), Processes(_commands(bag, topics, config), logs=logs) as nodes:
        return play(bag, topics, config, patience, nodes.check)


def _commands(bag: BagFile, topics: BagTopics, config: LiveConfig) -> dict[str, list[str]]:
    """Perception, dialog manager and speech, with the bag's cameras and in the bag's time."""
    kinds = {bag.topics[topic].kind for topic in topics.cameras.values()}
    if len(kinds) > 1:
        raise InvalidSource(
            'wanted cameras that are all raw or all compressed, as perception takes them, got '
            f'{", ".join(topics.cameras.values())}; leave some out with --camera'
        )
    words = ['sim:=false', 'use_sim_time:=true', f'model:={config.model}']
    values = bringup.read_assignments([*words, f'device:={config.device}'])
    commands = bringup.commands(values)
    dialog, replay = config.replay.dialog, config.replay
    parameters = {
        'perception': {
            'cameras': list(topics.cameras),
            'image_transport': 'compressed' if COMPRESSED in kinds else 'raw',
            'image_timeout': replay.image_timeout,
        },
        'dialog_manager': {
            'dialog.ask_policy': dialog.ask_policy,
            'dialog.max_questions': dialog.max_questions,
            'dialog.reply_timeout': dialog.reply_timeout / min(config.rate, 1.0),
            'dialog.camera': config.camera,
        },
    }
    for node, chosen in parameters.items():
        for name, value in chosen.items():
            commands[node] += ['-p', f'{name}:={json.dumps(value)}']
    return commands


def main() -> int:
    """Do what `clue evaluate bag` does, with ROS arguments such as remappings behind --ros-args."""
    from clue_ros.cli import main as clue

    status: int = clue(['evaluate', 'bag', *remove_ros_args(sys.argv)[1:]])
    return status


if __name__ == '__main__':
    raise SystemExit(main())
