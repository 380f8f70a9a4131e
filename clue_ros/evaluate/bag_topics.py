"""Which topics of a bag hold what: by their usual names in any namespace, or as the user says.

A robot with other names is described once, in a YAML file beside its bags:

    cameras: {head: /head/color/image_raw/compressed}
    instruction: /voice/command
    heard: /voice/reply

`cameras` names all to look through; without it every image topic is a camera, pictures that
clue_ros itself publishes excepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from dataclasses import replace
from pathlib import Path

import yaml

from clue_ros.errors import InvalidRequest
from clue_ros.errors import InvalidSource
from clue_ros.errors import UnknownCamera
from clue_ros.evaluate.bag_file import BagFile
from clue_ros.frames import COMPRESSED
from clue_ros.frames import RAW

STRING = 'std_msgs/msg/String'
STATE = 'clue_ros/msg/DialogState'
DETECTION = 'vision_msgs/msg/Detection2D'
DETECTIONS = 'vision_msgs/msg/Detection2DArray'

# What clue_ros publishes: usual name and type.
_USUAL = {
    'instruction': ('instruction', STRING),
    'heard': ('speech/heard', STRING),
    'said': ('speech/said', STRING),
    'state': ('dialog_manager/state', STATE),
    'objects': ('sim_camera/objects', DETECTIONS),
    'target': ('sim_camera/target', DETECTION),
}
_OWN_PICTURES = ('perception/overlay/image', 'perception/attention/image')
_SUFFIX = '/compressed'


@dataclass(frozen=True)
class BagTopics:
    """Names of topics; an empty one means the usual name, or none if the bag has no such topic."""

    cameras: Mapping[str, str] = field(default_factory=dict)  # image topic of each camera
    instruction: str = ''  # what the person wants
    heard: str = ''  # what the person says when asked
    said: str = ''  # what the robot says
    state: str = ''  # where the dialog stands; holds instructions, replies and ends by itself
    objects: str = ''  # ground truth: all things in view
    target: str = ''  # ground truth: what is meant

    def __post_init__(self) -> None:
        names = {item.name: getattr(self, item.name) for item in fields(self)}
        cameras = names.pop('cameras')
        if not isinstance(cameras, Mapping):
            raise InvalidRequest(f'cameras must map names to image topics, got {cameras!r}')
        for name, topic in (*cameras.items(), *names.items()):
            if not (isinstance(name, str) and isinstance(topic, str)):
                raise InvalidRequest(f'the topic of {name!r} must be a text, got {topic!r}')

    @classmethod
    def load(cls, path: Path) -> BagTopics:
        """Read a YAML file; raises InvalidRequest."""
        try:
            rows = yaml.safe_load(path.read_text(encoding='utf-8')) or {}
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise InvalidRequest(f'the topics in {path} cannot be read: {error}') from error
        known = [item.name for item in fields(cls)]
        if not isinstance(rows, dict) or set(rows) - set(known):
            raise InvalidRequest(f'{path}: wanted a mapping with {", ".join(known)}, got {rows!r}')
        return cls(**rows)


def find_topics(bag: BagFile, wanted: BagTopics) -> BagTopics:
    """The topics as they are in the bag; one that it has not is empty.

    What was named and is not there, or has another type, is added to the bag's problems. Raises
    InvalidSource or UnknownCamera when there is nothing to replay: no camera, no instruction.
    """
    found = {name: _find(bag, name, getattr(wanted, name)) for name in _USUAL}
    if wanted.instruction or wanted.heard:
        found['state'] = ''  # it would tell the same a second time
    if not (found['state'] or found['instruction']):
        raise InvalidSource(_lacks(bag, 'instructions', 'instruction'))
    if not (found['state'] or found['heard']):
        bag.problems.append(InvalidSource(_lacks(bag, 'replies', 'heard')))
    return replace(wanted, **found, cameras=_find_cameras(bag, wanted.cameras))


def _find(bag: BagFile, what: str, named: str) -> str:
    usual, kind = _USUAL[what]
    if named:
        topic = bag.topics.get(named)
        if topic is None or topic.kind != kind:
            came = f'it is a {topic.kind}' if topic else f'there is {bag.contents or "nothing"}'
            bag.problems.append(
                InvalidSource(f'{bag.path}: wanted {what} ({kind}) on {named}, {came}')
            )
            return ''
        return named
    fitting = [name for name in sorted(bag.topics) if f'/{name}'.endswith(f'/{usual}')]
    right = [name for name in fitting if bag.topics[name].kind == kind and bag.topics[name].count]
    if fitting and not any(bag.topics[name].kind == kind for name in fitting):
        came = ', '.join(f'{name} is a {bag.topics[name].kind}' for name in fitting)
        bag.problems.append(InvalidSource(f'{bag.path}: wanted {what} as {kind}, {came}'))
    if len(right) > 1:
        raise InvalidSource(
            f'{bag.path} has {what} of several robots, on {", ".join(right)}; say which: '
            f'--topic {what}={right[0]}'
        )
    return right[0] if right else ''


def _find_cameras(bag: BagFile, named: Mapping[str, str]) -> dict[str, str]:
    images = {
        name: topic
        for name, topic in sorted(bag.topics.items())
        if topic.kind in (RAW, COMPRESSED)
        and topic.count
        and not name.removesuffix(_SUFFIX).endswith(_OWN_PICTURES)
    }
    if not named:
        raw = {name for name, topic in images.items() if topic.kind == RAW}
        chosen = [name for name in images if name in raw or name.removesuffix(_SUFFIX) not in raw]
        named = {_camera_name(topic): topic for topic in chosen}
    cameras = {}
    problems = []
    for name, topic in named.items():
        if topic in images:
            cameras[name] = topic
        else:
            other = bag.topics.get(topic)
            came = f'it is a {other.kind}' if other else f'images are on {", ".join(images)}'
            problems.append(
                UnknownCamera(
                    f'{bag.path}: wanted images of camera {name!r} on {topic}, '
                    f'{came if other or images else "there are no images"}'
                )
            )
    if not cameras:
        raise (
            problems[0]
            if problems
            else InvalidSource(
                f'wanted a bag with images ({RAW} or {COMPRESSED}), {bag.path} has '
                f'{bag.contents or "no messages at all"}'
            )
        )
    bag.problems += problems
    return cameras


def _camera_name(topic: str) -> str:
    """The namespace of a camera: `/head/color/image_raw/compressed` is `head/color`."""
    image = topic.removesuffix(_SUFFIX).strip('/')
    return image.rpartition('/')[0] or image


def _lacks(bag: BagFile, what: str, name: str) -> str:
    return (
        f'wanted a bag with {what}, {bag.path} has {bag.contents or "no messages at all"}; name '
        f'their topic ({STRING}): --topic {name}=/its/name'
    )
