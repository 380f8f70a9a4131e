"""What the layout of the repository promises."""

import ast
import re
from pathlib import Path

import pytest

from clue_ros import errors

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / 'clue_ros').rglob('*.py'))
# What git tracks or would track, found without it: an exported tree has no git.
IGNORED = (ROOT / '.gitignore').read_text().split()
FOLDERS = [
    path
    for path in ROOT.iterdir()
    if path.is_dir() and path.name[0] != '.' and f'/{path.name}/' not in IGNORED
]
FILES = sorted([*ROOT.glob('*.py'), *(file for path in FOLDERS for file in path.rglob('*.py'))])
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


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_are_modules():
    assert len(MODULES) > 20
    assert set(MODULES) < set(FILES)
    folders = {path.relative_to(ROOT).parts[0] for path in FILES}
    assert folders >= {'clue_ros', 'examples', 'launch', 'test', 'tools'}


@pytest.mark.parametrize('path', FILES, ids=relative)
def test_length(path):
    is_node = path.parent == ROOT / 'clue_ros' / 'nodes'
    assert len(path.read_text().splitlines()) <= (250 if is_node else 350)


@pytest.mark.parametrize('path', MODULES, ids=relative)
def test_imports(path):
    names = imported(path)
    if path.parent.name != 'nodes':
        assert not [name for name in names if ROS.match(name)]
    if path.parent.name == 'model':
        assert not [name for name in names if name in ('clue_ros.dialog', 'clue_ros.clue')]


def test_scenes_know_no_torch():
    for path in (ROOT / 'clue_ros' / 'sim').glob('*.py'):
        assert not [n for n in imported(path) if n.startswith(('torch', 'clue_ros.model'))], path


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
