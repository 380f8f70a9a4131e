"""Samples of any data set become cases with the truth that they hold."""

from __future__ import annotations

import numpy as np
import pytest

from clue_ros.box import Box
from clue_ros.data.samples import AmbiguitySample
from clue_ros.data.samples import DialogSample
from clue_ros.data.samples import Picture
from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidSource
from clue_ros.evaluate.cases import case_of
from clue_ros.evaluate.cases import check_target
from clue_ros.person import Thing

PICTURE = Picture('a.png', 'a', lambda: np.zeros((8, 8, 3), np.uint8))
THINGS = tuple(Thing('red mug', Box(x, 0, x + 5, 5)) for x in (0, 10, 20))
DIALOG = Dialog('get the mug')
ASKED = DIALOG.add('the left or the right one?', 'the left one')
MEANT = THINGS[0].box


@pytest.mark.parametrize(
    ('sample', 'verdict', 'candidates'),
    [
        (AmbiguitySample('a', PICTURE, 'get it', True), 'several', None),
        (AmbiguitySample('a', PICTURE, 'get it', False), 'one', None),
        (DialogSample('a', PICTURE, DIALOG, None), 'none', ()),
        (DialogSample('a', PICTURE, DIALOG, None, False), 'none', ()),
        (DialogSample('a', PICTURE, DIALOG, MEANT), '', None),
        (DialogSample('a', PICTURE, DIALOG, MEANT, False), 'one', (MEANT,)),
        (DialogSample('a', PICTURE, ASKED, MEANT, True), 'several', None),
        (
            DialogSample('a', PICTURE, ASKED, MEANT, True, '', THINGS, (frozenset({2, 0}),)),
            'several',
            (THINGS[0].box, THINGS[2].box),
        ),
    ],
)
def test_the_truth_of_a_case(sample, verdict, candidates):
    case = case_of(sample)
    assert (case.verdict, case.candidates) == (verdict, candidates)
    assert case.dialog.request in ('get it', 'get the mug')


def test_a_case_without_a_target_serves_ambiguity_only():
    with pytest.raises(InvalidSource, match='evaluate ambiguity'):
        check_target(case_of(AmbiguitySample('a', PICTURE, 'get it', False)))
    check_target(case_of(DialogSample('a', PICTURE, DIALOG, None)))
    check_target(case_of(DialogSample('a', PICTURE, DIALOG, MEANT)))
