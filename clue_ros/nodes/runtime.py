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

    0 after SIGINT, SIGTERM or an outside shutdown, 1 when the node cannot start.
    """
    prepare_transport()
    # rclpy's own handlers wake the executor and then call these
    _handle_signals(_interrupt)
    node = None
    try:
        try:
            rclpy.init(signal_handler_options=SignalHandlerOptions.ALL)
            node = make_node()
        # rclpy's words for arguments, parameters, names and QoS overrides that cannot be used
        except (ClueError, ParameterException, NameValidationException, RuntimeError) as error:
            print(f'{type(error).__name__}: {error}', file=sys.stderr)
            return 1
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
        _handle_signals(signal.SIG_IGN)  # rclpy puts back what it found
    return 0


def _handle_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


class _Interrupted(KeyboardInterrupt):
    """Unlike a plain one it may come out of an `exec`, of which importing torch is full.

    After that `python -m` ends as if SIGINT had killed it, whoever caught the exception.
    """


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    # Ctrl-C under `ros2 launch` sends two signals; the second must not fall into the cleaning up.
    _handle_signals(signal.SIG_IGN)
    raise _Interrupted
