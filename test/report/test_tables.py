"""Figures as cells, rows and Markdown."""

from math import nan

import pytest

from clue_ros.evaluate.intervals import Figure
from clue_ros.report.tables import Cell
from clue_ros.report.tables import Quantity
from clue_ros.report.tables import cell
from clue_ros.report.tables import downwards
from clue_ros.report.tables import markdown
from clue_ros.report.tables import side_by_side

SHARE, NUMBER = Quantity('success'), Quantity('reward', share=False)
CHANGE = Quantity('change', share=False, difference=True)


@pytest.mark.parametrize(
    ('figure', 'quantity', 'shown'),
    [
        (None, SHARE, None),
        (Figure(nan, nan, nan, 0), SHARE, None),
        (Figure(0.5, nan, nan, 4), SHARE, Cell('50.0 %', n=4)),
        (Figure(0.5, 0.25, 0.751, 4), SHARE, Cell('50.0 %', '[25.0, 75.1]', 25.0, 75.1, 50.0, n=4)),
        (Figure(-3.333, -5, 1, 4), NUMBER, Cell('-3.33', '[-5.00, 1.00]', n=4)),
        (Figure(1, 0.5, 2, 4), CHANGE, Cell('+1.00', '[+0.50, +2.00]', tone='good', n=4)),
        (Figure(-1, -2, -0.5, 4), CHANGE, Cell('-1.00', '[-2.00, -0.50]', tone='bad', n=4)),
        (Figure(1, -1, 2, 4), CHANGE, Cell('+1.00', '[-1.00, +2.00]', n=4)),
    ],
)
def test_cells(figure, quantity, shown):
    assert cell(figure, quantity, line=True) == shown


def test_what_has_no_figure_is_left_out():
    figures = {'a/success': Figure(0.5, 0.2, 0.8, 4), 'b/reward': Figure(nan, nan, nan, 0)}
    quantities = {'success': SHARE, 'reward': NUMBER}
    table = side_by_side('Both', figures, {'a/': 'a', 'b/': 'b'}, quantities, strong='a')
    assert table.columns == ('', 'success')
    assert [(row.name, row.strong) for row in table.rows] == [('a', True)]
    assert not downwards('None', figures, quantities).rows


def test_markdown():
    figures = {'success': Figure(0.5, 0.2, 0.8, 4)}
    assert markdown(downwards('One', figures, {'success': SHARE})).splitlines() == [
        '|  | value [95 % interval] | samples |',
        '| --- | --- | --- |',
        '| success | 50.0 % [20.0, 80.0] | 4 |',
    ]
