"""Parameters as a table: declared, described, range-checked and documented from one place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import FloatingPointRange
from rcl_interfaces.msg import IntegerRange
from rcl_interfaces.msg import ParameterDescriptor
from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter


@dataclass(frozen=True)
class Parameter:
    """One declared parameter. The type is the default's."""

    name: str
    default: bool | int | float | str | list[str]
    description: str  # meaning and unit
    low: float | None = None  # smallest allowed value of a number
    high: float | None = None  # largest allowed value of a number
    choices: tuple[str, ...] = ()  # allowed values of a string
    fixed: bool = False  # set at start only

    @property
    def range_text(self) -> str:
        """The allowed values in words, empty when anything of the type goes."""
        if self.choices:
            return 'one of ' + ', '.join(self.choices)
        if self.low is not None and self.high is not None:
            return f'{self.low} to {self.high}'
        return ''

    def descriptor(self) -> ParameterDescriptor:
        """Describe the parameter for `ros2 param describe` and rqt."""
        descriptor = ParameterDescriptor(
            description=self.description,
            additional_constraints=self.range_text if self.choices else '',
            read_only=self.fixed,
        )
        if self.low is not None and self.high is not None:
            if isinstance(self.default, int):
                bounds = IntegerRange(from_value=int(self.low), to_value=int(self.high))
                descriptor.integer_range = [bounds]
            else:
                limits = FloatingPointRange(from_value=float(self.low), to_value=float(self.high))
                descriptor.floating_point_range = [limits]
        return descriptor


def declare(node: Node, table: Iterable[Parameter]) -> None:
    """Declare every parameter of `table`; a value outside its choices or range is refused."""
    choices = {parameter.name: parameter.choices for parameter in table if parameter.choices}

    def check(changes: list[RosParameter[Any]]) -> SetParametersResult:
        for change in changes:
            allowed = choices.get(change.name)
            if allowed and change.value not in allowed:
                reason = f'{change.name} must be one of {", ".join(allowed)}, got {change.value!r}'
                return SetParametersResult(successful=False, reason=reason)
        return SetParametersResult(successful=True)

    node.add_on_set_parameters_callback(check)
    for parameter in table:
        node.declare_parameter(parameter.name, parameter.default, parameter.descriptor())
