"""Running nodes have what the reference pages list and take config/clue.yaml."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
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
from reference_pages import resolve
from reference_pages import table
from ros_helpers import NodeProcess
from ros_helpers import Peer

from clue_ros.nodes import qos
from clue_ros.nodes.parameters import declare
from tools.reference import CONFIG
from tools.reference import NODES
from tools.reference import parameters

pytestmark = pytest.mark.ros

# What every node has, or every lifecycle node.
STANDARD = ('rcl_interfaces/', 'lifecycle_msgs/', 'type_description_interfaces/')


def flat(values: dict[str, Any], prefix: str = '') -> dict[str, Any]:
    """Nested parameters with full names."""
    result = {}
    for name, value in values.items():
        nested = isinstance(value, dict)
        result |= flat(value, f'{prefix}{name}.') if nested else {f'{prefix}{name}': value}
    return result


def read_config(node: str) -> dict[str, Any]:
    return flat(yaml.safe_load(CONFIG.read_text())[f'/**/{node}']['ros__parameters'])


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

    def profiles(self, node: str, topic: str, infos: Callable[[str], list[Any]]) -> list[Any]:
        """Quality of service of what a node has on a topic, of those that `infos` knows."""
        owner = (node, self.namespace or '/')
        return [
            info.qos_profile
            for info in infos(topic)
            if (info.node_name, info.node_namespace) == owner
        ]

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
            # the endpoints of a node become known one by one
            [found] = system.peer.wait(partial(system.profiles, node, topic, infos), topic)
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
