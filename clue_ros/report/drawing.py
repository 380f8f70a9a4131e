"""Matplotlib figures as SVG that lives inside a page: its font, its colours, light and dark.

Figures are drawn in marker colours that nothing else uses, and each marker becomes the CSS
variable of its role afterwards. The page alone says what the roles look like.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from markupsafe import escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Marker colours, and the CSS variables of page.css they stand for.
INK, MUTED, GRID, PAPER = '#01f001', '#01f002', '#01f003', '#01f004'
SERIES = ('#01f011', '#01f012', '#01f013', '#01f014', '#01f015', '#01f016', '#01f017', '#01f018')
_VARIABLES = {
    INK: '--ink',
    MUTED: '--muted',
    GRID: '--line',
    PAPER: '--paper',
    **{marker: f'--series-{number}' for number, marker in enumerate(SERIES, 1)},
}
# the keys of matplotlib's stubs are literals, hundreds of them
_STYLE: dict[Any, Any] = {
    'svg.fonttype': 'none',  # text stays text: it is found, read aloud and small
    'font.size': 10,
    'text.color': INK,
    'axes.labelcolor': INK,
    'axes.edgecolor': MUTED,
    'axes.grid': True,
    'axes.axisbelow': True,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'grid.color': GRID,
    'grid.linewidth': 0.7,
    'xtick.color': MUTED,
    'ytick.color': MUTED,
    'xtick.labelcolor': INK,
    'ytick.labelcolor': INK,
    'legend.frameon': False,
    'legend.fontsize': 9,
    'lines.linewidth': 1.8,
}


class Drawing:
    """A figure in the making and, after its `with drawing(...)` block, its SVG."""

    def __init__(self, width: float, height: float) -> None:
        """Make an empty figure of this size in inches."""
        self.figure = Figure(figsize=(width, height), layout='constrained')
        self.svg = Markup('')

    @property
    def axes(self) -> Axes:
        """The only axes, made when first asked for."""
        return self.figure.axes[0] if self.figure.axes else self.figure.add_subplot()


@contextmanager
def drawing(
    name: str, description: str, size: tuple[float, float] = (4.6, 3.4)
) -> Iterator[Drawing]:
    """Draw in the page's style; `name` is unique on the page, `description` is read aloud.

    `size` is width and height in inches at a font of 10 points; the page scales it.
    """
    # the salt makes the ids inside unique on the page and the same in every run
    with mpl.rc_context({**_STYLE, 'svg.hashsalt': name}):
        drawn = Drawing(*size)
        yield drawn
        stream = io.StringIO()
        nothing = dict.fromkeys(('Date', 'Creator', 'Format', 'Type'))
        drawn.figure.savefig(stream, format='svg', transparent=True, metadata=nothing)
    drawn.svg = _embed(stream.getvalue(), description)


def _embed(text: str, description: str) -> Markup:
    text = text[text.index('<svg') :]
    text = re.sub(r'<style.*?</style>', '', text, flags=re.DOTALL)  # of the whole page otherwise
    text = re.sub(r'<g id="[^"]*"', '<g', text)  # the same in every figure
    text = re.sub(r'font-family: [^;\"]*', 'font-family: inherit', text)
    text = re.sub(r'#01f0\d\d', lambda found: f'var({_VARIABLES[found[0]]})', text)
    text = re.sub(r' (?:width|height)="[\d.]+pt"', '', text, count=2)
    return Markup(text.replace('<svg', f'<svg role="img" aria-label="{escape(description)}"', 1))
