"""The built interfaces: what is on the wire, and what `ros2 run` finds."""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

index = pytest.importorskip('ament_index_python', reason='needs ROS 2')
cdr = pytest.importorskip('rclpy.serialization', reason='needs ROS 2')

pytestmark = pytest.mark.ros

ROOT = Path(__file__).parents[1]
PARTS = {
    'msg': [''],
    'srv': ['Request', 'Response'],
    'action': ['Goal', 'Result', 'Feedback'],
}
INTERFACES = [
    (kind, path.stem, part)
    for kind, parts in PARTS.items()
    for path in sorted(ROOT.glob(f'{kind}/*.{kind}'))
    for part in parts
]
SCALARS = {'boolean': True, 'float': 0.5, 'double': 0.25, 'string': 'the left one'}


@pytest.fixture(autouse=True)
def prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sourced ROS environment says where packages are; the pip wheels are in Python's prefix."""
    if 'AMENT_PREFIX_PATH' not in os.environ:
        monkeypatch.setenv('AMENT_PREFIX_PATH', sys.prefix)


def value(field_type: str) -> Any:
    """Some value of a field's type that is not the default."""
    if array := re.fullmatch(r'sequence<(.+)>', field_type):
        return [value(array[1])] * 2
    if array := re.fullmatch(r'(.+)\[(\d+)\]', field_type):
        return [value(array[1])] * int(array[2])
    if '/' in field_type:
        package, name = field_type.split('/')
        return filled(getattr(importlib.import_module(f'{package}.msg'), name))
    return SCALARS.get(field_type, 7)


def filled(message_class: type) -> Any:
    fields = message_class.get_fields_and_field_types()
    return message_class(**{name: value(field_type) for name, field_type in fields.items()})


@pytest.mark.parametrize(('kind', 'name', 'part'), INTERFACES)
def test_roundtrip(kind: str, name: str, part: str) -> None:
    cls = getattr(importlib.import_module(f'clue_ros.{kind}'), name)
    cls = getattr(cls, part) if part else cls
    message = filled(cls)
    assert message != cls()
    assert cdr.deserialize_message(cdr.serialize_message(message), cls) == message


@pytest.mark.parametrize(
    ('name', 'type_hash'),
    [
        (
            'BoundingBox2D',
            'RIHS01_008eacbb0cf8f26e83795547bed013eec3675485ef386ec056d80eaaf1c1ce2f',
        ),
        (
            'Detection2D',
            'RIHS01_0d12b69df5c593b3455b7346fac8205437a7d4bcb09b9e0e0b2dde787ded38ea',
        ),
        (
            'Detection2DArray',
            'RIHS01_214274120007f4a683866481336b70310268cfa107aebe9d594a6acf75bda968',
        ),
    ],
)
def test_vision_msgs_is_the_real_thing_on_the_wire(name: str, type_hash: str) -> None:
    """Our own declarations meet the robot's vision_msgs: nodes with other hashes don't connect."""
    share = Path(index.get_package_share_directory('vision_msgs'))
    description = json.loads((share / 'msg' / f'{name}.json').read_text())
    hashes = {entry['type_name']: entry['hash_string'] for entry in description['type_hashes']}
    assert hashes[f'vision_msgs/msg/{name}'] == type_hash


def test_error_codes_agree() -> None:
    """An error code means the same in every service and action, and so does its name."""
    values, names = defaultdict(set), defaultdict(set)
    for path in [*ROOT.glob('srv/*.srv'), *ROOT.glob('action/*.action')]:
        for name, number in re.findall(r'^uint16 (\w+)=(\d+)', path.read_text(), re.MULTILINE):
            values[name].add(int(number))
            names[int(number)].add(name)
    assert values['NONE'] == {0}
    assert {name: found for name, found in values.items() if len(found) > 1} == {}
    assert {number: found for number, found in names.items() if len(found) > 1} == {}


def test_ros2_run_finds_every_entry_point() -> None:
    project = tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']
    entry_points = dict(project['scripts'])
    for group in project['entry-points'].values():
        entry_points |= group
    folder = Path(index.get_package_prefix('clue_ros')) / 'lib' / 'clue_ros'
    assert {path.name for path in folder.iterdir()} == set(entry_points)
    for name, target in entry_points.items():
        module, function = target.split(':')
        assert os.access(folder / name, os.X_OK)
        assert f'from {module} import {function}\n' in (folder / name).read_text()
