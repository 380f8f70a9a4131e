"""Which device and number type a model runs on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from clue_ros.errors import DeviceError

_TYPES = {'float32': torch.float32, 'bfloat16': torch.bfloat16}


def choose_device(name: str) -> torch.device:
    """`auto` is the first CUDA GPU, else the CPU. Raises DeviceError for one that is not here."""
    if name == 'auto':
        return torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f'device must be auto, cpu, cuda or cuda:N, got {name!r}') from error
    count = torch.cuda.device_count()
    if device.type == 'cuda' and (device.index or 0) >= count:
        raise DeviceError(
            f'device {name!r} is not here: {count} CUDA GPUs are visible; '
            'use auto or cpu, or check the driver with nvidia-smi'
        )
    if device.type not in ('cpu', 'cuda'):
        raise DeviceError(f'device must be auto, cpu, cuda or cuda:N, got {name!r}')
    return torch.device('cuda', device.index or 0) if device.type == 'cuda' else device


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """`auto` is float32 on a CPU and bfloat16 on a GPU."""
    if name == 'auto':
        return torch.bfloat16 if device.type == 'cuda' else torch.float32
    if name not in _TYPES:
        raise DeviceError(f'dtype must be auto, {" or ".join(_TYPES)}, got {name!r}')
    return _TYPES[name]


def computes_in_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for bfloat16: a CPU without them is many times slower."""
    known = getattr(torch.ops.mkldnn, '_is_mkldnn_bf16_supported', None)
    return device.type == 'cuda' or bool(known and known())


@contextmanager
def named_out_of_memory(device: torch.device) -> Iterator[None]:
    """Raise DeviceError, saying what helps, where the block needs more memory than there is."""
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        raise DeviceError(
            f'{device} ran out of memory: {error}; use a smaller model, dtype bfloat16, '
            'or device cpu'
        ) from error
