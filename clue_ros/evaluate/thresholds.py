"""A file of limits that turns a run into passed or failed.

loop/probe/success: {min: 0.8}
loop/probe/false_asks: {max: 0.2}
loop/never/reward_minus_probe: {max: 0.0}
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from clue_ros.errors import ClueError
from clue_ros.evaluate.intervals import Figure


class ThresholdError(ClueError):
    """A file of limits that cannot be read or asks for figures that the run does not have."""


@dataclass(frozen=True)
class Limit:
    """What a figure must reach and must not exceed."""

    min: float = -math.inf
    max: float = math.inf

    def __post_init__(self) -> None:
        for name in ('min', 'max'):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
                raise ValueError(f'{name} must be a number, got {value!r}')
        if self.min > self.max:
            raise ValueError(f'min {self.min} is above max {self.max}')


def read_limits(path: Path) -> dict[str, Limit]:
    """Limits by the names of the figures; raises ThresholdError."""
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ThresholdError(f'{path} cannot be read: {error}') from error
    if not isinstance(content, dict) or not content:
        raise ThresholdError(
            f'{path}: wanted names of figures with limits, e.g. "loop/probe/success: {{min: 0.8}}"'
        )
    limits = {}
    for name, limit in content.items():
        try:
            limits[str(name)] = Limit(**limit)
        except (TypeError, ValueError) as error:
            raise ThresholdError(
                f'{path}: {name} wants {{min: number}}, {{max: number}} or both, got {limit!r}: '
                f'{error}'
            ) from error
        if not limit:
            raise ThresholdError(f'{path}: {name} has neither min nor max')
    return limits


def check(figures: Mapping[str, Figure], limits: Mapping[str, Limit]) -> list[str]:
    """One sentence for each figure that is outside of its limits; NaN is outside of all.

    Raises ThresholdError for a name that is no figure of the run.
    """
    unknown = [name for name in limits if name not in figures]
    if unknown:
        raise ThresholdError(
            f'no figure is called {", ".join(unknown)}; this run has {", ".join(sorted(figures))}'
        )
    return [
        f'{name} is {figures[name].value:.4g}, wanted {_wanted(limit)}'
        for name, limit in limits.items()
        if not limit.min <= figures[name].value <= limit.max
    ]


def _wanted(limit: Limit) -> str:
    parts = [f'at least {limit.min:g}'] if limit.min > -math.inf else []
    parts += [f'at most {limit.max:g}'] if limit.max < math.inf else []
    return ' and '.join(parts)
