"""The reference pages and config/clue.yaml say what the code does, in both directions."""

from __future__ import annotations

import importlib
import itertools
import os
import re
import shlex
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

pytest.importorskip('rclpy', reason='needs ROS 2')

from reference_pages import TEXTS
from reference_pages import resolve
from reference_pages import table

from clue_ros.nodes import qos
from clue_ros.nodes.bringup import share_folder
from clue_ros.nodes.runtime import prepare_transport
from tools.reference import CONFIG
from tools.reference import NODES
from tools.reference import ROOT
from tools.reference import parameters
from tools.reference import render_config
from tools.reference import render_page

pytestmark = pytest.mark.ros

INTERFACES = {
    'perception': ('srv/Assess.srv', 'srv/Respond.srv'),
    'dialog_manager': ('action/Ground.action',),
    'speech': ('srv/Ask.srv', 'srv/Say.srv'),
}


def test_every_node_has_a_page_and_parameters():
    project = tomllib.loads((ROOT / 'pyproject.toml').read_text())['project']
    assert set(project['entry-points']['clue_ros.nodes']) == set(NODES)
    assert set(TEXTS) == {*NODES, 'README'}
    assert list(yaml.safe_load(CONFIG.read_text())) == [f'/**/{node}' for node in NODES]


def test_the_configuration_is_up_to_date():
    assert CONFIG.read_text() == render_config(), 'run python tools/reference.py'


@pytest.mark.parametrize('page', TEXTS)
def test_the_page_is_up_to_date(page):
    text = TEXTS[page]
    assert text == render_page(text), 'run python tools/reference.py'
    if page in NODES:
        assert f'<!-- parameters: {page} -->' in text
    for file in INTERFACES.get(page, ()):
        assert f'<!-- file: {file} -->' in text


def test_rviz_shows_topics_of_perception():
    config = yaml.safe_load((CONFIG.parent / 'clue.rviz').read_text())
    rows = {name: cells for name, *cells in table('perception', 'Published topics')}
    for display in config['Visualization Manager']['Displays']:
        assert display['Class'] == 'rviz_default_plugins/Image'
        topic = display['Topic']
        kind, profile, _ = rows[topic['Value'].replace('perception/', '~/')]
        assert (kind, profile) == ('sensor_msgs/msg/Image', 'SENSOR')
        assert topic['Reliability Policy'] == 'Best Effort'


def constants(*files: str) -> dict[str, str]:
    text = ''.join((ROOT / file).read_text() for file in files)
    return {code: name for name, code in re.findall(r'^uint16 (\w+)=(\d+)', text, re.M)}


@pytest.mark.parametrize('node', INTERFACES)
def test_errors(node):
    wanted = constants(*INTERFACES[node])
    del wanted['0']
    assert {code: name for code, name, _ in table(node, 'Errors')} == wanted


def test_error_codes_of_all():
    rows = table('README', 'Error codes')
    everything = constants(*itertools.chain(*INTERFACES.values()))
    assert {code: name for code, name, *_ in rows} == everything
    for code, _, _, nodes in rows[1:]:
        answering = {node for node, files in INTERFACES.items() if code in constants(*files)}
        assert set(nodes.split(', ')) == answering


def test_outcomes():
    named = re.findall(r'^\| ([A-Z_]+) \|', TEXTS['dialog_manager'], re.M)
    text = (ROOT / 'msg' / 'DialogState.msg').read_text().partition('NONE=0')[2]
    assert named == re.findall(r'^uint8 (\w+)=', text, re.M)


def test_named_qualities_of_service():
    for name, reliability, durability, depth, _ in table('README', 'Quality of service'):
        profile = getattr(qos, name)
        assert reliability == profile.reliability.name.lower().replace('_', ' ')
        assert durability == profile.durability.name.lower().replace('_', ' ')
        assert int(depth) == profile.depth


def commands() -> Iterator[list[str]]:
    """Every command of the pages."""
    for text in TEXTS.values():
        for block in re.findall(r'```bash\n(.*?)```', text, re.DOTALL):
            for line in block.replace('\\\n', ' ').splitlines():
                words = shlex.split(line, comments=True)
                if words:
                    yield [word for word in words if word != '&']


def listed(*sections: str) -> set[tuple[str, str]]:
    """Full name and type of what the pages list in these sections."""
    return {
        (resolve(name, node), kind)
        for node in NODES
        for section in sections
        for name, kind, *_ in table(node, section)
    }


def fill(message: Any, values: dict[str, Any]) -> None:
    """Set fields as `ros2 topic pub` does; raises for what is not there or has another type."""
    for name, value in values.items():
        field = getattr(message, name)
        if isinstance(value, dict):
            fill(field, value)
            continue
        if isinstance(field, list):
            kind = message.get_fields_and_field_types()[name]
            package, element = re.fullmatch(r'sequence<(\w+)/(\w+)>', kind).groups()
            items = [getattr(importlib.import_module(f'{package}.msg'), element)() for _ in value]
            for item, inner in zip(items, value, strict=True):
                fill(item, inner)
            value = items
        setattr(message, name, value)


@pytest.mark.parametrize('words', list(commands()), ids=' '.join)
def test_commands_of_the_pages(words, monkeypatch):
    topics = listed('Subscribed topics', 'Published topics')
    plain = [word for word in words if not word.startswith('--')]
    match plain:
        case ['ros2', 'run', 'clue_ros', node, *_]:
            assert node in NODES
        case ['ros2', 'launch', 'clue_ros', file, *_]:
            assert (ROOT / 'launch' / file).exists()
        case ['python', '-m', module]:
            assert module.removeprefix('clue_ros.nodes.') in NODES
        case ['python', file, *_]:
            assert (ROOT / file).exists()
        case ['ros2', 'topic', 'echo', topic]:
            assert topic in {name for name, _ in topics}
        case ['ros2', 'topic', 'pub', topic, kind, values]:
            assert (topic, kind) in topics
            fill(interface(kind)(), yaml.safe_load(values))
        case ['ros2', 'service', 'call', service, kind, *values]:
            assert (service, kind) in listed('Services')
            fill(interface(kind).Request(), yaml.safe_load(values[0]) if values else {})
        case ['ros2', 'action', 'send_goal', action, kind, values]:
            assert (action, kind) in listed('Actions')
            fill(interface(kind).Goal(), yaml.safe_load(values))
        case ['ros2', 'param', 'set', node, name, value]:
            known = {p.name: p for p in parameters(node.strip('/')) if not p.fixed}
            assert isinstance(yaml.safe_load(value), type(known[name].default))
        case ['export', assignment]:
            monkeypatch.setattr(os, 'environ', {})
            prepare_transport()
            share = '$(ros2 pkg prefix --share clue_ros)'
            assignment = assignment.replace(share, str(share_folder()))
            assert assignment in [f'{name}={value}' for name, value in os.environ.items()]
        case _:
            raise AssertionError(f'no test knows {words}')


def interface(name: str) -> Any:
    package, kind, short = name.split('/')
    return getattr(importlib.import_module(f'{package}.{kind}'), short)
