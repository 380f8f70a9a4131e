"""Bags made for a test, without ROS: any messages at any time, in any storage."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer
from rosbags.typesys import Stores
from rosbags.typesys import get_types_from_msg
from rosbags.typesys import get_typestore

from clue_ros import frames
from clue_ros.box import Box
from clue_ros.evaluate.bag_topics import DETECTION
from clue_ros.evaluate.bag_topics import DETECTIONS
from clue_ros.evaluate.bag_topics import STATE
from clue_ros.evaluate.bag_topics import STRING
from clue_ros.frames import COMPRESSED
from clue_ros.frames import RAW
from clue_ros.frames import Scene
from clue_ros.frames import open_source

ROOT = Path(__file__).parents[2]
SHIPPED = Path(frames.__file__).parent / 'scenes'
SCENES = open_source(SHIPPED)

# What a bag says at a time (seconds): (time, topic, message).
Said = tuple[float, str, Any]


def _types() -> Any:
    store = get_typestore(Stores.ROS2_KILTED)
    own = {}
    for package, folder in (('clue_ros', ROOT), ('vision_msgs', ROOT / 'cmake' / 'vision_msgs')):
        for file in (folder / 'msg').glob('*.msg'):
            own.update(get_types_from_msg(file.read_text(), f'{package}/msg/{file.stem}'))
    store.register(own)
    return store


TYPES = _types()


def make(kind: str, **fields: Any) -> Any:
    """A message; what is not given is zero or empty."""
    values = {}
    for name, (node, detail) in TYPES.get_msgdef(kind).fields:
        if name in fields:
            values[name] = fields.pop(name)
        elif node.name == 'NAME':
            values[name] = make(detail)
        elif node.name == 'BASE':
            values[name] = '' if detail[0] == 'string' else 0
        else:
            length = detail[1] if node.name == 'ARRAY' else 0
            values[name] = np.zeros(length)
    assert not fields, fields
    return TYPES.types[kind](**values)


def header(seconds: float, frame_id: str = 'optical') -> Any:
    sec, rest = divmod(round(seconds * 1e9), 10**9)
    stamp = make('builtin_interfaces/msg/Time', sec=sec, nanosec=rest)
    return make('std_msgs/msg/Header', stamp=stamp, frame_id=frame_id)


def text(words: str) -> Any:
    return make(STRING, data=words)


def raw(image: np.ndarray, seconds: float = 0.0, frame_id: str = 'optical') -> Any:
    height, width, _ = image.shape
    return make(
        RAW, header=header(seconds, frame_id), height=height, width=width, encoding='rgb8',
        step=3 * width, data=image.ravel(),
    )  # fmt: skip


def jpeg(image: np.ndarray, seconds: float = 0.0, frame_id: str = 'optical') -> Any:
    file = io.BytesIO()
    PIL.Image.fromarray(image).save(file, 'JPEG', quality=90)
    data = np.frombuffer(file.getvalue(), np.uint8)
    return make(COMPRESSED, header=header(seconds, frame_id), format='jpeg', data=data)


def detection(box: Box, label: str, number: int, frame_id: str = 'optical') -> Any:
    x, y = box.center
    position = make('vision_msgs/msg/Point2D', x=x, y=y)
    center = make('vision_msgs/msg/Pose2D', position=position)
    hypothesis = make('vision_msgs/msg/ObjectHypothesis', class_id=label, score=1.0)
    return make(
        DETECTION,
        header=header(1.0, frame_id),
        id=str(number),
        results=[make('vision_msgs/msg/ObjectHypothesisWithPose', hypothesis=hypothesis)],
        bbox=make(
            'vision_msgs/msg/BoundingBox2D',
            center=center, size_x=box.x2 - box.x1, size_y=box.y2 - box.y1,
        ),
    )  # fmt: skip


def truth(scene: Scene, seconds: float = 0.0, frame_id: str = 'optical') -> list[Said]:
    """What the simulated camera says about a scene."""
    items = [
        detection(thing.box, thing.label, number, frame_id)
        for number, thing in enumerate(scene.truth.things)
    ]
    objects = make(DETECTIONS, header=header(1.0, frame_id), detections=items)
    target = items[scene.truth.target]
    return [(seconds, '/sim_camera/objects', objects), (seconds, '/sim_camera/target', target)]


def state(dialog: str, request: str, code: int, turns: tuple = (), **fields: Any) -> Any:
    """What the dialog manager says; `turns` are pairs."""
    lines = [make('clue_ros/msg/Turn', question=q, reply=r) for q, r in turns]
    spoken = make('clue_ros/msg/Dialog', id=dialog, request=request, turns=lines)
    return make(STATE, dialog=spoken, state=code, **fields)


def images(scene: Scene, begin: float, end: float, topic: str = '/camera/image/compressed',
           rate: float = 2.0, frame_id: str = 'optical') -> list[Said]:  # fmt: skip
    """A camera that shows a scene from `begin` to `end`."""
    write = jpeg if topic.endswith('/compressed') else raw
    times = np.arange(begin, end, 1 / rate)
    return [(float(t), topic, write(scene.image, float(t), frame_id)) for t in times]


def write_bag(path: Path, said: list[Said], storage: StoragePlugin = StoragePlugin.MCAP) -> Path:
    """Write a bag of whatever was said, in the order of the list."""
    with Writer(path, version=9, storage_plugin=storage) as writer:
        connections = {}
        for seconds, topic, message in said:
            kind = message.__msgtype__
            if (topic, kind) not in connections:
                connections[topic, kind] = writer.add_connection(topic, kind, typestore=TYPES)
            data = TYPES.serialize_cdr(message, kind)
            writer.write(connections[topic, kind], round(seconds * 1e9), bytes(data))
    return path
