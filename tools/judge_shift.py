"""What of the shift to scenes out of distribution costs how much: one part of it taken back each.

Run `python tools/judge_shift.py`, or name parts: `python tools/judge_shift.py pairs light`. Scenes
are those of the held-out configuration (seed 9), then the same with known pairs of category and
colour, known shapes and so on. Measured are the probe's decision (requests that fit one thing or
several), boxes, and absent things called absent, as `Clue` gives them.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # this tree, not an installed package

from sklearn.metrics import f1_score  # noqa: E402
from sklearn.metrics import roc_auc_score  # noqa: E402

from clue_ros.clue import Clue  # noqa: E402
from clue_ros.dialog import Dialog  # noqa: E402
from clue_ros.evaluate.intervals import proportion  # noqa: E402
from clue_ros.model.decoder import Form  # noqa: E402
from clue_ros.response import Absent  # noqa: E402
from clue_ros.response import Grounding  # noqa: E402
from clue_ros.sim.dialogs import DialogConfig  # noqa: E402
from clue_ros.sim.expressions import NONE  # noqa: E402
from clue_ros.sim.expressions import SEVERAL  # noqa: E402
from clue_ros.sim.folder import render_scene  # noqa: E402
from clue_ros.sim.folder import requests  # noqa: E402
from clue_ros.sim.render import Renderer  # noqa: E402
from clue_ros.sim.sampling import OOD  # noqa: E402
from clue_ros.sim.sampling import SceneConfig  # noqa: E402

SEED = 9
KNOWN = SceneConfig()
_SURFACES = {name: getattr(KNOWN.look, name) for name in ('patterns', 'saturation')}
_LIGHT = {
    name: getattr(KNOWN.look, name)
    for name in ('light_azimuth', 'light_elevation', 'brightness', 'ambient', 'warmth')
}
# by what is taken back: the scenes, and whether requests are worded as training never is
KINDS = {
    'nothing': (OOD, True),
    'pairs': (replace(OOD, held_out=KNOWN.held_out), True),
    'shapes': (replace(OOD, variants=KNOWN.variants), True),
    'distance': (replace(OOD, distance=KNOWN.distance), True),
    'angle': (replace(OOD, elevation=KNOWN.elevation, azimuth=KNOWN.azimuth), True),
    'surfaces': (replace(OOD, look=replace(OOD.look, **_SURFACES)), True),
    'light': (replace(OOD, look=replace(OOD.look, **_LIGHT)), True),
    'wording': (OOD, False),
}


def judge(clue: Clue, scenes: SceneConfig, held_out: bool, count: int) -> list[str]:
    """F1 and AUROC of ambiguity, and shares right: clear requests, after a dialog, absent."""
    probabilities: list[float] = []
    decided: list[bool] = []
    truth: list[bool] = []
    right: dict[str, list[bool]] = {'clear': [], 'dialog': [], 'absent': []}
    with Renderer() as renderer:
        for index in range(count):
            drawn = render_scene(renderer, SEED, index, scenes)
            samples = list(requests(drawn, SEED, index, DialogConfig(held_out=held_out)))
            views = [clue.look(drawn.image)] * len(samples)
            asked = [Dialog(sample.dialog.request) for sample in samples]
            found = clue.ambiguity_all(views, asked)
            told = [sample.dialog for sample in samples]
            said = clue.decode_all(views, told, [Form.BOX] * len(samples))
            for sample, ambiguity, response in zip(samples, found, said, strict=True):
                if sample.verdict == NONE or sample.target is None:
                    right['absent'].append(isinstance(response, Absent))
                    continue
                assert ambiguity.probability is not None  # of a checkpoint with a probe
                probabilities.append(ambiguity.probability)
                decided.append(bool(ambiguity.ambiguous))
                truth.append(sample.verdict == SEVERAL)
                box = sample.scene.things[sample.target].box
                hit = isinstance(response, Grounding) and response.box.iou(box) >= 0.5
                right['dialog' if sample.dialog.turns else 'clear'].append(hit)
    shares = [proportion(sum(hits), len(hits)) for hits in right.values()]
    return [
        f'{f1_score(truth, decided):.3f}, {roc_auc_score(truth, probabilities):.3f}',
        *(f'{share.value:.3f} ({share.low:.3f} to {share.high:.3f})' for share in shares),
    ]


def main() -> None:
    """Print a table, row by row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('kind', nargs='*', help=f'of {", ".join(KINDS)} (default all)')
    parser.add_argument('--model', default='clue-mini')
    parser.add_argument('--scenes', type=int, default=60, help='of each kind (default 60)')
    options = parser.parse_args()
    if unknown := sorted(set(options.kind) - set(KINDS)):
        parser.error(f'wanted kinds of {", ".join(KINDS)}; got {", ".join(unknown)}')
    clue = Clue.load(options.model)
    print('| taken back | F1, AUROC | clear at once | after a dialog | absent |')
    print('|---|---|---|---|---|', flush=True)
    for kind in options.kind or KINDS:
        row = judge(clue, *KINDS[kind], options.scenes)
        print(f'| {kind} | {" | ".join(row)} |', flush=True)


if __name__ == '__main__':
    main()
