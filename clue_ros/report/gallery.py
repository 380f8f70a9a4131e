"""Cases as a page shows them: picture, attention, boxes, what was said and how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass

from clue_ros.box import Box
from clue_ros.evaluate.log import FALSE_POSITIVE
from clue_ros.evaluate.log import UNREADABLE
from clue_ros.evaluate.log import UNRESOLVED
from clue_ros.evaluate.log import Record
from clue_ros.evaluate.log import unpack_map
from clue_ros.report.pictures import Thumbnail
from clue_ros.report.pictures import heat
from clue_ros.report.words import Line
from clue_ros.report.words import explain
from clue_ros.report.words import transcript

_TONES = {UNREADABLE: '', UNRESOLVED: 'fair', FALSE_POSITIVE: 'fair'}
_BOXES = {
    'target': 'what was meant',
    'candidate': 'what else the request fits',
    'pointed': 'where the robot pointed',
}


@dataclass(frozen=True)
class Mark:
    """A box to be drawn, in pixels of the thumbnail."""

    kind: str  # candidate, target or pointed
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Tile:
    """One case. Pictures and maps are shared, so it holds their ids on the page."""

    record: Record
    explanation: str
    lines: tuple[Line, ...]
    picture: str  # id, empty when there is none to show, and `problem` says why
    heat: str  # id, empty without a map
    width: int  # pixels of the thumbnail
    height: int
    marks: tuple[Mark, ...]
    alternative: str  # what the picture shows, in words
    problem: str

    @property
    def tone(self) -> str:
        """What the outcome means for the robot: good, fair or bad."""
        return _TONES.get(self.record.outcome, 'good' if self.record.success else 'bad')


@dataclass(frozen=True)
class Gallery:
    """Tiles, and what they share."""

    tiles: tuple[Tile, ...]
    pictures: Mapping[str, Thumbnail]  # by id
    heats: Mapping[str, str]  # data URIs by id


def hang(
    chosen: Sequence[Record], records: Sequence[Record], thumbnails: Mapping[str, Thumbnail | str]
) -> Gallery:
    """A gallery of the `chosen` ones of all `records`.

    `thumbnails` are the pictures by their names, or why there is none.
    """
    # only one policy logs the map; for the others it is the same
    maps = {(record.picture, record.request): record.map for record in records if record.map}
    looks = {(record.picture, record.request): None for record in chosen}
    heats = {look: f'heat-{n}' for n, look in enumerate(looks) if look in maps}
    names = {record.picture: None for record in chosen}
    pictures = {name: f'picture-{n}' for n, name in enumerate(names)}
    return Gallery(
        tiles=tuple(
            _tile(
                record,
                thumbnails[record.picture],
                pictures[record.picture],
                heats.get((record.picture, record.request), ''),
            )
            for record in chosen
        ),
        pictures={
            id_: thumbnail
            for name, id_ in pictures.items()
            if isinstance(thumbnail := thumbnails[name], Thumbnail)
        },
        heats={id_: heat(unpack_map(maps[look])) for look, id_ in heats.items()},
    )


def _tile(record: Record, thumbnail: Thumbnail | str, picture: str, heat_: str) -> Tile:
    shown = thumbnail if isinstance(thumbnail, Thumbnail) else None
    marks = tuple(_marks(record, shown)) if shown and record.width else ()
    return Tile(
        record=record,
        explanation=explain(record),
        lines=tuple(transcript(record)),
        picture=picture if shown else '',
        heat=heat_,
        width=shown.width if shown else 0,
        height=shown.height if shown else 0,
        marks=marks,
        alternative=_alternative(record, marks),
        problem='' if isinstance(thumbnail, Thumbnail) else thumbnail,
    )


def _marks(record: Record, thumbnail: Thumbnail) -> Iterator[Mark]:
    x, y = thumbnail.width / record.width, thumbnail.height / record.height

    def mark(kind: str, box: Box) -> Mark:
        size = (box.x2 - box.x1) * x, (box.y2 - box.y1) * y
        return Mark(kind, box.x1 * x, box.y1 * y, *size)

    for box in record.candidates or ():
        if record.target is None or box.iou(record.target) < 0.99:
            yield mark('candidate', box)
    if record.target:
        yield mark('target', record.target)
    if record.box:
        yield mark('pointed', record.box)


def _alternative(record: Record, marks: Sequence[Mark]) -> str:
    kinds = [mark.kind for mark in marks]
    boxes = [text for kind, text in _BOXES.items() if kind in kinds]
    return f'Picture {record.picture}' + (f', with boxes of {" and ".join(boxes)}' if boxes else '')
