"""A data set on disk: samples that are read anew in every pass, and what could not be read."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from typing import Generic
from typing import TypeAlias
from typing import TypeVar

from clue_ros.data.rows import BrokenRow
from clue_ros.data.samples import AmbiguitySample
from clue_ros.data.samples import DialogSample
from clue_ros.errors import InvalidSource

MAX_LISTED = 20  # broken rows that a report keeps

T = TypeVar('T')
AnySample: TypeAlias = AmbiguitySample | DialogSample


@dataclass
class Report:
    """What one pass over a data set met so far."""

    name: str  # of the data set
    good: int = 0  # samples
    broken: int = 0  # rows without a sample
    listed: list[BrokenRow] = field(default_factory=list)  # the first MAX_LISTED of them

    def add_broken(self, row: BrokenRow) -> None:
        """Count a broken row, and keep it if it is one of the first."""
        self.broken += 1
        if len(self.listed) < MAX_LISTED:
            self.listed.append(row)

    def check(self, max_broken: float) -> None:
        """Raise InvalidSource without any sample or with a share of broken rows > `max_broken`."""
        if not self.good:
            raise InvalidSource(f'{self}; no sample could be read')
        share = self.broken / (self.good + self.broken)
        if share > max_broken:
            raise InvalidSource(
                f'{self}; that is {share:.1%} of the rows, more than the {max_broken:.1%} allowed: '
                'mend them, or allow more with max_broken'
            )

    def __str__(self) -> str:
        first = '; '.join(map(str, self.listed[:3]))
        more = '; ...' if self.broken > 3 else ''
        return f'{self.name}: {self.good} samples, {self.broken} broken rows' + (
            f' ({first}{more})' if first else ''
        )


class Samples(Generic[T]):
    """Samples of one kind. Every loop over them reads the files anew and makes a new `report`.

    A loop that gets to its end raises InvalidSource when too many rows were broken or none good.
    """

    def __init__(
        self, name: str, read: Callable[[], Iterator[T | BrokenRow]], max_broken: float
    ) -> None:
        """Read with `read`; `max_broken` is the share of broken rows, 0 to 1, that is borne."""
        self._read = read
        self._max_broken = max_broken
        self.report = Report(name)

    def __iter__(self) -> Iterator[T]:
        report = self.report = Report(self.report.name)
        for entry in self._read():
            if isinstance(entry, BrokenRow):
                report.add_broken(entry)
            else:
                report.good += 1
                yield entry
        report.check(self._max_broken)


@dataclass(frozen=True)
class DataSet:
    """A data set that was recognised. Looping over it gives of each row the most that it says."""

    name: str  # what it is, and where
    read: Callable[[], Iterator[AnySample | BrokenRow]]  # one pass over its files
    max_broken: float = 0.05  # share of the rows

    def __post_init__(self) -> None:
        if not 0 <= self.max_broken <= 1:
            raise InvalidSource(f'max_broken is a share from 0 to 1, got {self.max_broken}')

    def __iter__(self) -> Iterator[AnySample]:
        return iter(self.samples())

    def samples(self) -> Samples[AnySample]:
        """A dialog for each row that says what is meant, a labelled request for the others."""
        return Samples(self.name, self.read, self.max_broken)

    def ambiguity_samples(self) -> Samples[AmbiguitySample]:
        """Labelled requests; a row without a label counts as broken."""
        return Samples(self.name, lambda: map(_labelled, self.read()), self.max_broken)

    def dialog_samples(self) -> Samples[DialogSample]:
        """Dialogs with what was meant; a row that does not say it counts as broken."""
        return Samples(self.name, lambda: map(_grounded, self.read()), self.max_broken)


def _labelled(entry: AnySample | BrokenRow) -> AmbiguitySample | BrokenRow:
    if not isinstance(entry, DialogSample):
        return entry
    if entry.ambiguous is None:
        return BrokenRow(entry.id, 'does not say whether the request is ambiguous ("ambiguous")')
    return AmbiguitySample(
        entry.id,
        entry.picture,
        entry.dialog.request,
        entry.ambiguous,
        entry.form,
        absent=entry.target is None,
    )


def _grounded(entry: AnySample | BrokenRow) -> DialogSample | BrokenRow:
    if isinstance(entry, AmbiguitySample):
        return BrokenRow(entry.id, 'does not say what is meant ("target"): for the probe only')
    return entry
