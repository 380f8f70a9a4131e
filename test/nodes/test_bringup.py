import sys
from pathlib import Path

import pytest

pytest.importorskip('rclpy')

from clue_ros.errors import InvalidRequest
from clue_ros.nodes.bringup import ARGUMENTS
from clue_ros.nodes.bringup import commands
from clue_ros.nodes.bringup import node_specs
from clue_ros.nodes.bringup import params_file
from clue_ros.nodes.bringup import read_assignments
from clue_ros.nodes.bringup import share_folder

pytestmark = pytest.mark.ros
LAUNCH_FILE = Path(__file__).parents[2] / 'launch' / 'bringup.launch.py'


@pytest.mark.parametrize(
    ('assignment', 'says'),
    [
        ('sim', 'wanted name:=value'),
        ('sim=true', 'wanted name:=value'),
        ('simulation:=true', "got 'simulation:=true'"),
        ('sim:=maybe', 'sim must be one of true, false'),
        ('autostart:=', 'autostart must be one of true, false'),
        ('log_level:=loud', 'log_level must be one of debug'),
        ('namespace:=a b', "got 'a b'"),
        ('namespace:=7up', "got '7up'"),
    ],
)
def test_arguments_that_cannot_be_used(assignment, says):
    with pytest.raises(InvalidRequest, match=says):
        read_assignments([assignment])


@pytest.mark.parametrize(
    ('assignments', 'executables'),
    [
        ([], ['perception', 'dialog_manager', 'speech', 'sim_camera']),
        (['sim:=false'], ['perception', 'dialog_manager', 'speech']),
        (
            ['sim:=False', 'rviz:=TRUE'],
            ['perception', 'dialog_manager', 'speech', 'rviz2'],
        ),
        (
            ['record:=bags'],
            ['perception', 'dialog_manager', 'speech', 'sim_camera', 'recorder'],
        ),
    ],
)
def test_which_nodes_are_started(assignments, executables):
    specs = node_specs(read_assignments(assignments))
    assert [spec.executable for spec in specs] == executables


def test_every_argument_reaches_the_nodes(tmp_path):
    file = tmp_path / 'my.yaml'
    file.touch()
    values = read_assignments(
        [
            'namespace:=robot1',
            f'params_file:={file}',
            'use_sim_time:=true',
            'autostart:=false',
            'log_level:=debug',
            'model:=/models/mine',
            'device:=cuda:1',
        ]
    )
    all_commands = commands(values)
    for command in all_commands.values():
        assert command[0] == sys.executable
        assert '__ns:=/robot1' in command
        assert command[command.index('--params-file') + 1] == str(file)
        assert command[command.index('--log-level') + 1] == 'debug'
        assert 'use_sim_time:=true' in command
    perception = all_commands.pop('perception')
    for assignment in (
        'model.path:="/models/mine"',
        'model.device:="cuda:1"',
        'autostart:=false',
    ):
        assert assignment in perception
        assert not [command for command in all_commands.values() if assignment in command]


def test_rviz_shows_the_topics_of_the_namespace():
    command = commands(read_assignments(['rviz:=true', 'namespace:=/robot1/']))['rviz2']
    assert command[0] == 'rviz2'
    assert command[-2:] == ['-r', '__ns:=/robot1']
    assert '--params-file' not in command


def test_a_parameter_file_that_is_not_there_is_refused():
    with pytest.raises(InvalidRequest, match='/no/such.yaml is not there'):
        commands(read_assignments(['params_file:=/no/such.yaml']))


def test_what_is_not_said_is_left_to_the_parameter_file():
    perception = commands(read_assignments([]))['perception']
    assert not [word for word in perception if word.startswith(('model.', '__ns'))]
    assert Path(params_file(read_assignments([]))) == share_folder() / 'config' / 'clue.yaml'
    assert (share_folder() / 'config' / 'fastdds.xml').is_file()


def test_launch_file_starts_the_same_list():
    pytest.importorskip(
        'launch_ros', reason='launch_ros is not on PyPI; this runs where ROS is installed'
    )
    from launch import LaunchContext
    from launch.actions import DeclareLaunchArgument
    from launch.launch_description_sources import get_launch_description_from_python_launch_file

    description = get_launch_description_from_python_launch_file(str(LAUNCH_FILE))
    declared = [item for item in description.entities if isinstance(item, DeclareLaunchArgument)]
    assert [item.name for item in declared] == [argument.name for argument in ARGUMENTS]
    context = LaunchContext()
    for item in declared:
        item.execute(context)
    nodes = description.entities[-1].execute(context)
    specs = node_specs(read_assignments([]))
    assert [node.node_executable for node in nodes] == [spec.executable for spec in specs]
