"""Writes into config/clue.yaml and docs/nodes/ what the code says itself.

The parameters come from the nodes' tables, interfaces and examples from their files. On a page

    <!-- parameters: speech -->  or  <!-- file: srv/Ask.srv -->
    ...
    <!-- end -->

holds what belongs there. Run `python tools/reference.py` after a change of any of them.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import textwrap
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clue_ros.nodes.parameters import Parameter

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # the tables of this tree, not of an installed package

CONFIG = ROOT / 'config' / 'clue.yaml'
PAGES = ROOT / 'docs' / 'nodes'
NODES = ('perception', 'dialog_manager', 'speech', 'sim_camera', 'person', 'recorder')

WIDTH = 100
TYPES = {bool: 'bool', int: 'integer', float: 'double', str: 'string', list: 'string array'}
HEADER = """\
# Every parameter of every node at its default; "at start" marks those that cannot change later.
# Copy this file, change what you need, drop the rest, and start with the copy:
#
#   ros2 launch clue_ros bringup.launch.py params_file:=/path/to/copy.yaml
#   ros2 run clue_ros perception --ros-args --params-file /path/to/copy.yaml
#
# `/**/perception` is the node of that name in any namespace, the root included. A `-p name:=value`
# wins if it stands after the file. Written by tools/reference.py from the tables in the nodes.
"""
_BLOCK = re.compile(r'(<!-- (parameters|file): (\S+) -->\n).*?(<!-- end -->)', re.DOTALL)


def parameters(node: str) -> tuple[Parameter, ...]:
    """The table of a node, by the node's name."""
    return importlib.import_module(f'clue_ros.nodes.{node}').PARAMETERS


def render_config() -> str:
    """The text of config/clue.yaml."""
    return HEADER + ''.join(_node_config(node) for node in NODES)


def render_page(text: str) -> str:
    """The text of a page with every block brought up to date."""
    render = {'parameters': render_table, 'file': render_file}
    return _BLOCK.sub(lambda block: block[1] + render[block[2]](block[3]) + block[4], text)


def render_table(node: str) -> str:
    """The parameters of a node as a Markdown table."""
    rows = ['| name | type | default | allowed | meaning | change |', '|---|---|---|---|---|---|']
    for parameter in parameters(node):
        cells = (
            f'`{parameter.name}`',
            TYPES[type(parameter.default)],
            f'`{json.dumps(parameter.default)}`',
            parameter.range_text,
            parameter.description,
            'at start' if parameter.fixed else 'any time',
        )
        rows.append(f'| {" | ".join(cells)} |')
    return '\n'.join(rows) + '\n'


def render_file(path: str) -> str:
    """A file of the repository as a Markdown code block."""
    language = 'python' if path.endswith('.py') else 'text'
    return f'```{language}\n{(ROOT / path).read_text()}```\n'


def _node_config(node: str) -> str:
    lines = ['', f'/**/{node}:', '  ros__parameters:']
    for group, members in groupby(parameters(node), lambda p: p.name.rpartition('.')[0]):
        indent = '    '
        if group:
            lines.append(f'{indent}{group}:')
            indent += '  '
        for parameter in members:
            notes = (
                TYPES[type(parameter.default)],
                parameter.range_text,
                'at start' if parameter.fixed else '',
            )
            comment = f'{parameter.description} [{"; ".join(note for note in notes if note)}]'
            mark = f'{indent}# '
            lines += textwrap.wrap(comment, WIDTH, initial_indent=mark, subsequent_indent=mark)
            # JSON is YAML, and its quotes keep words like "y" from being read as a bool
            key = parameter.name.rpartition('.')[2]
            lines.append(f'{indent}{key}: {json.dumps(parameter.default)}')
    return '\n'.join(lines) + '\n'


def main() -> None:
    """Write all files."""
    CONFIG.write_text(render_config())
    for page in PAGES.glob('*.md'):
        page.write_text(render_page(page.read_text()))


if __name__ == '__main__':
    main()
