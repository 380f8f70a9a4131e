"""Batches for the adapters, from the corpus or from anybody's data: the n-th one follows from n.

A stage of `clue train` takes a function from numbers to batches; the four here make them for the
IVG adapter (dialogs) and the probe (labelled requests).
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from clue_ros.box import encode_locations
from clue_ros.data.samples import AmbiguitySample
from clue_ros.data.samples import DialogSample
from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidRun
from clue_ros.model.backbone import Backbone
from clue_ros.prompt import Prompts
from clue_ros.sim.dialogs import DialogConfig
from clue_ros.sim.dialogs import Sample
from clue_ros.sim.dialogs import sample_dialog
from clue_ros.sim.expressions import NONE
from clue_ros.sim.expressions import ONE
from clue_ros.sim.expressions import SEVERAL
from clue_ros.train.classroom import Classroom
from clue_ros.train.classroom import ClassroomConfig
from clue_ros.train.corpus import Corpus
from clue_ros.train.lessons import Lesson
from clue_ros.train.packing import Encoded
from clue_ros.train.packing import encode
from clue_ros.train.packing import pack
from clue_ros.train.pictures import PictureConfig
from clue_ros.train.pictures import Varied
from clue_ros.train.pictures import stacked
from clue_ros.train.pictures import vary

Batches: TypeAlias = Callable[[int], dict[str, Tensor]]

# what only the backbone's own training needs
_FOR_HEADS = ('classes', 'numbers', 'referents', 'spoken', 'last', 'joined')
_VERDICTS = (SEVERAL, SEVERAL, ONE, NONE)  # of the requests about one picture
_LATER = 0.2  # share of the probe's ambiguous requests that are shown after a reply
_DRAWS = 1000  # of what has to fit


def corpus_dialogs(
    corpus: Corpus, backbone: Backbone, rows: int, length: int, pictures: PictureConfig, seed: int
) -> Batches:
    """Turns of simulated dialogs, for `train_ivg`."""
    shape = ClassroomConfig(rows, length, most=1, joined=True, detect=0.0)
    room = Classroom(
        corpus, backbone.tokenizer, backbone.grid_side, shape, pictures, DialogConfig(), seed
    )

    def batch(number: int) -> dict[str, Tensor]:
        made = room.batch(number)
        return {key: value for key, value in made.items() if key not in _FOR_HEADS}

    return batch


def corpus_requests(
    corpus: Corpus,
    backbone: Backbone,
    prompts: Prompts,
    rows: int,
    pictures: PictureConfig,
    seed: int,
) -> Batches:
    """Simulated requests for `train_probe`: half ambiguous, a quarter clear, a quarter absent.

    Each picture comes with all of them, four: by itself it says nothing about the label, and the
    vision tower, most of the cost, runs once for the four. Raises InvalidRun when `rows` is no
    multiple of four, and from a corpus without such pictures.
    """
    if rows % len(_VERDICTS):
        raise InvalidRun(
            f'wanted a batch of a multiple of {len(_VERDICTS)} requests, as many as are made about '
            f'each picture; got {rows}'
        )

    def draw(rng: np.random.Generator) -> tuple[Varied, list[Sample]]:
        for _ in range(_DRAWS):
            picture = vary(corpus, int(rng.integers(len(corpus))), rng, pictures)
            drawn = [sample_dialog(rng, picture.scene, each, DialogConfig()) for each in _VERDICTS]
            samples = [sample for sample in drawn if sample]
            if len(samples) == len(drawn):
                return picture, samples
        raise InvalidRun(
            f'of {_DRAWS} pictures none allows an ambiguous, a clear and an absent request'
        )

    def batch(number: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([seed, number])
        shown: list[Varied] = []
        texts: list[str] = []
        labels: list[bool] = []
        for _ in range(rows // len(_VERDICTS)):
            picture, samples = draw(rng)
            shown.append(picture)
            for sample in samples:
                turns = sample.dialog.turns
                # after a reply, too: with all of them the request is clear, with fewer it is not
                later = turns and rng.uniform() < _LATER
                told = int(rng.integers(1, len(turns) + 1)) if later else 0
                texts.append(prompts.probe_text(Dialog(sample.dialog.request, turns[:told])))
                labels.append(told < len(turns))
        return labelled(backbone, texts, labels, stacked(shown))

    return batch


def sample_requests(
    samples: Sequence[AmbiguitySample], backbone: Backbone, prompts: Prompts, rows: int, seed: int
) -> Batches:
    """Requests of a data set for `train_probe`, as many ambiguous as clear ones.

    Raises InvalidRun when there is only one of the two kinds.
    """
    kinds = [[s for s in samples if s.ambiguous is label] for label in (False, True)]
    if not all(kinds):
        raise InvalidRun(
            f'wanted ambiguous and clear requests, found {len(kinds[1])} and {len(kinds[0])}'
        )

    def batch(number: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([seed, number])
        chosen = [kinds[row % 2][int(rng.integers(len(kinds[row % 2])))] for row in range(rows)]
        texts = [prompts.probe_text(Dialog(sample.request)) for sample in chosen]
        pixels = backbone.pixels([sample.picture.load() for sample in chosen])
        return labelled(
            backbone, texts, [sample.ambiguous for sample in chosen], {'pixels': pixels}
        )

    return batch


def sample_dialogs(
    samples: Sequence[DialogSample], backbone: Backbone, prompts: Prompts, rows: int, seed: int
) -> Batches:
    """Turns of the dialogs of a data set, for `train_ivg`. Raises InvalidRun when none fits."""
    room = backbone.max_tokens - backbone.image_token_count
    end = backbone.tokenizer.eos_token_id

    def draw(rng: np.random.Generator) -> tuple[DialogSample, Encoded]:
        for _ in range(_DRAWS):
            sample = samples[int(rng.integers(len(samples)))]
            lessons = dialog_lessons(sample, prompts)
            lesson = encode(backbone.tokenizer, lessons[int(rng.integers(len(lessons)))])
            if len(lesson) < room:
                return sample, lesson
        raise InvalidRun(
            f'of {_DRAWS} turns of dialogs none fits into the {room} tokens that this model reads'
        )

    def batch(number: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([seed, number])
        drawn = [draw(rng) for _ in range(rows)]
        length = max(len(lesson) for _, lesson in drawn)
        packed = pack([[lesson] for _, lesson in drawn], length, 1, backbone.image_token_count, end)
        del packed['last']
        pixels = backbone.pixels([sample.picture.load() for sample, _ in drawn])
        return {**packed, 'pixels': pixels}

    return batch


def dialog_lessons(sample: DialogSample, prompts: Prompts) -> list[Lesson]:
    """U -> R_1, U R_1 H_1 -> R_2, ..., whole dialog -> G; G is empty when nothing is meant."""
    dialog = sample.dialog
    lessons = [
        Lesson(
            prompts.decoder_text(Dialog(dialog.request, dialog.turns[:number])),
            prompts.suffix(turn.question),
            frozenset(),
        )
        for number, turn in enumerate(dialog.turns)
    ]
    box = ''
    if sample.target is not None:
        height, width = sample.picture.load().shape[:2]
        box = encode_locations(sample.target, width, height)
    return [*lessons, Lesson(prompts.decoder_text(dialog), box, frozenset())]


def labelled(
    backbone: Backbone, texts: list[str], labels: list[bool], pictures: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Prefixes, pictures (`pixels`, or as `stacked` makes them) and labels, for `ProbeModel`.

    The texts about a picture stand together, as many about each.
    """
    tokens = backbone.tokens(texts)
    return {
        **pictures,
        'ids': tokens.ids,
        'present': tokens.present,
        'words': tokens.words,
        'expression': tokens.expression,
        'ambiguous': torch.tensor(labels),
    }
