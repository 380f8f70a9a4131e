"""`clue evaluate bag` as a user runs it, without ROS."""

import json
import re
import subprocess
import sys

import pytest
import yaml
from bag_builders import ROOT
from bag_builders import SCENES
from bag_builders import images
from bag_builders import text
from bag_builders import truth
from bag_builders import write_bag

from clue_ros.cli import main
from clue_ros.evaluate.bag_command import SHIPPED
from clue_ros.evaluate.log import read_log
from clue_ros.evaluate.sources import find_pictures

pytestmark = pytest.mark.usefixtures('hasty')

TABLE = SCENES[1]
SAID = [
    *truth(TABLE),
    *images(TABLE, 0.1, 3, '/eye/image'),
    (3, '/voice', text(TABLE.truth.request)),
    (4, '/ear', text('the red one')),
]
NAMES = ['--topic', 'instruction=/voice', '--topic', 'heard=/ear']


@pytest.fixture
def bag(tmp_path):
    return write_bag(tmp_path / 'session', SAID)


@pytest.fixture
def evaluate(tmp_path, capsys):
    """Run the command; exit status, what it printed, its folder."""

    def run(*arguments):
        status = main(['evaluate', 'bag', '--out', str(tmp_path / 'out'), *map(str, arguments)])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return run


@pytest.mark.parametrize(
    ('arguments', 'named'),
    [
        (['/no/such/bag'], 'wanted a bag, found nothing at /no/such/bag'),
        (['{bag}'], 'wanted a bag with instructions'),
        (['{bag}', *NAMES, '--camera', 'head'], "--camera wants name=/topic, got 'head'"),
        (['{bag}', *NAMES, '--camera', 'head=/no'], "wanted images of camera 'head' on /no"),
        (['{bag}', '--topic', 'voice=/a'], "--topic takes heard, instruction, .* got 'voice'"),
        (['{bag}', '--topics', '/no.yaml'], '/no.yaml cannot be read'),
        (['{bag}', *NAMES, '--thresholds', '/no.yaml'], '/no.yaml cannot be read'),
        (['{bag}', '{bag}', *NAMES], 'two bags have the same name'),
        (['{bag}', *NAMES, '--live', '--rate', '0'], 'rate must be from 0.01 to 100, got 0'),
    ],
)
def test_what_cannot_be_evaluated_is_named(bag, evaluate, arguments, named):
    status, printed = evaluate(*(word.format(bag=bag) for word in arguments))
    assert status == 1
    assert re.search(named, printed)


def test_a_damaged_bag_is_evaluated_and_fails_as_partial(bag, evaluate, tmp_path):
    file = bag / 'session.mcap'
    file.write_bytes(file.read_bytes()[:-9])
    status, printed = evaluate(bag, *NAMES)
    assert status == 1
    assert 'PARTIAL: InvalidSource: ' in printed
    assert 'failed: partial: 1 problems' in printed
    log = read_log(tmp_path / 'out' / 'session' / 'log.jsonl')
    assert log.header.data['partial'] is True
    assert len(log.records) == 1
    # somebody who knows may accept it
    (bag / 'thresholds.yaml').write_text('bag/problems: {max: 1}')
    assert evaluate(bag, *NAMES)[0] == 0


@pytest.mark.parametrize(
    ('limits', 'status', 'named'),
    [
        ({'loop/probe/succes': {'min': 1}}, 1, 'no figure is called loop/probe/succes'),
        ({'bag/instructions': {'min': 2}}, 1, 'failed: bag/instructions is 1, wanted at least 2'),
        ({'bag/agreement': {'min': 0}}, 1, 'failed: bag/agreement is nan'),
        ({'bag/instructions': {'min': 1}, 'live/differences': {'max': 0}}, 0, 'passed'),
    ],
)
def test_thresholds_beside_the_bag(bag, evaluate, limits, status, named):
    (bag / 'thresholds.yaml').write_text(yaml.safe_dump(limits))
    found, printed = evaluate(bag, *NAMES)
    assert found == status
    assert named in printed


def test_a_session_becomes_a_test_case(bag, evaluate):
    (bag / 'topics.yaml').write_text('{instruction: /voice, heard: /ear}')
    assert evaluate(bag, '--save-case')[0] == 0
    limits = yaml.safe_load((bag / 'thresholds.yaml').read_text())
    assert limits['bag/instructions'] == {'min': 1}
    assert {'bag/success', 'bag/questions', 'bag/problems'} <= set(limits)
    assert evaluate(bag)[0] == 0
    limits['bag/instructions']['min'] = 2
    (bag / 'thresholds.yaml').write_text(yaml.safe_dump(limits))
    assert evaluate(bag)[0] == 1


def test_what_the_folder_holds(bag, evaluate, tmp_path):
    status, printed = evaluate(bag, *NAMES)
    assert status == 0
    assert TABLE.truth.request in printed
    out = tmp_path / 'out' / 'session'
    log = read_log(out / 'log.jsonl')
    [record] = log.records
    assert record.request == TABLE.truth.request
    assert record.target == TABLE.truth.things[TABLE.truth.target].box
    assert (record.width, record.height) == (640, 480)
    [(name, picture)] = find_pictures(log.header.data, [record.picture])
    assert name == record.picture
    assert (picture == TABLE.image).all()
    [dialog] = [json.loads(line) for line in (out / 'dialogs.jsonl').read_text().splitlines()]
    assert dialog['request'] == record.request
    assert dialog['recorded'] is None
    figures = json.loads((out / 'report.json').read_text())['figures']
    assert figures['bag/instructions']['value'] == 1


WITHOUT_ROS = """
import sys

class NoRos:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in ('rclpy', 'sensor_msgs', 'std_msgs', 'vision_msgs'):
            raise ImportError(f'{name}: there is no ROS on this machine')

sys.meta_path.insert(0, NoRos())
from clue_ros.cli import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_second_run_without_ros_writes_the_same_bytes(evaluate, hasty, tmp_path):
    assert evaluate('--model', hasty)[0] == 0
    run = subprocess.run(
        [sys.executable, '-c', WITHOUT_ROS, 'evaluate', 'bag', '--model', hasty,
         '--out', tmp_path / 'again'],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    for name, lines in (('log.jsonl', 4), ('dialogs.jsonl', 3)):
        first = (tmp_path / 'out' / SHIPPED.name / name).read_bytes()
        assert first == (tmp_path / 'again' / SHIPPED.name / name).read_bytes()
        assert len(first.splitlines()) == lines


def test_the_shipped_bag_is_small():
    files = [file for file in SHIPPED.iterdir() if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 700_000
