"""Memory does not grow with the data: many times the rows, the same peak."""

import json
import tracemalloc

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from data_files import BOX
from data_files import write_picture

from clue_ros.data import open_data

FEW = 500
# Bytes, less than the samples of one more pass would take: 0.9 to 2.3 kB each. Python renews its
# table of interned strings, 2 MB, whenever it likes.
ROOM = 3_000_000

OWN = {
    'image': 'a.png',
    'request': 'get the mug',
    'ambiguous': True,
    'dialog': [['the red or the blue one?', 'the red one']],
    'target': BOX,
    'objects': [{'category': 'mug', 'color': 'red', 'size': 'small', 'box': BOX}] * 2,
}
SAID = [['', 'i want a bottle.'], ['which one?', 'the green one.']]


def write_own(folder, count):
    line = json.dumps(OWN) + '\n'
    broken = json.dumps({**OWN, 'target': [5, 5, 1, 1]}) + '\n'
    (folder / 'samples.jsonl').write_text((line * 99 + broken) * (count // 100))


def write_focus(folder, count):
    row = {'file_name': '../a.png', 'question': 'What is it?', 'label': 'ambiguous'}
    (folder / 'test_gt.json').write_text(json.dumps([row] * count))


def write_invig(folder, count):
    content = (folder / 'a.png').read_bytes()
    row = {'dialog': SAID, 'bbox': BOX, 'image': {'bytes': content, 'path': None}}
    pq.write_table(
        pa.Table.from_pylist([row] * count), folder / 'train.parquet', row_group_size=100
    )


def write_it2p(folder, count):
    for name in ('train_img', 'train_script', 'script_ambiguous'):
        (folder / name).mkdir(exist_ok=True)
    for number in range(count // 100):
        (folder / 'train_img' / f'{number:04d}.jpg').write_bytes((folder / 'a.png').read_bytes())
        lines = (f'1 2 pick up block {n}\n' for n in range(100))
        (folder / 'train_script' / f'{number:04d}.txt').write_text(''.join(lines))


def peak(data):
    """Bytes that a pass needs at most, in Python and in Arrow."""
    tracemalloc.start()
    before = pa.total_allocated_bytes()
    arrow = 0
    for _ in data:
        arrow = max(arrow, pa.total_allocated_bytes() - before)
    python = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return python + arrow


@pytest.mark.parametrize(
    ('write', 'many'),
    [(write_own, 6000), (write_focus, 6000), (write_invig, 6000), (write_it2p, 6000)],
)
def test_peak_memory(tmp_path, write, many):
    def measure(count: int) -> int:
        write_picture(tmp_path / 'a.png')
        (tmp_path / 'images').mkdir(exist_ok=True)
        write(tmp_path, count)
        samples = open_data(tmp_path).samples()
        most = peak(samples)
        assert samples.report.good + samples.report.broken == count
        return most

    measure(FEW)  # imports and fills caches
    room = measure(FEW) + ROOM
    # where much is imported the table of interned strings is larger, but not renewed twice in a row
    assert measure(many) < room or measure(many) < room
