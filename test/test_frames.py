"""Scenes from folders and bags, and every way a source can be wrong."""

import json
import shutil
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer
from rosbags.typesys import Stores
from rosbags.typesys import get_typestore

from clue_ros import frames
from clue_ros.box import Box
from clue_ros.errors import InvalidImage
from clue_ros.errors import InvalidSource
from clue_ros.frames import open_source
from clue_ros.person import Thing

SHIPPED = Path(frames.__file__).parent / 'scenes'
SHIPPED_ROWS = [json.loads(line) for line in (SHIPPED / 'samples.jsonl').read_text().splitlines()]
BOX = [1, 2, 5, 6]
ROW = {'image': 'a.png', 'request': 'get it', 'target': BOX, 'objects': [{'box': BOX}]}

TYPES = get_typestore(Stores.ROS2_KILTED)
RED = np.full((3, 4, 3), (250, 20, 30), np.uint8)


def picture(color=(250, 20, 30)):
    return PIL.Image.new('RGB', (8, 8), color)


@pytest.fixture
def folder(tmp_path):
    picture().save(tmp_path / 'a.png')
    return tmp_path


def write_rows(path, *rows):
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text('\n'.join(lines))


@pytest.mark.parametrize(
    ('row', 'named'),
    [
        ('{"image": ', 'JSON'),
        ('["a.png"]', 'JSON object'),
        ({}, 'wanted an image'),
        ({'image': 'b.png'}, 'b.png'),
        ({'image': 7}, 'wanted an image'),
        ({**ROW, 'request': 7}, 'request'),
        ({**ROW, 'target': 7}, 'TypeError'),
        ({**ROW, 'target': [1, 2, 3]}, 'TypeError'),
        ({**ROW, 'target': [5, 2, 1, 6]}, 'x1 < x2'),
        ({**ROW, 'objects': [{}]}, "'box'"),
        ({**ROW, 'objects': [BOX]}, 'AttributeError'),
        ({**ROW, 'objects': [{'box': ['a'] * 4}]}, 'TypeError'),
        ({**ROW, 'objects': [{'box': BOX, 'color': ['red']}]}, 'TypeError'),
    ],
)
def test_a_bad_row_is_named(folder, row, named):
    write_rows(folder / 'scenes.jsonl', ROW, row)
    with pytest.raises(InvalidSource, match='scenes.jsonl:2') as error:
        open_source(folder)
    assert named in str(error.value)


@pytest.mark.parametrize('name', ['missing', 'missing.mcap'])
def test_a_missing_source_is_named(tmp_path, name):
    with pytest.raises(InvalidSource, match=name):
        open_source(tmp_path / name)


def test_a_folder_without_images_is_refused(tmp_path):
    (tmp_path / 'notes.txt').write_text('nothing to see')
    with pytest.raises(InvalidSource, match=r'scenes\.jsonl or samples\.jsonl or images'):
        open_source(tmp_path)
    (tmp_path / 'scenes.jsonl').write_text('')
    with pytest.raises(InvalidSource, match='found none'):
        open_source(tmp_path)


def test_a_broken_image_is_named(folder):
    (folder / 'a.png').write_bytes(b'not a picture')
    source = open_source(folder)
    with pytest.raises(InvalidImage, match=r'a\.png'):
        source[0]


def test_shipped_scenes():
    source = open_source(SHIPPED)
    assert len(source) == len(SHIPPED_ROWS)
    for index, row in enumerate(SHIPPED_ROWS):
        scene = source[index]
        assert (scene.name, scene.truth.request) == (row['image'], row['instruction'])
        assert scene.image.shape == (row['height'], row['width'], 3)
        if row['verdict'] == 'none':
            assert (scene.truth.target, scene.truth.absent) == (None, True)
        else:
            assert not scene.truth.absent
            target = scene.truth.things[scene.truth.target]
            assert target.box == Box(*row['target'])
            words = row['target_object']
            assert target.label == f'{words["size"]} {words["color"]} {words["category"]}'
        assert len(scene.truth.things) == len(row['objects'])


@pytest.mark.parametrize(
    ('row', 'request_text', 'things', 'target'),
    [
        ({}, '', (), None),
        ({'instruction': 'get it', 'target': None}, 'get it', (), None),
        ({'boxes': [BOX]}, '', (Thing('', Box(*BOX)),), None),
        ({'boxes': [[6, 6, 8, 8], BOX], 'target': [1, 2, 5, 5]}, '', None, 1),
        ({'target': BOX}, '', (Thing('', Box(*BOX)),), 0),
        (
            {'target': BOX, 'target_object': {'color': 'red', 'category': 'mug'}},
            '',
            (Thing('red mug', Box(*BOX)),),
            0,
        ),
    ],
)
def test_rows_of_other_shapes(folder, row, request_text, things, target):
    write_rows(folder / 'samples.jsonl', {'image': 'a.png', **row})
    truth = open_source(folder)[0].truth
    assert (truth.request, truth.target) == (request_text, target)
    assert things is None or truth.things == things


def test_plain_images(folder):
    picture((0, 0, 255)).save(folder / 'B.JPG')
    (folder / 'notes.txt').write_text('ignored')
    source = open_source(folder)
    assert [source[index].name for index in range(len(source))] == ['B.JPG', 'a.png']
    assert source[1].image[0, 0].tolist() == [250, 20, 30]
    assert source[1].truth == frames.Truth()
    single = open_source(folder / 'B.JPG')
    assert len(single) == 1


def raw(encoding='rgb8', image=RED, step=None):
    height, width, channels = image.shape
    padded = np.zeros((height, step or width * channels), np.uint8)
    padded[:, : width * channels] = image.reshape(height, -1)
    return TYPES.types[frames.RAW](
        header=header(),
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=0,
        step=padded.shape[1],
        data=padded.ravel(),
    )


def compressed(folder):
    picture().save(folder / 'frame.png')
    data = np.frombuffer((folder / 'frame.png').read_bytes(), np.uint8)
    return TYPES.types[frames.COMPRESSED](header=header(), format='png', data=data)


def header():
    stamp = TYPES.types['builtin_interfaces/msg/Time'](sec=1, nanosec=2)
    return TYPES.types['std_msgs/msg/Header'](stamp=stamp, frame_id='optical')


def text():
    return TYPES.types['std_msgs/msg/String'](data='hello')


def write_bag(path, storage, topics):
    """A bag with the messages of each topic, one second apart."""
    with Writer(path, version=9, storage_plugin=storage) as writer:
        for topic, messages in topics.items():
            kind = messages[0].__msgtype__
            connection = writer.add_connection(topic, kind, typestore=TYPES)
            for second, message in enumerate(messages):
                writer.write(connection, second * 10**9, TYPES.serialize_cdr(message, kind))
    return path


@pytest.mark.parametrize('storage', list(StoragePlugin))
def test_a_bag(tmp_path, storage):
    images = [raw(image=RED + np.uint8(number)) for number in range(3)]
    bag = write_bag(tmp_path / 'desk', storage, {'/wrist/image': images, '/chatter': [text()] * 5})
    write_rows(tmp_path / 'desk.jsonl', {'request': 'get it', 'target': BOX})
    source = open_source(bag)
    assert len(source) == 3
    for index in (1, 2, 0, 0, 2):  # forwards, back and again
        assert np.array_equal(source[index].image, RED + index)
    assert source[0].truth.request == 'get it'
    assert source[2].truth == frames.Truth()
    assert source[2].name == 'desk /wrist/image 2'


def test_a_bag_file_without_its_folder(tmp_path):
    bag = write_bag(tmp_path / 'desk', StoragePlugin.MCAP, {'/image': [raw()]})
    shutil.move(next(bag.glob('*.mcap')), tmp_path / 'alone.mcap')
    assert np.array_equal(open_source(tmp_path / 'alone.mcap')[0].image, RED)


def test_raw_images_are_preferred_to_their_compressed_twins(tmp_path):
    topics = {'/image': [raw()], '/image/compressed': [compressed(tmp_path)]}
    source = open_source(write_bag(tmp_path / 'desk', StoragePlugin.MCAP, topics))
    assert source[0].name == 'desk /image 0'


def test_compressed_images(tmp_path):
    topics = {'/image/compressed': [compressed(tmp_path)] * 2}
    source = open_source(write_bag(tmp_path / 'desk', StoragePlugin.MCAP, topics))
    assert source[1].image[0, 0].tolist() == [250, 20, 30]


@pytest.mark.parametrize(
    ('message', 'wanted'),
    [
        (raw('rgb8', step=20), [250, 20, 30]),
        (raw('bgr8'), [30, 20, 250]),
        (raw('rgba8', np.dstack([RED, RED[..., :1]])), [250, 20, 30]),
        (raw('bgra8', np.dstack([RED, RED[..., :1]])), [30, 20, 250]),
        (raw('mono8', RED[..., :1]), [250, 250, 250]),
    ],
)
def test_raw_encodings(tmp_path, message, wanted):
    bag = write_bag(tmp_path / 'desk', StoragePlugin.MCAP, {'/image': [message]})
    image = open_source(bag)[0].image
    assert image.shape == (3, 4, 3)
    assert image[2, 3].tolist() == wanted
    assert image.flags.c_contiguous


@pytest.mark.parametrize(
    ('message', 'named'), [(raw('yuv422'), 'yuv422'), (raw('rgba8'), 'a row of rgba8')]
)
def test_unusable_raw_images(tmp_path, message, named):
    bag = write_bag(tmp_path / 'desk', StoragePlugin.MCAP, {'/image': [message]})
    with pytest.raises(InvalidImage, match=named):
        open_source(bag)[0]


@pytest.mark.parametrize(
    ('topics', 'named'),
    [
        ({'/chatter': [text()]}, 'has none'),
        ({'/left/image': [raw()], '/right/image': [raw()]}, '/left/image, /right/image'),
    ],
)
def test_a_bag_of_no_or_many_cameras_is_refused(tmp_path, topics, named):
    bag = write_bag(tmp_path / 'desk', StoragePlugin.MCAP, topics)
    with pytest.raises(InvalidSource, match=named):
        open_source(bag)


def test_too_many_rows_for_a_bag_are_refused(tmp_path):
    bag = write_bag(tmp_path / 'desk', StoragePlugin.MCAP, {'/image': [raw()]})
    write_rows(tmp_path / 'desk.jsonl', {}, {})
    with pytest.raises(InvalidSource, match='2 rows for the 1 images'):
        open_source(bag)


@pytest.mark.parametrize('suffix', ['.mcap', '.db3'])
@pytest.mark.parametrize('data', [b'', b'neither one nor the other' * 100])
def test_a_file_that_is_no_bag_is_refused(tmp_path, suffix, data):
    (tmp_path / f'desk{suffix}').write_bytes(data)
    with pytest.raises(InvalidSource, match='cannot be read as a bag'):
        open_source(tmp_path / f'desk{suffix}')


def test_a_cut_bag_is_named(tmp_path):
    bag = write_bag(tmp_path / 'desk', StoragePlugin.MCAP, {'/image': [raw()] * 3})
    file = next(bag.glob('*.mcap'))
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(InvalidSource, match='cannot be read as a bag'):
        open_source(bag)
