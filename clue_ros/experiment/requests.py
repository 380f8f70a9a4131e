"""Fixed lists of simulated requests: what is taught, what is asked, always the same ones.

Learned and cheap ways to tell ambiguous requests are compared on the very same lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from zlib import crc32

import numpy as np
import numpy.typing as npt
from torch import Tensor

from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidRun
from clue_ros.experiment.setting import OOD
from clue_ros.experiment.setting import TRAIN
from clue_ros.experiment.setting import Setting
from clue_ros.model.backbone import Backbone
from clue_ros.prompt import Prompts
from clue_ros.sim.dialogs import DialogConfig
from clue_ros.sim.dialogs import Sample
from clue_ros.sim.dialogs import sample_dialog
from clue_ros.sim.expressions import NONE
from clue_ros.sim.expressions import ONE
from clue_ros.sim.expressions import SEVERAL
from clue_ros.sim.expressions import form
from clue_ros.train.batches import Batches
from clue_ros.train.batches import labelled
from clue_ros.train.corpus import Corpus
from clue_ros.train.corpus import Pixels

# What is absent is taught, as in `clue train probe`; figures are counted, as in
# `clue evaluate`, on requests that fit something.
_TAUGHT = (SEVERAL, SEVERAL, ONE, NONE)
_ASKED = (SEVERAL, ONE)


@dataclass(frozen=True)
class RequestConfig:
    """How many requests are drawn from each split, each about a scene of its own if they last."""

    train: int = 6000
    validation: int = 400
    test: int = 1000
    ood: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ('train', 'validation', 'test', 'ood'):
            if getattr(self, name) < 2:
                raise ValueError(f'{name} must be at least 2, got {getattr(self, name)}')
        if self.seed < 0:
            raise ValueError(f'seed must not be negative, got {self.seed}')


@dataclass(frozen=True, eq=False)
class Request:
    """A request about a scene of a corpus."""

    id: str  # unique in all lists
    place: int  # of the scene in its corpus
    sample: Sample

    @property
    def dialog(self) -> Dialog:
        """What is said at first."""
        return Dialog(self.sample.dialog.request)

    @property
    def ambiguous(self) -> bool:
        """Whether it fits several things."""
        return self.sample.verdict == SEVERAL


class Requests:
    """A list of requests with their pictures."""

    def __init__(self, corpus: Corpus, drawn: Sequence[Request]) -> None:
        self._corpus = corpus
        self.drawn = list(drawn)
        self.truth: npt.NDArray[np.bool_] = np.array([one.ambiguous for one in drawn], dtype=bool)
        self.groups = [one.sample.scene.name for one in drawn]

    def __len__(self) -> int:
        return len(self.drawn)

    def images(self, numbers: Sequence[int]) -> list[Pixels]:
        """The stretched pictures (side, side, 3) of some requests."""
        return [self._corpus.picture(self.drawn[number].place)[0] for number in numbers]

    def texts(self, numbers: Sequence[int], prompts: Prompts) -> list[str]:
        """What a probe reads of some requests."""
        return [prompts.probe_text(self.drawn[number].dialog) for number in numbers]

    def batch(
        self, numbers: Sequence[int], backbone: Backbone, prompts: Prompts
    ) -> dict[str, Tensor]:
        """Some requests as `ProbeModel` takes them, with their labels."""
        pixels = backbone.pixels(self.images(numbers))
        labels = [self.drawn[number].ambiguous for number in numbers]
        return labelled(backbone, self.texts(numbers, prompts), labels, {'pixels': pixels})

    def batches(self, backbone: Backbone, prompts: Prompts, rows: int, seed: int) -> Batches:
        """Batches to learn from: the n-th one follows from n and the seed."""

        def batch(number: int) -> dict[str, Tensor]:
            chosen = np.random.default_rng([seed, number]).integers(len(self), size=rows)
            return self.batch(chosen.tolist(), backbone, prompts)

        return batch

    def describe(self) -> list[dict[str, object]]:
        """What a log says of each request."""
        return [
            {
                'id': one.id,
                'scene': one.sample.scene.name,
                'request': one.sample.dialog.request,
                'kind': form(one.sample.expression),
                'verdict': one.sample.verdict,
                'truth': one.ambiguous,
            }
            for one in self.drawn
        ]


def draw_lists(setting: Setting, config: RequestConfig) -> dict[str, Requests]:
    """The list of each split; raises InvalidSource or InvalidRun when one cannot be drawn."""
    return {
        split: draw_requests(setting.scenes(split), split, getattr(config, split), config.seed)
        for split in setting.splits
    }


def draw_requests(corpus: Corpus, split: str, count: int, seed: int) -> Requests:
    """Draw `count` requests, scene after scene in random order; scenes come again when they end.

    Those of the split OOD are worded as training never words them. Raises InvalidRun when the
    scenes have no request of a wanted verdict.
    """
    rng = np.random.default_rng([seed, crc32(split.encode())])
    dialogs = DialogConfig(held_out=split == OOD)
    verdicts = _TAUGHT if split == TRAIN else _ASKED
    drawn: list[Request] = []
    misses = 0
    for place in cycle(rng.permutation(len(corpus)).tolist()):
        wanted = verdicts[len(drawn) % len(verdicts)]
        sample = sample_dialog(rng, corpus.scenes[place], wanted, dialogs)
        misses = 0 if sample else misses + 1
        if misses > 2 * len(corpus):
            raise InvalidRun(
                f'wanted requests that fit {wanted} thing(s) about the {len(corpus)} scenes of '
                f'{split}, they have none; render more scenes'
            )
        if sample:
            drawn.append(Request(f'{split}-{len(drawn):05d}', place, sample))
        if len(drawn) == count:
            break
    return Requests(corpus, drawn)
