import itertools
import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest
from ros_helpers import PATIENCE
from ros_helpers import NodeProcess

from clue_ros.nodes.bringup import share_folder
from clue_ros.nodes.runtime import IMPATIENCE
from clue_ros.nodes.runtime import prepare_transport

pytestmark = pytest.mark.ros


@pytest.mark.parametrize(
    ('arguments', 'says'),
    [
        (('-p', 'speech.backend:=telepathy'), 'speech.backend must be one of text, terminal'),
        (('-p', 'speech.backend:=7'), "of type 'INTEGER', expecting type 'STRING'"),
        (('--params-file', '/no/such.yaml'), '/no/such.yaml'),
        (('-r', '__node:=not a name'), 'RCL'),
        (('-p', 'qos_overrides./speech/said.publisher.reliability:=bogus'), 'bogus'),
    ],
)
def test_a_node_that_cannot_start_says_why_in_one_line(domain, arguments, says):
    with NodeProcess(domain, 'clue_ros.nodes.speech', arguments=arguments) as node:
        assert node.process.wait(PATIENCE) == 1
        assert says in node.output
        assert 'Traceback' not in node.output


@pytest.mark.parametrize(
    ('node', 'signal_number'),
    [
        *itertools.product(
            ['speech', 'sim_camera', 'person', 'dialog_manager'], [signal.SIGINT, signal.SIGTERM]
        ),
        ('perception', signal.SIGTERM),  # its other tests end it with SIGINT
    ],
)
def test_signals_end_a_node_in_order_also_when_they_come_twice(domain, peer, node, signal_number):
    name = f'{node}_{signal_number}'
    arguments = ('-r', f'__node:={name}')
    with NodeProcess(domain, f'clue_ros.nodes.{node}', arguments=arguments) as process:
        peer.wait(lambda: name in peer.node.get_node_names(), name)
        peer.spin(0.5)  # perception is loading its model now
        process.process.send_signal(signal_number)
        time.sleep(0.02)
        process.process.send_signal(signal_number)
        assert process.process.wait(PATIENCE) == 0
        assert 'Traceback' not in process.output


@pytest.mark.parametrize(
    ('chosen', 'profile'),
    [
        ({}, str(share_folder() / 'config' / 'fastdds.xml')),
        ({'FASTDDS_DEFAULT_PROFILES_FILE': 'mine.xml'}, 'mine.xml'),
        ({'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4'}, None),
        ({'FASTRTPS_DEFAULT_PROFILES_FILE': 'old.xml'}, None),
    ],
)
def test_what_the_user_chose_is_kept(monkeypatch, chosen, profile):
    monkeypatch.setattr(os, 'environ', dict(chosen))
    prepare_transport()
    assert os.environ.pop('FASTDDS_DEFAULT_PROFILES_FILE', None) == profile
    assert os.environ.items() <= chosen.items()


STOPPED_WHILE = {
    'nothing is set up': """
os.kill(os.getpid(), signal.SIGTERM)
return Node('stopped')
""",
    'there is a node': """
node = Node('stopped')
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(0.1)
return node
""",
    'importing': """
node = Node('stopped')
exec('os.kill(os.getpid(), signal.SIGTERM)')
return node
""",
    'publishing': """
node = Node('stopped')
publisher = node.create_publisher(String, 'words', 1)
def publish():
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.5)  # the context is shut down meanwhile
    publisher.publish(String())
node.create_timer(0.0, publish)
return node
""",
    'cleaning up a weak reference': """
node = Node('stopped')
short_lived = set()
reference = weakref.ref(short_lived, lambda _: os.kill(os.getpid(), signal.SIGTERM))
del short_lived
return node
""",
}
STUCK = """
os.kill(os.getpid(), signal.SIGINT)
print('stuck', flush=True)
time.sleep(60)
"""


def start(tmp_path, make_node):
    program = f"""
import os, signal, time, weakref
from rclpy.node import Node
from std_msgs.msg import String
from clue_ros.nodes.runtime import run

def make_node():
{textwrap.indent(make_node, '    ')}

raise SystemExit(run(make_node))
"""
    (tmp_path / 'stopped.py').write_text(program)
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    return subprocess.Popen(
        [sys.executable, '-m', 'stopped'],
        env={**os.environ, 'PYTHONPATH': path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize('moment', STOPPED_WHILE)
def test_a_node_can_be_stopped_while(domain, tmp_path, moment):
    with start(tmp_path, STOPPED_WHILE[moment]) as process:
        output, _ = process.communicate(timeout=PATIENCE)
        assert 'Traceback' not in output
        assert process.returncode == 0, output


def test_a_signal_that_comes_much_later_kills_a_node_that_is_stuck(domain, tmp_path):
    with start(tmp_path, STUCK) as process:
        assert process.stdout.readline() == 'stuck\n'
        process.send_signal(signal.SIGINT)  # the second one of a Ctrl-C
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(IMPATIENCE + 0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == -signal.SIGTERM


STRANGER = """
import rclpy
from rclpy.node import Node
from sensor_msgs.msg import Image
from clue_ros.nodes.qos import SENSOR

rclpy.init()
node = Node('stranger')
images = []
node.create_subscription(Image, 'camera/image', images.append, SENSOR)
end = node.get_clock().now().nanoseconds + 60e9
while len(images) < 10 and node.get_clock().now().nanoseconds < end:
    rclpy.spin_once(node, timeout_sec=0.1)
print(len(images))
"""


def test_a_program_that_set_nothing_sees_the_nodes(domain):
    # nodes and stranger as they are on a robot: no profile, Fast DDS' default transport
    ours = ('FASTDDS_', 'ROS_AUTOMATIC_DISCOVERY_RANGE')
    environment = {name: os.environ[name] for name in os.environ if not name.startswith(ours)}
    environment['ROS_DOMAIN_ID'] = str(domain)
    camera = subprocess.Popen(
        [sys.executable, '-m', 'clue_ros.nodes.sim_camera'],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        stranger = subprocess.run(
            [sys.executable, '-c', STRANGER],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=100,
        )
    finally:
        camera.send_signal(signal.SIGINT)
        camera.wait(PATIENCE)
    assert int(stranger.stdout) >= 10
