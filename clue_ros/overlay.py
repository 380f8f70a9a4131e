"""What the robot looks at and says, as one picture: heat map, numbered boxes, caption below.

    +--------------------------+
    | the frame, never covered |   attention as colour, candidate boxes, the target
    | by text                  |
    +--------------------------+
    | person  get the mug      |   what was said
    | robot   the red one ?    |
    | ambiguous 0.83  ====|==  |   probability with its threshold, colour scale of the map
    +--------------------------+

Plain NumPy and Pillow: pictures of a live robot, of a bag and of a simulation are the same ones.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL import ImageDraw
from PIL import ImageFont

from clue_ros.box import Box
from clue_ros.dialog import Dialog
from clue_ros.response import Absent
from clue_ros.response import Ambiguity
from clue_ros.response import Invalid
from clue_ros.response import Question
from clue_ros.response import Response

RgbImage: TypeAlias = npt.NDArray[np.uint8]
Color: TypeAlias = tuple[int, int, int]
Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont

# Smaller frames are enlarged, pixel by pixel, so that text beside them stays readable.
MIN_WIDTH = 320
MAX_ENLARGED_HEIGHT = 4096
# The colour of candidate n is the same in every picture. Okabe and Ito's palette: told apart with
# any colour vision; its green is kept for the target.
CANDIDATE_COLORS: tuple[Color, ...] = (
    (86, 180, 233),
    (240, 228, 66),
    (204, 121, 167),
    (230, 159, 0),
    (0, 114, 178),
    (213, 94, 0),
)
TARGET_COLOR: Color = (0, 200, 140)

# Inferno at 0, 0.1, ..., 1: perceptually uniform, dark to bright, readable in grey.
_INFERNO = '000004 160b39 420a68 6a176e 932667 bc3754 dd513a f37819 fca50a f6d746 fcffa4'
_PAPER: Color = (22, 24, 29)
_TRACK: Color = (62, 66, 76)
_TEXT: Color = (236, 238, 242)
_MUTED: Color = (150, 156, 168)
_BLACK: Color = (0, 0, 0)
_AMBIGUOUS: Color = (230, 159, 0)


class Line(NamedTuple):
    """One line of the caption: who says it, and what."""

    speaker: str
    text: str


class _Style(NamedTuple):
    font: Font
    text: int  # height of a line of text, pixels
    gap: int  # margin and space between things, pixels
    stroke: int  # width of a line, pixels


def dialog_lines(dialog: Dialog, response: Response | None = None) -> list[Line]:
    """The caption of a dialog: the request, the last exchange, and what the robot says now."""
    lines = [Line('person', dialog.request)]
    for turn in dialog.turns[-1:]:
        lines += [Line('robot', turn.question), Line('person', turn.reply)]
    match response:
        case Question(text):
            lines.append(Line('robot', text))
        case Absent():
            lines.append(Line('robot', 'I see nothing that matches.'))
        case Invalid(_, reason):
            lines.append(Line('fault', reason))
    return lines


def draw(
    image: RgbImage,
    ambiguity: Ambiguity | None = None,
    caption: Sequence[Line] = (),
    candidates: Sequence[Box] = (),
    target: Box | None = None,
    target_label: str = 'target',
    opacity: float = 0.6,
) -> RgbImage:
    """Draw on a copy of an RGB frame (height, width, 3); the result is higher by its caption.

    `candidates` are numbered from 1 in their order. `opacity`, in [0, 1], is that of the heat map
    where the attention is highest; it falls to 0 with the attention. Frames narrower than
    MIN_WIDTH come back enlarged by a whole factor. Boxes are pixels of `image`.
    """
    height, width = image.shape[:2]
    factor = max(1, min(-(-MIN_WIDTH // width), MAX_ENLARGED_HEIGHT // height))
    picture = Image.fromarray(image).convert('RGB')
    if factor > 1:
        picture = picture.resize((width * factor, height * factor), Image.Resampling.NEAREST)
    style = _style(picture.width, picture.height)
    if ambiguity is not None:
        _add_heat(picture, ambiguity.map, opacity)
    for number, box in enumerate(candidates):
        color = CANDIDATE_COLORS[number % len(CANDIDATE_COLORS)]
        _add_box(picture, box, factor, str(number + 1), color, style)
    if target is not None:
        bold = style._replace(stroke=2 * style.stroke)
        _add_box(picture, target, factor, target_label, TARGET_COLOR, bold)
    bar = _caption(picture.width, caption, ambiguity, style)
    drawn: RgbImage = np.vstack([np.asarray(part) for part in (picture, bar) if part])
    return drawn


def _style(width: int, height: int) -> _Style:
    # not wider than the caption has room for, however high the picture
    size = max(14, round(min(0.028 * (width * height) ** 0.5, width / 22)))
    font = _font(size)
    return _Style(font, text=round(size * 1.3), gap=round(size * 0.55), stroke=max(2, size // 8))


@lru_cache
def _font(size: int) -> Font:
    return ImageFont.load_default(size)


@lru_cache
def color_table() -> RgbImage:
    """Red, green and blue (256, 3) of the values 0..255."""
    anchors = np.array([list(bytes.fromhex(color)) for color in _INFERNO.split()])
    at = np.linspace(0, 255, len(anchors))
    channels = [np.interp(np.arange(256), at, anchors[:, channel]) for channel in range(3)]
    table: RgbImage = np.rint(np.stack(channels, axis=1)).astype(np.uint8)
    return table


def _add_heat(picture: Image.Image, map_: npt.NDArray[np.float32], opacity: float) -> None:
    # all in 8 bit inside Pillow: several times faster than the same in NumPy
    cells = Image.fromarray(np.rint(np.clip(map_, 0, 1) * 255).astype(np.uint8))
    level = cells.resize(picture.size, Image.Resampling.BICUBIC)
    mask = level.point([round(value * opacity) for value in range(256)])
    level.putpalette(color_table().tobytes())
    picture.paste(level.convert('RGB'), mask=mask)


def _add_box(
    picture: Image.Image, box: Box, factor: int, label: str, color: Color, style: _Style
) -> None:
    canvas = ImageDraw.Draw(picture)
    stroke = style.stroke
    last = (picture.width - 1, picture.height - 1) * 2
    left, top, right, bottom = (
        min(max(round(value * factor), 0), limit)
        for value, limit in zip(box.corners, last, strict=True)
    )
    # around the box, so that the object stays visible, and inside the picture; a dark edge on both
    # sides shows the line on anything
    left, top = max(left - stroke, 0), max(top - stroke, 0)
    right, bottom = min(right + stroke, last[0]), min(bottom + stroke, last[1])
    canvas.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=_BLACK, width=stroke + 2)
    canvas.rectangle((left, top, right, bottom), outline=color, width=stroke)
    padding = style.gap // 2
    tag_width = round(style.font.getlength(label)) + 2 * padding
    tag_left = max(min(left, picture.width - tag_width), 0)
    tag_top = top - style.text if top >= style.text else top
    canvas.rectangle((tag_left, tag_top, tag_left + tag_width, tag_top + style.text), fill=color)
    middle = (tag_left + padding, tag_top + style.text / 2)
    canvas.text(middle, label, fill=_BLACK, font=style.font, anchor='lm')


def _caption(
    width: int, lines: Sequence[Line], ambiguity: Ambiguity | None, style: _Style
) -> Image.Image | None:
    indent = style.gap + max(
        (round(style.font.getlength(line.speaker)) + 2 * style.gap for line in lines), default=0
    )
    rows = [
        ('' if index else line.speaker, row)
        for line in lines
        for index, row in enumerate(_wrap(line.text, width - indent - style.gap, style.font))
    ]
    meter_rows = 0 if ambiguity is None else 1
    if not rows and not meter_rows:
        return None
    height = (len(rows) + meter_rows) * style.text + (1 + bool(rows) + meter_rows) * style.gap
    bar = Image.new('RGB', (width, height), _PAPER)
    canvas = ImageDraw.Draw(bar)
    y = style.gap + style.text / 2
    for speaker, text in rows:
        canvas.text((style.gap, y), speaker, fill=_MUTED, font=style.font, anchor='lm')
        canvas.text((indent, y), text, fill=_TEXT, font=style.font, anchor='lm')
        y += style.text
    if ambiguity is not None:
        y += style.gap if rows else 0
        half = (width - 3 * style.gap) // 2
        _add_verdict(canvas, (style.gap, y), half, ambiguity, style)
        _add_scale(bar, (2 * style.gap + half, y), half, style)
    return bar


def _wrap(text: str, width: int, font: Font) -> list[str]:
    """Rows of at most `width` pixels, broken at spaces, and inside words that are longer."""
    rows = ['']
    for word in text.split():
        joined = f'{rows[-1]} {word}'.strip()
        if font.getlength(joined) <= width:
            rows[-1] = joined
            continue
        rest = word
        while font.getlength(rest) > width and len(rest) > 1:
            fits = _longest_fit(rest, width, font)
            rows.append(rest[:fits])
            rest = rest[fits:]
        rows.append(rest)
    return [row for row in rows if row]


def _longest_fit(word: str, width: float, font: Font) -> int:
    """How many letters of `word` fit into `width` pixels, at least one."""
    lengths = range(1, len(word))
    return max(bisect(lengths, width, key=lambda count: font.getlength(word[:count])), 1)


def _add_verdict(
    canvas: ImageDraw.ImageDraw,
    start: tuple[float, float],
    width: int,
    ambiguity: Ambiguity,
    style: _Style,
) -> None:
    x, y = start
    probability = ambiguity.probability
    if probability is None:
        canvas.text((x, y), 'no ambiguity probe', fill=_MUTED, font=style.font, anchor='lm')
        return
    color = _AMBIGUOUS if ambiguity.ambiguous else TARGET_COLOR
    text = f'{"ambiguous" if ambiguity.ambiguous else "clear"} {probability:.2f}'
    canvas.text((x, y), text, fill=color, font=style.font, anchor='lm')
    # as wide for "clear" as for "ambiguous", so that the bar stays where it is
    left = x + style.font.getlength('ambiguous 0.00') + style.gap
    right = x + width - style.gap
    half = style.text // 4
    if right <= left:
        return
    canvas.rectangle((left, y - half, right, y + half), fill=_TRACK)
    end = left + (right - left) * probability
    canvas.rectangle((left, y - half, end, y + half), fill=color)
    if ambiguity.threshold is not None:
        tick = left + (right - left) * ambiguity.threshold
        canvas.line((tick, y - 2 * half, tick, y + 2 * half), fill=_TEXT, width=style.stroke)


def _add_scale(bar: Image.Image, start: tuple[float, float], width: int, style: _Style) -> None:
    canvas = ImageDraw.Draw(bar)
    x, y = start
    right = x + width
    half = style.text // 4
    canvas.text((x, y), 'attention 0', fill=_MUTED, font=style.font, anchor='lm')
    canvas.text((right, y), '1', fill=_MUTED, font=style.font, anchor='rm')
    left = round(x + style.font.getlength('attention 0') + style.gap)
    end = round(right - style.font.getlength('1') - style.gap)
    if end > left:
        gradient = Image.fromarray(color_table()[np.newaxis])
        size = (end - left, 2 * half + 1)
        bar.paste(gradient.resize(size, Image.Resampling.BILINEAR), (left, round(y) - half))
