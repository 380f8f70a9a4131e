"""What the layout of the repository promises."""

import ast
import re
from pathlib import Path

import pytest

from clue_ros import errors

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / 'clue_ros').rglob('*.py'))
ROS = re.compile(
    r'^(rclpy|rcl_interfaces|lifecycle_msgs|[a-z]+_msgs|std_srvs|clue_ros\.(msg|srv|action))(\.|$)'
)


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or '')
    return names


def test_there_are_modules():
    assert len(MODULES) > 20


@pytest.mark.parametrize('path', MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_length_and_imports(path):
    is_node = path.parent.name == 'nodes'
    assert len(path.read_text().splitlines()) <= (250 if is_node else 350)
    names = imported(path)
    if not is_node:
        assert not [name for name in names if ROS.match(name)]
    if path.parent.name == 'model':
        assert not [name for name in names if name in ('clue_ros.dialog', 'clue_ros.clue')]


@pytest.mark.parametrize('name', ['conversation', 'dialog', 'person', 'prompt', 'response'])
def test_dialog_code_knows_no_torch(name):
    names = imported(ROOT / 'clue_ros' / f'{name}.py')
    assert not [item for item in names if item.startswith(('torch', 'clue_ros.model'))]


@pytest.mark.parametrize(
    'interface',
    ['srv/Assess.srv', 'srv/Respond.srv', 'srv/Ask.srv', 'srv/Say.srv', 'action/Ground.action'],
)
def test_error_codes_are_those_of_the_errors(interface):
    constants = dict(re.findall(r'^uint16 (\w+)=(\d+)', (ROOT / interface).read_text(), re.M))
    assert constants.pop('NONE') == '0'
    codes = {
        re.sub(r'(?<!^)(?=[A-Z])', '_', name).upper(): str(value.code)
        for name, value in vars(errors).items()
        if isinstance(value, type) and 'code' in vars(value)
    }
    codes['MODEL_ERROR'] = codes.pop('CLUE_ERROR')
    shared = set(constants) & set(codes)
    assert shared
    assert {name: constants[name] for name in shared} == {name: codes[name] for name in shared}
