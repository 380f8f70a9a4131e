"""The perception node: looks at camera frames, says how ambiguous a request is, asks or points.

A lifecycle node. Configuring loads the model, activating subscribes to the cameras. The model runs
in a thread of its own, so an active node always answers at once, if only with an error.
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock
from rclpy.clock import ClockType
from rclpy.lifecycle import LifecycleNode
from rclpy.lifecycle import LifecycleState
from rclpy.lifecycle import TransitionCallbackReturn

from clue_ros.dialog import check_ask_policy
from clue_ros.errors import ClueError
from clue_ros.errors import NotActive
from clue_ros.nodes.diagnostics import diagnostic_name
from clue_ros.nodes.diagnostics import model_status
from clue_ros.nodes.loading import MODEL_PARAMETERS
from clue_ros.nodes.loading import free_memory
from clue_ros.nodes.loading import load_model
from clue_ros.nodes.messages import ambiguity_to_message
from clue_ros.nodes.messages import dialog_from_message
from clue_ros.nodes.messages import respond_to_message
from clue_ros.nodes.outputs import Outputs
from clue_ros.nodes.outputs import source_of
from clue_ros.nodes.parameters import Parameter
from clue_ros.nodes.parameters import declare
from clue_ros.nodes.qos import RESULT
from clue_ros.nodes.runtime import run
from clue_ros.nodes.slots import Subject
from clue_ros.nodes.watch import LOG_PERIOD
from clue_ros.nodes.watch import TRANSPORTS
from clue_ros.nodes.watch import Watch
from clue_ros.nodes.watch import camera_topics
from clue_ros.nodes.worker import Assessment
from clue_ros.srv import Assess
from clue_ros.srv import Respond

PARAMETERS = (
    Parameter(
        'cameras',
        ['camera'],
        'namespaces of the cameras; a service call without a camera means the first one',
        fixed=True,
    ),
    Parameter('image_name', 'image', 'image topic inside the namespace of a camera', fixed=True),
    Parameter(
        'image_transport',
        'raw',
        'raw (sensor_msgs/Image) or compressed (JPEG or PNG on .../compressed)',
        choices=tuple(TRANSPORTS),
        fixed=True,
    ),
    Parameter(
        'image_timeout',
        2.0,
        'a frame counts as current, and a request waits for one, this long, s',
        0.1,
        3600.0,
        fixed=True,
    ),
    *MODEL_PARAMETERS,
    Parameter(
        'probe.active_seconds',
        60.0,
        'assess new frames this long after the last instruction or service call, s',
        0.0,
        86400.0,
    ),
    Parameter('overlay.opacity', 0.6, 'heat map where the attention is highest', 0.0, 1.0),
    Parameter('overlay.jpeg_quality', 80, 'of ~/overlay/image/compressed', 1, 100),
    Parameter('diagnostics.period', 1.0, 'time between two reports, s', 0.1, 60.0, fixed=True),
    Parameter('autostart', True, 'configure and activate at start', fixed=True),
)


class Perception(LifecycleNode):
    """See the module's text."""

    def __init__(self) -> None:
        # first of all: rclpy calls destroy_node when the rest fails
        self._watch: Watch | None = None  # while active
        super().__init__('perception')
        declare(self, PARAMETERS)
        self._clue: Any = None  # while configured
        self._failure = ''  # why the last transition failed
        self._outputs = Outputs(self)
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', RESULT)
        # requests wait for the model while frames, other requests and transitions go on
        group = ReentrantCallbackGroup()
        self.create_service(Assess, '~/assess', self._assess, callback_group=group)
        self.create_service(Respond, '~/respond', self._respond, callback_group=group)
        # steady: a paused simulation does not silence the diagnostics
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._period = self.get_parameter('diagnostics.period').value
        self.create_timer(self._period, self._report, clock=steady)
        if self.get_parameter('autostart').value:
            self._start = self.create_timer(0.0, self._autostart, clock=steady)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model and warm it up; FAILURE with advice in the log if that is impossible."""
        return self._try('configure', self._load) or super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Subscribe and let the model work."""
        return self._try('activate', self._begin) or super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop all work; the model stays loaded."""
        self._stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the memory of the model."""
        self._clue = None
        free_memory()
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop for good, from any state."""
        self._stop()
        self._clue = None
        return super().on_shutdown(state)

    def destroy_node(self) -> None:
        """End the model's thread before its publishers go."""
        self._stop()
        super().destroy_node()

    def _autostart(self) -> None:
        self.destroy_timer(self._start)
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def _try(self, verb: str, action: Callable[[], None]) -> TransitionCallbackReturn | None:
        """Take a step of the transition `verb`: FAILURE, with a reason, if it raises."""
        self._failure = ''
        try:
            action()
        except ClueError as error:
            self._failure = str(error)
        except Exception:  # rclpy would swallow it without a word
            self._failure = traceback.format_exc()
        if not self._failure:
            return None
        self.get_logger().error(
            f'cannot {verb}: {self._failure}\nThen start perception again, or: '
            f'ros2 lifecycle set {self.get_fully_qualified_name()} {verb}'
        )
        return TransitionCallbackReturn.FAILURE

    def _load(self) -> None:
        camera_topics(self)  # a wrong name should not wait for the model
        self._clue = load_model(self)

    def _begin(self) -> None:
        self._watch = Watch(self, self._clue, self._outputs)

    def _stop(self) -> None:
        if self._watch is not None:
            self._watch.stop()
            self._watch = None

    async def _assess(self, request: Assess.Request, response: Assess.Response) -> Assess.Response:
        try:
            seen = await self._look(request)
        except Exception as error:
            return self._refuse(response, error)
        source = source_of(seen)
        response.ambiguity = ambiguity_to_message(seen.ambiguity, source, seen.model_seconds)
        return response

    async def _respond(
        self, request: Respond.Request, response: Respond.Response
    ) -> Respond.Response:
        try:
            seen = await self._look(request, check_ask_policy(request.ask_policy))
        except Exception as error:
            return self._refuse(response, error)
        source = source_of(seen)
        return respond_to_message(seen.response, seen.ambiguity, source, seen.model_seconds)

    async def _look(
        self, request: Assess.Request | Respond.Request, ask_policy: str | None = None
    ) -> Assessment:
        if self._watch is None:
            raise NotActive(
                f'perception is {self._label}, wanted active; see its log, or: '
                f'ros2 lifecycle set {self.get_fully_qualified_name()} activate'
            )
        subject = Subject(dialog_from_message(request.dialog), request.dialog.id)
        return await self._watch.look(request.camera, subject, ask_policy)

    def _refuse(self, response: Any, error: Exception) -> Any:
        """Answer with an error; a fault of the model must not end the node."""
        response.error_code = getattr(error, 'code', ClueError.code)
        response.error_msg = str(error)
        response.ambiguity.probability = response.ambiguity.threshold = math.nan
        if not isinstance(error, ClueError):
            response.error_msg = f'{type(error).__name__}: {error}; see the log of perception'
            self.get_logger().error(''.join(traceback.format_exception(error)))
        self.get_logger().warning(response.error_msg, throttle_duration_sec=LOG_PERIOD)
        return response

    def _report(self) -> None:
        array = DiagnosticArray()
        array.header.stamp = self.get_clock().now().to_msg()
        worker = self._watch.worker if self._watch else None
        error = self._failure or (worker.model_error if worker else '')
        subject = worker.subject if worker else None
        name = diagnostic_name(self)
        array.status = [model_status(name, self._label, self._clue, subject, error)]
        if self._watch:
            array.status += self._watch.statuses(self._period)
        self._diagnostics.publish(array)

    @property
    def _label(self) -> str:
        """Name of the lifecycle state: unconfigured, inactive, active or finalized."""
        return self._state_machine.current_state[1]


def main() -> int:
    """Run the node until it is told to stop."""
    return run(Perception)


if __name__ == '__main__':
    raise SystemExit(main())
