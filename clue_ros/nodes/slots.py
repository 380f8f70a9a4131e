"""The newest frame of each camera, and what became of the others. Knows no ROS."""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from typing import Any

from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidImage

if TYPE_CHECKING:
    from clue_ros.view import Image
    from clue_ros.view import View


@dataclass(frozen=True)
class Subject:
    """What is being talked about."""

    dialog: Dialog
    dialog_id: str = ''


@dataclass(eq=False)
class Frame:
    """One camera frame, and what has been worked out from it so far."""

    camera: str
    message: Any  # as received
    received: float  # `time.monotonic`, seconds
    image: Image | None = None  # once it is decoded
    view: View | None = None  # once it is encoded
    subject: Subject | None = None  # what it was last assessed for


@dataclass
class Counts:
    """What became of a camera's frames."""

    received: int = 0
    assessed: int = 0
    dropped: int = 0  # replaced by a newer one while the model was busy
    invalid: int = 0
    last_error: str = ''  # empty when the last frame looked at was fine


class Slots:
    """One slot per camera: the newest frame wins."""

    def __init__(
        self, cameras: Iterable[str], read: Callable[[Any], Image], timeout: float
    ) -> None:
        """Begin with empty slots.

        `read` turns a camera's message into an RGB array (height, width, 3) or raises
        InvalidImage. A frame is fresh for `timeout` seconds.
        """
        self.counts = {camera: Counts() for camera in cameras}
        self.timeout = timeout
        self._read = read
        self._begin = time.monotonic()
        self._newest: dict[str, Frame] = {}

    def put(self, camera: str, message: Any, wanted: bool) -> None:
        """Take a new frame; one it replaces counts as dropped if it was `wanted`, but not used."""
        old = self._newest.get(camera)
        self._newest[camera] = Frame(camera, message, time.monotonic())
        self.counts[camera].received += 1
        if wanted and old and old.subject is None:
            self.counts[camera].dropped += 1

    def fresh(self) -> dict[str, Frame]:
        """The newest frame of each camera that has a fresh one."""
        oldest = time.monotonic() - self.timeout
        return {frame.camera: frame for frame in self._newest.values() if frame.received >= oldest}

    def age(self, camera: str) -> float:
        """Seconds since the last frame arrived; before the first, since the beginning."""
        frame = self._newest.get(camera)
        return time.monotonic() - (frame.received if frame else self._begin)

    def decode(self, frame: Frame) -> Image:
        """Return the frame's image, which is decoded once; raises InvalidImage."""
        if frame.image is not None:
            return frame.image
        counts = self.counts[frame.camera]
        try:
            frame.image = self._read(frame.message)
            counts.last_error = ''
            return frame.image
        except InvalidImage as error:
            counts.invalid += 1
            counts.last_error = str(error)
            raise InvalidImage(f'camera {frame.camera!r}: {error}') from error
