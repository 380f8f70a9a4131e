"""The demo: the whole system on simulated scenes, watched by one more node."""

from __future__ import annotations

import json
import math
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rclpy
from rclpy.parameter import Parameter
from rclpy.task import Future
from std_msgs.msg import String
from vision_msgs.msg import Detection2D

from clue_ros.action import Ground
from clue_ros.errors import ClueError
from clue_ros.errors import NoImage
from clue_ros.frames import open_source
from clue_ros.msg import DialogState
from clue_ros.nodes import bringup
from clue_ros.nodes.messages import NOTHING
from clue_ros.nodes.messages import box_from_message
from clue_ros.nodes.processes import Processes
from clue_ros.nodes.processes import private_domain
from clue_ros.nodes.runtime import spin_until
from clue_ros.nodes.sim_camera import SHIPPED
from clue_ros.nodes.sim_camera import read_scene
from clue_ros.nodes.spectator import PICTURES
from clue_ros.nodes.spectator import Spectator
from clue_ros.speech.terminal import Terminal

START_SECONDS = 120.0  # loading torch and the model on a slow machine
END_SECONDS = 200.0  # the dialog manager promises an end within 160 s at its defaults
OUTCOMES = {
    getattr(DialogState, name): name
    for name in (
        'GROUNDED', 'ABSENT', 'UNRESOLVED', 'NO_REPLY', 'CANCELED', 'PREEMPTED', 'FAILED',
    )
}  # fmt: skip


@dataclass(frozen=True)
class DemoConfig:
    """What the demo shows."""

    scene: int = 0
    request: str = ''  # empty: the scene's own
    interactive: bool = False  # the terminal answers instead of the scripted person
    source: str = ''  # empty: the shipped scenes
    every_scene: bool = False
    out: Path = Path('out/demo')


class DemoError(ClueError):
    """The demo could not be run to its end."""


def run_demo(config: DemoConfig) -> int:
    """Run it; 0 if every request ended GROUNDED with IoU >= 0.5 to the scene's target.

    Where the truth says that a scene's request fits nothing, ABSENT is the right end.
    """
    # what the camera would refuse is refused before anything is started
    read_scene(open_source(Path(config.source or SHIPPED)), config.scene)
    config.out.mkdir(parents=True, exist_ok=True)
    for picture in config.out.glob(PICTURES.format('*')):
        picture.unlink()  # of an earlier run
    with private_domain():
        print('starting perception, dialog_manager, speech, sim_camera ...', flush=True)
        with Processes(_commands(config), logs=config.out / 'logs') as nodes:
            rclpy.init()
            spectator = Spectator(config.out)
            try:
                return _run(config, Director(spectator, nodes))
            finally:
                spectator.destroy_node()
                rclpy.try_shutdown()


class Director:
    """Waits for things while the nodes are well, never without a limit."""

    def __init__(self, spectator: Spectator, nodes: Processes) -> None:
        self.spectator = spectator
        self._nodes = nodes

    def until(self, condition: Callable[[], object], seconds: float, what: str) -> None:
        """Spin until `condition()`; raises DemoError naming `what` after `seconds`."""
        if not spin_until(self.spectator, condition, seconds, self._nodes.check):
            raise DemoError(f'waited {seconds:g} s for {what}; see the logs beside the pictures')

    def get(self, future: Future, seconds: float, what: str) -> Any:
        """Result of a future."""
        self.until(future.done, seconds, what)
        return future.result()


class Typist:
    """The person at the terminal, while the demo is interactive."""

    def __init__(self, spectator: Spectator) -> None:
        """Say what is typed through `spectator`."""
        self._spectator = spectator
        self._last = 0.0  # when something was typed, s of time.monotonic()
        self._closed = False

    def type_replies(self) -> None:
        """Read until the terminal is closed."""
        print('Type your reply when the robot asks; Ctrl-D takes the request back.', flush=True)
        with suppress(EOFError):
            Terminal().listen(self._say)
        self._closed = True

    def _say(self, line: str) -> None:
        self._last = time.monotonic()
        self._spectator.heard.publish(String(data=line))

    @property
    def is_gone(self) -> bool:
        """Whether the robot waits for a reply that nobody can type any more."""
        return self._closed and self._spectator.asking_since > self._last


def _commands(config: DemoConfig) -> dict[str, list[str]]:
    values = bringup.read_assignments([])
    commands = bringup.commands(values)
    if config.source:
        commands['sim_camera'] += ['-p', f'source:={config.source}']
    commands['sim_camera'] += ['-p', f'scene:={config.scene}']
    if not config.interactive:
        spec = bringup.NodeSpec('person')
        commands['person'] = spec.command('', bringup.params_file(values), 'info')
    return commands


def _run(config: DemoConfig, director: Director) -> int:
    spectator = director.spectator
    director.until(spectator.ground.server_is_ready, START_SECONDS, 'the dialog manager')
    director.until(
        lambda: (
            spectator.count_publishers('perception/overlay/image')
            and spectator.count_subscribers('camera/image')
        ),
        START_SECONDS,
        'perception to become active',
    )
    person = Typist(spectator)
    if config.interactive:
        threading.Thread(target=person.type_replies, daemon=True).start()
    results = []
    for scene in _scenes(config):
        if scene != config.scene:
            spectator.forget_scene()
            change = spectator.camera.set_parameters([Parameter('scene', value=scene)])
            [answer] = director.get(change, 10, 'the camera to change the scene').results
            if not answer.successful:
                break  # behind the last one
        director.until(lambda: spectator.sees_scene, START_SECONDS, 'a scene of the camera')
        results.append(_play(config, director, scene, person))
    good = sum(result['success'] for result in results)
    if config.every_scene:
        print(f'{good} of {len(results)} requests ended right: IoU >= 0.5, or rightly ABSENT')
        (config.out / 'results.json').write_text(json.dumps(results, indent=1))
    return 0 if good == len(results) else 1


def _scenes(config: DemoConfig) -> range:
    return range(config.scene, sys.maxsize if config.every_scene else config.scene + 1)


def _play(config: DemoConfig, director: Director, scene: int, person: Typist) -> dict[str, Any]:
    """Say the request and see it end; it is taken back when nobody can reply any more."""
    spectator = director.spectator
    request = config.request or spectator.request
    print(f'\nscene {scene}', flush=True)
    if config.interactive:
        print(_what_is_meant(spectator.target), end='', flush=True)
    begin = time.monotonic()
    spectator.scene = scene
    sending = spectator.ground.send_goal_async(Ground.Goal(instruction=request))
    handle = director.get(sending, 10, 'the dialog manager to take the goal')
    end = handle.get_result_async()
    limit = math.inf if config.interactive else END_SECONDS
    director.until(lambda: end.done() or person.is_gone, limit, 'the end of the dialog')
    if not end.done():
        director.get(handle.cancel_goal_async(), 10, 'the dialog manager to cancel the goal')
    result = director.get(end, 10, 'the end of the dialog').result
    seconds = time.monotonic() - begin
    dialog_id = result.dialog.id
    director.until(lambda: dialog_id in spectator.ended, 10, 'the last state of the dialog')
    director.until(lambda: spectator.saved, 10, 'the overlay pictures')

    found = result.outcome == DialogState.GROUNDED
    box = box_from_message(result.target.bbox) if found else None
    if spectator.target is None:
        raise NoImage('the camera has no ground truth')
    absent = spectator.target.id == NOTHING and not config.request
    meant = spectator.target.results and box_from_message(spectator.target.bbox)
    iou = box.iou(meant) if box and meant else 0.0
    success = result.outcome == DialogState.ABSENT if absent else iou >= 0.5
    summary = {
        'request': request,
        'questions': [turn.question for turn in result.dialog.turns],
        'replies': [turn.reply for turn in result.dialog.turns],
        'outcome': OUTCOMES[result.outcome],
        'box': [round(value, 1) for value in box.corners] if box else None,
        'iou': round(iou, 3),
        'probabilities': [round(value, 3) for value in result.probabilities],
        'seconds': round(seconds, 2),
    }
    if result.error_msg:
        print(f'  {result.error_msg}')
    pictures = sorted(path.name for path in config.out.glob(PICTURES.format(scene)))
    print(f'  pictures in {config.out}: {", ".join(pictures)}')
    print('DEMO_RESULT', json.dumps(summary), flush=True)
    return {'scene': scene, **summary, 'success': success}


def _what_is_meant(target: Detection2D | None) -> str:
    if target and target.id == NOTHING:
        return '  (you mean nothing that is there)\n'
    if target and target.results:
        return f'  (you mean the {target.results[0].hypothesis.class_id})\n'
    return ''
