"""Speech without a voice: what is said and heard are topics, and the speech node has those."""

from collections.abc import Callable


class Text:
    """For programs that speak and listen through the topics, e.g. the scripted person."""

    def say(self, text: str) -> None:
        """Nothing to do: the speech node publishes whatever is said."""

    def listen(self, heard: Callable[[str], None]) -> None:
        """Nothing to do: the speech node subscribes to what is heard."""
