"""Records in words."""

import pytest
from report_builders import TURN
from report_builders import record

from clue_ros.evaluate import log
from clue_ros.report.words import explain
from clue_ros.report.words import transcript


@pytest.mark.parametrize('outcome', log.OUTCOMES)
def test_every_outcome_has_a_sentence(outcome):
    sentence = explain(record(outcome=outcome))
    assert sentence[0].isupper() and sentence.endswith('.')


@pytest.mark.parametrize(
    ('changes', 'said'),
    [
        ({}, 'Found what was meant (IoU 1.00).'),
        ({'turns': (TURN,)}, 'after 1 question that a clear request did not need'),
        ({'turns': (TURN,) * 2, 'verdict': log.SEVERAL}, ', after 2 questions.'),
        ({'verdict': log.SEVERAL, 'candidates': None}, 'without asking, though the request fits'),
        ({'verdict': log.NONE, 'target': None, 'box': None, 'iou': None}, 'Rightly said'),
        (
            {'outcome': log.WRONG_GRASP, 'verdict': log.NONE, 'target': None, 'iou': None},
            'Pointed at something, but there is no such thing.',
        ),
        # the turns of a data set were nobody's choice
        ({'policy': '', 'turns': (TURN,)}, 'Found what was meant (IoU 1.00).'),
        ({'outcome': log.TRUE_POSITIVE, 'verdict': log.SEVERAL, 'iou': None}, 'is ambiguous.'),
    ],
)
def test_sentences(changes, said):
    assert said in explain(record(**changes))


@pytest.mark.parametrize(
    ('changes', 'end', 'probabilities'),
    [
        ({}, '(points at it)', [None, 0.1]),
        ({'box': None, 'iou': None}, '(says that there is no such thing)', [None, 0.1]),
        ({'outcome': log.UNRESOLVED, 'box': None, 'iou': None}, '(gives up)', [None, 0.1]),
        (
            {'turns': (TURN,), 'probabilities': (0.8, 0.3)},
            '(points at it)',
            [None, 0.8, None, 0.3],
        ),
        # a model without a probe, and a data set's own dialog
        ({'probabilities': (None,)}, '(points at it)', [None, None]),
        ({'probabilities': (), 'turns': (TURN,)}, '(points at it)', [None] * 4),
    ],
)
def test_transcripts(changes, end, probabilities):
    lines = list(transcript(record(**changes)))
    assert lines[0].speaker == 'person' and lines[0].text == 'get the mug'
    assert [line.probability for line in lines] == probabilities
    assert (lines[-1].speaker, lines[-1].text) == ('robot', end)


def test_nothing_is_said_of_what_was_never_seen():
    unreadable = record(outcome=log.UNREADABLE, box=None, iou=None, probabilities=())
    assert [line.speaker for line in transcript(unreadable)] == ['person']
