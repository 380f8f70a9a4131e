"""The figures of a run as tables, for the page and for the text of a pull request."""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass

from clue_ros.evaluate.intervals import Figure


@dataclass(frozen=True)
class Quantity:
    """What a figure tells, and how it is written."""

    label: str
    meaning: str = ''
    share: bool = True  # of 1, written as a percentage
    difference: bool = False  # written with its sign


@dataclass(frozen=True)
class Cell:
    """A figure as text and, for a share, as a place on a line from 0 to 100 %."""

    text: str
    interval: str = ''  # empty when the data gives none
    low: float | None = None  # percent; None where no line is drawn
    high: float | None = None
    at: float = 0.0  # of the value, percent
    tone: str = ''  # good or bad: a difference whose interval leaves out 0
    n: int = 0  # samples it is counted from


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    name: str
    cells: tuple[Cell | None, ...]  # None where there is nothing to tell
    meaning: str = ''
    strong: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under the names of their columns; the first column is that of the rows' names."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def cell(figure: Figure | None, quantity: Quantity, line: bool = False) -> Cell | None:
    """A figure as its quantity is written; `line` draws a share with its interval."""
    if figure is None or math.isnan(figure.value):
        return None
    text = _text(figure.value, quantity) + (' %' if quantity.share else '')
    if math.isnan(figure.low) or math.isnan(figure.high):
        return Cell(text, n=figure.n)
    interval = f'[{_text(figure.low, quantity)}, {_text(figure.high, quantity)}]'
    if quantity.difference:
        tone = 'good' if figure.low > 0 else 'bad' if figure.high < 0 else ''
        return Cell(text, interval, tone=tone, n=figure.n)
    if not (line and quantity.share):
        return Cell(text, interval, n=figure.n)
    low, high, at = (round(100 * value, 1) for value in (figure.low, figure.high, figure.value))
    return Cell(text, interval, low, high, at, n=figure.n)


def downwards(
    caption: str, figures: Mapping[str, Figure], quantities: Mapping[str, Quantity]
) -> Table:
    """One row for each quantity whose figure is there; the keys of both are names of figures."""
    rows = [
        Row(quantity.label, (shown, Cell(str(shown.n))), quantity.meaning)
        for name, quantity in quantities.items()
        if (shown := cell(figures.get(name), quantity, line=True))
    ]
    return Table(caption, ('', 'value [95 % interval]', 'samples'), tuple(rows))


def side_by_side(
    caption: str,
    figures: Mapping[str, Figure],
    rows: Mapping[str, str],
    quantities: Mapping[str, Quantity],
    strong: str = '',
) -> Table:
    """One row for each part of the samples or policy, one column for each quantity.

    `rows` are names by the prefixes of their figures. What has no figure at all is left out; the
    row named `strong` stands out.
    """
    found = {
        name: [cell(figures.get(f'{prefix}{key}'), quantities[key]) for key in quantities]
        for prefix, name in rows.items()
    }
    found = {name: cells for name, cells in found.items() if any(cells)}
    kept = [k for k in range(len(quantities)) if any(cells[k] for cells in found.values())]
    labels = [quantity.label for quantity in quantities.values()]
    return Table(
        caption,
        ('', *(labels[k] for k in kept)),
        tuple(
            Row(name, tuple(cells[k] for k in kept), strong=name == strong)
            for name, cells in found.items()
        ),
    )


def markdown(table: Table) -> str:
    """The table in Markdown, without its caption."""
    lines: list[Sequence[str]] = [table.columns, ['---'] * len(table.columns)]
    for row in table.rows:
        cells = [f'{one.text} {one.interval}'.strip() if one else '' for one in row.cells]
        lines.append([f'**{row.name}**' if row.strong else row.name, *cells])
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def _text(value: float, quantity: Quantity) -> str:
    number = 100 * value if quantity.share else value
    sign = '+' if quantity.difference else ''
    return f'{number:{sign}.1f}' if quantity.share else f'{number:{sign}.2f}'
