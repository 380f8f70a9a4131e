"""`clue train`: the corpus, the three stages, and the checkpoint they make and calibrate."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any

if TYPE_CHECKING:
    from clue_ros.model.backbone import Backbone
    from clue_ros.train.batches import Batches
    from clue_ros.train.corpus import Corpus

_HELD_OUT = 16  # validation batches of the adapters
_LENGTH = 112  # tokens behind the image tokens, of simulated dialogs


def add_train(commands: Any) -> None:
    """Add `train` to the subparsers of `clue`."""
    parser = commands.add_parser('train', help='train on simulated scenes or on your own data')
    stages = parser.add_subparsers(dest='stage', required=True, metavar='STAGE')

    corpus = stages.add_parser('corpus', help='render pictures for training')
    _add_config(corpus)
    corpus.add_argument('--out', type=Path, required=True, help='folder; what is there is kept')
    corpus.add_argument('--scenes', type=int, required=True, help='rounded up to whole shards')
    corpus.add_argument('--processes', type=int, default=1, help='that render (default 1)')
    corpus.add_argument('--ood', action='store_true', help='what training never shows, for tests')
    corpus.set_defaults(run=_corpus)

    backbone = stages.add_parser('backbone', help='a small PaliGemma 2 from nothing')
    _add_config(backbone)
    backbone.add_argument('--corpus', type=Path, required=True, help='of `clue train corpus`')
    backbone.add_argument('--run', dest='folder', type=Path, required=True, help='of the run')
    backbone.add_argument('--begin', type=Path, help='folder of a backbone to go on from')
    backbone.set_defaults(run=_backbone)

    for name, text in (
        ('ivg', 'the adapter that asks and points'),
        ('probe', 'the adapter and the CNN that tell ambiguous requests'),
    ):
        stage = stages.add_parser(name, help=text)
        _add_config(stage)
        source = stage.add_mutually_exclusive_group(required=True)
        source.add_argument('--corpus', type=Path, help='of `clue train corpus`')
        source.add_argument('--data', type=Path, help='a data set (docs/data.md)')
        stage.add_argument('--backbone', type=Path, help='folder (default: backbone in the run)')
        stage.add_argument('--run', dest='folder', type=Path, required=True, help='of the run')
        stage.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N')
        stage.add_argument('--dtype', default='auto', help='auto, float32 or bfloat16')
        stage.set_defaults(run=_adapter)

    out = stages.add_parser('export', help='the parts of a run as a checkpoint folder')
    _add_config(out)
    out.add_argument('--run', dest='folder', type=Path, required=True, help='of the run')
    out.add_argument('--out', type=Path, required=True, help='folder of the checkpoint')
    out.set_defaults(run=_export)

    fitted = stages.add_parser('calibrate', help='fit temperature and threshold of a checkpoint')
    fitted.add_argument('--model', type=Path, required=True, help='folder; its clue.json changes')
    fitted.add_argument('--data', type=Path, help='a data set: its validation part')
    fitted.add_argument('--scenes', type=int, default=400, help='simulated, without --data (400)')
    fitted.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N')
    fitted.add_argument('--dtype', default='auto', help='auto, float32 or bfloat16')
    fitted.set_defaults(run=_calibrate)


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--config', type=Path, required=True, help='YAML (docs/training.md)')


def _corpus(options: argparse.Namespace) -> int:
    from clue_ros.errors import InvalidRequest
    from clue_ros.sim.sampling import OOD
    from clue_ros.sim.sampling import WIDE
    from clue_ros.sim.sampling import SceneConfig
    from clue_ros.train.corpus import CorpusConfig
    from clue_ros.train.corpus import render_corpus
    from clue_ros.train.settings import read_section

    if options.scenes < 1 or options.processes < 1:
        raise InvalidRequest('--scenes and --processes count from 1')
    config = read_section(options.config, 'corpus', CorpusConfig)
    kinds = (OOD,) if options.ood else WIDE if config.wide else (SceneConfig(),)
    render_corpus(options.out, options.scenes, config, kinds, options.processes)
    return 0


def _backbone(options: argparse.Namespace) -> int:
    from clue_ros.train.backbone import BackboneConfig
    from clue_ros.train.backbone import train_backbone
    from clue_ros.train.settings import hash_files
    from clue_ros.train.settings import read_section
    from clue_ros.train.settings import write_record

    config = read_section(options.config, 'backbone', BackboneConfig)
    learned, held_out, digest = _read_corpus(options)
    if options.begin:
        digest = f'{digest} from {hash_files(options.begin, "*.safetensors")}'
    write_record(options.folder / 'backbone_run', 'backbone', config, digest)
    train_backbone(learned, held_out, options.folder, config, options.begin)
    return 0


def _adapter(options: argparse.Namespace) -> int:
    from clue_ros.model.backbone import Backbone
    from clue_ros.model.device import choose_device
    from clue_ros.model.device import choose_dtype
    from clue_ros.train.ivg import IvgConfig
    from clue_ros.train.ivg import train_ivg
    from clue_ros.train.probe import ProbeConfig
    from clue_ros.train.probe import train_probe
    from clue_ros.train.settings import read_section
    from clue_ros.train.settings import write_record

    kind: Any = IvgConfig if options.stage == 'ivg' else ProbeConfig
    config = read_section(options.config, options.stage, kind)
    device = choose_device(options.device)
    folder = options.backbone or options.folder / 'backbone'
    backbone = Backbone.load(folder, device, choose_dtype(options.dtype, device))
    learned, held_out, digest = _batches(options, backbone, config.loop.batch, config.loop.seed)
    out = options.folder / options.stage
    write_record(out, options.stage, config, digest)
    asked = [held_out(number) for number in range(_HELD_OUT)]
    if options.stage == 'ivg':
        best: Any = train_ivg(backbone, learned, asked, out, config)
    else:
        best = train_probe(backbone, learned, asked, out, config)
    print(f'{options.stage} in {out}: {best}', file=sys.stderr)
    return 0


def _batches(
    options: argparse.Namespace, backbone: Backbone, rows: int, seed: int
) -> tuple[Batches, Batches, str]:
    """Batches to learn from, others to validate on, and a hash of the data."""
    from clue_ros.train import batches
    from clue_ros.train.lessons import PROMPTS
    from clue_ros.train.pictures import PLAIN
    from clue_ros.train.pictures import PictureConfig

    if options.data:
        return _data_batches(options, backbone, rows, seed)
    *both, digest = _read_corpus(options)
    made = []
    for corpus, look in zip(both, (PictureConfig(), PLAIN), strict=True):
        if options.stage == 'ivg':
            made.append(batches.corpus_dialogs(corpus, backbone, rows, _LENGTH, look, seed))
        else:
            made.append(batches.corpus_requests(corpus, backbone, PROMPTS, rows, look, seed))
    return made[0], made[1], digest


def _data_batches(
    options: argparse.Namespace, backbone: Backbone, rows: int, seed: int
) -> tuple[Batches, Batches, str]:
    from clue_ros.data.opening import open_data
    from clue_ros.data.splits import in_split
    from clue_ros.train import batches
    from clue_ros.train.lessons import PROMPTS
    from clue_ros.train.settings import hash_files

    data = open_data(options.data)
    made = []
    for split in ('train', 'validation'):
        if options.stage == 'ivg':
            dialogs = list(in_split(data.dialog_samples(), split))
            made.append(batches.sample_dialogs(dialogs, backbone, PROMPTS, rows, seed))
        else:
            requests = list(in_split(data.ambiguity_samples(), split))
            made.append(batches.sample_requests(requests, backbone, PROMPTS, rows, seed))
    return made[0], made[1], hash_files(options.data, '*.*')


def _read_corpus(options: argparse.Namespace) -> tuple[Corpus, Corpus, str]:
    from clue_ros.train.corpus import Corpus
    from clue_ros.train.corpus import CorpusConfig
    from clue_ros.train.settings import hash_files
    from clue_ros.train.settings import read_section

    seed = read_section(options.config, 'corpus', CorpusConfig).seed
    learned, held_out = (Corpus(options.corpus, seed, split) for split in ('train', 'validation'))
    return learned, held_out, hash_files(options.corpus, '*.scenes.jsonl')


def _export(options: argparse.Namespace) -> int:
    from clue_ros.train.export import export
    from clue_ros.train.probe import ProbeConfig
    from clue_ros.train.settings import read_section

    export(options.folder, options.out, read_section(options.config, 'probe', ProbeConfig))
    print(options.out)
    return 0


def _calibrate(options: argparse.Namespace) -> int:
    from clue_ros.errors import InvalidSource
    from clue_ros.evaluate.scenes import Scenes
    from clue_ros.evaluate.sources import Stored
    from clue_ros.evaluate.sources import places
    from clue_ros.train.calibration import calibrate_checkpoint

    try:
        data: Any = Scenes(options.scenes, split='validation')
    except ValueError as error:
        raise InvalidSource(str(error)) from error
    if options.data:
        data = Stored(options.data, 'validation')
    found = calibrate_checkpoint(
        options.model, places(data, 'ambiguity'), options.device, options.dtype
    )
    print(f'temperature {found.temperature}, threshold {found.threshold}')
    return 0
