"""Ask for an object and watch how it is found: `python ground_client.py get the spoon`."""

import sys

import rclpy
from rclpy.action import ActionClient
from rclpy.node import Node
from rclpy.utilities import remove_ros_args

from clue_ros.action import Ground
from clue_ros.msg import DialogState

STATES = ('IDLE', 'LOOKING', 'ASKING', 'DONE')
OUTCOMES = (
    'NONE', 'GROUNDED', 'ABSENT', 'UNRESOLVED', 'NO_REPLY', 'CANCELED', 'PREEMPTED', 'FAILED',
)  # fmt: skip
LIMIT = 200.0  # seconds; with its default parameters the dialog manager ends within 160


def show(feedback: Ground.Impl.FeedbackMessage) -> None:
    """Print where the dialog stands."""
    state: DialogState = feedback.feedback.state
    print(f'feedback: {STATES[state.state]} {state.question}'.rstrip())


def main() -> int:
    """Send one goal and wait for its end; 0 if the object was found."""
    rclpy.init(args=sys.argv)
    node = Node('ground_client')
    client = ActionClient(node, Ground, 'dialog_manager/ground')
    if not client.wait_for_server(timeout_sec=10.0):
        print('no dialog manager here; start it, or set ROS_DOMAIN_ID and the namespace')
        return 1
    goal = Ground.Goal(instruction=' '.join(remove_ros_args(sys.argv)[1:]))
    accepted = client.send_goal_async(goal, feedback_callback=show)
    rclpy.spin_until_future_complete(node, accepted, timeout_sec=10.0)
    if not accepted.done():
        print('the dialog manager did not take the goal; is it still alive?')
        return 1
    ended = accepted.result().get_result_async()
    rclpy.spin_until_future_complete(node, ended, timeout_sec=LIMIT)
    if not ended.done():
        print(f'no result in {LIMIT:.0f} s; is the dialog manager still alive?')
        return 1
    # feedback comes another way than the result, and the last one may come after it
    rclpy.spin_once(node, timeout_sec=0.5)
    result = ended.result().result
    for turn in result.dialog.turns:
        print(f'dialog: {turn.question} - {turn.reply}')
    print(f'result: {OUTCOMES[result.outcome]} {result.error_msg}'.rstrip())
    if result.outcome == DialogState.GROUNDED:
        box, score = result.target.bbox, result.target.results[0].hypothesis.score
        x, y = box.center.position.x, box.center.position.y
        print(f'target: {box.size_x:.0f}x{box.size_y:.0f} at ({x:.0f}, {y:.0f}), score {score:.2f}')
    rclpy.try_shutdown()
    return 0 if result.outcome == DialogState.GROUNDED else 1


if __name__ == '__main__':
    raise SystemExit(main())
