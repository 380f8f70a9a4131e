"""One call of a service that never hangs: it ends once, in an answer or in words.

rclpy's own futures stay pending for ever when the server dies or was never there. A ServiceCall
is looked after by its owner's timer instead: no thread, no blocking, no clock that a simulation
can stop.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rclpy.client import Client
from rclpy.task import Future

# How long a server may be missing before a call gives up. Longer than it takes to discover a node
# that has just been started.
SERVICE_WAIT = 3.0  # seconds


class ServiceCall:
    """A request on its way."""

    def __init__(
        self,
        client: Client,
        request: Any,
        timeout: float,
        answered: Callable[[Any], None],
        failed: Callable[[str], None],
    ) -> None:
        """Send `request` as soon as the server is there.

        Exactly one of the two is called, once: `answered` with the response, or `failed` with
        what went wrong, after `timeout` seconds at most. Neither is called after `forget`.
        """
        self._client = client
        self._request = request
        self._timeout = timeout
        self._answered = answered
        self._failed = failed
        self._begin = time.monotonic()
        self._future: Future | None = None
        self.done = False

    def check(self) -> None:
        """Go on with the call if it is time to. To be called several times a second."""
        if self.done:
            return
        name = self._client.srv_name
        waited = time.monotonic() - self._begin
        ready = self._client.service_is_ready()
        if self._future is None and ready:
            self._future = self._client.call_async(self._request)
            self._future.add_done_callback(self._end)
        elif self._future is None and waited >= min(SERVICE_WAIT, self._timeout):
            self._fail(f'wanted the service {name}, found none in {waited:.1f} s; start its node')
        elif self._future is not None and not ready:
            self._fail(f'the service {name} went away before it answered; start its node again')
        elif waited >= self._timeout:
            self._fail(f'the service {name} gave no answer in {waited:.1f} s; check its node')

    def forget(self) -> None:
        """Lose interest in the answer."""
        self.done = True
        if self._future is not None:
            self._client.remove_pending_request(self._future)

    def _end(self, future: Future) -> None:
        if not self.done:
            self.done = True
            self._answered(future.result())

    def _fail(self, message: str) -> None:
        self.forget()
        self._failed(message)
