"""The figure of the layer sweep, as a picture of its own."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

from clue_ros.evaluate.intervals import Figure

_NAMES = {'f1': 'F1', 'auroc': 'AUROC'}
# Okabe and Ito's palette: told apart with any colour vision
_COLORS = ('#0072b2', '#d55e00')


def draw_layers(
    path: Path, figures: Mapping[str, Figure], blocks: int, tests: Sequence[str]
) -> None:
    """Draw `<block>/<split>/<figure>` with intervals over the blocks, as SVG."""
    # the salt and no date: the same figures make the same bytes
    with mpl.rc_context({'svg.fonttype': 'none', 'svg.hashsalt': path.name}):
        canvas = Canvas(figsize=(7.2, 3.2), layout='constrained')
        for axes, (name, title) in zip(
            canvas.subplots(1, len(_NAMES), sharey=True), _NAMES.items(), strict=True
        ):
            for split, color in zip(tests, _COLORS, strict=False):
                found = [figures[f'{block}/{split}/{name}'] for block in range(blocks)]
                axes.plot([one.value for one in found], 'o-', color=color, label=split)
                low, high = [one.low for one in found], [one.high for one in found]
                axes.fill_between(range(blocks), low, high, color=color, alpha=0.2, linewidth=0)
            axes.set(xlabel='decoder block', title=title, ylim=(0, 1.02), xticks=range(blocks))
            axes.grid(alpha=0.3)
        canvas.axes[0].legend(loc='lower right', frameon=False)
        canvas.savefig(path, format='svg', metadata={'Date': None})
