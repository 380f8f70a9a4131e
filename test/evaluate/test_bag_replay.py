"""The deterministic replay, with the embedded model and policies that leave it no choice."""

import io
import tracemalloc

import numpy as np
import pytest
from bag_builders import SCENES
from bag_builders import images
from bag_builders import jpeg
from bag_builders import make
from bag_builders import raw
from bag_builders import state
from bag_builders import text
from bag_builders import truth
from bag_builders import write_bag
from mcap.writer import IndexType
from mcap.writer import Writer
from rosbags.rosbag2 import StoragePlugin

from clue_ros.clue import Clue
from clue_ros.conversation import ConversationConfig
from clue_ros.conversation import Outcome
from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidImage
from clue_ros.errors import InvalidRequest
from clue_ros.errors import InvalidSource
from clue_ros.errors import NoImage
from clue_ros.evaluate.bag_file import BagFile
from clue_ros.evaluate.bag_replay import Replay
from clue_ros.evaluate.bag_replay import ReplayConfig
from clue_ros.evaluate.bag_topics import BagTopics
from clue_ros.evaluate.bag_topics import find_topics
from clue_ros.response import Grounding

TABLE, OTHER = SCENES[0], SCENES[1]
CAMERA = '/camera/image/compressed'
# asks whatever the weights are; points whatever they are
ALWAYS, NEVER = ConversationConfig('always'), ConversationConfig('never')


@pytest.fixture(scope='module')
def clue(hasty) -> Clue:
    return Clue.load(device='cpu')


def say(seconds, words, topic='/instruction'):
    return seconds, topic, text(words)


def order(said):
    return sorted(said, key=lambda item: item[0])


@pytest.fixture
def replay(clue, tmp_path):
    """From what a bag says to its results and its problems."""

    def run(said, dialog=NEVER, storage=StoragePlugin.MCAP, topics=None, **config):
        bag = write_bag(tmp_path / f'bag{len(list(tmp_path.iterdir()))}', said, storage)
        with BagFile(bag) as file:
            found = find_topics(file, topics or BagTopics())
            results = list(Replay(clue, file, found, ReplayConfig(dialog, **config)).run())
            return results, file.problems

    return run


SCENE = images(TABLE, 0, 4)  # frames at 0.0, 0.5, ... 3.5 s
REPLIES = [say(1.5, 'red', '/speech/heard'), say(1.6, 'the left one', '/speech/heard')]


@pytest.mark.parametrize(
    ('said', 'outcome', 'code', 'named'),
    [
        ([*SCENE, say(1, '')], Outcome.FAILED, InvalidRequest.code, 'empty'),
        ([*SCENE, say(9, 'get it')], Outcome.FAILED, NoImage.code, 'the bag ended before'),
        ([*SCENE, say(9, 'get it'), say(12, 'x', '/speech/heard')], Outcome.FAILED, NoImage.code,
         "no image from camera 'camera' in 2 s"),
        ([say(0, 'get it'), *images(TABLE, 3, 4)], Outcome.FAILED, NoImage.code, 'no image'),
        ([(0, '/camera/image', make('sensor_msgs/msg/Image', encoding='yuv422')), say(1, 'get it')],
         Outcome.FAILED, InvalidImage.code, "got 'yuv422'"),
        ([(0, CAMERA, make('sensor_msgs/msg/CompressedImage', data=np.zeros(9, np.uint8))),
          say(1, 'get it')], Outcome.FAILED, InvalidImage.code, 'wanted a JPEG or PNG'),
    ],
)  # fmt: skip
def test_an_instruction_that_comes_to_nothing(replay, said, outcome, code, named):
    [result], problems = replay(order([*said, say(0.1, 'quiet', '/speech/heard')]))
    assert (result.end.outcome, result.end.code) == (outcome, code)
    assert named in result.end.message
    assert result.frames == ()
    # a picture that cannot be read is a fault of the bag, an empty instruction is none
    assert [type(problem) for problem in problems] == [InvalidImage] * (code == InvalidImage.code)


def test_a_bag_without_an_instruction(replay):
    with pytest.raises(InvalidSource, match='wanted a bag with an instruction, .* has none in'):
        replay([*SCENE, say(1, 'stop'), say(2, 'red', '/speech/heard')])


def test_a_foreign_truth_is_named_and_the_rest_is_replayed(replay):
    strange = make('vision_msgs/msg/Detection2D', id='7', results=[])
    strange.results = [make('vision_msgs/msg/ObjectHypothesisWithPose')]
    said = [*SCENE, (0.5, '/sim_camera/target', strange), say(1, 'get it')]
    [result], problems = replay(order(said))
    assert result.frames
    assert result.truth is None
    assert any('a box of the bag cannot be used' in str(problem) for problem in problems)


def test_images_out_of_order_are_named_and_taken_as_recorded(replay):
    late = (0.7, CAMERA, jpeg(OTHER.image, seconds=0.2))
    [result], problems = replay(order([*SCENE[:2], late, say(0.8, 'get it'), *REPLIES]))
    assert [frame.stamp for frame in result.frames] == [2 * 10**8]
    [problem] = problems
    assert 'images of /camera/image/compressed are out of order' in str(problem)
    assert '0.300 s older' in str(problem)


def test_messages_out_of_order_in_a_file_without_an_index(clue, tmp_path):
    file = io.BytesIO()
    writer = Writer(file, index_types=IndexType.NONE, use_chunking=False)
    writer.start('ros2')
    schema = writer.register_schema('std_msgs/msg/String', 'ros2msg', b'string data')
    channel = writer.register_channel('/instruction', 'cdr', schema)
    for time in (5, 7, 6):
        writer.add_message(channel, time, b'\0\1\0\0\1\0\0\0\0', time)
    writer.finish()
    (tmp_path / 'bag.mcap').write_bytes(file.getvalue())
    with BagFile(tmp_path / 'bag.mcap') as bag:
        assert [message.time for message in bag.messages(['/instruction'])] == [5, 7]
        assert 'not in timestamp order' in str(bag.problems[0])


@pytest.mark.parametrize('storage', list(StoragePlugin))
@pytest.mark.parametrize('topic', ['/camera/image', '/camera/image/compressed'])
def test_each_look_takes_the_newest_frame_of_its_moment(replay, clue, storage, topic):
    frames = [*images(OTHER, 0, 1, topic), *images(TABLE, 1, 4, topic)]
    said = order([*frames, say(1.2, 'get the box'), say(2.6, 'get the cube'), *REPLIES])
    first, second = replay(said, storage=storage)[0]
    assert [frame.stamp for frame in first.frames] == [10**9]
    assert [frame.stamp for frame in second.frames] == [25 * 10**8]
    if topic == '/camera/image':
        wanted = clue.respond(clue.look(TABLE.image), Dialog('get the box'), 'never')
        if isinstance(wanted, Grounding):
            assert first.end.target == wanted.box
            assert first.confidence == wanted.confidence


def test_a_look_waits_for_a_frame(replay):
    said = order([*images(TABLE, 0, 1), say(5, 'get it'), *images(TABLE, 6, 8), *REPLIES])
    [result], _ = replay(said)
    assert [frame.stamp for frame in result.frames] == [6 * 10**9]


def test_replies_in_their_order_and_each_look_with_its_own_frame(replay):
    said = order([*SCENE, say(1.2, 'get the box'), *REPLIES])
    [result], problems = replay(said, ALWAYS)
    assert not problems
    assert [turn.reply for turn in result.turns] == ['red', 'the left one'][: len(result.turns)]
    assert result.turns
    stamps = [frame.stamp for frame in result.frames]
    assert stamps == [10**9, *[15 * 10**8] * (len(stamps) - 1)]
    assert len(result.probabilities) == len(stamps)


def test_nobody_replies(replay):
    said = [*SCENE, say(1.2, 'get the box'), say(0, '', '/speech/heard')]
    [result], _ = replay(order(said), ALWAYS)
    assert result.end.outcome is Outcome.NO_REPLY
    late = [*said, say(50, 'red', '/speech/heard')]  # the person has 30 s
    [result], _ = replay(order(late), ALWAYS)
    assert result.end.outcome is Outcome.NO_REPLY
    assert result.turns == ()


@pytest.mark.parametrize(
    ('words', 'outcomes'),
    [
        ('stop', [Outcome.CANCELED]),
        ('get the cube', [Outcome.PREEMPTED, Outcome.NO_REPLY]),
        ('', [Outcome.NO_REPLY, Outcome.FAILED]),
    ],
)
def test_a_word_in_the_middle_of_a_question(replay, words, outcomes):
    said = order([*SCENE, say(1, 'get it'), say(2, words), say(0, '', '/speech/heard')])
    assert [result.end.outcome for result in replay(said, ALWAYS)[0]] == outcomes


def test_a_reply_to_another_question_is_marked(replay):
    lines = [(2, '/speech/said', text('Is it edible?')), say(3, 'no', '/speech/heard')]
    [result], _ = replay(order([*SCENE, say(1, 'get the box'), *lines]), ALWAYS)
    assert result.turns[0].reply == 'no'
    assert result.turns[0].reply_of_other_question
    question = result.turns[0].question
    lines[0] = (2, '/speech/said', text(question))
    [result], _ = replay(order([*SCENE, say(1, 'get the box'), *lines]), ALWAYS)
    assert not result.turns[0].reply_of_other_question


def test_the_scripted_person_replies_from_the_truth(replay):
    lines = [*truth(TABLE, 0.5), say(3, 'no', '/speech/heard')]
    said = order([*SCENE, *lines, say(1, 'get the box')])
    [result], _ = replay(said, ALWAYS, person='scripted')
    assert result.truth.target.box == TABLE.truth.things[TABLE.truth.target].box
    assert 'no' not in [turn.reply for turn in result.turns]
    assert result.turns
    # another camera's truth is not about these pictures
    said = order([*SCENE, *truth(TABLE, 0.5, 'wrist'), say(1, 'get the box'), lines[-1]])
    [result], _ = replay(said, ALWAYS, person='scripted')
    assert result.truth is None
    assert result.turns[0].reply == 'no'


def test_several_cameras(replay):
    wrist = images(OTHER, 0.2, 4, '/wrist/image', frame_id='wrist')
    said = order([*SCENE, *wrist, *truth(OTHER, 0.5, 'wrist'), say(1.3, 'get it'), *REPLIES])
    results, _ = replay(said)
    assert [(result.number, result.camera) for result in results] == [(0, 'camera'), (0, 'wrist')]
    assert [result.frames[0].stamp for result in results] == [10**9, 12 * 10**8]
    assert [bool(result.truth) for result in results] == [False, True]
    topics = BagTopics({'hand': '/wrist/image'})
    [result], _ = replay(said, topics=topics)
    assert result.camera == 'hand'


def test_states_bring_their_replies_and_their_end(replay):
    turns = (('Is it edible?', 'no'),)
    states = [
        state('d', 'get the box', 1),
        state('d', 'get the box', 1, turns),
        state('d', 'get the box', 3, turns, outcome=2, camera='camera'),
    ]
    told = [(second, '/dialog_manager/state', item) for second, item in enumerate(states, 1)]
    ignored = [say(1, 'this was not taken'), say(1.5, 'nor this', '/speech/heard')]
    said = order([*SCENE, *told, *ignored])
    [result], _ = replay(said, ALWAYS)
    assert result.request == 'get the box'
    assert result.turns[0].reply == 'no'
    assert result.turns[0].reply_of_other_question
    assert result.recorded.outcome is Outcome.ABSENT
    assert result.agrees is False
    topics = BagTopics({'wrist': '/wrist/image/compressed'})
    moved = [(second, topic.replace('/camera', '/wrist'), item) for second, topic, item in said]
    [result], _ = replay(moved, ALWAYS, topics=topics)
    assert result.recorded is None  # the robot looked through another camera


def test_memory_does_not_grow_with_the_bag(clue, tmp_path):
    peaks = []
    for frames in (20, 200):
        image = np.full((240, 320, 3), 90, np.uint8)  # 230 kB
        video = [(second, '/camera/image', raw(image, second)) for second in range(frames)]
        said = order([*video, say(frames - 0.5, 'get it'), *REPLIES])
        bag = write_bag(tmp_path / f'{frames}', said)
        del video, said
        with BagFile(bag) as file:
            topics = find_topics(file, BagTopics())
            tracemalloc.start()
            [result] = Replay(clue, file, topics, ReplayConfig(NEVER)).run()
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        assert result.frames
    assert peaks[1] < peaks[0] + 2**20  # 41 MB more were read
