"""Time for last words: SIGINT and SIGTERM tell the node first and stop it a moment later.

rclpy's own handler shuts the context down inside the signal. From then on nothing can be
published, so a goal that is still running would never get a result.
"""

import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.node import Node
from rclpy.signals import uninstall_signal_handlers

# From the last words to the end of the context: for messages and results to be delivered.
GRACE = 0.3  # seconds


def before_shutdown(node: Node, last_words: Callable[[], None]) -> None:
    """Have `last_words` called once in the node's executor when the process is told to stop.

    More signals change nothing: Ctrl-C under `ros2 launch` sends two. Does nothing outside the
    main thread: there the signals belong to somebody else.
    """
    if threading.current_thread() is not threading.main_thread():
        return

    def speak() -> None:
        last_words()
        clock = Clock(clock_type=ClockType.STEADY_TIME)
        node.create_timer(GRACE, node.context.try_shutdown, clock=clock)

    guard = node.create_guard_condition(speak)
    # Python runs its handlers between two instructions of the main thread, and that one sleeps in
    # the middleware. A byte in this socket is written by the signal itself.
    receiver, sender = socket.socketpair()
    sender.setblocking(False)

    def wait() -> None:
        receiver.recv(1)
        guard.trigger()
        while receiver.recv(1):
            pass

    def leave_it_to_the_socket(_: int, __: FrameType | None) -> None:
        pass

    uninstall_signal_handlers()
    signal.set_wakeup_fd(sender.detach())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave_it_to_the_socket)
    threading.Thread(target=wait, name='last_words', daemon=True).start()
