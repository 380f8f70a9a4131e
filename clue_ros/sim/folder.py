"""Scenes with their dialogs as a folder in the documented own-data format, and a sheet to look at.

    images/000012.jpg
    samples.jsonl       one row for each request; several may be about one image
    sheet.png           the first ones, with boxes and what was said

A row says what `clue_ros.frames` reads and, for training, what is known beyond that: `verdict`
(one, several, none), `boxes` (what the request fits), `asked_about` (what was still open at each
question, as numbers of `objects`), `wrong` (turns whose reply misleads), `form`, `split`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from clue_ros.box import Box
from clue_ros.data.splits import split_of as split_of  # for all who render scenes
from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidSource
from clue_ros.overlay import Line
from clue_ros.overlay import draw
from clue_ros.sim.dialogs import DialogConfig
from clue_ros.sim.dialogs import Sample
from clue_ros.sim.dialogs import sample_dialog
from clue_ros.sim.expressions import SEVERAL
from clue_ros.sim.expressions import VERDICTS
from clue_ros.sim.expressions import form
from clue_ros.sim.render import Image
from clue_ros.sim.render import Picture
from clue_ros.sim.render import Renderer
from clue_ros.sim.sampling import SceneConfig
from clue_ros.sim.sampling import sample_scene

_SHEET = (4, 3)  # columns, rows
_TILE = 400  # pixels, width


def write_folder(
    out: Path, count: int, seed: int, scenes: SceneConfig, dialogs: DialogConfig
) -> int:
    """Write `count` scenes into an empty or new folder and return the number of requests.

    Raises InvalidSource when the folder holds something, MissingSimulator.
    """
    if out.exists() and any(out.iterdir()):
        raise InvalidSource(f'wanted a new or empty folder, {out} holds files; name another one')
    written = 0
    tiles: list[Image] = []
    with ExitStack() as stack:
        renderer = stack.enter_context(Renderer())
        renderer.open(scenes.width, scenes.height)  # before anything is written
        (out / 'images').mkdir(parents=True, exist_ok=True)
        rows = stack.enter_context((out / 'samples.jsonl').open('w'))
        for index in range(count):
            picture = render_scene(renderer, seed, index, scenes)
            file = Path('images', f'{picture.scene.name}.jpg')
            PIL.Image.fromarray(picture.image).save(out / file, quality=92)
            samples = list(requests(picture, seed, index, dialogs))
            split = 'ood' if dialogs.held_out else split_of(seed, index)
            for sample in samples:
                row = {'image': str(file), 'split': split, **describe(sample)}
                rows.write(json.dumps(row) + '\n')
            written += len(samples)
            if samples and len(tiles) < _SHEET[0] * _SHEET[1]:
                tiles.append(_tile(picture.image, samples[index % len(samples)]))
    if tiles:
        _sheet(tiles).save(out / 'sheet.png')
    return written


def render_scene(renderer: Renderer, seed: int, index: int, config: SceneConfig) -> Picture:
    """Draw scene `index` of a seed: the first attempt in which enough of every thing is seen."""
    attempt = 0
    while True:
        picture = renderer.render(sample_scene(seed, index, config, attempt))
        if picture and all(t.visible >= config.min_visible for t in picture.scene.things):
            return picture
        attempt += 1


def requests(picture: Picture, seed: int, index: int, config: DialogConfig) -> Iterator[Sample]:
    """One request for each verdict that the scene allows, two for ambiguous ones that differ."""
    rng = np.random.default_rng([seed, index, 2**31])  # not the numbers that drew the scene
    said = set()
    for wanted in (*VERDICTS, SEVERAL):
        sample = sample_dialog(rng, picture.scene, wanted, config)
        if sample and sample.expression not in said:
            said.add(sample.expression)
            yield sample


def describe(sample: Sample) -> dict[str, Any]:
    """A sample as one row, without its image."""
    things = sample.scene.things
    target = None if sample.target is None else things[sample.target]
    return {
        'scene': sample.scene.name,
        'width': sample.scene.camera.width,
        'height': sample.scene.camera.height,
        'instruction': sample.dialog.request,
        'form': form(sample.expression),
        'verdict': sample.verdict,
        'ambiguous': sample.verdict == SEVERAL,
        'boxes': [_corners(things[k].box) for k in sorted(sample.candidates)],
        'dialog': [[turn.question, turn.reply] for turn in sample.dialog.turns],
        'asked_about': [sorted(left) for left in sample.asked_about],
        'wrong': list(sample.wrong),
        'target': target and _corners(target.box),
        'target_object': target
        and {'category': target.category, 'color': target.color, 'size': target.size},
        'objects': [
            {
                'category': thing.category,
                'color': thing.color,
                'size': thing.size,
                'box': _corners(thing.box),
                'visible': thing.visible,
                'position': [round(thing.x, 4), round(thing.y, 4)],
            }
            for thing in things
        ],
    }


def _corners(box: Box) -> list[int]:
    return [round(value) for value in box.corners]


def _tile(image: Image, sample: Sample) -> Image:
    """A picture with its candidates, its target and all that was said."""
    dialog: Dialog = sample.dialog
    lines = [Line(sample.verdict, dialog.request)]
    for number, turn in enumerate(dialog.turns):
        mark = ' (wrong)' if number in sample.wrong else ''
        lines += [Line('robot', turn.question), Line('person', turn.reply + mark)]
    things = sample.scene.things
    rivals = [things[k].box for k in sorted(sample.candidates - {sample.target})]
    target = None if sample.target is None else things[sample.target].box
    return draw(image, caption=lines, candidates=rivals, target=target)


def _sheet(tiles: list[Image]) -> PIL.Image.Image:
    """Tiles in rows, each row as high as its highest tile."""
    columns = _SHEET[0]
    scaled = [
        picture.resize((_TILE, round(picture.height * _TILE / picture.width)))
        for picture in map(PIL.Image.fromarray, tiles)
    ]
    lines = [scaled[k : k + columns] for k in range(0, len(scaled), columns)]
    heights = [max(tile.height for tile in line) for line in lines]
    sheet = PIL.Image.new('RGB', (_TILE * min(columns, len(scaled)), sum(heights)), 'white')
    top = 0
    for line, height in zip(lines, heights, strict=True):
        for k, tile in enumerate(line):
            sheet.paste(tile, (k * _TILE, top))
        top += height
    return sheet
