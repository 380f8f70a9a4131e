"""What a running system consists of: the one list behind the launch file and `clue bringup`."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from ament_index_python.packages import PackageNotFoundError
from ament_index_python.packages import get_package_share_directory

from clue_ros.errors import InvalidRequest

PACKAGE = 'clue_ros'
LOG_LEVELS = ('debug', 'info', 'warn', 'error', 'fatal')


@dataclass(frozen=True)
class Argument:
    """A launch argument. Its type is the default's."""

    name: str
    default: str | bool
    description: str
    choices: tuple[str, ...] = ()


ARGUMENTS = (
    Argument('namespace', '', 'namespace of all nodes'),
    Argument('params_file', '', 'parameters of all nodes, YAML; empty: config/clue.yaml'),
    Argument('use_sim_time', False, 'take the time from /clock'),
    Argument('autostart', True, 'configure and activate perception at start'),
    Argument('log_level', 'info', 'how much the nodes log', LOG_LEVELS),
    Argument('sim', True, 'start the simulated camera'),
    Argument('rviz', False, 'start RViz with the attention overlay'),
    Argument('model', '', 'clue-mini, a checkpoint folder or a hub id; empty: as in params_file'),
    Argument('device', '', 'auto, cpu, cuda or cuda:N; empty: as in params_file'),
    Argument('record', '', 'folder in which a bag of the session is made; empty: none is'),
)


@dataclass(frozen=True)
class NodeSpec:
    """One process of the system."""

    executable: str
    package: str = PACKAGE
    parameters: dict[str, Any] = field(default_factory=dict)  # on top of the parameter file
    arguments: tuple[str, ...] = ()  # before --ros-args

    def command(self, namespace: str, params_file: str, log_level: str) -> list[str]:
        """Command line that starts it without `ros2 run`."""
        ours = self.package == PACKAGE
        program = [sys.executable, '-m', f'{PACKAGE}.nodes.{self.executable}']
        command = [*(program if ours else [self.executable]), *self.arguments]
        command += ['--ros-args', '--log-level', log_level]
        if ours:
            command += ['--params-file', params_file]
        if namespace:
            command += ['-r', f'__ns:=/{namespace.strip("/")}']
        for name, value in self.parameters.items():
            # as JSON, which is YAML: a model called 42 stays a text
            command += ['-p', f'{name}:={json.dumps(value)}']
        return command


def node_specs(values: dict[str, Any]) -> list[NodeSpec]:
    """Processes for the values of all ARGUMENTS, by name."""
    time = {'use_sim_time': values['use_sim_time']}
    chosen = {'model.path': values['model'], 'model.device': values['device']}
    model = {name: value for name, value in chosen.items() if value}
    specs = [
        NodeSpec('perception', parameters={**time, **model, 'autostart': values['autostart']}),
        NodeSpec('dialog_manager', parameters=time),
        NodeSpec('speech', parameters=time),
    ]
    if values['sim']:
        specs.append(NodeSpec('sim_camera', parameters=time))
    if values['record']:
        specs.append(NodeSpec('recorder', parameters={**time, 'folder': values['record']}))
    if values['rviz']:
        config = str(share_folder() / 'config' / 'clue.rviz')
        specs.append(NodeSpec('rviz2', package='rviz2', arguments=('-d', config)))
    return specs


def read_assignments(assignments: Sequence[str]) -> dict[str, Any]:
    """Values of all ARGUMENTS from words like `sim:=false`; raises InvalidRequest for others."""
    known = {argument.name: argument for argument in ARGUMENTS}
    values: dict[str, Any] = {argument.name: argument.default for argument in ARGUMENTS}
    for assignment in assignments:
        name, separator, text = assignment.partition(':=')
        if not separator or name not in known:
            raise InvalidRequest(
                f'wanted name:=value with one of {", ".join(known)}, got {assignment!r}'
            )
        values[name] = read_value(known[name], text)
    if not re.fullmatch(r'/?(?:[A-Za-z]\w*/?)*', values['namespace']):
        raise InvalidRequest(
            f'namespace must be names like robot1 or /lab/robot1, got {values["namespace"]!r}'
        )
    return values


def read_value(argument: Argument, text: str) -> str | bool:
    """Value of an argument from its text; raises InvalidRequest if it is not one of its choices."""
    choices = ('true', 'false') if isinstance(argument.default, bool) else argument.choices
    if choices and text.lower() not in choices:
        raise InvalidRequest(f'{argument.name} must be one of {", ".join(choices)}, got {text!r}')
    return text.lower() == 'true' if isinstance(argument.default, bool) else text


def commands(values: dict[str, Any]) -> dict[str, list[str]]:
    """Command line of each process, by name, for the values of all ARGUMENTS."""
    return {
        spec.executable: spec.command(values['namespace'], params_file(values), values['log_level'])
        for spec in node_specs(values)
    }


def params_file(values: dict[str, Any]) -> str:
    """Path of the parameter file to use; raises InvalidRequest when it is not there."""
    chosen = values['params_file'] or str(share_folder() / 'config' / 'clue.yaml')
    if not Path(chosen).is_file():
        raise InvalidRequest(f'params_file {chosen} is not there; give the path of a YAML file')
    return chosen


def share_folder(package: str = PACKAGE) -> Path:
    """Where config/, launch/ and the .msg files of a package are installed."""
    if 'AMENT_PREFIX_PATH' in os.environ:
        try:
            return Path(get_package_share_directory(package))
        except PackageNotFoundError:
            pass
    # installed with pip: the virtual environment is the prefix
    return Path(sys.prefix) / 'share' / package
