"""Node processes that are started together and ended together, on machines without ros2cli."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import ExitStack
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from clue_ros.errors import ClueError
from clue_ros.nodes.bringup import share_folder

STOP_SECONDS = 10.0
# Domains above 101 collide with Linux' ephemeral ports.
_DOMAINS = range(1, 102)
_LOCK_PORT = 21000


class ProcessError(ClueError):
    """A node process that could not be started or ended by itself."""


class Processes:
    """Leaving the `with` block ends every process with SIGINT, and with SIGKILL if it hangs."""

    def __init__(
        self, commands: Mapping[str, list[str]], logs: Path | None = None, stdin_of: str = ''
    ) -> None:
        """Start each command under its name.

        With a folder `logs` each writes to `<name>.log` there, otherwise all write to this
        terminal. Only the process named `stdin_of` reads from it.
        """
        self._logs = logs
        self._files = ExitStack()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        try:
            for name, command in commands.items():
                self._processes[name] = self._start(name, command, name == stdin_of)
        except BaseException:
            self.stop()
            raise

    def check(self) -> None:
        """Raise ProcessError if a process has ended."""
        for name, process in self._processes.items():
            status = process.poll()
            if status is not None:
                raise ProcessError(f'{name} ended with status {status}; {self._reason(name)}')

    def pid(self, name: str) -> int:
        """Process id of a process by its name."""
        return self._processes[name].pid

    def wait(self) -> None:
        """Block until a process ends, then raise ProcessError."""
        while True:
            self.check()
            time.sleep(0.2)

    def stop(self) -> None:
        """End all processes."""
        for process in self._processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        deadline = time.monotonic() + STOP_SECONDS
        for process in self._processes.values():
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._files.close()

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _reason(self, name: str) -> str:
        if not self._logs:
            return 'see its output above'
        log = self._logs / f'{name}.log'
        lines = log.read_text(errors='replace').strip().splitlines()
        return f'see {log}: {lines[-1] if lines else "(empty)"}'

    def _start(self, name: str, command: list[str], reads: bool) -> subprocess.Popen[bytes]:
        output = None
        if self._logs:
            self._logs.mkdir(parents=True, exist_ok=True)
            output = self._files.enter_context((self._logs / f'{name}.log').open('wb'))
        try:
            return subprocess.Popen(
                command,
                stdin=None if reads else subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                # Ctrl-C reaches only us; we end the others in order
                start_new_session=not reads,
            )
        except OSError as error:
            raise ProcessError(f'{name} cannot be started: {error}; is it installed?') from error


@contextmanager
def private_domain() -> Iterator[int]:
    """Join a ROS domain that nothing else on this machine uses, and nothing outside it finds.

    Sets the environment of this process and of those it starts.
    """
    for domain in _DOMAINS:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as lock:
            try:
                lock.bind(('127.0.0.1', _LOCK_PORT + domain))
            except OSError:
                continue
            os.environ['ROS_DOMAIN_ID'] = str(domain)
            os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
            profile = share_folder() / 'config' / 'fastdds.xml'
            os.environ['FASTDDS_DEFAULT_PROFILES_FILE'] = str(profile)
            yield domain
            return
    raise ProcessError(f'all ROS domains {_DOMAINS} are in use on this machine; end other runs')
