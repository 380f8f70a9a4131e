"""Rows of Parquet files. What is large in them stays there until it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from clue_ros.data.rows import Row
from clue_ros.errors import InvalidSource

_BATCH = 64  # rows that are Python objects at a time


@dataclass(frozen=True)
class Cell:
    """A value that stays in its file: one column of one row of a row group."""

    path: Path
    group: int
    row: int
    column: str

    def read(self) -> Any:
        """The value; raises InvalidSource when the file is damaged or gone.

        A row group is the least that can be read, 100 rows in Hugging Face's data sets with
        images. The last one is kept, so that its other rows cost nothing.
        """
        return _column(self.path, self.group, self.column)[self.row].as_py()


def parquet_rows(root: Path, name: str, large: str) -> Iterator[Row]:
    """The rows of the file `root / name`; the values of its column `large` are Cells.

    Raises InvalidSource when the file is damaged, as nobody knows how many rows are lost.
    """
    path = root / name
    number = 0
    with _opened(path) as file:
        columns = [column for column in file.schema_arrow.names if column != large]
        has_large = len(columns) < len(file.schema_arrow.names)
        for group in range(file.num_row_groups):
            start = number
            for batch in file.iter_batches(_BATCH, [group], columns):
                for values in batch.to_pylist():
                    if has_large:
                        values[large] = Cell(path, group, number - start, large)
                    number += 1
                    yield Row(f'{name}:{number}', values)


@lru_cache(maxsize=1)
def _column(path: Path, group: int, column: str) -> Any:
    with _opened(path) as file:
        return file.read_row_group(group, [column])[column]


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise InvalidSource(f'{path} needs pyarrow: pip install "clue_ros[data]"') from error
    try:
        # buffered: unbuffered, a whole column of a row group is read at once
        with pyarrow.parquet.ParquetFile(path, buffer_size=2**20) as file:
            yield file
    except (pyarrow.ArrowException, OSError) as error:
        raise InvalidSource(
            f'{path} cannot be read as Parquet: {error}; download it again'
        ) from error
