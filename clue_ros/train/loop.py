"""The one training loop of all stages: a CPU, a GPU or several (`accelerate launch`).

What a step sees depends on its number and the seed alone. A run that was killed at any step goes
on from its last saved state with the same losses.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor
from torch import nn
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from clue_ros.errors import InvalidRun
from clue_ros.model.device import choose_device
from clue_ros.model.device import computes_in_bfloat16
from clue_ros.train.ahead import Batch
from clue_ros.train.ahead import in_order
from clue_ros.train.pictures import lit


@dataclass(frozen=True)
class LoopConfig:
    """How long and how fast a stage learns."""

    steps: int  # of the optimizer
    batch: int  # samples of one process and one backward pass
    learning_rate: float
    accumulate: int = 1  # backward passes of one step
    warmup: int = 100  # steps; then the rate falls in a straight line to a tenth
    weight_decay: float = 1e-4
    clip: float = 1.0  # largest norm of the gradient
    mean: float = 0.0  # share of the running mean of the weights that each step leaves as it was
    precision: str = 'auto'  # bf16, no, or auto: bf16 where the device computes in it
    save_every: int = 200  # steps
    validate_every: int = 200  # steps
    patience: int = 0  # validations without a better one after which it ends; 0 never ends early
    workers: int = 0  # processes that make batches ahead of the steps
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ('steps', 'batch', 'accumulate', 'save_every', 'validate_every'):
            if getattr(self, name) < 1:
                raise ValueError(f'{name} must be at least 1, got {getattr(self, name)}')
        for name in ('learning_rate', 'clip'):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f'{name} must be above 0, got {getattr(self, name)}')
        for name in ('warmup', 'patience', 'workers', 'seed', 'weight_decay'):
            if getattr(self, name) < 0:
                raise ValueError(f'{name} must not be negative, got {getattr(self, name)}')
        if not 0 <= self.mean < 1:
            raise ValueError(f'mean must lie in [0, 1), got {self.mean}')
        if self.precision not in ('auto', 'bf16', 'no'):
            raise ValueError(f'precision must be auto, bf16 or no, got {self.precision!r}')


def fit(
    model: nn.Module,
    groups: Sequence[dict[str, Any]],
    batches: Callable[[int], Batch],
    validate: Callable[[], dict[str, float]],
    config: LoopConfig,
    out: Path,
) -> dict[str, float]:
    """Train until the last step or until validation stops getting better.

    `model(**batch)` returns named losses, of which `loss` is minimised. `groups` are parameter
    groups as torch.optim takes them, each with a rate relative to `learning_rate` as `scale`.
    `batches(n)` makes the n-th batch of the whole run. `validate` returns named figures, `score`
    among them: higher is better. Losses go to `out/losses.csv` and TensorBoard, figures to
    `out/validation.csv`. Returns the best validation; the model is left with its weights. With
    `mean` these, and those that are validated, are a running mean of the weights that learn.
    """
    precision = config.precision
    if precision == 'auto':
        precision = 'bf16' if computes_in_bfloat16(choose_device('auto')) else 'no'
    accelerator = Accelerator(mixed_precision=precision, cpu=not torch.cuda.is_available())
    optimizer = torch.optim.AdamW(
        [
            {'params': group['params'], 'lr': config.learning_rate * group.get('scale', 1.0)}
            for group in groups
        ],
        weight_decay=config.weight_decay,
        betas=(0.9, 0.98),
    )
    rates = [group['lr'] for group in optimizer.param_groups]
    parameters = [parameter for group in groups for parameter in group['params']]
    progress = Progress.restore(model, optimizer, out)
    prepared, optimizer = accelerator.prepare(model, optimizer)
    mean = RunningMean(parameters, config.mean, progress.mean)
    numbers = _numbers(progress.step, config, accelerator)
    made = in_order(batches, numbers, config.workers)
    with Log(out, progress.step, accelerator.is_main_process) as log:
        bar = tqdm(
            total=config.steps,
            initial=progress.step,
            desc=out.name,
            disable=not accelerator.is_main_process,
            mininterval=5,
        )
        while progress.step < config.steps and not progress.stopped(config.patience):
            # everything random in a step follows from its number
            set_seed(config.seed * 1_000_003 + progress.step, device_specific=True)
            model.train()
            sums: dict[str, float] = {}
            for _ in range(config.accumulate):
                losses = prepared(**to_device(next(made), accelerator.device))
                accelerator.backward(losses['loss'] / config.accumulate)
                # of all processes, so that all of them stop at a loss that is no number
                values = torch.stack([value.detach().float() for value in losses.values()])
                means = accelerator.reduce(values, 'mean').tolist()
                for name, value in zip(losses, means, strict=True):
                    sums[name] = sums.get(name, 0.0) + value / config.accumulate
            if not math.isfinite(sums['loss']):
                raise InvalidRun(
                    f'the loss became {sums["loss"]} at step {progress.step} of {out}; lower '
                    'learning_rate or use precision: "no", and start again from the saved state'
                )
            accelerator.clip_grad_norm_(parameters, config.clip)
            share = _rate(progress.step, config)
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group['lr'] = rate * share
            optimizer.step()
            optimizer.zero_grad()
            mean.update(progress.step)
            progress.step += 1
            log.losses(progress.step, {**sums, 'rate': share * config.learning_rate})
            bar.update()
            bar.set_postfix({k: f'{v:.3f}' for k, v in sums.items()}, refresh=False)
            last = progress.step == config.steps
            if last or progress.step % config.validate_every == 0:
                model.eval()
                with mean.shown():
                    figures = validate()
                    log.validation(progress.step, figures)
                    if progress.improve(figures) and accelerator.is_main_process:
                        torch.save(_trainable(model), out / 'best.pt')
            if last or progress.step % config.save_every == 0:
                if accelerator.is_main_process:
                    progress.mean = mean.values
                    progress.save(model, optimizer, out)
                accelerator.wait_for_everyone()
        bar.close()
    accelerator.wait_for_everyone()
    best = torch.load(out / 'best.pt', map_location='cpu', weights_only=True)
    model.load_state_dict(best, strict=False)
    return progress.best


def _numbers(step: int, config: LoopConfig, accelerator: Accelerator) -> Iterator[int]:
    """Of the batches that this process learns from, from a step on to the last one."""
    processes = accelerator.num_processes
    first, last = step * config.accumulate, config.steps * config.accumulate
    return iter(range(first * processes + accelerator.process_index, last * processes, processes))


def is_first_process() -> bool:
    """Whether this process writes the results: of several (`accelerate launch`) one does."""
    return os.environ.get('RANK', '0') == '0'


def to_device(batch: Batch, device: torch.device) -> dict[str, Any]:
    """A batch with its tensors on a device, its pictures lit there."""
    moved = {
        key: value.to(device, non_blocking=True) if isinstance(value, Tensor) else value
        for key, value in batch.items()
    }
    return lit(moved)


def _trainable(model: nn.Module) -> dict[str, Tensor]:
    wanted = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    return {name: value for name, value in model.state_dict().items() if name in wanted}


def _rate(step: int, config: LoopConfig) -> float:
    if step < config.warmup:
        return (step + 1) / config.warmup
    share = (step - config.warmup) / max(1, config.steps - config.warmup)
    return max(0.1, 1 - 0.9 * share)


class RunningMean:
    """The weights of the last steps on average: what small batches push to and fro cancels out.

    After step n it is d * mean + (1 - d) * weights, d = min(share, (1 + n) / (10 + n)): the weights
    that a run begins with are soon forgotten. With a share of 0 it is the weights themselves.
    """

    def __init__(
        self, parameters: Sequence[nn.Parameter], share: float, values: Sequence[Tensor] = ()
    ) -> None:
        self._parameters = [parameter.data for parameter in parameters] if share else []
        self._share = share
        self.values = [
            parameter.clone() if before is None else before.to(parameter.device)
            for parameter, before in zip_longest(self._parameters, values)
        ]

    def update(self, step: int) -> None:
        """Take in the weights that a step has left."""
        new = 1 - min(self._share, (1 + step) / (10 + step))
        for value, parameter in zip(self.values, self._parameters, strict=True):
            value.lerp_(parameter, new)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Inside, the model has the mean for its weights."""
        learning = [parameter.clone() for parameter in self._parameters]
        for parameter, value in zip(self._parameters, self.values, strict=True):
            parameter.copy_(value)
        try:
            yield
        finally:
            for parameter, value in zip(self._parameters, learning, strict=True):
                parameter.copy_(value)


class Progress:
    """How far a run is, and the state from which it goes on."""

    def __init__(self, step: int = 0, best: dict[str, float] | None = None, since: int = 0) -> None:
        self.step = step
        self.best = best or {}
        self.since = since  # validations since the best one
        self.mean: list[Tensor] = []  # RunningMean

    @classmethod
    def restore(cls, model: nn.Module, optimizer: torch.optim.Optimizer, out: Path) -> Progress:
        """Load the last whole state in `out`, if there is one."""
        if not (out / 'state.pt').exists():
            return cls()
        state = torch.load(out / 'state.pt', map_location='cpu', weights_only=True)
        model.load_state_dict(state['weights'], strict=False)
        optimizer.load_state_dict(state['optimizer'])
        progress = cls(**state['progress'])
        progress.mean = state['mean']
        return progress

    def save(self, model: nn.Module, optimizer: torch.optim.Optimizer, out: Path) -> None:
        """Write what is trained, not the frozen rest, beside the old state; then exchange them."""
        state = {
            'weights': _trainable(model),
            'optimizer': optimizer.state_dict(),
            'mean': self.mean,
            'progress': {'step': self.step, 'best': self.best, 'since': self.since},
        }
        torch.save(state, out / 'state.pt.new')
        (out / 'state.pt.new').replace(out / 'state.pt')

    def improve(self, figures: dict[str, float]) -> bool:
        """Note a validation; whether it is the best so far."""
        if not self.best or figures['score'] > self.best['score']:
            self.best, self.since = dict(figures), 0
            return True
        self.since += 1
        return False

    def stopped(self, patience: int) -> bool:
        """Whether validation has not become better for too long."""
        return 0 < patience <= self.since


class Log:
    """Losses and figures as CSV and for TensorBoard; of a resumed run, without the lost steps."""

    def __init__(self, out: Path, step: int, active: bool) -> None:
        self._out, self._active = out, active
        if active:
            out.mkdir(parents=True, exist_ok=True)
            for name in ('losses.csv', 'validation.csv'):
                _cut(out / name, step)
            self._board = SummaryWriter(str(out / 'tensorboard'), purge_step=step + 1)

    def __enter__(self) -> Log:
        return self

    def __exit__(self, *_: object) -> None:
        if self._active:
            self._board.close()

    def losses(self, step: int, values: dict[str, float]) -> None:
        """One row per step."""
        self._write('losses.csv', step, values)

    def validation(self, step: int, values: dict[str, float]) -> None:
        """One row per validation."""
        self._write('validation.csv', step, values)

    def _write(self, name: str, step: int, values: dict[str, float]) -> None:
        if not self._active:
            return
        path = self._out / name
        fresh = not path.exists()
        with path.open('a', newline='') as file:
            writer = csv.writer(file)
            if fresh:
                writer.writerow(['step', *values])
            writer.writerow([step, *(repr(value) for value in values.values())])
        for key, value in values.items():
            self._board.add_scalar(f'{name.removesuffix(".csv")}/{key}', value, step)


def _cut(path: Path, step: int) -> None:
    """Drop the rows after a step: they are about to be written again."""
    if not path.exists():
        return
    head, *rows = path.read_text().splitlines()
    kept = [row for row in rows if row and int(row.split(',', 1)[0]) <= step]
    if kept:
        path.write_text('\n'.join([head, *kept]) + '\n')
    else:
        path.unlink()
