"""The arguments of `clue compare`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add_compare(commands: Any) -> None:
    """Add `compare` to the subparsers of `clue`."""
    parser = commands.add_parser('compare', help='is one evaluation better than another')
    parser.add_argument('a', type=Path, help='report.json of the one, or its folder')
    parser.add_argument('b', type=Path, help='of the other, evaluated on the same data')
    parser.add_argument(
        '--fail-if-worse', action='store_true', help='exit status 1 if b is worse than a'
    )
    parser.set_defaults(run=_compare)


def _compare(options: argparse.Namespace) -> int:
    # scikit-learn takes seconds to load
    from clue_ros.report.compare import WORSE
    from clue_ros.report.compare import compare
    from clue_ros.report.compare import describe

    comparison = compare(options.a, options.b)
    print(describe(comparison), end='')
    return int(options.fail_if_worse and comparison.deciding.verdict == WORSE)
