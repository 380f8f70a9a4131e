"""The `clue` command: what one does without a robot, and on machines without ros2cli."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from clue_ros.errors import ClueError
from clue_ros.evaluate.commands import add_evaluate
from clue_ros.experiment.commands import add_experiment
from clue_ros.report.commands import add_compare
from clue_ros.train.commands import add_train


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand and return its exit status; a ClueError is told in one line."""
    options = _parser().parse_args(arguments)
    options.arguments = list(sys.argv[1:] if arguments is None else arguments)  # for reports
    _end_in_order()
    try:
        status: int = options.run(options)
    except ClueError as error:
        print(f'clue {options.command}: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return status


def _end_in_order() -> None:
    """Have SIGTERM and a closed terminal end the command like Ctrl-C: with its node processes."""
    # what is ignored already stays so: nohup, jobs in the background of a script
    numbers = [
        number
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN
    ]

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        # a second one in the middle of ending would leave node processes behind
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in numbers:
        signal.signal(number, interrupt)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='clue', description='Interactive visual grounding that asks before it acts.'
    )
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')

    demo = commands.add_parser('demo', help='a robot asks, a person answers, all simulated')
    demo.add_argument('--scene', type=int, default=0, help='number of the scene (default 0)')
    demo.add_argument('--request', default='', help="what is said (default: the scene's request)")
    demo.add_argument('--interactive', action='store_true', help='you answer the questions')
    demo.add_argument('--source', default='', help='folder or bag of scenes (default: shipped)')
    demo.add_argument('--every-scene', action='store_true', help='all scenes, one after the other')
    demo.add_argument(
        '--out', type=Path, default=Path('out/demo'), help='pictures and logs (out/demo)'
    )
    demo.set_defaults(run=_demo)

    bringup = commands.add_parser(
        'bringup', help='the nodes of bringup.launch.py, without ros2 launch'
    )
    bringup.add_argument(
        'assignments', nargs='*', metavar='name:=value', help='arguments of the launch file'
    )
    bringup.set_defaults(run=_bringup)

    bench = commands.add_parser('bench', help='measure on this machine')
    bench.add_argument('what', choices=['perception', 'evaluate'])
    bench.add_argument('--frames', type=int, default=2000, help='camera frames (default 2000)')
    bench.add_argument('--rate', type=float, default=30.0, help='of the camera, Hz (default 30)')
    bench.add_argument('--rounds', type=int, help='of the model part (default 50; evaluate: 4)')
    bench.add_argument('--pictures', type=int, default=8, help='of a batch (default 8)')
    bench.set_defaults(run=_bench)

    scenes = commands.add_parser(
        'scenes', help='render tabletop scenes with requests, dialogs and ground truth'
    )
    scenes.add_argument('--out', type=Path, required=True, help='a new or empty folder')
    scenes.add_argument('--count', type=int, default=12, help='of scenes (default 12)')
    scenes.add_argument('--seed', type=int, default=0, help='other scenes for another (default 0)')
    scenes.add_argument('--ood', action='store_true', help='what training never shows')
    scenes.add_argument('--width', type=int, default=448, help='of a picture (default 448 pixels)')
    scenes.add_argument('--height', type=int, default=448, help='(default 448 pixels)')
    scenes.set_defaults(run=_scenes)

    add_evaluate(commands)
    add_train(commands)
    add_experiment(commands)
    add_compare(commands)

    fetch = commands.add_parser('fetch', help='download a model from the hub for offline use')
    fetch.add_argument('repository', help='e.g. google/paligemma2-3b-mix-448')
    fetch.set_defaults(run=_fetch)
    return parser


# The commands are imported when they run: ROS and torch take seconds to load.


def _demo(options: argparse.Namespace) -> int:
    from clue_ros.nodes.demo import DemoConfig
    from clue_ros.nodes.demo import run_demo

    status: int = run_demo(
        DemoConfig(
            scene=options.scene,
            request=options.request,
            interactive=options.interactive,
            source=options.source,
            every_scene=options.every_scene,
            out=options.out,
        )
    )
    return status


def _bringup(options: argparse.Namespace) -> int:
    from clue_ros.nodes.bringup import commands
    from clue_ros.nodes.bringup import read_assignments
    from clue_ros.nodes.processes import Processes
    from clue_ros.nodes.runtime import prepare_transport

    prepare_transport()
    # only the terminal backend of speech reads what is typed
    with Processes(commands(read_assignments(options.assignments)), stdin_of='speech') as nodes:
        nodes.wait()
    return 0


def _bench(options: argparse.Namespace) -> int:
    if options.what == 'evaluate':
        from clue_ros.evaluate.speed import run_bench as race

        return race(pictures=options.pictures, rounds=options.rounds or 4)
    from clue_ros.nodes.bench import run_bench

    rounds = options.rounds or 50
    status: int = run_bench(frames=options.frames, rate=options.rate, rounds=rounds)
    return status


def _scenes(options: argparse.Namespace) -> int:
    from dataclasses import replace

    from clue_ros.errors import InvalidRequest
    from clue_ros.sim.dialogs import DialogConfig
    from clue_ros.sim.folder import write_folder
    from clue_ros.sim.sampling import OOD
    from clue_ros.sim.sampling import SceneConfig

    if options.count < 1 or options.seed < 0:
        raise InvalidRequest('--count counts from 1 and --seed from 0')
    try:
        config = OOD if options.ood else SceneConfig()
        config = replace(config, width=options.width, height=options.height)
    except ValueError as error:
        raise InvalidRequest(str(error)) from error
    dialogs = DialogConfig(held_out=options.ood)
    number = write_folder(options.out, options.count, options.seed, config, dialogs)
    print(f'{options.count} scenes with {number} requests in {options.out}; look at sheet.png')
    return 0


def _fetch(options: argparse.Namespace) -> int:
    from clue_ros.model.checkpoint import download

    print(download(options.repository))
    return 0


if __name__ == '__main__':  # for `accelerate launch -m clue_ros.cli`
    sys.exit(main())
