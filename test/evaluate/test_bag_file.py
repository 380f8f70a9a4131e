"""Bags of any storage, and everything that can be wrong with one."""

import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from bag_builders import ROOT
from bag_builders import text
from bag_builders import write_bag
from rosbags.rosbag2 import StoragePlugin

from clue_ros.errors import InvalidSource
from clue_ros.evaluate.bag_file import BagFile
from clue_ros.evaluate.bag_file import Topic

STORAGES = pytest.mark.parametrize('storage', list(StoragePlugin))
# A thousand bytes each: an MCAP of three chunks, a database of many pages.
WORDS = [text(f'{number:04d}' + 'x' * 1000) for number in range(2500)]
SAID = [(number / 10, f'/{"ab"[number % 2]}', word) for number, word in enumerate(WORDS)]


@pytest.fixture(scope='module')
def whole(tmp_path_factory) -> dict[StoragePlugin, Path]:
    folder = tmp_path_factory.mktemp('bags')
    return {storage: write_bag(folder / storage.name, SAID, storage) for storage in StoragePlugin}


def storage_of(bag: Path) -> Path:
    return next(file for file in bag.iterdir() if file.suffix in ('.mcap', '.db3'))


def damaged(whole, storage, tmp_path, change) -> Path:
    """A copy of a bag whose file went through `change`."""
    bag = shutil.copytree(whole[storage], tmp_path / 'bag')
    file = storage_of(bag)
    file.write_bytes(change(bytearray(file.read_bytes())))
    return bag


def numbers(bag: BagFile) -> list[int]:
    return [int(bag.read(message).data[:4]) for message in bag.messages(('/a', '/b'))]


def flip(data: bytearray) -> bytearray:
    middle = len(data) // 2
    data[middle : middle + 9000] = b'\xff' * 9000
    return data


@STORAGES
@pytest.mark.parametrize(
    ('change', 'least', 'most'),
    [
        (lambda data: data[:-1], 2500, 2500),
        (lambda data: data[:-40], 2500, 2500),
        (lambda data: data[: len(data) * 3 // 4], 1000, 2400),
        (flip, 700, 2400),
    ],
    ids=['last byte', 'end', 'quarter', 'middle'],
)
def test_what_can_be_read_of_a_damaged_bag(whole, storage, tmp_path, change, least, most):
    bag = damaged(whole, storage, tmp_path, change)
    with BagFile(bag) as file:
        found = numbers(file)
        assert found == list(range(len(found)))
        assert least <= len(found) <= most
        if len(found) < 2500:
            [problem] = file.problems
            assert isinstance(problem, InvalidSource)
            assert str(bag) in str(problem)
            assert any(word in str(problem) for word in ('before the damage', 'up to second'))


@pytest.mark.parametrize('share', range(5, 100, 10))
def test_an_mcap_file_cut_anywhere_gives_its_whole_chunks(whole, tmp_path, share):
    def cut(data):
        return data[: len(data) * share // 100]

    bag = damaged(whole, StoragePlugin.MCAP, tmp_path, cut)
    if share < 40:  # not even the first chunk is whole
        with pytest.raises(InvalidSource, match='no whole message was found'):
            BagFile(bag)
        return
    with BagFile(bag) as file:
        found = numbers(file)
        assert found == list(range(len(found)))
        assert len(found) > 900
        [problem] = file.problems
        assert f'{len(found)} messages before the damage could be read' in str(problem)


@STORAGES
@pytest.mark.parametrize('length', [0, 5, 50, 300])
def test_nothing_is_left(whole, storage, tmp_path, length):
    bag = damaged(whole, storage, tmp_path, lambda data: data[:length])
    with pytest.raises(InvalidSource, match='cannot be read as a bag'):
        BagFile(bag)


@pytest.mark.parametrize('name', ['missing', 'missing.mcap'])
def test_a_missing_bag_is_named(tmp_path, name):
    with pytest.raises(InvalidSource, match=f'found nothing at .*{name}'):
        BagFile(tmp_path / name)


def test_a_folder_without_a_bag_is_named(tmp_path):
    (tmp_path / 'notes.txt').write_text('nothing recorded')
    with pytest.raises(InvalidSource, match=r'holds no \.mcap or \.db3'):
        BagFile(tmp_path)


@STORAGES
def test_an_empty_bag_has_no_topics(tmp_path, storage):
    with BagFile(write_bag(tmp_path / 'bag', [], storage)) as file:
        assert not file.topics
        assert not list(file.messages(['/a']))


@STORAGES
def test_metadata_that_lacks_or_is_wrong(whole, storage, tmp_path):
    bag = shutil.copytree(whole[storage], tmp_path / 'bag')
    (bag / 'metadata.yaml').unlink()
    with BagFile(bag) as file:
        assert numbers(file) == list(range(2500))
        assert not file.problems
    (bag / 'metadata.yaml').write_text('rosbag2_bagfile_information: {version: [')
    with BagFile(bag) as file:
        assert numbers(file) == list(range(2500))
        assert 'metadata.yaml' in str(file.problems[0])


def test_a_part_of_a_split_bag_lacks(whole, tmp_path):
    bag = shutil.copytree(whole[StoragePlugin.MCAP], tmp_path / 'bag')
    metadata = bag / 'metadata.yaml'
    metadata.write_text(metadata.read_text().replace('MCAP.mcap', 'MCAP_1.mcap'))
    with BagFile(bag) as file:
        assert numbers(file) == list(range(2500))
        assert 'missing' in str(file.problems[0])


def test_a_message_that_is_not_what_it_says(tmp_path):
    bag = write_bag(tmp_path / 'bag', [(0, '/a', text('hello'))], StoragePlugin.SQLITE3)
    with sqlite3.connect(storage_of(bag)) as base:
        base.execute('UPDATE messages SET data = ?', (b'\0\1\0\0\xff\xff\xff\xff',))
    with BagFile(bag) as file:
        [message] = file.messages(['/a'])
        with pytest.raises(InvalidSource, match=r'of /a is no std_msgs/msg/String'):
            file.read(message)


@STORAGES
def test_a_whole_bag(whole, storage):
    with BagFile(whole[storage]) as bag:
        assert bag.topics == {name: Topic('std_msgs/msg/String', 1250) for name in ('/a', '/b')}
        messages = list(bag.messages(['/b']))
        assert [message.time for message in messages[:2]] == [10**8, 3 * 10**8]
        assert bag.read(messages[0]).data.startswith('0001x')
        assert not list(bag.messages(['/c']))
        assert not bag.problems
    with BagFile(storage_of(whole[storage])) as bag:
        assert numbers(bag) == list(range(2500))


@STORAGES
def test_messages_come_in_the_order_of_their_time(tmp_path, storage):
    said = [SAID[number] for number in (3, 0, 2, 1)]
    with BagFile(write_bag(tmp_path / 'bag', said, storage)) as bag:
        assert numbers(bag) == [0, 1, 2, 3]


KILLED = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1])
connection.execute('PRAGMA journal_mode=WAL')
data = connection.execute('SELECT data FROM messages WHERE id = 1').fetchone()[0]
connection.execute('INSERT INTO messages(topic_id, timestamp, data) VALUES (1, 8e12, ?)', [data])
connection.commit()
connection.execute('INSERT INTO messages(topic_id, timestamp, data) VALUES (1, 9e12, x\\'00\\')')
print('ready', flush=True)
time.sleep(60)
"""


def test_a_database_whose_recorder_was_killed(whole, tmp_path):
    bag = shutil.copytree(whole[StoragePlugin.SQLITE3], tmp_path / 'bag')
    (bag / 'metadata.yaml').unlink()
    file = storage_of(bag)
    writer = subprocess.Popen(
        [sys.executable, '-c', KILLED, str(file)], stdout=subprocess.PIPE, cwd=ROOT
    )
    writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    before = {part.name: part.read_bytes() for part in bag.iterdir()}
    assert f'{file.name}-wal' in before
    with BagFile(bag) as read:
        assert numbers(read) == [*range(2500), 0]  # also what is not in the database yet
        assert 'recorder was killed' in str(read.problems[0])
    # a bag is evidence: reading leaves it as it is
    assert {part.name: part.read_bytes() for part in bag.iterdir()} == before
