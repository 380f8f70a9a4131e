"""Start clue_ros: `ros2 launch clue_ros bringup.launch.py`, `--show-args` lists the arguments."""

from launch import LaunchContext
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.actions import OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from clue_ros.nodes.bringup import ARGUMENTS
from clue_ros.nodes.bringup import PACKAGE
from clue_ros.nodes.bringup import node_specs
from clue_ros.nodes.bringup import params_file
from clue_ros.nodes.bringup import read_value


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start the nodes of the one list."""
    arguments = [
        DeclareLaunchArgument(
            argument.name,
            default_value=str(argument.default).lower()
            if isinstance(argument.default, bool)
            else argument.default,
            description=argument.description,
            choices=list(argument.choices) or None,
        )
        for argument in ARGUMENTS
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=start)])


def start(context: LaunchContext) -> list[Node]:
    """Read the arguments and list the nodes."""
    values = {
        argument.name: read_value(argument, LaunchConfiguration(argument.name).perform(context))
        for argument in ARGUMENTS
    }
    return [
        Node(
            package=spec.package,
            executable=spec.executable,
            name=spec.executable,
            namespace=values['namespace'],
            output='screen',
            # the parameters of our nodes would mean nothing to RViz
            parameters=[params_file(values), spec.parameters] if spec.package == PACKAGE else [],
            arguments=list(spec.arguments),
            ros_arguments=['--log-level', values['log_level']],
        )
        for spec in node_specs(values)
    ]
