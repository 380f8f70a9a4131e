"""What every data set becomes: a picture with a request and its label, or with a whole dialog."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clue_ros.box import Box
from clue_ros.dialog import Dialog
from clue_ros.person import Thing

Image = npt.NDArray[np.uint8]  # (height, width, 3), RGB


@dataclass(frozen=True, eq=False)
class Picture:
    """An image that is read when it is asked for, so that samples cost no memory."""

    name: str  # a path or row id, for errors and logs
    group: str  # samples of one group show the same scene and belong to one split
    load: Callable[[], Image]  # raises InvalidImage
    split: str = ''  # the one its data set puts it in; empty when that is left to us


@dataclass(frozen=True, eq=False)
class AmbiguitySample:
    """A request about a picture, and whether it under-specifies its referent."""

    id: str  # unique in its data set
    picture: Picture
    request: str
    ambiguous: bool
    form: str = ''  # of language, e.g. relational; empty when unknown
    absent: bool = False  # whether it is known to fit nothing there


@dataclass(frozen=True, eq=False)
class DialogSample:
    """A dialog about a picture, and what was meant."""

    id: str  # unique in its data set
    picture: Picture
    dialog: Dialog  # the request and every turn that settles it
    target: Box | None  # pixels of the picture; None when nothing in it is meant
    ambiguous: bool | None = None  # of the request alone; None when unknown
    form: str = ''
    things: tuple[Thing, ...] = ()  # all objects, where they are known
    asked_about: tuple[frozenset[int], ...] = ()  # for each turn, which of `things` were open
