"""Speech in a terminal: prints what the robot says, reads what the person types."""

from collections.abc import Callable
from io import FileIO


class Terminal:
    """Standard output and standard input, a line at a time."""

    def __init__(self) -> None:
        # Not sys.stdin and sys.stdout: a thread that waits in one of them holds its lock, and
        # Python aborts when it finds it held at exit.
        self._input = FileIO(0, closefd=False)
        self._output = FileIO(1, 'w', closefd=False)

    def say(self, text: str) -> None:
        """Print the text; raises OSError when nobody reads the output any more."""
        self._output.write(f'robot: {text}\n'.encode())

    def listen(self, heard: Callable[[str], None]) -> None:
        """Read lines; raises EOFError when the input ends (Ctrl-D, or no terminal at all)."""
        for line in self._input:
            heard(line.decode(errors='replace'))
        raise EOFError(
            'wanted lines typed on standard input, it has ended; start the speech node in a '
            'terminal of its own, a launch file has none'
        )
