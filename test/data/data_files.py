"""Tiny data sets, written by the tests in the formats of the large ones."""

import json

import PIL.Image

from clue_ros.errors import InvalidSource

SIZE = (40, 30)
BOX = [1, 2, 11, 12]


def write_picture(path, size=SIZE, color=(250, 20, 30)):
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.new('RGB', size, color).save(path)
    return path


def write_rows(path, *rows):
    """JSON lines; a text or bytes stand as they are."""
    lines = [
        row
        if isinstance(row, bytes)
        else (row if isinstance(row, str) else json.dumps(row)).encode()
        for row in rows
    ]
    path.write_bytes(b'\n'.join(lines))
    return path


def read(samples):
    """The samples and the report of a pass, whatever it says of too many broken rows."""
    found = []
    try:
        for sample in samples:
            found.append(sample)
    except InvalidSource as error:
        assert str(samples.report) in str(error)
    return found, samples.report
