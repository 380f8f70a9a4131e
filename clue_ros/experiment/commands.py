"""The arguments of `clue experiment`."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from typing import Any
from typing import TypeVar

if TYPE_CHECKING:  # torch takes seconds to load, the arguments need none of it
    from clue_ros.experiment.setting import Setting

Config = TypeVar('Config')

_HELP = {
    'layers': 'which block to read: one CNN on the map of each (Fig. 7)',
    'probes': 'what to read and what to adapt: six variants and cheap baselines (Table I)',
    'lora': 'rank and alpha of the adapter that asks and points (Table III)',
    'maps': 'pictures: an ambiguous and a clear request side by side (Fig. 5 and 8)',
}


def add_experiment(commands: Any) -> None:
    """Add `experiment` to the subparsers of `clue`."""
    parser = commands.add_parser('experiment', help="the paper's experiments on a model of yours")
    experiments = parser.add_subparsers(dest='experiment', required=True, metavar='EXPERIMENT')
    runs = {'layers': _layers, 'probes': _probes, 'lora': _lora, 'maps': _maps}
    for name, text in _HELP.items():
        one = experiments.add_parser(name, help=text)
        one.add_argument('--config', type=Path, required=True, help='YAML (docs/experiments)')
        one.add_argument('--backbone', type=Path, required=True, help='PaliGemma 2 or checkpoint')
        one.add_argument('--corpus', type=Path, required=True, help='of `clue train corpus`')
        one.add_argument('--ood', type=Path, help='of `clue train corpus --ood` (default: none)')
        one.add_argument('--out', type=Path, required=True, help='folder; what is done is kept')
        one.add_argument('--device', default='auto', help='auto, cpu, cuda or cuda:N')
        one.add_argument('--dtype', default='auto', help='auto, float32 or bfloat16')
        if name == 'maps':
            one.add_argument('--probes', type=Path, required=True, help='--out of `probes`')
        one.set_defaults(run=runs[name])


def _layers(options: argparse.Namespace) -> int:
    from clue_ros.experiment.layers import LayersConfig
    from clue_ros.experiment.layers import run_layers

    run_layers(_setting(options), options.out, _config(options, LayersConfig))
    return _done(options)


def _probes(options: argparse.Namespace) -> int:
    from clue_ros.experiment.probes import run_probes
    from clue_ros.experiment.variants import ProbesConfig

    run_probes(_setting(options), options.out, _config(options, ProbesConfig))
    return _done(options)


def _lora(options: argparse.Namespace) -> int:
    from clue_ros.experiment.lora import RanksConfig
    from clue_ros.experiment.lora import run_ranks

    run_ranks(_setting(options), options.out, _config(options, RanksConfig))
    return _done(options)


def _maps(options: argparse.Namespace) -> int:
    from clue_ros.experiment.maps import MapsConfig
    from clue_ros.experiment.maps import run_maps
    from clue_ros.experiment.variants import ProbesConfig

    probes = _config(options, ProbesConfig, 'probes')
    run_maps(_setting(options), options.out, _config(options, MapsConfig), options.probes, probes)
    return _done(options)


def _config(options: argparse.Namespace, kind: type[Config], section: str = '') -> Config:
    from clue_ros.train.settings import read_section

    return read_section(options.config, section or options.experiment, kind)


def _done(options: argparse.Namespace) -> int:
    print(f'{options.experiment} in {options.out}; look at results.md', file=sys.stderr)
    return 0


def _setting(options: argparse.Namespace) -> Setting:
    from clue_ros.experiment.setting import Setting
    from clue_ros.model.checkpoint import find
    from clue_ros.model.device import choose_device
    from clue_ros.model.device import choose_dtype
    from clue_ros.train.corpus import CorpusConfig
    from clue_ros.train.settings import read_section

    device = choose_device(options.device)
    return Setting(
        backbone=find(str(options.backbone), allow_download=False).backbone,
        corpus=options.corpus,
        ood=options.ood,
        seed=read_section(options.config, 'corpus', CorpusConfig).seed,
        device=device,
        dtype=choose_dtype(options.dtype, device),
        command=shlex.join(['clue', *options.arguments]),
    )
