"""What a speech backend has to offer."""

from collections.abc import Callable
from typing import Protocol


class Backend(Protocol):
    """A voice and an ear, used from two threads: `say` in one of them, `listen` in the other.

    Text comes clean: one line of printable characters. A backend that hands it to a program
    passes it as an argument or on standard input, never through a shell. Whatever is raised is
    reported; the speech node goes on.
    """

    def say(self, text: str) -> None:
        """Return when `text` has been said."""

    def listen(self, heard: Callable[[str], None]) -> None:
        """Call `heard` with each utterance for as long as there is something to hear."""
