"""The test's end of a perception node: cameras, requests and what the node publishes."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import PIL.Image
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.srv import ChangeState
from lifecycle_msgs.srv import GetState
from ros_helpers import Peer
from scene_files import SCENES
from scene_files import load_scenes
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from std_msgs.msg import String
from vision_msgs.msg import Detection2DArray

from clue_ros.msg import Ambiguity
from clue_ros.msg import Clarification
from clue_ros.msg import Dialog
from clue_ros.nodes.images import image_to_message
from clue_ros.nodes.qos import SENSOR
from clue_ros.srv import Assess
from clue_ros.srv import Respond

MODULE = 'clue_ros.nodes.perception'
TIMEOUT = 2.0  # seconds a frame counts as current
PARAMETERS = {
    'cameras': ['left', 'right'],
    'image_timeout': TIMEOUT,
    'diagnostics.period': 0.2,
    'model.device': 'cpu',
}
UNCLEAR, CLEAR = (load_scenes()[number] for number in (0, 17))
START = 60.0  # seconds a busy machine may take to load torch and the model


def scene(row: dict[str, Any], stamp: int, frame_id: str = 'optical') -> Image:
    pixels = np.asarray(PIL.Image.open(SCENES / row['image']).convert('RGB'))
    return image_to_message(pixels, Header(stamp=Time(sec=stamp), frame_id=frame_id))


def jpeg(row: dict[str, Any], stamp: int) -> CompressedImage:
    file = io.BytesIO()
    PIL.Image.open(SCENES / row['image']).save(file, 'JPEG', quality=95)
    return CompressedImage(
        header=Header(stamp=Time(sec=stamp)), format='jpeg', data=file.getvalue()
    )


def changed(message: Image, **fields: Any) -> Image:
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def assess(row: dict[str, Any], camera: str = '') -> Assess.Request:
    return Assess.Request(camera=camera, dialog=Dialog(id='d7', request=row['instruction']))


def respond(row: dict[str, Any], camera: str = '', policy: str = 'probe') -> Respond.Request:
    dialog = Dialog(id='d7', request=row['instruction'])
    return Respond.Request(camera=camera, dialog=dialog, ask_policy=policy)


def change_state(peer: Peer, label: str) -> str:
    """Ask perception for a transition and return the state it is in then."""
    request = ChangeState.Request()
    request.transition.label = label
    peer.call(ChangeState, 'perception/change_state', request, START)
    return peer.call(GetState, 'perception/get_state', GetState.Request()).current_state.label


class Robot:
    """The test's end of the cameras, and everything the running node publishes."""

    def __init__(self, peer: Peer, cameras: bool = True) -> None:
        self.peer = peer
        self.diagnostics = peer.collect(DiagnosticArray, '/diagnostics')
        self.ambiguities = peer.collect(Ambiguity, 'perception/ambiguity')
        self.questions = peer.collect(Clarification, 'perception/question')
        self.detections = peer.collect(Detection2DArray, 'perception/detections')
        names = ('left', 'right') if cameras else ()
        self.cameras = {name: peer.publisher(Image, f'{name}/image', SENSOR) for name in names}
        self.instruction = peer.publisher(String, 'instruction') if cameras else None
        peer.wait(lambda: self.diagnostics, 'diagnostics')

    def assess(self, request: Assess.Request) -> Assess.Response:
        return self.peer.call(Assess, 'perception/assess', request)

    def respond(self, request: Respond.Request) -> Respond.Response:
        return self.peer.call(Respond, 'perception/respond', request)

    def say(self, text: str) -> None:
        self.instruction.publish(String(data=text))

    def status(self, name: str) -> DiagnosticStatus:
        return {item.name: item for item in self.diagnostics[-1].status}[f'perception: {name}']

    def count(self, camera: str, key: str) -> int:
        """A counter in the next report."""
        self.diagnostics.clear()
        self.peer.wait(lambda: self.diagnostics, 'diagnostics')
        values = {item.key: item.value for item in self.status(f'camera {camera}').values}
        return int(values[f'frames_{key}'])

    def show(self, publisher: Any, camera: str, message: Any) -> None:
        """Publish until it has been received: the first frames may find nobody."""
        before = self.count(camera, 'received')

        def received() -> bool:
            publisher.publish(message)
            return self.count(camera, 'received') > before

        self.peer.wait(received, f'a frame of {camera}')

    def forget(self) -> None:
        """End the instruction and begin with empty lists."""
        self.say('')
        self.follows('')
        for messages in (self.ambiguities, self.questions, self.detections):
            messages.clear()

    def follows(self, instruction: str) -> None:
        """Wait until this is what new frames are assessed for."""
        self.diagnostics.clear()  # a report from before says nothing

        def reported() -> bool:
            values = self.status('model').values if self.diagnostics else []
            return instruction in [item.value for item in values if item.key == 'instruction']

        self.peer.wait(reported, f'{instruction!r} to be followed')

    def outlast_frames(self) -> None:
        """Wait until no frame is current any more."""
        self.peer.spin(TIMEOUT + 0.05)
