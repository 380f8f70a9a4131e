"""The demo's own node: sees what a person beside the robot would see, and keeps the pictures."""

from __future__ import annotations

import time
from pathlib import Path

from PIL import Image
from rclpy.action import ActionClient
from rclpy.node import Node
from rclpy.parameter_client import AsyncParameterClient
from rclpy.time import Time
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image as ImageMessage
from std_msgs.msg import String
from vision_msgs.msg import Detection2D

from clue_ros.action import Ground
from clue_ros.msg import DialogState
from clue_ros.nodes.images import image_from_message
from clue_ros.nodes.qos import LATCHED
from clue_ros.nodes.qos import RESULT
from clue_ros.nodes.qos import SENSOR

PICTURES = 'scene{}_turn*.png'


class Spectator(Node):
    """Says the request, watches what happens and keeps a picture of every turn."""

    def __init__(self, out: Path) -> None:
        super().__init__('demo')
        self._out = out
        self._pictures: dict[tuple[int, int], ImageMessage] = {}  # by stamp
        self._wanted: list[tuple[Path, tuple[int, int]]] = []
        self.scene = 0
        self.ended: set[str] = set()  # ids of dialogs
        self.asking_since = 0.0  # s of time.monotonic(); 0 when the robot waits for no reply
        self.request = ''  # of the scene
        self.target: Detection2D | None = None  # of the scene
        self._frames = 0  # of the scene
        self.heard = self.create_publisher(String, 'speech/heard', RESULT)
        self.ground = ActionClient(self, Ground, 'dialog_manager/ground')
        self.camera = AsyncParameterClient(self, 'sim_camera')
        self.create_subscription(DialogState, 'dialog_manager/state', self._watch, RESULT)
        self.create_subscription(String, 'sim_camera/request', self._keep_request, LATCHED)
        self.create_subscription(Detection2D, 'sim_camera/target', self._keep_target, LATCHED)
        self.create_subscription(CameraInfo, 'camera/camera_info', self._count, SENSOR)
        self.create_subscription(ImageMessage, 'perception/overlay/image', self._see, SENSOR)
        self.create_subscription(
            String, 'dialog_manager/transcript', lambda line: print(f'  {line.data}'), RESULT
        )

    def forget_scene(self) -> None:
        """Take what comes from now on for the next scene."""
        self.request, self.target, self._frames = '', None, 0

    @property
    def sees_scene(self) -> bool:
        """Whether the scene is known and has reached perception: its second frame is out."""
        return bool(self.request and self.target and self._frames >= 2)

    def _watch(self, state: DialogState) -> None:
        """Keep the overlay picture of a state that shows a question or the end."""
        self.asking_since = time.monotonic() if state.state == DialogState.ASKING else 0.0
        if state.state not in (DialogState.ASKING, DialogState.DONE):
            return
        label = 'question' if state.state == DialogState.ASKING else 'end'
        name = PICTURES.format(self.scene).replace('*', f'{len(state.dialog.turns)}_{label}')
        path = self._out / name
        stamp = state.header.stamp
        if stamp.sec or stamp.nanosec:
            self._wanted.append((path, (stamp.sec, stamp.nanosec)))
            self._save()
        if state.state == DialogState.DONE:
            self.ended.add(state.dialog.id)

    @property
    def saved(self) -> bool:
        """Whether every picture has been written."""
        return not self._wanted

    def _see(self, message: ImageMessage) -> None:
        # an answer to a frame follows its plain assessment under the same stamp
        self._pictures[(message.header.stamp.sec, message.header.stamp.nanosec)] = message
        while len(self._pictures) > 100:
            del self._pictures[next(iter(self._pictures))]
        self._save()

    def _save(self) -> None:
        for path, stamp in list(self._wanted):
            ready = sorted(key for key in self._pictures if key >= stamp)
            # The second is the proof that no newer picture of the first is on its way. The first
            # is the very frame of the state, or the next one where that picture got lost.
            if len(ready) >= 2:
                Image.fromarray(image_from_message(self._pictures[ready[0]])).save(path)
                self._wanted.remove((path, stamp))

    def _count(self, message: CameraInfo) -> None:
        shown = self.target and Time.from_msg(self.target.header.stamp)
        if shown and Time.from_msg(message.header.stamp) > shown:
            self._frames += 1

    def _keep_request(self, message: String) -> None:
        self.request = message.data

    def _keep_target(self, message: Detection2D) -> None:
        self.target = message
