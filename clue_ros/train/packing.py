"""Several lessons about one picture in one row, so that its image tokens are computed once.

    <image>*N | <bos> prefix \\n suffix | <bos> prefix \\n suffix | ...

Each lesson sees the image tokens and itself: its prefix in both directions, its suffix causally,
as PaliGemma does, counted from the same position. The image tokens see each other. In PaliGemma
they also see the prefix, which only a row with a single lesson allows (`joined`): backbones learn
most of the time with packed rows and at last with joined ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from clue_ros.train.lessons import Lesson

IGNORED = -100  # a label that counts for nothing
PAD = -1  # the lesson of a position that belongs to none


@dataclass(frozen=True)
class Encoded:
    """A lesson as token ids."""

    prefix: tuple[int, ...]  # <bos> ... \\n
    suffix: tuple[int, ...]
    referents: frozenset[int]
    spoken: tuple[frozenset[int], ...] = ()  # things that each token of the suffix speaks of
    given: int = 0  # tokens with which the suffix begins that are not taught

    def __len__(self) -> int:
        return len(self.prefix) + len(self.suffix)


def encode(tokenizer: Any, lesson: Lesson) -> Encoded:
    """Tokenize a lesson as `clue_ros.model.backbone` does prefixes."""
    prefix = tokenizer(f'{lesson.prefix}\n', add_special_tokens=False).input_ids
    suffix = tokenizer(lesson.suffix, add_special_tokens=False, return_offsets_mapping=True)
    places = suffix.offset_mapping
    given = sum(stop <= lesson.given for _, stop in places)
    spoken = tuple(_spoken(lesson, *place) for place in places)
    begin = tokenizer.bos_token_id
    return Encoded((begin, *prefix), tuple(suffix.input_ids), lesson.referents, spoken, given)


def _spoken(lesson: Lesson, start: int, stop: int) -> frozenset[int]:
    """What these characters of the suffix speak of."""
    for mention in lesson.mentions:
        if start < mention.stop and mention.start < stop:
            return mention.things
    return lesson.referents


def fill(lessons: Iterable[Encoded], length: int, most: int) -> list[Encoded]:
    """The first lessons that fit into `length` tokens, `most` of them at most."""
    row: list[Encoded] = []
    room = length
    for lesson in lessons:
        if len(lesson) <= room:
            row.append(lesson)
            room -= len(lesson)
        if len(row) == most or room < 12:
            break
    return row


def pack(
    rows: Sequence[Sequence[Encoded]], length: int, most: int, images: int, end: int
) -> dict[str, Tensor]:
    """Rows of lessons as tensors (rows, length), for `PackedModel`.

    `ids`; `positions`, rotary; `lesson`, number of the lesson in its row or PAD; `suffix`, whether
    a position is of a suffix; `labels`, the next token where it is learned; `last` (rows, most),
    where each prefix ends, 0 where there is no such lesson.
    """
    shape = (len(rows), length)
    ids = torch.zeros(shape, dtype=torch.long)
    positions = torch.zeros(shape, dtype=torch.long)
    lesson = torch.full(shape, PAD)
    suffix = torch.zeros(shape, dtype=torch.bool)
    labels = torch.full(shape, IGNORED)
    last = torch.zeros((len(rows), most), dtype=torch.long)
    for row, encoded in enumerate(rows):
        start = 0
        for number, item in enumerate(encoded):
            stop = start + len(item)
            ids[row, start:stop] = torch.tensor(item.prefix + item.suffix)
            positions[row, start:stop] = torch.arange(images + 1, images + 1 + len(item))
            lesson[row, start:stop] = number
            answer = start + len(item.prefix)
            suffix[row, answer:stop] = True
            taught = (*item.suffix, end)[item.given :]
            labels[row, answer - 1 + item.given : stop] = torch.tensor(taught)
            last[row, number] = answer - 1
            start = stop
    return {
        'ids': ids,
        'positions': positions,
        'lesson': lesson,
        'suffix': suffix,
        'labels': labels,
        'last': last,
    }


def visible(lesson: Tensor, suffix: Tensor, images: int, joined: bool) -> Tensor:
    """Which key (last axis) each query sees: (rows, 1, images + length, images + length), bool."""
    rows, length = lesson.shape
    order = torch.arange(length, device=lesson.device)
    same = lesson[:, :, None] == lesson[:, None, :]
    text = same & (~suffix[:, None, :] | (order[None, :] <= order[:, None]))
    seen = (lesson == 0) & ~suffix if joined else torch.zeros_like(suffix)
    above = torch.cat(
        [torch.ones(rows, images, images, dtype=torch.bool, device=lesson.device),
         seen[:, None, :].expand(rows, images, length)], dim=2,
    )  # fmt: skip
    below = torch.cat(
        [torch.ones(rows, length, images, dtype=torch.bool, device=lesson.device), text], dim=2
    )
    return torch.cat([above, below], dim=1)[:, None]
