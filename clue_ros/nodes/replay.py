"""Live replay: a bag played to the running nodes over DDS, at any pace and by its own clock.

The player waits for the nodes where the robot's person would: with a reply for its question, with
the next instruction for the end of a look. Meanwhile the bag's time stands still, and its cameras
show what they see again and again. Every wait has an end.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_msgs.msg import String

from clue_ros.conversation import Outcome
from clue_ros.errors import ClueError
from clue_ros.errors import InvalidSource
from clue_ros.evaluate.bag_file import BagFile
from clue_ros.evaluate.bag_file import BagMessage
from clue_ros.evaluate.bag_frames import stamp_of
from clue_ros.evaluate.bag_live import LiveConfig
from clue_ros.evaluate.bag_live import LiveRun
from clue_ros.evaluate.bag_script import Answered
from clue_ros.evaluate.bag_script import Canceled
from clue_ros.evaluate.bag_script import Ended
from clue_ros.evaluate.bag_script import Instruction
from clue_ros.evaluate.bag_script import Script
from clue_ros.evaluate.bag_script import ScriptEvent
from clue_ros.evaluate.bag_topics import BagTopics
from clue_ros.frames import COMPRESSED
from clue_ros.msg import DialogState
from clue_ros.nodes.observer import Observer
from clue_ros.nodes.qos import RESULT
from clue_ros.nodes.qos import SENSOR

START_SECONDS = 120.0  # loading torch and the model on a slow machine
CLOCK_SECONDS = 0.02  # between two messages on /clock
REPORT_SECONDS = 10.0  # for the last report of diagnostics


class ReplayError(ClueError):
    """A live replay that could not be played to its end."""


class Player(Node):
    """Plays one bag."""

    def __init__(
        self,
        bag: BagFile,
        topics: BagTopics,
        config: LiveConfig,
        patience: float,
        check: Callable[[], object],
    ) -> None:
        """Get ready; see `play`."""
        super().__init__('bag_player')
        self._bag = bag
        self._topics = topics
        self._rate = config.rate
        self._current = config.replay.image_timeout
        self._patience = patience
        self._check = check
        self._script = Script(bag, topics)
        self._seen = Observer(self)
        self._clock = self.create_publisher(Clock, '/clock', SENSOR)
        self._instruction = self.create_publisher(String, 'instruction', RESULT)
        self._heard = self.create_publisher(String, 'speech/heard', RESULT)
        self._cameras = {
            topic: (name, self._camera(name, bag.topics[topic].kind))
            for name, topic in topics.cameras.items()
        }
        self._frames: dict[str, tuple[BagMessage, float]] = {}  # the newest, and when it was sent
        self._replies: deque[str] = deque()  # not used yet
        self._time: int | None = None  # of the bag, nanoseconds
        self._moved = 0.0  # when it was brought up to date
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self)

    def play(self) -> LiveRun:
        """Play it and return what was seen; raises ReplayError or what `check` raises."""
        for message in self._bag.messages((*self._script.topics, *self._cameras)):
            if self._time is None:
                self._time = message.time
                if not self._wait(lambda: not self._missing(), START_SECONDS):
                    wanted = ' and '.join(self._missing())
                    raise ReplayError(f'waited {START_SECONDS:g} s for {wanted}; start the nodes')
            self._advance(message.time)
            if message.topic in self._cameras:
                self._show(message)
            else:
                self._tell(message)
        self._settle()
        self._frames.clear()
        # of each camera two: the first may have been on its way already
        reports = self._seen.reports + 2 * len(self._cameras)
        self._wait(lambda: self._seen.reports >= reports, REPORT_SECONDS)
        return self._seen.run

    def _show(self, frame: BagMessage) -> None:
        camera, publisher = self._cameras[frame.topic]
        self._seen.sent(camera, stamp_of(frame.data))
        publisher.publish(frame.data)
        self._frames[frame.topic] = frame, time.monotonic()

    def _tell(self, message: BagMessage) -> None:
        with suppress(InvalidSource):  # the deterministic replay has told it
            for event in self._script.events(message):
                self._happen(event)

    def _happen(self, event: ScriptEvent) -> None:
        match event:
            case Instruction(text=text):
                # one that comes during a look would end it, on a slow machine only
                self._wait(lambda: self._seen.state.state != DialogState.LOOKING, self._patience)
                self._replies.clear()
                dialogs = len(self._seen.run.dialogs)
                self._seen.told()
                self._instruction.publish(String(data=text))
                if not self._wait(lambda: len(self._seen.run.dialogs) > dialogs, self._patience):
                    raise ReplayError(
                        f'waited {self._patience:g} s for the dialog manager to take {text!r}; '
                        'see its log'
                    )
            case Answered(text=text):
                self._replies.append(text)
                self._wait(lambda: not self._replies or self._seen.idle, self._patience)
            case Canceled():
                if not self._seen.idle:
                    self._instruction.publish(String(data='stop'))
                self._settle()
            case Ended(outcome=outcome):
                # a newer instruction ends it if one did on the robot
                if outcome is not Outcome.PREEMPTED:
                    self._settle()

    def _settle(self) -> None:
        """Wait for the end of the dialog that runs."""
        self._wait(lambda: self._seen.idle, self._patience)

    def _camera(self, name: str, kind: str) -> Any:
        if kind == COMPRESSED:
            return self.create_publisher(CompressedImage, f'{name}/image/compressed', SENSOR)
        return self.create_publisher(Image, f'{name}/image', SENSOR)

    def _missing(self) -> list[str]:
        """What the nodes must still do before the bag can begin, in words."""
        cameras = [publisher for _, publisher in self._cameras.values()]
        topics = ' or '.join(camera.topic_name for camera in cameras)
        wanted = {
            f'perception to look at {topics}': any(c.get_subscription_count() for c in cameras),
            f'perception and a dialog manager to hear {self._instruction.topic_name}': (
                self._instruction.get_subscription_count() >= 2
            ),
            f'speech to hear {self._heard.topic_name}': self._heard.get_subscription_count(),
            'a report of perception on /diagnostics': self._seen.reports,
        }
        return [what for what, there in wanted.items() if not there]

    def _advance(self, time_: int) -> None:
        """Let the bag's time run on to `time_`, nanoseconds."""
        while (left := (time_ - self._time) / 1e9 / self._rate) > 0:
            self._serve(min(left, CLOCK_SECONDS))
            now = time.monotonic()
            passed = round((now - self._moved) * 1e9 * self._rate)
            self._time, self._moved = min(self._time + passed, time_), now

    def _wait(self, condition: Callable[[], object], seconds: float) -> bool:
        """Let the nodes work until `condition` holds or `seconds` are over; the bag waits."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            self._serve(CLOCK_SECONDS)
        self._moved = time.monotonic()
        return True

    def _serve(self, seconds: float) -> None:
        """Serve clock, cameras, a question that waits for its reply, callbacks, for `seconds`."""
        self._check()
        clock = Clock()
        clock.clock.sec, clock.clock.nanosec = divmod(self._time, 10**9)
        self._clock.publish(clock)
        # to the nodes a frame gets old in real time: what is current in the bag is shown again
        for frame, sent in list(self._frames.values()):
            current = self._time - frame.time <= self._current * 1e9
            if current and time.monotonic() - sent > self._current / 2:
                self._show(frame)
        # speech hears nothing before the question has been said
        if self._replies and self._seen.asked:
            self._seen.said = ''
            self._heard.publish(String(data=self._replies.popleft()))
        end = time.monotonic() + seconds
        try:
            while (left := end - time.monotonic()) > 0:
                self._executor.spin_once(timeout_sec=left)
        except ExternalShutdownException:
            raise KeyboardInterrupt from None  # SIGTERM


def play(
    bag: BagFile,
    topics: BagTopics,
    config: LiveConfig,
    patience: float,
    check: Callable[[], object],
) -> LiveRun:
    """Play a bag to the nodes of this ROS domain.

    `topics` are those of `find_topics`, their cameras those of perception. A dialog may take
    `patience` seconds. `check` is called again and again and may raise to end it.
    """
    rclpy.init()
    player = Player(bag, topics, config, patience, check)
    try:
        return player.play()
    finally:
        player.destroy_node()
        rclpy.try_shutdown()
