"""One voice: utterances are said one after the other, in the order they were asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue


@dataclass(frozen=True, eq=False)
class Utterance:
    """Something to be said. The callbacks run in the voice's thread."""

    text: str
    wanted: Callable[[], bool]  # asked when its turn comes; if not, it is ended and not said
    begun: Callable[[], None]
    ended: Callable[[Exception | None], None]  # with what went wrong


class Voice:
    """A thread that says what it is given. Speaking may block it, and nobody else."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Say things with `say`, which returns when it is done."""
        self._say = say
        self._queue: SimpleQueue[Utterance] = SimpleQueue()
        # a daemon: a voice that hangs must not keep the process alive
        threading.Thread(target=self._run, name='voice', daemon=True).start()

    def add(self, utterance: Utterance) -> None:
        """Say it after everything that was added before."""
        self._queue.put(utterance)

    def _run(self) -> None:
        while True:
            utterance = self._queue.get()
            error: Exception | None = None
            if utterance.wanted():
                utterance.begun()
                try:
                    self._say(utterance.text)
                # whatever a backend raises is reported to whoever wanted it said
                except Exception as failure:
                    error = failure
            utterance.ended(error)
