"""Records the shipped demo bag anew: bringup with its recorder, simulated camera and person.

Run `python tools/record_demo_bag.py` after the embedded checkpoint has changed; the bag lies in
`clue_ros/bags/tabletop` then, and thresholds.yaml beside it stays as it is.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import rclpy
from rclpy.parameter import Parameter
from std_msgs.msg import String

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # this tree, not an installed package

from clue_ros.nodes import bringup  # noqa: E402
from clue_ros.nodes.demo import START_SECONDS  # noqa: E402
from clue_ros.nodes.demo import Director  # noqa: E402
from clue_ros.nodes.processes import Processes  # noqa: E402
from clue_ros.nodes.processes import private_domain  # noqa: E402
from clue_ros.nodes.qos import RESULT  # noqa: E402
from clue_ros.nodes.recorder import IMAGE_TYPES  # noqa: E402
from clue_ros.nodes.runtime import spin_until  # noqa: E402
from clue_ros.nodes.spectator import Spectator  # noqa: E402

BAG = ROOT / 'clue_ros' / 'bags' / 'tabletop'
SCENES = (0, 1, 6)  # of the shipped ones: two that need a question, one that does not
DIALOG_SECONDS = 60.0
FRAME_SECONDS = 1.5  # in which the camera shows one frame at least, now that it is recorded
LAST_SECONDS = 1.0  # for the announcement of the last end


def record(folder: Path, scenes: Sequence[int], transport: str = 'compressed') -> Path:
    """Run a session with one instruction for each scene; the bag made in `folder` is returned."""
    values = bringup.read_assignments([f'record:={folder}'])
    commands = bringup.commands(values)
    commands['person'] = bringup.NodeSpec('person').command('', bringup.params_file(values), 'info')
    commands['sim_camera'] += ['-p', 'rate:=1.0', '-p', f'scene:={scenes[0]}']
    commands['perception'] += ['-p', f'image_transport:={transport}']
    with (
        private_domain(),
        tempfile.TemporaryDirectory() as scratch,
        Processes(commands, logs=folder / 'logs') as nodes,
    ):
        rclpy.init()
        spectator = Spectator(Path(scratch))
        try:
            _play(spectator, Director(spectator, nodes), scenes)
        finally:
            spectator.destroy_node()
            rclpy.try_shutdown()
    [metadata] = folder.glob('*/metadata.yaml')
    return metadata.parent


def _play(spectator: Spectator, director: Director, scenes: Sequence[int]) -> None:
    instruction = spectator.create_publisher(String, 'instruction', RESULT)
    # dialog manager, perception once it is active, person and recorder
    director.until(
        lambda: instruction.get_subscription_count() >= 4, START_SECONDS, 'all nodes to listen'
    )
    director.until(
        lambda: _records_a_camera(spectator), START_SECONDS, 'the recorder to see the camera'
    )
    spin_until(spectator, lambda: False, FRAME_SECONDS, lambda: None)
    for scene in scenes:
        if scene != scenes[0]:
            spectator.forget_scene()
            change = spectator.camera.set_parameters([Parameter('scene', value=scene)])
            director.get(change, 10, 'the camera to change the scene')
        director.until(lambda: spectator.sees_scene, START_SECONDS, 'a scene of the camera')
        before = len(spectator.ended)
        instruction.publish(String(data=spectator.request))
        director.until(
            lambda: len(spectator.ended) > before,  # noqa: B023
            DIALOG_SECONDS,
            'the end of the dialog',
        )
    spin_until(spectator, lambda: False, LAST_SECONDS, lambda: None)


def _records_a_camera(spectator: Spectator) -> bool:
    topics = spectator.get_subscriber_names_and_types_by_node('recorder', '/')
    return any(kind in IMAGE_TYPES for _, kinds in topics for kind in kinds)


def main() -> None:
    """Replace the shipped bag."""
    with tempfile.TemporaryDirectory() as folder:
        bag = record(Path(folder), SCENES)
        BAG.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(bag / f'{bag.name}.mcap', BAG / f'{BAG.name}.mcap')
        metadata = (bag / 'metadata.yaml').read_text()
        (BAG / 'metadata.yaml').write_text(metadata.replace(bag.name, BAG.name))


if __name__ == '__main__':
    main()
