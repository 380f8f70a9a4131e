"""Whether a backbone ends a box where the thing ends at whose first corner it was begun.

Run `python tools/judge_corners.py --corpus CORPUS` on a corpus that `clue train corpus` made. After
whole dialogs of its validation scenes the model is given the first corner of the thing that is
meant, of another one that the request fits, and of any other one. Printed are the shares of boxes
whose second corner is right on both sides, to within NEAR of the picture.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # this tree, not an installed package

from clue_ros.box import LOCATION_COUNT  # noqa: E402
from clue_ros.model.backbone import Backbone  # noqa: E402
from clue_ros.model.checkpoint import EMBEDDED  # noqa: E402
from clue_ros.model.checkpoint import find  # noqa: E402
from clue_ros.model.decoder import smooth_locations  # noqa: E402
from clue_ros.sim.dialogs import DialogConfig  # noqa: E402
from clue_ros.sim.dialogs import Sample  # noqa: E402
from clue_ros.sim.dialogs import sample_dialog  # noqa: E402
from clue_ros.sim.expressions import SEVERAL  # noqa: E402
from clue_ros.train.corpus import Corpus  # noqa: E402
from clue_ros.train.lessons import Lesson  # noqa: E402
from clue_ros.train.lessons import clarify  # noqa: E402
from clue_ros.train.lessons import locations  # noqa: E402
from clue_ros.train.packed_model import run_decoder  # noqa: E402
from clue_ros.train.packing import encode  # noqa: E402
from clue_ros.train.packing import pack  # noqa: E402
from clue_ros.train.pictures import PLAIN  # noqa: E402
from clue_ros.train.pictures import lit  # noqa: E402
from clue_ros.train.pictures import stacked  # noqa: E402
from clue_ros.train.pictures import vary  # noqa: E402

NEAR = 0.05  # of the picture's width or height
LENGTH = 96  # tokens of a dialog with its box
ROWS = 16
GIVEN = 2  # locations: the first corner


def begun(sample: Sample) -> dict[str, list[int]]:
    """At which things boxes are begun."""
    assert sample.target is not None
    others = set(range(len(sample.scene.things))) - sample.candidates
    return {
        'the one that is meant': [sample.target],
        'another that the request fits': sorted(sample.candidates - {sample.target}),
        'any other': sorted(others),
    }


@torch.inference_mode()
def ends(backbone: Backbone, rows: list[tuple[int, Lesson]], corpus: Corpus) -> torch.Tensor:
    """Whether each second corner (rows,) is right."""
    rng = np.random.default_rng(0)
    pictures = lit(stacked([vary(corpus, index, rng, PLAIN) for index, _ in rows]))['pixels']
    lessons = [[encode(backbone.tokenizer, lesson)] for _, lesson in rows]
    packed = pack(lessons, LENGTH, 1, backbone.image_token_count, backbone.tokenizer.eos_token_id)
    text = {name: packed[name] for name in ('ids', 'positions', 'lesson', 'suffix')}
    features = backbone.model.get_image_features(pictures).pooler_output
    hidden, _, _ = run_decoder(backbone.model, features, joined=True, **text)
    first = backbone.first_location
    places = packed['labels'] >= first
    scores = smooth_locations(backbone.logits(hidden[places]), first)
    found = scores[:, first : first + LOCATION_COUNT].argmax(dim=1)
    far = (found - (packed['labels'][places] - first)).abs().view(len(rows), -1)
    return (far[:, GIVEN:] <= NEAR * LOCATION_COUNT).all(dim=1)


def main() -> None:
    """Print a table for each backbone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--corpus', type=Path, required=True)
    parser.add_argument('--seed', type=int, default=1, help='of the corpus')
    parser.add_argument(
        '--backbone', type=Path, action='append', help='folder; of several each (default embedded)'
    )
    parser.add_argument('--boxes', type=int, default=320, help='of each kind (default 320)')
    options = parser.parse_args()
    corpus = Corpus(options.corpus, options.seed, 'validation')
    rng = np.random.default_rng(5)
    rows: dict[str, list[tuple[int, Lesson]]] = {}
    for index, scene in enumerate(corpus.scenes):
        sample = sample_dialog(rng, scene, SEVERAL, DialogConfig())
        for kind, things in begun(sample).items() if sample else ():
            if things:
                prefix = clarify(sample)[-1].prefix  # type: ignore[arg-type]
                box = locations(scene, int(rng.choice(things)))
                rows.setdefault(kind, []).append((index, Lesson(prefix, box, frozenset())))
    for path in options.backbone or [find(EMBEDDED, allow_download=False).backbone]:
        backbone = Backbone.load(path, torch.device('cpu'), torch.float32)
        print(f'\n{path}\n\n| begun at | boxes | ended there |\n|---|---|---|')
        for kind, every in rows.items():
            asked = every[: options.boxes]
            right = torch.cat(
                [ends(backbone, asked[k : k + ROWS], corpus) for k in range(0, len(asked), ROWS)]
            )
            print(f'| {kind} | {len(asked)} | {right.float().mean():.3f} |', flush=True)


if __name__ == '__main__':
    main()
