"""What goes into messages comes out again; what cannot be read is a named error."""

import math

import numpy as np
import pytest

pytest.importorskip('clue_ros.msg', reason='needs the built interfaces')

from builtin_interfaces.msg import Time
from std_msgs.msg import Header
from vision_msgs.msg import BoundingBox2D

from clue_ros.box import Box
from clue_ros.dialog import MAX_CHARACTERS
from clue_ros.dialog import Dialog
from clue_ros.dialog import Turn
from clue_ros.errors import InvalidBox
from clue_ros.errors import InvalidRequest
from clue_ros.msg import Dialog as DialogMessage
from clue_ros.msg import Turn as TurnMessage
from clue_ros.nodes import messages
from clue_ros.nodes.messages import Source
from clue_ros.response import Absent
from clue_ros.response import Ambiguity
from clue_ros.response import Grounding
from clue_ros.response import Invalid
from clue_ros.response import Question
from clue_ros.response import Region
from clue_ros.srv import Respond

pytestmark = pytest.mark.ros

HEADER = Header(stamp=Time(sec=12, nanosec=34), frame_id='optical')
DIALOG = Dialog('get the mug', (Turn('the red one ?', 'no'), Turn('the blue one ?', 'yes')))
SOURCE = Source(HEADER, 'wrist', 640, 480, DIALOG, 'd7')
BOX = Box(10, 20, 110, 70)
REGIONS = (Region(BOX, 0.5), Region(Box(0.5, 1, 2, 3), 0.25))
MAP = np.zeros((2, 2), np.float32)
AMBIGUITY = Ambiguity(MAP, REGIONS, 0.75, 0.5)


def turned(theta):
    message = BoundingBox2D(size_x=2.0, size_y=2.0)
    message.center.theta = theta
    return message


@pytest.mark.parametrize(
    ('message', 'words'),
    [
        (BoundingBox2D(), 'x1 < x2'),
        (BoundingBox2D(size_x=-2.0, size_y=2.0), 'x1 < x2'),
        (BoundingBox2D(size_x=math.nan, size_y=2.0), 'finite'),
        (turned(0.1), 'upright'),
    ],
)
def test_a_message_that_is_no_box(message, words):
    with pytest.raises(InvalidBox, match=words):
        messages.box_from_message(message)


@pytest.mark.parametrize('box', [BOX, Box(-3, -2, -1, 0), Box(0.25, 0.5, 1919.5, 1079.75)])
def test_a_box_comes_back(box):
    assert messages.box_from_message(messages.box_to_message(box)) == box


def test_a_box_is_centre_and_size():
    message = messages.box_to_message(BOX)
    assert (message.center.position.x, message.center.position.y) == (60.0, 45.0)
    assert (message.center.theta, message.size_x, message.size_y) == (0.0, 100.0, 50.0)


@pytest.mark.parametrize(
    ('message', 'words'),
    [
        (DialogMessage(), 'request is empty'),
        (DialogMessage(request=' \n'), 'request is empty'),
        (DialogMessage(request='x' * (MAX_CHARACTERS + 1)), 'shorten'),
        (DialogMessage(request='get it', turns=[TurnMessage(reply='yes')]), 'question is empty'),
        (DialogMessage(request='get it', turns=[TurnMessage(question='it?')]), 'reply is empty'),
    ],
)
def test_a_message_that_is_no_dialog(message, words):
    with pytest.raises(InvalidRequest, match=words):
        messages.dialog_from_message(message)


@pytest.mark.parametrize('dialog', [Dialog('get the mug'), DIALOG])
def test_a_dialog_comes_back(dialog):
    message = messages.dialog_to_message(dialog, 'd7')
    assert message.id == 'd7'
    assert messages.dialog_from_message(message) == dialog


def test_a_detection_carries_label_score_and_id():
    message = messages.detection_to_message(BOX, 0.5, HEADER, 'get the mug', 'd7')
    assert message.header == HEADER
    assert message.id == 'd7'
    assert messages.box_from_message(message.bbox) == BOX
    [result] = message.results
    assert (result.hypothesis.class_id, result.hypothesis.score) == ('get the mug', 0.5)


@pytest.mark.parametrize(
    ('ambiguity', 'ambiguous', 'probability', 'threshold'),
    [
        (AMBIGUITY, True, 0.75, 0.5),
        (Ambiguity(MAP, (), 0.5, 0.5), True, 0.5, 0.5),
        (Ambiguity(MAP, (), 0.25, 0.5), False, 0.25, 0.5),
        (Ambiguity(MAP, REGIONS, None, None), False, math.nan, math.nan),
    ],
)
def test_an_ambiguity(ambiguity, ambiguous, probability, threshold):
    message = messages.ambiguity_to_message(ambiguity, SOURCE, 0.125)
    assert message.header == HEADER
    assert (message.camera, message.width, message.height) == ('wrist', 640, 480)
    assert (message.dialog_id, message.turn, message.instruction) == ('d7', 2, 'get the mug')
    assert message.ambiguous is ambiguous
    np.testing.assert_equal([message.probability, message.threshold], [probability, threshold])
    boxes = [messages.box_from_message(region) for region in message.regions]
    assert boxes == [region.box for region in ambiguity.regions]
    assert list(message.shares) == [region.share for region in ambiguity.regions]
    assert message.model_seconds == 0.125


def test_a_clarification_names_question_and_candidates():
    message = messages.clarification_to_message(Question('the red one ?'), AMBIGUITY, SOURCE)
    assert message.header == HEADER
    assert (message.camera, message.dialog_id, message.turn) == ('wrist', 'd7', 2)
    assert (message.instruction, message.question) == ('get the mug', 'the red one ?')
    assert messages.box_from_message(message.candidates[0]) == BOX
    assert list(message.shares) == [0.5, 0.25]


@pytest.mark.parametrize(
    ('response', 'kind', 'detections'),
    [
        (Invalid('<loc0001>', 'wanted four'), Respond.Response.INVALID, 0),
        (Absent(), Respond.Response.ABSENT, 0),
        (Question('the red one ?'), Respond.Response.QUESTION, 0),
        (Grounding(BOX, 0.5), Respond.Response.GROUNDING, 1),
    ],
)
def test_every_kind_of_response(response, kind, detections):
    message = messages.respond_to_message(response, AMBIGUITY, SOURCE, 0.125)
    assert message.kind == kind
    assert message.error_code == Respond.Response.NONE
    assert message.question == ('the red one ?' if kind == Respond.Response.QUESTION else '')
    assert message.ambiguity.probability == 0.75
    assert bool(message.error_msg) == (kind == Respond.Response.INVALID)
    found = messages.detections_to_message(response, SOURCE)
    assert found.header == HEADER
    assert len(found.detections) == detections
    if detections:
        assert found.detections == [message.target]
        assert message.target.id == 'd7'
