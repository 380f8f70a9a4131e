"""Batches made ahead of the steps that need them: one process cannot feed a GPU."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any
from typing import TypeVar

import torch
from torch.utils.data import DataLoader
from torch.utils.data import Dataset

Item = TypeVar('Item')
Batch = Mapping[str, Any]

_AHEAD = 4  # batches that each process keeps ready


def in_order(
    batches: Callable[[int], Batch], numbers: Iterable[int], workers: int
) -> Iterator[Batch]:
    """The batches of these numbers, in their order, whatever the number of `workers`.

    Without workers each is made when it is asked for; with them, by as many forked processes,
    which keep to the CPU. What a process raises is raised here.
    """
    if not workers:
        yield from map(batches, numbers)
        return
    yield from DataLoader(
        _Numbered(batches),
        batch_size=None,
        sampler=list(numbers),
        num_workers=workers,
        prefetch_factor=_AHEAD,
        collate_fn=_as_it_is,
        # a corpus that is mapped into memory and open models need no copy
        multiprocessing_context='fork',
        pin_memory=torch.cuda.is_available(),
        # it draws a seed that nothing here uses: not from the numbers that a step's dropout gets
        generator=torch.Generator(),
    )


class _Numbered(Dataset[Batch]):
    """Batches by their numbers, as a DataLoader asks for them."""

    def __init__(self, batches: Callable[[int], Batch]) -> None:
        self._batches = batches

    def __getitem__(self, number: int) -> Batch:
        return self._batches(number)


def _as_it_is(item: Item) -> Item:
    return item
