import os
import sys
import time

import pytest

pytest.importorskip('rclpy')

from clue_ros.nodes.processes import ProcessError
from clue_ros.nodes.processes import Processes
from clue_ros.nodes.processes import private_domain

pytestmark = pytest.mark.ros

SLEEP = [sys.executable, '-c', 'import time; print("up", flush=True); time.sleep(60)']
FAIL = [sys.executable, '-c', 'print("no voice"); raise SystemExit(3)']


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_program_that_is_not_there_ends_the_others(tmp_path):
    with pytest.raises(ProcessError, match='rviz2 cannot be started.*is it installed'):
        Processes({'sleep': SLEEP, 'rviz2': ['/no/such/rviz2']}, logs=tmp_path)


def test_a_process_that_ends_is_named_with_its_log(tmp_path):
    with Processes({'sleep': SLEEP, 'speech': FAIL}, logs=tmp_path) as processes:
        pid = processes.pid('sleep')
        with pytest.raises(
            ProcessError, match=r'speech ended with status 3; see .*speech\.log: no v'
        ):
            processes.wait()
        assert is_alive(pid)
    assert not is_alive(pid)


def test_leaving_the_block_ends_everything_and_keeps_the_logs(tmp_path):
    with Processes({'sleep': SLEEP}, logs=tmp_path) as processes:
        pid = processes.pid('sleep')
        deadline = time.monotonic() + 30
        while not (tmp_path / 'sleep.log').read_text() and time.monotonic() < deadline:
            time.sleep(0.05)
        processes.check()
    assert not is_alive(pid)
    assert (tmp_path / 'sleep.log').read_text().startswith('up')


def test_domains_are_not_shared(monkeypatch):
    for name in ('ROS_DOMAIN_ID', 'ROS_AUTOMATIC_DISCOVERY_RANGE', 'FASTDDS_DEFAULT_PROFILES_FILE'):
        monkeypatch.setenv(name, '')
    with private_domain() as first, private_domain() as second:
        assert first != second
        assert os.environ['ROS_DOMAIN_ID'] == str(second)
        assert os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
        assert os.environ['FASTDDS_DEFAULT_PROFILES_FILE'].endswith('fastdds.xml')
