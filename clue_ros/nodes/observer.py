"""What the running nodes make of a bag that is played to them: ends, latencies, counters."""

from __future__ import annotations

import time

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from std_msgs.msg import String

from clue_ros.conversation import Outcome
from clue_ros.evaluate.bag_live import LiveDialog
from clue_ros.evaluate.bag_live import LiveRun
from clue_ros.evaluate.bag_script import OUTCOMES
from clue_ros.msg import Ambiguity
from clue_ros.msg import DialogState
from clue_ros.nodes.messages import box_from_message
from clue_ros.nodes.qos import RESULT

FRAMES = 1000  # that may be on their way at once


class Observer:
    """Watches dialog manager, speech and perception."""

    def __init__(self, node: Node) -> None:
        """Subscribe on `node`."""
        self.run = LiveRun()
        self.state = DialogState()  # the last one
        self.said = ''  # the last thing
        self.reports = 0  # of diagnostics, one for each camera
        self._ids: dict[str, LiveDialog] = {}
        self._told = 0.0  # when the last instruction was sent; 0 when it was answered
        self._frames: dict[tuple[str, int], float] = {}  # when it was sent, by camera and stamp
        node.create_subscription(DialogState, 'dialog_manager/state', self._see_state, RESULT)
        node.create_subscription(String, 'speech/said', self._see_said, RESULT)
        node.create_subscription(Ambiguity, 'perception/ambiguity', self._see_ambiguity, RESULT)
        node.create_subscription(DiagnosticArray, '/diagnostics', self._see_report, RESULT)

    @property
    def idle(self) -> bool:
        """Whether no dialog runs."""
        return self.state.state in (DialogState.IDLE, DialogState.DONE)

    @property
    def asked(self) -> bool:
        """Whether a question has been said and waits for its reply."""
        return self.state.state == DialogState.ASKING and self.said == self.state.question

    def told(self) -> None:
        """Note that an instruction is being sent."""
        self._told = time.monotonic()
        self._frames.clear()  # if one of them is assessed now, it has waited for the instruction

    def sent(self, camera: str, stamp: int) -> None:
        """Note that a frame is being sent."""
        self.run.sent[camera] = self.run.sent.get(camera, 0) + 1
        self._frames[camera, stamp] = time.monotonic()
        if len(self._frames) > FRAMES:  # perception may have nothing to do for hours
            del self._frames[next(iter(self._frames))]

    def _see_state(self, state: DialogState) -> None:
        dialog_id = state.dialog.id
        if not dialog_id:
            return
        self.state = state
        if dialog_id not in self._ids:
            self._ids[dialog_id] = LiveDialog()
            self.run.dialogs.append(self._ids[dialog_id])
        if self._told and state.state in (DialogState.ASKING, DialogState.DONE):
            self.run.answer_latencies.append(time.monotonic() - self._told)
            self._told = 0.0
        dialog = self._ids[dialog_id]
        if state.state == DialogState.DONE:
            dialog.outcome = OUTCOMES[state.outcome]
            dialog.camera = state.camera
            dialog.questions = tuple(turn.question for turn in state.dialog.turns)
            if dialog.outcome is Outcome.GROUNDED:
                dialog.target = box_from_message(state.target.bbox)

    def _see_said(self, message: String) -> None:
        self.said = message.data

    def _see_ambiguity(self, message: Ambiguity) -> None:
        stamp = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
        sent = self._frames.pop((message.camera, stamp), None)
        if sent is not None:
            self.run.frame_latencies.append(time.monotonic() - sent)

    def _see_report(self, message: DiagnosticArray) -> None:
        for status in message.status:
            _, of_a_camera, camera = status.name.partition('perception: camera ')
            if of_a_camera:
                self.reports += 1
                self.run.counts[camera] = {
                    item.key.removeprefix('frames_'): int(item.value)
                    for item in status.values
                    if item.key.startswith('frames_')
                }
