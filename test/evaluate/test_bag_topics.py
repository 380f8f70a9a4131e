"""Which topics a bag is read from, and what it lacks."""

import numpy as np
import pytest
from bag_builders import make
from bag_builders import raw
from bag_builders import state
from bag_builders import text
from bag_builders import write_bag

from clue_ros.errors import InvalidRequest
from clue_ros.errors import InvalidSource
from clue_ros.errors import UnknownCamera
from clue_ros.evaluate.bag_file import BagFile
from clue_ros.evaluate.bag_topics import BagTopics
from clue_ros.evaluate.bag_topics import find_topics

IMAGE = raw(np.zeros((4, 4, 3), np.uint8))
JPEG = make('sensor_msgs/msg/CompressedImage', data=np.zeros(3, np.uint8))
NUMBER = make('std_msgs/msg/Int32', data=7)
FULL = {'/camera/image': IMAGE, '/instruction': text('get it'), '/speech/heard': text('red')}


def found(tmp_path, topics, **wanted):
    """The topics of a bag with one message on each of `topics`, and the bag's problems."""
    bag = write_bag(tmp_path / 'bag', [(0, name, topics[name]) for name in topics])
    with BagFile(bag) as file:
        return find_topics(file, BagTopics(**wanted)), file.problems


def without(*names):
    return {name: message for name, message in FULL.items() if name not in names}


@pytest.mark.parametrize(
    ('topics', 'wanted', 'kind', 'named'),
    [
        ({}, {}, InvalidSource, 'instructions, .* no messages at all'),
        (without('/camera/image'), {}, InvalidSource, r'images .* has /instruction'),
        (without('/instruction'), {}, InvalidSource, r'instructions, .* /camera/image \('),
        ({**FULL, '/instruction': NUMBER}, {}, InvalidSource, r'wanted a bag with instructions'),
        (FULL, {'instruction': '/voice'}, InvalidSource, '--topic instruction=/its/name'),
        (FULL, {'cameras': {'head': '/head/image'}}, UnknownCamera, "'head' on /head/image"),
        (FULL, {'cameras': {'head': '/instruction'}}, UnknownCamera, 'it is a std_msgs/msg/String'),
        (
            {**FULL, '/a/instruction': text('x'), '/b/instruction': text('y')},
            {},
            InvalidSource,
            'several robots, on /a/instruction, /b/instruction',
        ),
    ],
)
def test_nothing_to_replay(tmp_path, topics, wanted, kind, named):
    if '/a/instruction' in topics:
        topics = {name: topics[name] for name in topics if name != '/instruction'}
    with pytest.raises(kind, match=named):
        found(tmp_path, topics, **wanted)


@pytest.mark.parametrize(
    ('topics', 'wanted', 'kind', 'named'),
    [
        (without('/speech/heard'), {}, InvalidSource, 'wanted a bag with replies'),
        ({**FULL, '/speech/heard': NUMBER}, {}, InvalidSource, '/speech/heard is a std_msgs'),
        ({**FULL, '/sim_camera/target': NUMBER}, {}, InvalidSource, '/sim_camera/target is a'),
        (FULL, {'heard': '/ear'}, InvalidSource, 'wanted heard .* on /ear, there is /camera/image'),
        (FULL, {'said': '/camera/image'}, InvalidSource, 'it is a sensor_msgs/msg/Image'),
        (
            FULL,
            {'cameras': {'camera': '/camera/image', 'wrist': '/wrist/image'}},
            UnknownCamera,
            "'wrist' on /wrist/image, images are on /camera/image",
        ),
    ],
)
def test_something_is_left(tmp_path, topics, wanted, kind, named):
    topics, problems = found(tmp_path, topics, **wanted)
    assert topics.cameras == {'camera': '/camera/image'}
    assert topics.instruction == '/instruction'
    assert any(isinstance(problem, kind) for problem in problems)
    with pytest.raises(kind, match=named):
        raise next(problem for problem in problems if isinstance(problem, kind))


@pytest.mark.parametrize(
    ('content', 'named'),
    [
        ('cameras: [a', 'cannot be read'),
        ('- a', 'wanted a mapping'),
        ('instructions: /a', 'wanted a mapping with cameras, instruction'),
        ('instruction: 7', "'instruction' must be a text, got 7"),
        ('cameras: /a', 'cameras must map names'),
        ('cameras: {head: [1]}', "'head' must be a text"),
    ],
)
def test_a_file_of_topics_that_cannot_be_used(tmp_path, content, named):
    file = tmp_path / 'topics.yaml'
    file.write_text(content)
    with pytest.raises(InvalidRequest, match=named):
        BagTopics.load(file)


def test_a_file_of_topics(tmp_path):
    file = tmp_path / 'topics.yaml'
    file.write_text('cameras: {head: /head/image}\ninstruction: /voice\n')
    assert BagTopics.load(file) == BagTopics({'head': '/head/image'}, '/voice')
    with pytest.raises(InvalidRequest, match='cannot be read'):
        BagTopics.load(tmp_path / 'missing.yaml')


@pytest.mark.parametrize(
    ('images', 'cameras'),
    [
        (['/camera/image'], {'camera': '/camera/image'}),
        (['/a/b/image_raw/compressed'], {'a/b': '/a/b/image_raw/compressed'}),
        (['/a/image', '/a/image/compressed'], {'a': '/a/image'}),
        (['/left/image', '/right/image'], {'left': '/left/image', 'right': '/right/image'}),
        (['/a/image', '/r/perception/overlay/image'], {'a': '/a/image'}),
        (['/image'], {'image': '/image'}),
    ],
)
def test_every_image_topic_is_a_camera(tmp_path, images, cameras):
    topics = {name: JPEG if name.endswith('compressed') else IMAGE for name in images}
    assert found(tmp_path, {**topics, **without('/camera/image')})[0].cameras == cameras


def test_usual_names_in_any_namespace(tmp_path):
    topics = {f'/lab/robot1{name}': message for name, message in FULL.items()}
    topics['/lab/robot1/dialog_manager/state'] = state('d', 'get it', 1)
    names, problems = found(tmp_path, topics)
    assert names.instruction == '/lab/robot1/instruction'
    assert names.state == '/lab/robot1/dialog_manager/state'
    assert names.said == ''
    assert not problems


def test_words_that_were_named_win_over_states(tmp_path):
    topics = {**FULL, '/voice': text('get it'), '/dialog_manager/state': state('d', 'get it', 1)}
    names, _ = found(tmp_path, topics, instruction='/voice')
    assert (names.instruction, names.heard, names.state) == ('/voice', '/speech/heard', '')
