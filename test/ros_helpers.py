"""Real nodes in their own processes, and a peer in this one that talks to them over real DDS."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import rclpy
import yaml
from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParameters
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile

from clue_ros.nodes import qos
from clue_ros.nodes.processes import private_domain as own_domain

__all__ = ['NodeProcess', 'Peer', 'own_domain']

# What takes milliseconds on an idle machine may take this long on a busy one.
PATIENCE = 30.0  # seconds
# A node answers a client that it has only half discovered in vain, and says nothing.
ASK_AGAIN = 5.0  # seconds


class NodeProcess:
    """A node of ours in a process of its own; leaving the `with` block ends it with SIGINT."""

    def __init__(
        self,
        domain: int,
        module: str,
        parameters: dict[str, Any] | None = None,
        arguments: tuple[str, ...] = (),
    ) -> None:
        """Start `python -m module`; `arguments` follow `--ros-args`, e.g. ('-r', 'a:=b')."""
        self.module = module
        self._folder = tempfile.TemporaryDirectory()
        self._output = Path(self._folder.name, 'output.txt')
        command = [sys.executable, '-m', module, '--ros-args', *arguments]
        if parameters:
            file = Path(self._folder.name, 'parameters.yaml')
            file.write_text(yaml.safe_dump({'/**': {'ros__parameters': parameters}}))
            command += ['--params-file', str(file)]
        with self._output.open('wb') as output:
            self.process = subprocess.Popen(
                command,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, 'ROS_DOMAIN_ID': str(domain)},
            )

    @property
    def output(self) -> str:
        """Everything the process has printed so far."""
        return self._output.read_text(errors='replace')

    def stop(self, signal_number: int = signal.SIGINT, seconds: float = PATIENCE) -> int:
        """End the process and return its exit status; a process that hangs is killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(
                f'{self.module} did not end in {seconds} s:\n{self.output}'
            ) from None

    def __enter__(self) -> NodeProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.stop()
            if kind is not None:
                print(f'--- output of {self.module}\n{self.output}')
        finally:
            self._folder.cleanup()


class Peer:
    """The other side of a conversation with nodes: a node of this process that tests drive."""

    def __init__(self, domain: int, name: str = 'peer') -> None:
        """Join the domain as node `name`."""
        self.domain = domain
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain)
        self.node = Node(name, context=self._context)
        self.executor = SingleThreadedExecutor(context=self._context)
        self.executor.add_node(self.node)

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def spin(self, seconds: float) -> None:
        """Serve callbacks for a while."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.executor.spin_once(timeout_sec=left)

    def until(self, condition: Callable[[], Any], seconds: float) -> Any:
        """Serve callbacks until `condition` holds or `seconds` have passed; return its value."""
        end = time.monotonic() + seconds
        while not (value := condition()) and time.monotonic() < end:
            self.executor.spin_once(timeout_sec=0.02)
        return value

    def wait(self, condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
        """Serve callbacks until `condition` holds and return its value; fail after `seconds`."""
        value = self.until(condition, seconds)
        assert value, f'waited {seconds} s for {what}'
        return value

    def collect(self, kind: Any, topic: str, profile: QoSProfile = qos.RESULT) -> list[Any]:
        """Subscribe; the list returned fills up while spinning."""
        messages: list[Any] = []
        self.node.create_subscription(kind, topic, messages.append, profile)
        return messages

    def publisher(self, kind: Any, topic: str, profile: QoSProfile = qos.RESULT) -> Any:
        """A publisher that already has a subscriber."""
        publisher = self.node.create_publisher(kind, topic, profile)
        self.wait(publisher.get_subscription_count, f'a subscriber of {topic}')
        return publisher

    def call(self, kind: Any, name: str, request: Any, seconds: float = PATIENCE) -> Any:
        """Call a service as soon as it is there and return its response.

        Asks again when no response comes, so the server may see the request twice.
        """
        client = self.node.create_client(kind, name)
        calls: list[tuple[float, Any]] = []

        def answers() -> list[Any]:
            if not calls or time.monotonic() - calls[-1][0] > ASK_AGAIN:
                calls.append((time.monotonic(), client.call_async(request)))
            return [future for _, future in calls if future.done()]

        try:
            self.wait(client.service_is_ready, f'the service {name}', seconds)
            return self.wait(answers, f'an answer of {name}', seconds)[0].result()
        finally:
            self.node.destroy_client(client)

    def set_parameters(self, node: str, values: dict[str, Any]) -> list[SetParametersResult]:
        """Set parameters of a running node and return what it says to each."""
        parameters = [Parameter(name, value=values[name]).to_parameter_msg() for name in values]
        request = SetParameters.Request(parameters=parameters)
        return self.call(SetParameters, f'{node}/set_parameters', request).results
