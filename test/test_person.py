"""The scripted person's answers."""

import numpy as np
import pytest

from clue_ros.box import Box
from clue_ros.person import Person
from clue_ros.person import Thing
from clue_ros.sim.distinctions import distinctions
from clue_ros.sim.expressions import SEVERAL
from clue_ros.sim.expressions import fits
from clue_ros.sim.judge import named
from clue_ros.sim.phrases import enumerated
from clue_ros.sim.questions import name
from clue_ros.sim.requests import sample_request
from clue_ros.sim.sampling import SceneConfig
from clue_ros.sim.sampling import sample_scene


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
ROW = [thing('small red can', x) for x in (10, 50, 90)]
LINE = [thing('small red can', x) for x in (10, 50, 90, 130)]
FILE = [thing('small red can', 10, y) for y in (80, 100, 120)]
LEVEL = [thing('small red can', 10, 100), thing('small red can', 50, 102)]
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
        # at neither end
        (
            ROW,
            1,
            'get the can',
            'The left one, the middle one or the right one?',
            'the one in the middle',
        ),
        (LINE, 2, 'get the can', 'The left one or the right one?', 'one in the middle'),
        (FILE, 1, 'get the can', 'The closest one or the farthest one?', 'the one in between'),
        # confirmations
        (RINGS, 2, 'get the ring', 'Do you mean the red one?', 'yes'),
        (RINGS, 2, 'get the ring', 'I see three. Is it the pink one?', 'no, the red one'),
        (RINGS, 2, 'get the ring', 'Should I take the one on the right?', 'yes'),
        (RINGS, 0, 'get the ring', 'Should I take the right one?', 'no, the left one'),
        (RINGS, 0, 'get the ring', 'Do you mean the green one?', 'no, the pink one'),
        (MIXED, 0, 'get the purple object', 'Is it the vase?', 'yes'),
        (MIXED, 0, 'get the purple object', 'Is it the small purple vase?', 'yes'),
        # it fits another one as well
        (CANS, 0, 'get the can', 'Do you mean the large one?', 'the left one'),
        # two options are no confirmation
        (RINGS, 2, 'get the ring', 'Do you mean the red one or the pink one?', 'the red one'),
        (RINGS, 2, 'get the ring', 'Is it the red one, the pink one?', 'the red one'),
        # what is meant is not there
        (RINGS, None, 'get the can', 'Do you mean the red one?', 'none of them'),
        (RINGS, None, 'get the can', 'I found it.', ''),
        # nearly side by side is not "in front"
        (LEVEL, 0, 'get the can', 'The closest one or the farthest one?', 'the left one'),
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
    # of four cans it is neither the leftmost nor the closest
    assert person.reply('Four cans. The left one or the right one?') == 'one in the middle'
    # which leaves two
    assert person.reply('The left one or the right one?') == 'the right one'


def test_candidates_say_what_is_in_question():
    question = 'The red one or the blue one?'
    things = [thing('red mug', 10), thing('red mug', 50), thing('blue mug', 90)]
    assert Person(things, 0, 'get the mug left of the box').reply(question) == 'the left one'
    asked = Person(things, 0, 'get the mug left of the box', candidates=(0, 2))
    assert asked.reply(question) == 'the red one'
    asked.forget()
    assert asked.reply(question) == 'the red one'


def test_replies_are_true_and_mostly_settle_it():
    """Questions as the simulated robot asks them, replies as its scene graph judges them."""
    rng = np.random.default_rng(0)
    settled = misleading = asked = 0
    for index in range(150):
        scene = sample_scene(3, index, SceneConfig())
        expression = sample_request(rng, scene, SEVERAL, held_out=False)
        if expression is None:
            continue
        candidates = fits(expression, scene)
        target = int(rng.choice(sorted(candidates)))
        things = [Thing(f'{t.size} {t.color} {t.category}', t.box) for t in scene.things]
        person = Person(things, target, 'get it', sorted(candidates))
        for options in distinctions(scene, candidates).values():
            person.forget()
            names = enumerated([name(option) for option in options])
            left = named(person.reply(f'do you mean {names}?'), scene, candidates)
            asked += 1
            settled += left == {target}
            misleading += target not in left
    assert asked > 250
    assert settled >= 0.93 * asked
    assert misleading <= 0.04 * asked
