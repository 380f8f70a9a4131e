"""A backbone from nothing, or from a smaller one: first what patches show, then words about them.

heads    of a given backbone, readers of what its patches show: training leaves none behind
vision   the vision tower alone, on the patches near things
packed   the decoder, many lessons in a row: cheap, but image tokens don't see the words
joined   the decoder as PaliGemma is used: image tokens see the prefix
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch import nn

from clue_ros.errors import InvalidRun
from clue_ros.model.decoder import most_likely_kind
from clue_ros.sim.dialogs import DialogConfig
from clue_ros.train.classroom import Classroom
from clue_ros.train.classroom import ClassroomConfig
from clue_ros.train.corpus import Corpus
from clue_ros.train.dense import NAMES
from clue_ros.train.growth import grow
from clue_ros.train.growth import mix
from clue_ros.train.lessons import BETWEEN_BOXES
from clue_ros.train.lessons import clarify
from clue_ros.train.lessons import detect
from clue_ros.train.lessons import draw_sample
from clue_ros.train.loop import LoopConfig
from clue_ros.train.loop import fit
from clue_ros.train.loop import is_first_process
from clue_ros.train.loop import to_device
from clue_ros.train.miniature import MiniatureConfig
from clue_ros.train.miniature import build_model
from clue_ros.train.miniature import build_processor
from clue_ros.train.miniature import name_features
from clue_ros.train.miniature import save_backbone
from clue_ros.train.miniature import share_out_heads
from clue_ros.train.miniature import smooth_locations
from clue_ros.train.miniature import smooth_positions
from clue_ros.train.miniature import start_quietly
from clue_ros.train.packed_model import PackedModel
from clue_ros.train.packed_model import answer_kinds
from clue_ros.train.packed_model import compile_blocks
from clue_ros.train.packed_model import run_decoder
from clue_ros.train.packing import IGNORED
from clue_ros.train.pictures import PLAIN
from clue_ros.train.pictures import PictureConfig
from clue_ros.train.vision import VisionModel
from clue_ros.train.vision import vision_batch

_TEXTS = 4000  # scenes from whose dialogs the tokenizer is learned
_ROOMS = {
    'packed': ClassroomConfig(1, detect=0.35, narrow=0.5, complete=0.2),
    'joined': ClassroomConfig(1, 96, most=1, joined=True, narrow=0.5, complete=0.25),
}
_STAGES = ('vision', 'packed', 'joined')
_MULTIPLE = 64  # the vocabulary is rounded up to it


@dataclass(frozen=True)
class BackboneConfig:
    """The stages; the corpus and `seed` decide the data."""

    vision: LoopConfig | None = None  # None leaves the tower of a backbone to go on from as it is
    packed: LoopConfig | None = None  # None leaves its decoder as it is, and so with the next one
    joined: LoopConfig | None = None
    heads: LoopConfig = LoopConfig(300, 32, 1e-3)  # of a backbone to go on from
    miniature: MiniatureConfig = field(default_factory=MiniatureConfig)
    pictures: PictureConfig = field(default_factory=PictureConfig)
    patches: int = 64  # computed in the vision stage
    pointers: tuple[int, ...] = (2, 5)  # blocks after which the referents shall be known
    recolored: float = 0.35  # share of the vision stage's pictures that teach shapes, not colours
    painted: float = 0.0  # such pictures' share of the other stages; no lesson about them names one
    loyal: float = 0.0  # weight in the vision stage of staying what the backbone begun from was
    kept: float = 0.0  # share of the backbone begun from in the mean that is the result
    validation: int = 12  # batches
    compiled: bool = False  # blocks by torch.compile; a CPU needs a C++ compiler
    seed: int = 0

    def __post_init__(self) -> None:
        grid = self.miniature.side // self.miniature.patch
        if not 1 <= self.patches <= grid**2:
            raise ValueError(f'patches must lie in 1..{grid**2}, got {self.patches}')
        if any(not 0 <= block < self.miniature.layers for block in self.pointers):
            raise ValueError(f'pointers must name blocks of the decoder, got {self.pointers}')
        for name in ('recolored', 'painted', 'kept'):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f'{name} must lie in [0, 1], got {getattr(self, name)}')
        if self.loyal < 0:
            raise ValueError(f'loyal must not be negative, got {self.loyal}')
        if self.pictures.recolored:
            raise ValueError(
                'pictures.recolored must be 0; set `recolored` and `painted` beside it, which say '
                'for which stages'
            )
        if self.compiled and not shutil.which(compiler := os.environ.get('CXX', 'g++')):
            raise ValueError(
                f'compiled needs the C++ compiler {compiler}, which is not there; install g++ '
                '(`sudo apt install g++`) or leave compiled out'
            )


def train_backbone(
    corpus: Corpus, held_out: Corpus, out: Path, config: BackboneConfig, begin: Path | None = None
) -> None:
    """Train all stages that are not done, and write `out/backbone`.

    With `begin`, the folder of a backbone, go on from it instead of random weights. Raises
    InvalidRun when it does not fit `config`.
    """
    torch.manual_seed(config.seed)
    if begin:
        model, processor = grow(begin, config.miniature)
    else:
        model, processor = _from_nothing(corpus, config)
    grid = config.miniature.side // config.miniature.patch
    tokenizer = processor.tokenizer
    first = tokenizer.convert_tokens_to_ids('<loc0000>')
    missing = [name for name in _STAGES if getattr(config, name) is None]
    if missing and not begin:
        raise InvalidRun(
            f'a backbone from nothing needs the stage `{missing[0]}`; add it, or use --begin'
        )
    vision = VisionModel(model, config.loyal if begin and config.vision else 0.0)
    if config.compiled:
        vision.compile_blocks()
        compile_blocks(model)
    if begin:
        readers = list(vision.dense.parameters())
        _train_vision(vision, readers, config.heads, corpus, held_out, out / 'heads', config)
    if config.vision:
        whole = list(nn.ModuleList([vision.tower, vision.projector, vision.dense]).parameters())
        _train_vision(vision, whole, config.vision, corpus, held_out, out / 'vision', config)
    dense = vision.dense
    if not begin:
        name_features(model, tokenizer, dense.directions())
        share_out_heads(model)
    packed = PackedModel(model, dense, first, config.pointers)
    # lessons name colours: without pictures that show other ones, the tower would learn again
    # which category never comes in which colour
    for part in (model.model.vision_tower, model.model.multi_modal_projector, dense):
        part.requires_grad_(False)
    learning = [parameter for parameter in packed.parameters() if parameter.requires_grad]
    groups: list[dict[str, Any]] = [{'params': learning}]
    for number, (name, loop) in enumerate((('packed', config.packed), ('joined', config.joined))):
        if loop is None:
            continue
        shape = replace(_ROOMS[name], rows=loop.batch)
        learn = Classroom(
            corpus,
            tokenizer,
            grid,
            shape,
            replace(config.pictures, recolored=config.painted),
            DialogConfig(),
            config.seed + number + 1,
        )
        ask = Classroom(held_out, tokenizer, grid, shape, PLAIN, DialogConfig(), config.seed)
        asked = [ask.batch(k) for k in range(config.validation)]
        fit(packed, groups, learn.batch, partial(examine, packed, asked), loop, out / name)
    if is_first_process():
        if begin and config.kept:
            mix(model, grow(begin, config.miniature)[0], config.kept)
        save_backbone(model, processor, out / 'backbone')


def _from_nothing(corpus: Corpus, config: BackboneConfig) -> tuple[Any, Any]:
    """A model of random weights that is ready to learn, and its processor."""
    rng = np.random.default_rng(config.seed)
    processor = build_processor(_texts(rng, corpus), config.miniature)
    tokenizer = processor.tokenizer
    vocabulary = len(tokenizer) + -len(tokenizer) % _MULTIPLE
    model: Any = build_model(vocabulary, config.miniature)
    smooth_positions(model)
    start_quietly(model)
    smooth_locations(model, tokenizer.convert_tokens_to_ids('<loc0000>'))
    return model, processor


def _train_vision(
    vision: VisionModel,
    learning: list[nn.Parameter],
    loop: LoopConfig,
    corpus: Corpus,
    held_out: Corpus,
    out: Path,
    config: BackboneConfig,
) -> None:
    """Train the parameters `learning` of the tower and its readers."""
    grid = config.miniature.side // config.miniature.patch
    pictures = replace(config.pictures, recolored=config.recolored)

    def batch(number: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([config.seed, number])
        chosen = rng.integers(len(corpus), size=loop.batch)
        return vision_batch(corpus, chosen, rng, pictures, grid, config.patches)

    def whole(number: int) -> dict[str, Tensor]:
        chosen = np.arange(number * loop.batch, (number + 1) * loop.batch) % len(held_out)
        return vision_batch(held_out, chosen, np.random.default_rng(0), PLAIN, grid, grid**2)

    asked = [whole(k) for k in range(max(1, config.validation // 2))]

    @torch.no_grad()
    def validate() -> dict[str, float]:
        device = next(vision.parameters()).device
        rows = []
        for row in asked:
            kept = to_device(row, device)
            features = vision.features(kept['pixels'], kept['kept'])
            right = vision.dense.right(features, kept['classes'])
            losses = vision.dense(features, kept['classes'], kept['numbers'])
            rows.append({**right, **{name: float(losses[name]) for name in ('sides', 'place')}})
        means = _means(rows)
        score = sum(means[name] for name in NAMES)
        return {'score': score - means['sides'] - means['place'], **means}

    for parameter in vision.parameters():
        parameter.requires_grad_(False)
    for parameter in learning:
        parameter.requires_grad_(True)
    fit(vision, [{'params': learning}], batch, validate, loop, out)


@torch.no_grad()
def examine(packed: PackedModel, asked: list[dict[str, Any]]) -> dict[str, float]:
    """Answers with the right beginning given: cheap, and it grows with what counts.

    `text` is the mean loss, `words` and `places` the shares of right tokens (places within 20 of
    1023), `decisions` how often the right kind of answer begins, `point` and `ambiguity` losses of
    the pointers and of the probe. `score` is the negative sum of the text's and the probe's.
    """
    device = next(packed.parameters()).device
    rows = []
    for batch in asked:
        moved = to_device(batch, device)
        losses = packed(**moved)
        features = packed.model.get_image_features(moved['pixels']).pooler_output
        text = {name: moved[name] for name in ('ids', 'positions', 'lesson', 'suffix', 'joined')}
        hidden, _, _ = run_decoder(packed.model, features, **text)
        taught = moved['labels'] != IGNORED
        labels = moved['labels'][taught]
        logits = packed.model.lm_head(hidden[taught])
        found = logits.argmax(dim=-1)
        place = labels >= packed.first_location
        begins = torch.zeros_like(taught).scatter_(1, moved['last'], moved['last'] > 0)[taught]
        kinds = answer_kinds(packed.model, packed.first_location).to(device)
        right = kinds[most_likely_kind(logits[begins], kinds)]
        rows.append(
            {
                'text': float(losses['text']),
                'point': float(losses['point']),
                'ambiguity': float(losses['ambiguity']),
                'words': float((found == labels)[~place].float().mean()),
                'decisions': float(right.gather(1, labels[begins][:, None]).float().mean()),
                'places': float(((found - labels).abs() <= 20)[place].float().mean()),
            }
        )
    means = _means(rows)
    return {'score': -means['text'] - means['ambiguity'], **means}


def _texts(rng: np.random.Generator, corpus: Corpus) -> Iterator[str]:
    """What people and the robot say, held-out phrasings included: their words must have names."""
    for number, scene in enumerate(itertools.islice(itertools.cycle(corpus.scenes), _TEXTS)):
        sample = draw_sample(rng, scene, DialogConfig(held_out=bool(number % 2)))
        for lesson in [detect(sample), *clarify(sample)] if sample else []:
            yield f'{lesson.prefix}\n'
            if not lesson.suffix.startswith('<'):
                yield lesson.suffix
    yield BETWEEN_BOXES


def _means(rows: list[dict[str, float]]) -> dict[str, float]:
    return {key: float(np.nanmean([row[key] for row in rows])) for key in rows[0]}
