"""What can still be read of a damaged bag file: up to the damage, as a new MCAP file.

A recorder that was killed, a full disk or a copy that broke off leave a file without its index,
which no reader of bags opens. The messages before the damage are whole all the same.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from mcap.records import Channel
from mcap.records import Message
from mcap.records import Schema
from mcap.stream_reader import StreamReader
from mcap.writer import CompressionType
from mcap.writer import Writer


class _Row(NamedTuple):
    topic: str
    kind: str  # e.g. std_msgs/msg/String
    form: str  # of the definition: ros2msg or ros2idl, empty when there is none
    definition: str
    time: int  # nanoseconds
    data: bytes  # CDR


def recover(file: Path, out: Path) -> tuple[int, str]:
    """Copy the messages of `file` (.mcap or .db3) up to the damage into the new MCAP file `out`.

    Returns how many there were and what ended them, empty when nothing did.
    """
    rows = _mcap_rows(file) if file.suffix == '.mcap' else _sqlite_rows(file, out.parent)
    count, damage = 0, ''
    with out.open('wb') as stream:
        writer = Writer(stream, compression=CompressionType.NONE)
        writer.start('ros2')
        schemas: dict[str, int] = {}
        channels: dict[tuple[str, str], int] = {}
        try:
            for row in rows:
                if row.kind not in schemas:
                    schemas[row.kind] = writer.register_schema(
                        row.kind, row.form, row.definition.encode()
                    )
                key = row.topic, row.kind
                if key not in channels:
                    channels[key] = writer.register_channel(row.topic, 'cdr', schemas[row.kind])
                writer.add_message(channels[key], row.time, row.data, row.time)
                count += 1
        # Damaged bytes make the readers of these formats raise nearly anything.
        except Exception as error:
            damage = f'{type(error).__name__}: {error}'.rstrip(': ')
        writer.finish()  # type: ignore[no-untyped-call]  # the only one without types
    return count, damage


def unfinished(file: Path) -> list[Path]:
    """What a recorder that was killed has left beside its database."""
    parts = (file.with_name(f'{file.name}-{part}') for part in ('wal', 'journal'))
    return [part for part in parts if part.exists() and part.stat().st_size]


def _mcap_rows(file: Path) -> Iterator[_Row]:
    schemas: dict[int, Schema] = {}
    channels: dict[int, Channel] = {}
    with file.open('rb') as stream:
        for record in StreamReader(stream, validate_crcs=True).records:
            match record:
                case Schema():
                    schemas[record.id] = record
                case Channel():
                    channels[record.id] = record
                case Message():
                    channel = channels[record.channel_id]
                    schema = schemas[channel.schema_id]
                    yield _Row(
                        channel.topic,
                        schema.name,
                        schema.encoding,
                        schema.data.decode(),
                        record.log_time,
                        record.data,
                    )


def _sqlite_rows(file: Path, folder: Path) -> Iterator[_Row]:
    # Opening finishes or takes back what a killed recorder had begun: in a copy, not in the bag.
    copy = folder / 'copy.db3'
    shutil.copyfile(file, copy)
    for part in unfinished(file):
        shutil.copyfile(part, copy.with_name(part.name.replace(file.name, copy.name)))
    _fill_up(copy)
    connection = sqlite3.connect(copy)
    try:
        definitions = {}
        # bags older than Iron have no definitions
        if connection.execute('PRAGMA table_info(message_definitions)').fetchall():
            definitions = {
                kind: (form, text)
                for kind, form, text in connection.execute(
                    'SELECT topic_type, encoding, encoded_message_definition '
                    'FROM message_definitions'
                )
            }
        topics = {
            number: (name, kind)
            for number, name, kind in connection.execute('SELECT id, name, type FROM topics')
        }
        # in the order of writing: the index by time may be what is damaged
        for number, time, data in connection.execute(
            'SELECT topic_id, timestamp, data FROM messages NOT INDEXED ORDER BY id'
        ):
            name, kind = topics[number]
            yield _Row(name, kind, *definitions.get(kind, ('', '')), time, data)
    finally:
        connection.close()


def _fill_up(file: Path) -> None:
    """Give a database that was cut off its length back: SQLite opens no shorter one."""
    with file.open('r+b') as stream:
        head = stream.read(100)
        page_size, pages = int.from_bytes(head[16:18]), int.from_bytes(head[28:32])
        length = (65536 if page_size == 1 else page_size) * pages
        if head.startswith(b'SQLite format 3') and file.stat().st_size < length:
            stream.truncate(length)
