"""Clue: the one door to the model. Load once, look once per frame, ask many times.

clue = Clue.load()
view = clue.look(image)
clue.ambiguity(view, Dialog('get the mug'))   # probability, map, candidate regions
clue.respond(view, Dialog('get the mug'))     # Question | Grounding | Absent | Invalid
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from clue_ros import looks
from clue_ros.answers import Answers
from clue_ros.box import Box
from clue_ros.dialog import Dialog
from clue_ros.dialog import check_ask_policy
from clue_ros.errors import CheckpointError
from clue_ros.errors import ClueError
from clue_ros.errors import InvalidImage
from clue_ros.errors import MissingAdapter
from clue_ros.model import checkpoint as checkpoints
from clue_ros.model.adapters import Adapters
from clue_ros.model.attention import mean_attention
from clue_ros.model.attention import min_max
from clue_ros.model.attention import text_to_image_rows
from clue_ros.model.backbone import Backbone
from clue_ros.model.checkpoint import Checkpoint
from clue_ros.model.checkpoint import CheckpointConfig
from clue_ros.model.decoder import Form
from clue_ros.model.device import choose_device
from clue_ros.model.device import choose_dtype
from clue_ros.model.device import named_out_of_memory
from clue_ros.model.probe import Probe
from clue_ros.model.probe import join_logits
from clue_ros.model.probe import load_probe
from clue_ros.model.regions import find_regions
from clue_ros.model.self_test import run_self_test
from clue_ros.response import Ambiguity
from clue_ros.response import Response
from clue_ros.view import Image
from clue_ros.view import View
from clue_ros.view import see


class Clue:
    """A loaded checkpoint: attention probe and decoder on one copy of the backbone."""

    def __init__(self, backbone: Backbone, checkpoint: Checkpoint) -> None:
        """Join a loaded backbone with the checkpoint's probe and adapters, and test them."""
        self.name = checkpoint.name
        self._backbone = backbone
        self._config = checkpoint.config or _bare_config(backbone)
        if self._config.grid != backbone.grid_side:
            raise CheckpointError(
                f'{checkpoint.name} was made for a grid of {self._config.grid}, its backbone has '
                f'{backbone.grid_side}; use the backbone of this checkpoint'
            )
        run_self_test(backbone, self._config.probe_layer)
        self._adapters = Adapters(backbone, checkpoint.adapters)
        self._probe: Probe | None = None
        if checkpoint.probe:
            self._probe = load_probe(checkpoint.probe).to(backbone.device)
        self._answers = Answers(backbone, self._adapters, self._config)

    @classmethod
    def load(
        cls,
        path_or_name: str = checkpoints.EMBEDDED,
        device: str = 'auto',
        dtype: str = 'auto',
        allow_download: bool = False,
    ) -> Clue:
        """Load the embedded checkpoint, a folder or a hub id.

        `device` is auto, cpu, cuda or cuda:N; `dtype` auto, float32 or bfloat16. A hub id is read
        from the local cache and fetched only with `allow_download`. Raises CheckpointError,
        DeviceError or SelfTestFailed.
        """
        checkpoint = checkpoints.find(path_or_name, allow_download)
        chosen = choose_device(device)
        with named_out_of_memory(chosen):
            backbone = Backbone.load(checkpoint.backbone, chosen, choose_dtype(dtype, chosen))
            return cls(backbone, checkpoint)

    @property
    def device(self) -> str:
        """`cpu` or `cuda:N`."""
        return str(self._backbone.device)

    @property
    def dtype(self) -> str:
        """`float32` or `bfloat16`."""
        return str(self._backbone.dtype).removeprefix('torch.')

    @property
    def has_probe(self) -> bool:
        """Whether the checkpoint can tell a probability of ambiguity."""
        return self._probe is not None

    @property
    def has_decoder(self) -> bool:
        """Whether the checkpoint can ask questions."""
        return 'ivg' in self._adapters.names

    @property
    def description(self) -> str:
        """One line: what was loaded, where it runs, what it lacks."""
        lacks = [] if self.has_probe else ['no ambiguity probe: maps without a probability']
        lacks += [] if self.has_decoder else ['no dialog adapter: it grounds and cannot ask']
        return '; '.join([f'{self.name} on {self.device} in {self.dtype}', *lacks])

    def look(self, image: Image) -> View:
        """Encode an RGB frame (H, W, 3) once; raises InvalidImage for anything else."""
        return self.look_all([image])[0]

    def look_all(self, images: Sequence[Image]) -> list[View]:
        """Encode several frames in one batch, with their parts where the checkpoint looks so."""
        for image in images:
            _check_image(image)
        return see(self._backbone, images, [self._windows(image) for image in images])

    def _windows(self, image: Image) -> list[Box]:
        """The parts of a frame that the checkpoint looks at."""
        height, width = image.shape[:2]
        return [looks.window(*part, width, height) for part in self._config.parts]

    def ambiguity(self, view: View, dialog: Dialog) -> Ambiguity:
        """How ambiguous the dialog's request is in `view`, and where."""
        return self.ambiguity_all([view], [dialog])[0]

    @torch.inference_mode()
    def ambiguity_all(self, views: Sequence[View], dialogs: Sequence[Dialog]) -> list[Ambiguity]:
        """Assess several (view, dialog) pairs in one batch.

        Map and regions are those of whole frames; the probability is what all looks at a frame say.
        """
        config, backbone = self._config, self._backbone
        pairs = list(zip(views, map(config.prompts.probe_text, dialogs), strict=True))
        features = [seen.features for view, _ in pairs for seen in view.looks]
        texts = [text for view, text in pairs for _ in view.looks]
        sizes = [len(view.looks) for view in views]
        whole = np.cumsum([0, *sizes[:-1]])  # which rows are whole frames
        with named_out_of_memory(backbone.device), self._adapters.use('ambiguity'):
            prefix = backbone.prefix(features, texts)
            rows = text_to_image_rows(backbone, prefix, config.probe_layer)
            queries = prefix.words if config.queries == 'words' else prefix.expression
            attention = mean_attention(rows, queries)
            maps = min_max(attention).view(-1, backbone.grid_side, backbone.grid_side)
            logits = None
            if self._probe is not None:
                logits = join_logits(self._probe(maps).split(sizes)) / config.temperature
        probabilities = [None] * len(views) if logits is None else logits.sigmoid().tolist()
        if logits is not None and not bool(logits.isfinite().all()):
            raise ClueError(f'{self.name} gave no probability (NaN); check its weights and dtype')
        attention = attention.view_as(maps)
        return [
            Ambiguity(
                map=map_,
                regions=find_regions(map_, share, config.region_level, view.width, view.height),
                probability=probability,
                threshold=config.threshold if self.has_probe else None,
            )
            for view, map_, share, probability in zip(
                views,
                maps[whole].cpu().numpy(),
                attention[whole].cpu().numpy(),
                probabilities,
                strict=True,
            )
        ]

    def respond(self, view: View, dialog: Dialog, ask_policy: str = 'joint') -> Response:
        """Ask or point: see `respond_all`."""
        return self.respond_all([view], [dialog], ask_policy)[0]

    def respond_all(
        self,
        views: Sequence[View],
        dialogs: Sequence[Dialog],
        ask_policy: str = 'joint',
        assessed: Sequence[Ambiguity] | None = None,
    ) -> list[Response]:
        """Decide what the robot does next for several (view, dialog) pairs.

        `joint` asks where the probe finds the dialog ambiguous or the decoder wants to ask, unless
        nothing that fits is there, and after a reply only where both want to. `probe` asks where
        the probe finds it ambiguous (Fig. 2), and likewise after a reply. `decoder` lets the
        decoder choose by what it writes (Algorithm 1), `always` asks, `never` points. `assessed`
        is what `ambiguity_all` said of the pairs, if it was asked already. Raises MissingAdapter
        when the checkpoint cannot follow the policy.
        """
        self._check_policy(ask_policy)
        if ask_policy in ('joint', 'probe'):
            assessed = assessed or self.ambiguity_all(views, dialogs)
            ambiguous = [found.ambiguous for found in assessed]
        else:
            ambiguous = [False] * len(views)
        forms = [
            choose_form(ask_policy, is_ambiguous, dialog)
            for is_ambiguous, dialog in zip(ambiguous, dialogs, strict=True)
        ]
        return self.decode_all(views, dialogs, forms)

    def decode_all(
        self, views: Sequence[View], dialogs: Sequence[Dialog], forms: Sequence[Form]
    ) -> list[Response]:
        """Let the decoder write, in a given form for each (view, dialog) pair.

        A pair may come with several forms: the model reads it once. A box is what the frame and
        the checkpoint's looks at parts of it say together (`clue_ros.looks`).
        """
        return self._answers.decode_all(list(zip(views, dialogs, strict=True)), forms)

    def _check_policy(self, ask_policy: str) -> None:
        check_ask_policy(ask_policy)
        if ask_policy != 'never' and not self.has_decoder:
            raise MissingAdapter(
                f'{self.name} cannot ask: it has no dialog adapter, wanted for ask policy '
                f'{ask_policy!r}; use ask policy "never" or a CLUE checkpoint'
            )
        if ask_policy in ('joint', 'probe') and not self.has_probe:
            raise MissingAdapter(
                f'{self.name} has no ambiguity probe, wanted for ask policy {ask_policy!r}; '
                'use ask policy "decoder" or a CLUE checkpoint'
            )


def choose_form(ask_policy: str, ambiguous: bool, dialog: Dialog) -> Form:
    """What the decoder may write under an ask policy.

    What the probe finds `ambiguous` matters to `joint` and `probe` alone.
    """
    if ask_policy not in ('joint', 'probe'):
        return {'decoder': Form.EITHER, 'always': Form.QUESTION, 'never': Form.BOX}[ask_policy]
    if dialog.turns:
        # Probes are trained on requests, so after a reply the robot asks again only if the decoder,
        # which was trained on whole dialogs, wants to as well.
        return Form.EITHER if ambiguous else Form.BOX
    if ask_policy == 'joint':
        # either may ask, but nothing is asked about what is not there
        return Form.UNLESS_ABSENT if ambiguous else Form.EITHER
    return Form.QUESTION if ambiguous else Form.BOX


def _bare_config(backbone: Backbone) -> CheckpointConfig:
    # the paper's block 14 of 26, at the same depth of other decoders
    return CheckpointConfig(probe_layer=backbone.layers * 14 // 26, grid=backbone.grid_side)


def _check_image(image: Image) -> None:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3:
        came = f'{image.dtype} {image.shape}' if isinstance(image, np.ndarray) else type(image)
        raise InvalidImage(f'an image must be a uint8 array (height, width, 3) in RGB, got {came}')
    if image.shape[2] != 3 or 0 in image.shape:
        raise InvalidImage(f'an image must have shape (height, width, 3), got {image.shape}')
