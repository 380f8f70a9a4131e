"""One thread that owns the model: requests come first, then the newest frame of each camera.

A frame is encoded at most once, whoever asks. Knows no ROS; what it calls back is called in its
thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from dataclasses import field
from typing import TYPE_CHECKING
from typing import Any

from clue_ros.errors import InvalidImage
from clue_ros.errors import InvalidRequest
from clue_ros.errors import MissingAdapter
from clue_ros.errors import NoImage
from clue_ros.errors import NotActive
from clue_ros.nodes.slots import Frame
from clue_ros.nodes.slots import Slots
from clue_ros.nodes.slots import Subject
from clue_ros.response import Ambiguity
from clue_ros.response import Response

if TYPE_CHECKING:
    from clue_ros.clue import Clue


@dataclass(frozen=True)
class Assessment:
    """What the model has to say about a frame and a subject."""

    frame: Frame  # decoded and encoded
    subject: Subject
    ambiguity: Ambiguity
    response: Response | None  # None unless it was asked for
    model_seconds: float  # of the whole batch


@dataclass(eq=False)
class _Job:
    camera: str
    subject: Subject
    ask_policy: str | None  # None: assess only
    deadline: float
    future: Future[Assessment] = field(default_factory=Future)


class Worker:
    """See the module's text. All methods may be called from any thread."""

    def __init__(
        self,
        clue: Clue,
        slots: Slots,
        publish: Callable[[Assessment], None],
        complain: Callable[[Exception], None],
    ) -> None:
        """Start the thread.

        `publish` gets every assessment, `complain` what went wrong where nobody waits for an
        answer.
        """
        self.model_error = ''  # empty when the last call of the model went well
        self._clue = clue
        self._slots = slots
        self._publish = publish
        self._complain = complain
        self._jobs: list[_Job] = []
        self._subject: Subject | None = None
        self._subject_end = 0.0
        self._stopping = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name='model', daemon=True)
        self._thread.start()

    @property
    def subject(self) -> Subject | None:
        """What every new frame is assessed for, None when there is nothing to do."""
        return self._subject if time.monotonic() < self._subject_end else None

    def offer(self, camera: str, message: Any) -> None:
        """Take a new frame."""
        with self._changed:
            self._slots.put(camera, message, wanted=self.subject is not None)
            self._changed.notify()

    def follow(self, subject: Subject | None, seconds: float = 0.0) -> None:
        """Assess every new frame for `subject` during `seconds`; None ends it."""
        with self._changed:
            self._subject, self._subject_end = subject, time.monotonic() + seconds
            self._changed.notify()

    def submit(
        self, camera: str, subject: Subject, ask_policy: str | None = None
    ) -> Future[Assessment]:
        """Assess `subject` in the newest frame, and respond if there is an `ask_policy`.

        Waits for a fresh frame as long as one stays fresh. The future fails with NoImage,
        InvalidImage, NotActive (the worker stopped) or whatever the model raised.
        """
        job = _Job(camera, subject, ask_policy, time.monotonic() + self._slots.timeout)
        with self._changed:
            if self._stopping:
                job.future.set_exception(_stopped())
            else:
                self._jobs.append(job)
                self._changed.notify()
        return job.future

    def stop(self) -> None:
        """Finish the call of the model that runs, fail what waits, end the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join()
        for job in self._jobs:
            job.future.set_exception(_stopped())
        self._jobs.clear()

    def _run(self) -> None:
        while task := self._wait():
            try:
                task()
            except Exception as error:  # without this thread every request would hang
                self._complain(error)

    def _wait(self) -> Callable[[], None] | None:
        """Wait for something to do; None when the worker stops."""
        with self._changed:
            while not self._stopping:
                if task := self._next():
                    return task
                ends = [job.deadline for job in self._jobs]
                self._changed.wait(min(ends) - time.monotonic() if ends else None)
        return None

    def _next(self) -> Callable[[], None] | None:
        fresh = self._slots.fresh()
        for job in self._jobs:
            if job.camera in fresh or job.deadline <= time.monotonic():
                self._jobs.remove(job)
                return lambda: self._serve(job, fresh.get(job.camera))
        subject = self.subject
        if subject and (frames := [f for f in fresh.values() if f.subject != subject]):
            return lambda: self._assess(frames, subject)
        return None

    def _serve(self, job: _Job, frame: Frame | None) -> None:
        try:
            if frame is None:
                raise NoImage(f'no image from camera {job.camera!r} in {self._slots.timeout:g} s')
            frame.subject = job.subject  # in use: a newer frame does not drop it
            self._slots.decode(frame)
            [assessment] = self._ask([frame], job.subject, job.ask_policy)
        except Exception as error:  # whoever waits decides what it means
            job.future.set_exception(error)
            return
        job.future.set_result(assessment)
        self._publish(assessment)

    def _assess(self, frames: list[Frame], subject: Subject) -> None:
        usable = []
        for frame in frames:
            frame.subject = subject  # also when it fails: the next chance is the next frame's
            try:
                self._slots.decode(frame)
                usable.append(frame)
            except InvalidImage as error:
                self._complain(error)
        if usable:
            for assessment in self._ask(usable, subject):
                try:
                    self._publish(assessment)
                except Exception as error:  # the other cameras' results still go out
                    self._complain(error)

    def _ask(
        self, frames: list[Frame], subject: Subject, ask_policy: str | None = None
    ) -> list[Assessment]:
        """Take frames that can be decoded through the model in one batch."""
        begin = time.monotonic()
        dialogs = [subject.dialog] * len(frames)
        try:
            if new := [frame for frame in frames if frame.view is None]:
                seen = self._clue.look_all([self._slots.decode(frame) for frame in new])
                for frame, view in zip(new, seen, strict=True):
                    frame.view = view
                    self._slots.counts[frame.camera].assessed += 1
            views = [frame.view for frame in frames if frame.view is not None]  # all of them
            ambiguities = self._clue.ambiguity_all(views, dialogs)
            responses: list[Response | None] = [None] * len(frames)
            if ask_policy is not None:
                responses = list(self._clue.respond_all(views, dialogs, ask_policy, ambiguities))
            self.model_error = ''
        except (InvalidRequest, MissingAdapter):
            raise  # the fault of the request
        except Exception as error:
            self.model_error = f'{type(error).__name__}: {error}'
            raise
        seconds = time.monotonic() - begin
        return [
            Assessment(frame, subject, ambiguity, response, seconds)
            for frame, ambiguity, response in zip(frames, ambiguities, responses, strict=True)
        ]


def _stopped() -> NotActive:
    return NotActive('perception stopped before it came to this request; activate it again')
