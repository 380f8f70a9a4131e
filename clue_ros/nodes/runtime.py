"""Starting and stopping a node process."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType

import rclpy
from rclpy.exceptions import NameValidationException
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from clue_ros.errors import ClueError
from clue_ros.nodes.bringup import share_folder

# Any of these is a choice of the user's own, and is never overridden.
_CHOICES = (
    'FASTDDS_BUILTIN_TRANSPORTS',
    'FASTDDS_DEFAULT_PROFILES_FILE',
    'FASTRTPS_DEFAULT_PROFILES_FILE',  # its name until Fast DDS 3
)

# Ctrl-C under `ros2 launch` sends two signals at once; one that comes later than this means it.
IMPATIENCE = 2.0  # seconds
# Between two looks at whether the node was told to stop.
PATIENCE = 0.5  # seconds

# rclpy's words for arguments, parameters, names and QoS overrides that cannot be used, and ours.
_CANNOT_START = (ClueError, ParameterException, NameValidationException, RuntimeError)


def prepare_transport() -> None:
    """Have Fast DDS use config/fastdds.xml, which says what for. Call before `rclpy.init`."""
    if not any(name in os.environ for name in _CHOICES):
        profile = share_folder() / 'config' / 'fastdds.xml'
        os.environ['FASTDDS_DEFAULT_PROFILES_FILE'] = str(profile)


def spin_until(
    node: Node,
    condition: Callable[[], object],
    seconds: float,
    check: Callable[[], None],
) -> bool:
    """Spin `node` until `condition()` holds; False when it did not within `seconds`.

    `check` is called again and again and may raise to end the wait.
    """
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    deadline = time.monotonic() + seconds
    try:
        while not condition():
            if time.monotonic() > deadline:
                return False
            check()
            executor.spin_once(timeout_sec=0.1)
        return True
    except ExternalShutdownException:
        raise KeyboardInterrupt from None  # SIGTERM
    finally:
        executor.remove_node(node)


def run(make_node: Callable[[], Node]) -> int:
    """Spin the node until it is told to stop; the process's exit status is returned.

    0 after SIGINT, SIGTERM or an outside shutdown, 1 when the node cannot start. A signal is
    obeyed after the callback that is running; one more, `IMPATIENCE` later, kills the process.
    """
    prepare_transport()
    stop = _Stop()
    # rclpy's own handlers wake the executor and then call this
    _handle_signals(stop)
    node = None
    try:
        rclpy.init(signal_handler_options=SignalHandlerOptions.ALL)
        executor = SingleThreadedExecutor()
        node = make_node()
        executor.add_node(node)
        while not stop.asked and rclpy.ok():
            # woken by a signal whose handler raises nothing, rclpy may wait again
            executor.spin_once(timeout_sec=PATIENCE)
    except ExternalShutdownException:
        pass
    except Exception as error:
        if stop.asked:  # nothing can be made or published any more
            return 0
        if node or not isinstance(error, _CANNOT_START):
            raise
        print(f'{type(error).__name__}: {error}', file=sys.stderr)
        return 1
    finally:
        # rclpy puts back what it found, and nothing must fall into the cleaning up
        _handle_signals(signal.SIG_IGN)
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
        _handle_signals(signal.SIG_IGN)
    return 0


def _handle_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


class _Stop:
    """What SIGINT and SIGTERM do to a node: the first asks, one that comes much later kills.

    None raises: an exception out of the midst of an import, of which loading a model is full,
    aborts the process in torch's C++, and is lost in a weak reference's callback.
    """

    def __init__(self) -> None:
        self._since: float | None = None

    @property
    def asked(self) -> bool:
        """Whether the process was told to stop."""
        return self._since is not None

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        self._since = self._since or now
        if now - self._since > IMPATIENCE:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
