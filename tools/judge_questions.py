"""How often the first question about an ambiguous request is wrong about the scene.

Run `python tools/judge_questions.py`; the scenes are those of `clue evaluate` and of the card. The
robot is made to ask (ask policy `always`), and what it says is held against the scene graph.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # this tree, not an installed package

from clue_ros.clue import Clue  # noqa: E402
from clue_ros.dialog import Dialog  # noqa: E402
from clue_ros.evaluate.intervals import proportion  # noqa: E402
from clue_ros.evaluate.scenes import Scenes  # noqa: E402
from clue_ros.model.backbone import Backbone  # noqa: E402
from clue_ros.model.checkpoint import find  # noqa: E402
from clue_ros.model.device import choose_device  # noqa: E402
from clue_ros.model.device import choose_dtype  # noqa: E402
from clue_ros.response import Question  # noqa: E402
from clue_ros.sim.dialogs import DialogConfig  # noqa: E402
from clue_ros.sim.expressions import SEVERAL  # noqa: E402
from clue_ros.sim.folder import render_scene  # noqa: E402
from clue_ros.sim.folder import requests  # noqa: E402
from clue_ros.sim.judge import faults  # noqa: E402
from clue_ros.sim.render import Renderer  # noqa: E402
from clue_ros.sim.sampling import OOD  # noqa: E402
from clue_ros.sim.sampling import SceneConfig  # noqa: E402


def count_faults(clue: Clue, scenes: Scenes) -> tuple[int, Counter[str]]:
    """How many questions were asked, and how many of them have each fault."""
    dialogs = DialogConfig(held_out=scenes.ood)
    asked = 0
    found: Counter[str] = Counter()
    with Renderer() as renderer:
        for index in scenes.indices():
            config = OOD if scenes.ood else SceneConfig()
            drawn = render_scene(renderer, scenes.seed, index, config)
            several = [
                sample
                for sample in requests(drawn, scenes.seed, index, dialogs)
                if sample.verdict == SEVERAL
            ]
            if not several:
                continue
            views = [clue.look(drawn.image)] * len(several)
            said = clue.respond_all(views, [Dialog(s.dialog.request) for s in several], 'always')
            for sample, response in zip(several, said, strict=True):
                asked += 1
                if not isinstance(response, Question):
                    found['any'] += 1
                    continue
                wrong = faults(response.text, sample.scene, sample.asked_about[0])
                found['any'] += bool(wrong)
                found.update(fault.value for fault in wrong)
    return asked, found


def main() -> None:
    """Print the shares with their 95 % intervals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--model', default='clue-mini')
    parser.add_argument('--scenes', type=int, default=200)
    parser.add_argument('--tried', type=int, help='try out so many others, not as clue.json says')
    options = parser.parse_args()
    checkpoint = find(options.model, allow_download=False)
    if options.tried is not None and checkpoint.config:
        config = replace(checkpoint.config, tried_questions=options.tried)
        checkpoint = replace(checkpoint, config=config)
    device = choose_device('auto')
    backbone = Backbone.load(checkpoint.backbone, device, choose_dtype('auto', device))
    clue = Clue(backbone, checkpoint)
    for ood in (False, True):
        asked, found = count_faults(clue, Scenes(options.scenes, ood=ood))
        print(f'{"out of distribution" if ood else "in distribution"}: {asked} questions')
        for name, count in sorted(found.items(), key=lambda item: -item[1]):
            share = proportion(count, asked)
            print(f'  {name}: {share.value:.3f} ({share.low:.3f} to {share.high:.3f})')


if __name__ == '__main__':
    main()
