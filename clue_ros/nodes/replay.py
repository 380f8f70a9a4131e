"""Live replay: a bag played to the running nodes over DDS, at any pace and by its own clock.

The player waits for the nodes where the robot's person would: with a reply for its question, with
the next instruction for the end of a look. Meanwhile the bag's time stands still. Every wait has
an end.
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
        rate: float,
        patience: float,
        check: Callable[[], object],
    ) -> None:
        """Get ready; see `play`."""
        super().__init__('bag_player')
        self._bag = bag
        self._topics = topics
        self._rate = rate
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
        self._replies: deque[str] = deque()  # not used yet
        self._time = 0  # of the bag, nanoseconds
        self._moved = 0.0  # when it was brought up to date
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self)

    def play(self) -> LiveRun:
        """Play it and return what was seen; raises ReplayError or what `check` raises."""
        for message in self._bag.messages((*self._script.topics, *self._cameras)):
            if not self._time:
                self._time = message.time
                self._until(self._ready, START_SECONDS, 'the nodes to be ready for the bag')
            self._advance(message.time)
            if message.topic in self._cameras:
                camera, publisher = self._cameras[message.topic]
                self._seen.sent(camera, stamp_of(message.data))
                publisher.publish(message.data)
            else:
                self._tell(message)
        self._settle()
        # of each camera two: the first may have been on its way already
        reports = self._seen.reports + 2 * len(self._cameras)
        self._wait(lambda: self._seen.reports >= reports, REPORT_SECONDS)
        return self._seen.run

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
                self._until(
                    lambda: len(self._seen.run.dialogs) > dialogs,
                    self._patience,
                    f'the dialog manager to take the instruction {text!r}',
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

    def _ready(self) -> bool:
        """Whether perception is active and the others are there."""
        cameras = (publisher for _, publisher in self._cameras.values())
        return (
            any(camera.get_subscription_count() for camera in cameras)
            and self._instruction.get_subscription_count() >= 2
            and self._heard.get_subscription_count() > 0
            and self._seen.reports > 0
        )

    def _advance(self, time_: int) -> None:
        """Let the bag's time run on to `time_`, nanoseconds."""
        while (left := (time_ - self._time) / 1e9 / self._rate) > 0:
            self._serve(min(left, CLOCK_SECONDS))
            now = time.monotonic()
            passed = round((now - self._moved) * 1e9 * self._rate)
            self._time, self._moved = min(self._time + passed, time_), now

    def _until(self, condition: Callable[[], object], seconds: float, what: str) -> None:
        if not self._wait(condition, seconds):
            raise ReplayError(f'waited {seconds:g} s for {what}; see the logs of the nodes')

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
        """Serve the clock, a question that waits for its reply, and callbacks for `seconds`."""
        self._check()
        clock = Clock()
        clock.clock.sec, clock.clock.nanosec = divmod(self._time, 10**9)
        self._clock.publish(clock)
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
    bag: BagFile, topics: BagTopics, rate: float, patience: float, check: Callable[[], object]
) -> LiveRun:
    """Play a bag to the nodes of this ROS domain, `rate` times as fast as it was recorded.

    `topics` are those of `find_topics`, their cameras those of perception. A dialog may take
    `patience` seconds. `check` is called again and again and may raise to end it.
    """
    rclpy.init()
    player = Player(bag, topics, rate, patience, check)
    try:
        return player.play()
    finally:
        player.destroy_node()
        rclpy.try_shutdown()
