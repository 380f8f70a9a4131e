"""transformers alone gives what this package gives, and detects what baselines count."""

from __future__ import annotations

import pytest
from scene_files import SCENES
from scene_files import load_scenes

from clue_ros.dialog import Dialog
from clue_ros.evaluate.plain import Plain
from clue_ros.evaluate.plain import read_answer
from clue_ros.evaluate.speed import think_once
from clue_ros.model.checkpoint import EMBEDDED
from clue_ros.model.checkpoint import find
from clue_ros.model.decoder import Form
from clue_ros.pixels import decode
from clue_ros.response import Absent
from clue_ros.response import Grounding
from clue_ros.response import Invalid
from clue_ros.response import Question

ROWS = load_scenes()[:3]
CHECKPOINT = find(EMBEDDED, allow_download=False)


@pytest.mark.usefixtures('one_thread')
def test_the_same_answers_as_ours():
    plain, clue = Plain(CHECKPOINT, 'cpu', adapter='ivg'), think_once(CHECKPOINT)
    for row in ROWS:
        image, dialog = decode((SCENES / row['image']).read_bytes()), Dialog(row['instruction'])
        (view,) = clue.look_all([image])
        for form in Form:
            (ours,) = clue.decode_all([view], [dialog], [form])
            theirs = plain.respond(image, dialog, form)
            assert type(ours) is type(theirs)
            if isinstance(ours, Grounding):
                assert ours.box.corners == pytest.approx(theirs.box.corners)
            else:
                assert ours == theirs


@pytest.mark.usefixtures('one_thread')
def test_boxes_are_counted_in_batches_as_one_by_one():
    plain = Plain(CHECKPOINT, 'cpu')
    images = [decode((SCENES / row['image']).read_bytes()) for row in ROWS]
    dialogs = [Dialog(row['instruction']) for row in ROWS]
    counts = plain.count_boxes(images, dialogs)
    assert counts == [
        plain.count_boxes([image], [dialog])[0]
        for image, dialog in zip(images, dialogs, strict=True)
    ]


@pytest.mark.parametrize(
    ('text', 'kind'),
    [
        ('', Absent),
        ('which one ?', Question),
        ('<loc0001><loc0001><loc0100><loc0100>', Grounding),
        ('<loc0001><loc0001><loc0100>', Invalid),
        ('<loc0100><loc0001><loc0001><loc0100>', Invalid),
    ],
)
def test_what_plain_text_means(text, kind):
    assert isinstance(read_answer(text, 100, 100), kind)
