"""How perception is doing, in words and numbers, for /diagnostics and the log.

`<node>` is the name of the node with its namespace. `<node>: model` has the keys state, model,
device, dtype, instruction. `<node>: camera <name>` has topic, frames_received, frames_assessed,
frames_dropped (replaced by a newer one while the model was busy), frames_invalid, rate_hz
(received), age_seconds (of the newest) and last_error; counts begin with the last activation.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_msgs.msg import KeyValue
from rclpy.node import Node
from rclpy.qos import QoSCompatibility
from rclpy.qos import QoSProfile
from rclpy.qos import qos_check_compatible
from rclpy.subscription import Subscription
from rclpy.topic_endpoint_info import TopicEndpointInfo

from clue_ros.nodes.slots import Counts
from clue_ros.nodes.slots import Subject

if TYPE_CHECKING:
    from clue_ros.clue import Clue

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


def diagnostic_name(node: Node) -> str:
    """Name of a node in /diagnostics: with its namespace, so that two robots stay apart."""
    return node.get_fully_qualified_name().lstrip('/')


def model_status(
    node: str, state: str, clue: Clue | None, subject: Subject | None, error: str
) -> DiagnosticStatus:
    """Say how the model is doing; `error` is the last fault, empty while there is none."""
    level, message = OK, clue.description if clue else 'no model loaded'
    if error:
        level, message = ERROR, error
    elif state != 'active':
        level, message = WARN, f'{state}: nothing is assessed until the node is active'
    values = {
        'state': state,
        'model': clue.name if clue else '',
        'device': clue.device if clue else '',
        'dtype': clue.dtype if clue else '',
        'instruction': subject.dialog.request if subject else '',
    }
    return _status(f'{node}: model', level, message, values)


def camera_status(
    node: str, camera: str, topic: str, counts: Counts, rate: float, age: float, missing: str
) -> DiagnosticStatus:
    """Say how a camera is doing; `missing` explains why no image comes, empty while one does."""
    level, message = OK, f'{rate:.1f} images/s'
    if missing:
        level, message = ERROR, missing
    elif counts.last_error:
        level, message = WARN, counts.last_error
    values = {
        'topic': topic,
        'frames_received': counts.received,
        'frames_assessed': counts.assessed,
        'frames_dropped': counts.dropped,
        'frames_invalid': counts.invalid,
        'rate_hz': f'{rate:.2f}',
        'age_seconds': f'{age:.3f}',
        'last_error': counts.last_error,
    }
    return _status(f'{node}: camera {camera}', level, message, values)


def _status(name: str, level: bytes, message: str, values: dict[str, object]) -> DiagnosticStatus:
    return DiagnosticStatus(
        name=name,
        level=level,
        message=message,
        hardware_id='clue_ros',
        values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
    )


def explain_silence(node: Node, subscription: Subscription, type_name: str, age: float) -> str:
    """Say why `subscription` to `type_name` (pkg/msg/Type) has received nothing for `age` s."""
    topic = subscription.topic_name
    wanted = subscription.qos_profile
    publishers = node.get_publishers_info_by_topic(topic)
    text = f'no image on {topic} ({type_name}, {_qos_text(wanted)}) for {age:.1f} s: '
    if not publishers:
        others = _topics_of_type(node, type_name)
        if others:
            return text + (
                f'it has no publisher; {type_name} is published on {", ".join(others)}: '
                'remap, or set the parameters cameras and image_name'
            )
        return text + f'it has no publisher and nobody publishes {type_name}; start the camera'
    found = '; '.join(_publisher_text(publisher) for publisher in publishers)
    return (
        text + f'{len(publishers)} publisher(s): {found}; ' + _advice(publishers, type_name, wanted)
    )


def _advice(publishers: Iterable[TopicEndpointInfo], type_name: str, wanted: QoSProfile) -> str:
    same = [publisher for publisher in publishers if publisher.topic_type == type_name]
    if not same:
        return 'the type differs: set image_transport, or remap to another topic'
    checks = [qos_check_compatible(publisher.qos_profile, wanted) for publisher in same]
    if all(compatibility == QoSCompatibility.ERROR for compatibility, _ in checks):
        return f'the QoS does not match ({checks[0][1]}): set qos_overrides of one side'
    return 'type and QoS match, but nothing arrives: check that the camera is running'


def _publisher_text(publisher: TopicEndpointInfo) -> str:
    name = f'{publisher.node_namespace.rstrip("/")}/{publisher.node_name}'
    if 'UNKNOWN' in name:  # the topic of a node is discovered before its name
        name = 'a node'
    return f'{name} ({publisher.topic_type}, {_qos_text(publisher.qos_profile)})'


def _qos_text(profile: QoSProfile) -> str:
    words = (profile.reliability.name, profile.durability.name)
    return ', '.join(word.lower().replace('_', ' ') for word in words)


def _topics_of_type(node: Node, type_name: str) -> list[str]:
    own = node.get_fully_qualified_name() + '/'
    return [
        topic
        for topic, types in node.get_topic_names_and_types()
        if type_name in types and not topic.startswith(own) and node.count_publishers(topic)
    ]
