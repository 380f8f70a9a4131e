"""`clue bench perception`: what a frame costs, and what the partial forward saves."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.time import Time
from std_msgs.msg import String

from clue_ros.errors import ClueError
from clue_ros.msg import Ambiguity
from clue_ros.nodes.bringup import NodeSpec
from clue_ros.nodes.bringup import params_file
from clue_ros.nodes.bringup import read_assignments
from clue_ros.nodes.processes import Processes
from clue_ros.nodes.processes import private_domain
from clue_ros.nodes.qos import RESULT
from clue_ros.nodes.runtime import spin_until

REQUEST = 'get the box'
START_SECONDS = 120.0
WARM_UP_SECONDS = 3.0
WARM_UP_ROUNDS = 5
# Camera frames whose assessment is still under way at the end may be missing, no more.
SLACK_SECONDS = 30.0


class BenchError(ClueError):
    """The benchmark could not be run to its end."""


class Meter(Node):
    """Counts what perception publishes and how late."""

    def __init__(self) -> None:
        super().__init__('bench')
        self.latencies: list[float] = []  # image stamp to arrival of the message, s
        self.model_seconds: list[float] = []
        self.counters: dict[str, float] = {}
        self.reports = 0  # of diagnostics
        self.instruction = self.create_publisher(String, 'instruction', RESULT)
        self.create_subscription(Ambiguity, 'perception/ambiguity', self._count, RESULT)
        self.create_subscription(DiagnosticArray, '/diagnostics', self._read, RESULT)

    def _count(self, message: Ambiguity) -> None:
        age = self.get_clock().now() - Time.from_msg(message.header.stamp)
        self.latencies.append(age.nanoseconds / 1e9)
        self.model_seconds.append(message.model_seconds)

    def _read(self, message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name.startswith('perception: camera'):
                values = {item.key: item.value for item in status.values}
                self.reports += 1
                self.counters = {
                    key: float(values[f'frames_{key}']) for key in ('received', 'dropped')
                }


def run_bench(frames: int, rate: float, rounds: int) -> int:
    """Print both parts; 0 when they could be measured."""
    _measure_model(rounds)
    _measure_node(frames, rate)
    return 0


def _measure_model(rounds: int) -> None:
    import torch
    from transformers import PaliGemmaForConditionalGeneration

    from clue_ros.clue import Clue
    from clue_ros.dialog import Dialog
    from clue_ros.frames import open_source
    from clue_ros.model.backbone import Backbone
    from clue_ros.model.checkpoint import EMBEDDED
    from clue_ros.model.checkpoint import find
    from clue_ros.nodes.sim_camera import SHIPPED
    from clue_ros.view import View

    # as perception runs it
    torch.set_num_threads(1)
    checkpoint = find(EMBEDDED, allow_download=False)
    backbone = Backbone.load(checkpoint.backbone, torch.device('cpu'), torch.float32)
    clue = Clue(backbone, checkpoint)
    plain: Any = PaliGemmaForConditionalGeneration.from_pretrained(
        checkpoint.backbone, dtype=torch.float32, attn_implementation='eager', local_files_only=True
    ).eval()
    image = open_source(SHIPPED)[0].image
    pixels = backbone.pixels([image])
    ids = backbone.tokens(['detect box']).ids
    inputs = {
        'input_ids': ids,
        'token_type_ids': torch.zeros_like(ids),
        'attention_mask': torch.ones_like(ids),
    }
    dialog = Dialog(REQUEST)

    def look() -> View:
        return View(image, backbone.model.get_image_features(pixels).pooler_output[0])

    encoded = plain.get_image_features(pixels)
    view = look()
    # (plain, ours) on the same input; resizing the picture belongs to neither
    cases: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        'new frame, from pixels': (
            lambda: plain(pixel_values=pixels, **inputs, output_attentions=True),
            lambda: clue.ambiguity(look(), dialog),
        ),
        'decoder, from image features': (
            lambda: plain(mm_encoder_outputs={'image': encoded}, **inputs, output_attentions=True),
            lambda: clue.ambiguity(view, dialog),
        ),
        'next request, same frame': (
            lambda: plain(pixel_values=pixels, **inputs, output_attentions=True),
            lambda: clue.ambiguity(view, dialog),
        ),
    }
    print(f'\nmodel part, {clue.description}, {rounds} interleaved rounds')
    print('  plain: transformers, a full forward with output_attentions=True')
    print('  ours: the map, its regions and the probability; both look once, at the whole frame')
    with torch.inference_mode():
        for name, (full, partial) in cases.items():
            low, middle, high = np.percentile(_ratios(full, partial, rounds), [10, 50, 90])
            print(f'  {name}: {middle:.2f} x faster (p10 {low:.2f}, p90 {high:.2f})')


def _ratios(plain: Callable[[], object], ours: Callable[[], object], rounds: int) -> list[float]:
    """Time of `plain` divided by that of `ours`, round by round, after a warm-up."""
    ratios = []
    for round_ in range(rounds + WARM_UP_ROUNDS):
        # in turns, so that neither always finds the caches as the other left them
        sides = (plain, ours) if round_ % 2 else (ours, plain)
        seconds = {side: _seconds(side) for side in sides}
        if round_ >= WARM_UP_ROUNDS:
            ratios.append(seconds[plain] / seconds[ours])
    return ratios


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _measure_node(frames: int, rate: float) -> None:
    values = read_assignments([])
    camera = NodeSpec('sim_camera', parameters={'rate': rate})
    specs = [NodeSpec('perception'), camera]
    commands = {spec.executable: spec.command('', params_file(values), 'warn') for spec in specs}
    with (
        private_domain(),
        tempfile.TemporaryDirectory() as logs,
        Processes(commands, logs=Path(logs)) as processes,
    ):
        rclpy.init()
        meter = Meter()
        try:
            _run_node(meter, processes, frames, rate)
        finally:
            meter.destroy_node()
            rclpy.try_shutdown()


def _run_node(meter: Meter, processes: Processes, frames: int, rate: float) -> None:
    def until(condition: Any, seconds: float, what: str) -> None:
        if not spin_until(meter, condition, seconds, processes.check):
            raise BenchError(f'waited {seconds:g} s for {what}')

    until(lambda: meter.instruction.get_subscription_count(), START_SECONDS, 'perception')
    meter.instruction.publish(String(data=REQUEST))
    until(lambda: meter.latencies and meter.counters, START_SECONDS, 'the first assessment')
    warm = time.monotonic() + WARM_UP_SECONDS
    until(lambda: time.monotonic() > warm, 2 * WARM_UP_SECONDS, 'the warm-up')
    # counters come with the reports: begin and end with a fresh one
    reports = meter.reports
    until(lambda: meter.reports > reports, START_SECONDS, 'a report of diagnostics')
    meter.latencies.clear()
    meter.model_seconds.clear()
    before, cpu = dict(meter.counters), _cpu_seconds(processes.pid('perception'))
    begin = time.monotonic()

    def passed() -> bool:
        # an instruction is followed for a minute: say it again meanwhile
        if int(time.monotonic() - begin) % 20 == 19:
            meter.instruction.publish(String(data=REQUEST))
        return meter.counters['received'] - before['received'] >= frames

    until(passed, frames / rate + SLACK_SECONDS, f'{frames} camera frames')
    cpu = _cpu_seconds(processes.pid('perception')) - cpu
    received = meter.counters['received'] - before['received']
    dropped = meter.counters['dropped'] - before['dropped']
    _print_node(meter, received, dropped, cpu, rate)


def _print_node(meter: Meter, received: float, dropped: float, cpu: float, rate: float) -> None:
    late = [1e3 * value for value in meter.latencies]
    quarter = max(1, len(late) // 4)
    first, last = statistics.median(late[:quarter]), statistics.median(late[-quarter:])
    p50, p95 = np.percentile(late, [50, 95])
    print(f'\nperception node, {received:.0f} camera frames at {rate:g} Hz over DDS')
    print(f'  image stamp to Ambiguity message: p50 {p50:.1f} ms, p95 {p95:.1f} ms')
    print(f'  assessed {len(late)}, dropped by choice {dropped:.0f} (a newer frame was there)')
    print(f'  CPU of the node per camera frame: {1e3 * cpu / received:.1f} ms')
    model = 1e3 * statistics.median(meter.model_seconds)
    print(f'  of which the model, per assessed frame: {model:.1f} ms')
    print(f'  median of the last quarter to the first: {last / first:.2f} (1: it does not grow)')


def _cpu_seconds(pid: int) -> float:
    # user and system time: fields 14 and 15 of proc(5), counted behind the name in brackets
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
