import signal
import time

import pytest
from ros_helpers import NodeProcess

pytestmark = pytest.mark.ros


@pytest.mark.parametrize(
    ('arguments', 'says'),
    [
        (('-p', 'speech.backend:=telepathy'), 'speech.backend must be one of text, terminal'),
        (('-p', 'speech.backend:=7'), "of type 'INTEGER', expecting type 'STRING'"),
        (('--params-file', '/no/such.yaml'), '/no/such.yaml'),
        (('-r', '__node:=not a name'), 'RCL'),
    ],
)
def test_a_node_that_cannot_start_says_why_in_one_line(domain, arguments, says):
    with NodeProcess(domain, 'clue_ros.nodes.speech', arguments=arguments) as node:
        assert node.process.wait(20) == 1
        assert says in node.output
        assert 'Traceback' not in node.output


@pytest.mark.parametrize('node', ['speech', 'sim_camera', 'person', 'dialog_manager', 'perception'])
@pytest.mark.parametrize('signal_number', [signal.SIGINT, signal.SIGTERM])
def test_signals_end_a_node_in_order_also_when_they_come_twice(domain, peer, node, signal_number):
    with NodeProcess(domain, f'clue_ros.nodes.{node}') as process:
        peer.wait(lambda: node in peer.node.get_node_names(), node, 30)
        peer.spin(2.0)
        process.process.send_signal(signal_number)
        time.sleep(0.02)
        process.process.send_signal(signal_number)
        assert process.process.wait(10) == 0
        assert 'Traceback' not in process.output
