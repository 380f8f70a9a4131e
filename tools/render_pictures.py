"""Renders the pictures that come with the package and those of the tests, from fixed seeds.

Run `python tools/render_pictures.py`; it replaces `clue_ros/scenes` and `test/scenes`. Each picture
has one request. No picture is chosen by hand: a scene that cannot have the verdict whose turn it
is, is left out, nothing else.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # this tree, not an installed package

from clue_ros.sim.dialogs import DialogConfig  # noqa: E402
from clue_ros.sim.dialogs import sample_dialog  # noqa: E402
from clue_ros.sim.expressions import NONE  # noqa: E402
from clue_ros.sim.expressions import ONE  # noqa: E402
from clue_ros.sim.expressions import SEVERAL  # noqa: E402
from clue_ros.sim.folder import describe  # noqa: E402
from clue_ros.sim.folder import render_scene  # noqa: E402
from clue_ros.sim.render import Renderer  # noqa: E402
from clue_ros.sim.sampling import OOD  # noqa: E402
from clue_ros.sim.sampling import SceneConfig  # noqa: E402

SHIPPED_SEED, TEST_SEED = 20261, 20262
VERDICTS = (SEVERAL, ONE, SEVERAL, NONE)  # in turn
QUALITY = 88  # of the JPEGs


def write(
    renderer: Renderer, out: Path, name: str, seed: int, count: int, scenes: SceneConfig
) -> list[str]:
    """Render `count` pictures with a request each; the rows that describe them."""
    held_out = name == 'ood'
    dialogs = DialogConfig(held_out=held_out, wrong=0.0)
    rows: list[str] = []
    index = 0
    while len(rows) < count:
        picture = render_scene(renderer, seed, index, scenes)
        rng = np.random.default_rng([seed, index, 1])
        sample = sample_dialog(rng, picture.scene, VERDICTS[len(rows) % len(VERDICTS)], dialogs)
        index += 1
        if sample is None:
            continue
        image = f'{name}_{len(rows):02d}.jpg'
        PIL.Image.fromarray(picture.image).save(out / image, quality=QUALITY)
        rows.append(json.dumps({'image': image, 'split': name, **describe(sample)}))
    return rows


def fresh(folder: Path) -> Path:
    """The folder, emptied of what was rendered before."""
    folder.mkdir(exist_ok=True)
    for old in [*folder.glob('*.jpg'), *folder.glob('*.jsonl')]:
        old.unlink()
    return folder


def main() -> None:
    """Replace both folders."""
    with Renderer() as renderer:
        out = fresh(ROOT / 'clue_ros' / 'scenes')
        camera = SceneConfig(width=640, height=480)
        rows = write(renderer, out, 'table', SHIPPED_SEED, 8, camera)
        (out / 'samples.jsonl').write_text('\n'.join(rows) + '\n')
        out = fresh(ROOT / 'test' / 'scenes')
        rows = []
        for name, config in (('id', SceneConfig()), ('ood', OOD)):
            small = replace(config, width=480, height=480)
            rows += write(renderer, out, name, TEST_SEED, 36, small)
        (out / 'samples.jsonl').write_text('\n'.join(rows) + '\n')


if __name__ == '__main__':
    main()
