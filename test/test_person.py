"""The scripted person's answers."""

import pytest

from clue_ros.box import Box
from clue_ros.person import Person
from clue_ros.person import Thing


def thing(label, x, bottom=100):
    return Thing(label, Box(x, bottom - 20, x + 20, bottom))


RINGS = [
    thing('small pink ring', 10),
    thing('small purple ring', 50),
    thing('large red ring', 90),
    thing('small red mug', 130),
]
# three white cans: two large ones side by side, a small one to the right of both
CANS = [
    thing('large white can', 50, 100),
    thing('large white can', 80, 150),
    thing('small white can', 120, 120),
]
TWINS = [thing('small red can', x, y) for x, y in ((10, 80), (50, 100), (90, 90))]
MIXED = [thing('small purple vase', 10), thing('large purple can', 50), thing('purple box', 90)]


@pytest.mark.parametrize(
    ('things', 'target', 'request_text', 'question', 'reply'),
    [
        # no question, no answer
        (RINGS, 0, 'get the ring', 'I found it.', ''),
        (RINGS, 0, 'get the ring', '', ''),
        # a question that offers the wrong values, or none
        (RINGS, 2, 'get the ring', 'Do you mean the pink one or the purple one?', 'the red one'),
        (RINGS, 2, 'get the ring', 'Which one do you mean?', 'the red one'),
        (RINGS, 3, 'get the mug', 'What?', 'the red one'),
        ([thing('', 10), thing('', 50)], 0, 'get it', 'Which one?', 'the left one'),
        ([thing('', 10)], 0, 'get it', 'Which one?', 'the one in the middle'),
        # what was asked for
        (RINGS, 2, 'get the ring', 'The pink one, the purple one or the red one?', 'the red one'),
        (RINGS, 2, 'get the ring', 'Two small rings and a large ring. Which?', 'the large one'),
        (RINGS, 2, 'get the ring', 'Should I take the left one or the right one?', 'the right one'),
        (RINGS, 0, 'get the ring', 'The LEFT one or the RIGHT one?', 'the left one'),
        (MIXED, 0, 'get the purple object', 'The box, the can or the vase?', 'the vase'),
        (MIXED, 1, 'can you get the purple object', 'Two boxes and a can: which?', 'the can'),
        # what was asked for would not do
        (CANS, 1, 'get the can', 'The white one or the black one?', 'the one in front'),
        (CANS, 0, 'get the can', 'A small one or a large one?', 'the left one'),
        (RINGS, 1, 'get the ring', 'The left one or the right one?', 'the purple one'),
        (TWINS, 1, 'get the can', 'The left one or the right one?', 'the one in front'),
        (TWINS, 0, 'get the can', 'The closest one or the farthest one?', 'the one at the back'),
        (TWINS, 2, 'get the can', 'The closest one or the farthest one?', 'the right one'),
        # "can you" is not about cans
        ([*RINGS, *CANS], 2, 'get the ring', 'Can you say which ring?', 'the red one'),
    ],
)
def test_reply(things, target, request_text, question, reply):
    assert Person(things, target, request_text).reply(question) == reply


def test_remembers_its_replies():
    things = [*CANS, thing('large white can', 10, 300)]
    person = Person(things, 1, 'take the white can')
    assert person.reply('Do you mean a small one or a large one?') == 'the large one'
    assert person.reply('Three cans. The left one or the right one?') == 'the right one'
    person.forget()
    assert person.reply('Three cans. The left one or the right one?') == 'the large white can'
