"""Somebody who knows only the reference pages writes a client: it works with the real system."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

pytest.importorskip('rclpy', reason='needs ROS 2')

from ros_helpers import NodeProcess
from ros_helpers import Peer
from std_msgs.msg import String
from std_srvs.srv import Trigger
from vision_msgs.msg import Detection2D

from clue_ros.nodes.messages import box_from_message
from clue_ros.nodes.qos import LATCHED

pytestmark = pytest.mark.ros

ROOT = Path(__file__).parents[2]
CLIENT = 'examples/ground_client.py'
PAGE = (ROOT / 'docs' / 'nodes' / 'dialog_manager.md').read_text()
# The last two blocks of the page: how the client is called and what it prints then.
COMMAND, OUTPUT = re.findall(r'```\w+\n(.*?)```', PAGE, re.DOTALL)[-2:]
FIRST = 'feedback: LOOKING\n'
[TRANSCRIPT] = re.findall(r'```text\n(person: .*?)```', PAGE, re.DOTALL)


@pytest.fixture(scope='module')
def robot(domain: int) -> Iterator[Peer]:
    nodes = ('perception', 'sim_camera', 'speech', 'person', 'dialog_manager')
    with ExitStack() as stack:
        for node in nodes:
            stack.enter_context(NodeProcess(domain, f'clue_ros.nodes.{node}'))
        peer = stack.enter_context(Peer(domain))
        peer.wait(lambda: peer.node.count_subscribers('camera/image'), 'perception', 60.0)
        yield peer


def ask(domain: int, *words: str) -> tuple[int, str]:
    """Run the client; its exit status, and its output without the first look."""
    client = subprocess.run(
        [sys.executable, CLIENT, *words],
        cwd=ROOT,
        env={**os.environ, 'ROS_DOMAIN_ID': str(domain)},
        stdout=subprocess.PIPE,
        text=True,
        timeout=110,
    )
    # the robot may say its first feedback before DDS has told it of this client
    return client.returncode, client.stdout.removeprefix(FIRST)


def test_the_client_prints_what_the_page_shows(robot):
    targets = robot.collect(Detection2D, 'sim_camera/target', LATCHED)
    transcript = robot.collect(String, 'dialog_manager/transcript')
    python, path, *words = COMMAND.split()
    assert (python, path) == ('python', CLIENT)
    status, output = ask(robot.domain, *words)
    print(output)
    assert status == 0
    *lines, target = output.splitlines()
    *wanted, wanted_target = OUTPUT.removeprefix(FIRST).splitlines()
    assert lines == wanted
    assert lines[-1] == 'result: GROUNDED'
    # another version of torch may move the box by a pixel
    numbers, shown = (
        [float(number) for number in re.findall(r'[\d.]+', text)]
        for text in (target, wanted_target)
    )
    assert numbers == pytest.approx(shown, abs=3)
    robot.wait(lambda: targets and len(transcript) > 3, 'the truth and the transcript')
    assert [line.data for line in transcript] == TRANSCRIPT.splitlines()
    truth = box_from_message(targets[-1].bbox)
    _, _, x, y, score = numbers
    assert truth.x1 < x < truth.x2 and truth.y1 < y < truth.y2
    assert 0.5 < score <= 1


def test_a_clear_request_takes_no_question(robot):
    assert robot.call(Trigger, 'sim_camera/new_scene', Trigger.Request()).success
    robot.spin(1.0)  # until the new scene has been seen
    status, output = ask(robot.domain, 'get', 'the', 'banana')
    assert status == 0
    assert output.splitlines()[:2] == ['feedback: DONE', 'result: GROUNDED']


def test_an_empty_request_fails_in_words(robot):
    status, output = ask(robot.domain)
    assert status == 1
    assert output.startswith('result: FAILED the request is empty; say what you want')
