import os
import signal
import subprocess
import sys
import time

import pytest
from ros_helpers import PATIENCE
from ros_helpers import NodeProcess

from clue_ros.nodes.bringup import share_folder
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


@pytest.mark.parametrize('node', ['speech', 'sim_camera', 'person', 'dialog_manager', 'perception'])
@pytest.mark.parametrize('signal_number', [signal.SIGINT, signal.SIGTERM])
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


INTERRUPTED_INSIDE_EXEC = """
from clue_ros.nodes.runtime import run

def make_node():
    exec('import os, signal, time; os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)')

raise SystemExit(run(make_node))
"""


def test_a_signal_during_an_import_is_no_crash(domain, tmp_path):
    (tmp_path / 'interrupted.py').write_text(INTERRUPTED_INSIDE_EXEC)
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    environment = {**os.environ, 'PYTHONPATH': path}
    ended = subprocess.run([sys.executable, '-m', 'interrupted'], env=environment, timeout=100)
    assert ended.returncode == 0


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
