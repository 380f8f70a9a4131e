"""The reference pages and config/clue.yaml say what the code does, in both directions."""

from __future__ import annotations

import importlib
import itertools
import os
import re
import shlex
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import yaml

pytest.importorskip('rclpy', reason='needs ROS 2')

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.srv import GetParameters
from rclpy.action import get_action_server_names_and_types_by_node
from rclpy.context import Context
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python
from ros_helpers import NodeProcess
from ros_helpers import Peer

from clue_ros.nodes import qos
from clue_ros.nodes.parameters import declare
from clue_ros.nodes.runtime import prepare_transport
from tools.reference import CONFIG
from tools.reference import NODES
from tools.reference import PAGES
from tools.reference import ROOT
from tools.reference import parameters
from tools.reference import render_config
from tools.reference import render_page

pytestmark = pytest.mark.ros

TEXTS = {path.stem: path.read_text() for path in sorted(PAGES.glob('*.md'))}
# What stands for the value of a parameter on the pages, at its default.
PLACES = {'<camera>': 'camera', '<image_name>': 'image'}
# What every node has, or every lifecycle node.
STANDARD = ('rcl_interfaces/', 'lifecycle_msgs/', 'type_description_interfaces/')
INTERFACES = {
    'perception': ('srv/Assess.srv', 'srv/Respond.srv'),
    'dialog_manager': ('action/Ground.action',),
    'speech': ('srv/Ask.srv', 'srv/Say.srv'),
}


def table(page: str, section: str) -> list[list[str]]:
    """The cells of the first table of a section, without its head; none if there is none."""
    _, _, rest = TEXTS[page].partition(f'\n## {section}\n')
    lines = [line for line in rest.partition('\n## ')[0].splitlines() if line.startswith('| ')]
    rows = [[cell.strip(' `') for cell in line.strip('| ').split(' | ')] for line in lines]
    return rows[1:]


def resolve(name: str, node: str, namespace: str = '') -> str:
    """The full name of a topic, service or action of a page."""
    for place, value in PLACES.items():
        name = name.replace(place, value)
    if name.startswith('/'):
        return name
    return f'{namespace}/{name.replace("~", node)}'


def flat(values: dict[str, Any], prefix: str = '') -> dict[str, Any]:
    """Nested parameters with full names."""
    result = {}
    for name, value in values.items():
        nested = isinstance(value, dict)
        result |= flat(value, f'{prefix}{name}.') if nested else {f'{prefix}{name}': value}
    return result


def read_config(node: str) -> dict[str, Any]:
    return flat(yaml.safe_load(CONFIG.read_text())[f'/**/{node}']['ros__parameters'])


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


@pytest.mark.parametrize('page', TEXTS)
def test_links_lead_somewhere(page):
    for target in re.findall(r'\]\(([^)#:]+)\)', TEXTS[page]):
        assert (PAGES / target).exists(), target


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


def another(parameter: Any) -> Any:
    """A value that a parameter may have and does not have by default."""
    default = parameter.default
    if isinstance(default, bool):
        return not default
    if isinstance(default, str):
        return next(choice for choice in (*parameter.choices, 'other') if choice != default)
    if isinstance(default, list):
        return ['left', 'right']
    kind = type(default)
    return kind(parameter.low) if default != parameter.low else kind(parameter.high)


@pytest.mark.parametrize('namespace', ['/', '/robot', '/robots/red'])
def test_a_changed_configuration_is_taken_in_any_namespace(domain, namespace, tmp_path):
    config = yaml.safe_load(CONFIG.read_text())
    wanted = {node: {p.name: another(p) for p in parameters(node)} for node in NODES}
    for node in NODES:
        config[f'/**/{node}']['ros__parameters'] = wanted[node]
    copy = tmp_path / 'copy.yaml'
    copy.write_text(yaml.safe_dump(config))
    context = Context()
    arguments = ['--ros-args', '--params-file', str(copy), '-r', f'__ns:={namespace}']
    rclpy.init(args=arguments, context=context, domain_id=domain)
    try:
        for name in NODES:
            node = Node(name, context=context)
            declare(node, parameters(name))
            assert {key: node.get_parameter(key).value for key in wanted[name]} == wanted[name]
            node.destroy_node()
    finally:
        rclpy.try_shutdown(context=context)


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
            assert assignment in [f'{name}={value}' for name, value in os.environ.items()]
        case _:
            raise AssertionError(f'no test knows {words}')


def interface(name: str) -> Any:
    package, kind, short = name.split('/')
    return getattr(importlib.import_module(f'{package}.{kind}'), short)


# The real nodes from here on: each once in the root namespace and once in another one.
NAMESPACES = ('', '/robot')


class System:
    """All nodes with config/clue.yaml as it is."""

    def __init__(self, peer: Peer, namespace: str) -> None:
        self.peer = peer
        self.namespace = namespace

    def offers(self, node: str) -> dict[str, set[tuple[str, str]]]:
        """What a node really has, under the headings of its page."""
        me, space = self.peer.node, self.namespace or '/'
        if (node, space) not in me.get_node_names_and_namespaces():
            return {}
        found = {
            'Subscribed topics': me.get_subscriber_names_and_types_by_node(node, space),
            'Published topics': me.get_publisher_names_and_types_by_node(node, space),
            'Services': me.get_service_names_and_types_by_node(node, space),
            'Services called': me.get_client_names_and_types_by_node(node, space),
            'Actions': get_action_server_names_and_types_by_node(me, node, space),
        }
        return {
            section: {
                (name, kind)
                for name, kinds in pairs
                for kind in kinds
                if not kind.startswith(STANDARD) and '/_action/' not in name
            }
            for section, pairs in found.items()
        }

    def promises(self, node: str) -> dict[str, set[tuple[str, str]]]:
        """What the page of a node says it has."""
        return {
            section: {
                (resolve(name, node, self.namespace), kind)
                for name, kind, *_ in table(node, section)
            }
            for section in (
                'Subscribed topics', 'Published topics', 'Services', 'Services called', 'Actions',
            )
        }  # fmt: skip


@pytest.fixture(scope='module')
def systems(domain: int) -> Iterator[dict[str, System]]:
    with ExitStack() as stack:
        for namespace, node in itertools.product(NAMESPACES, NODES):
            arguments = ['--params-file', str(CONFIG)]
            if namespace:
                arguments += ['-r', f'__ns:={namespace}']
            module = f'clue_ros.nodes.{node}'
            stack.enter_context(NodeProcess(domain, module, arguments=tuple(arguments)))
        peer = stack.enter_context(Peer(domain))
        yield {namespace: System(peer, namespace) for namespace in NAMESPACES}


@pytest.fixture(params=NAMESPACES, ids=['root', 'robot'])
def system(systems: dict[str, System], request: pytest.FixtureRequest) -> System:
    return systems[request.param]


@pytest.mark.parametrize('node', NODES)
def test_a_node_offers_what_its_page_lists(system, node):
    promised = system.promises(node)
    assert sum(len(names) for names in promised.values()) > 2
    try:  # perception subscribes when it has loaded its model
        system.peer.wait(lambda: system.offers(node) == promised, node, 60.0)
    except AssertionError:
        assert system.offers(node) == promised


@pytest.mark.parametrize('node', NODES)
def test_quality_of_service(system, node):
    me = system.peer.node
    for section, infos in (
        ('Subscribed topics', me.get_subscriptions_info_by_topic),
        ('Published topics', me.get_publishers_info_by_topic),
    ):
        for name, _, named, _ in table(node, section):
            profile = getattr(qos, named.partition(',')[0])
            topic = resolve(name, node, system.namespace)
            [found] = [
                info.qos_profile
                for info in infos(topic)
                if (info.node_name, info.node_namespace) == (node, system.namespace or '/')
            ]
            assert found.reliability == profile.reliability, topic
            assert found.durability == profile.durability, topic


@pytest.mark.parametrize('node', NODES)
def test_the_configuration_is_taken_as_it_is(system, node):
    wanted = read_config(node)
    assert wanted == {parameter.name: parameter.default for parameter in parameters(node)}
    request = GetParameters.Request(names=list(wanted))
    answer = system.peer.call(GetParameters, f'{system.namespace}/{node}/get_parameters', request)
    taken = [parameter_value_to_python(value) for value in answer.values]
    assert dict(zip(wanted, taken, strict=True)) == wanted


def test_diagnostics_keys(system):
    arrays = system.peer.collect(DiagnosticArray, '/diagnostics')

    def complete() -> list[DiagnosticArray]:
        # both robots report on the one topic
        mine = f'{system.namespace}/perception'
        return [
            array
            for array in arrays
            if len(array.status) == 2 and f'/{array.status[0].name}'.startswith(mine)
        ]

    [*_, last] = system.peer.wait(complete, 'diagnostics of an active node', 60)
    found = [(status.name, value.key) for status in last.status for value in status.values]
    rows = table('perception', 'Diagnostics')
    promised = [(system.namespace + resolve(status, ''), key) for status, key, _ in rows]
    assert Counter(promised) == Counter((f'/{name}', key) for name, key in found)
