import pytest

from clue_ros.dialog import Dialog
from clue_ros.prompt import Prompts
from clue_ros.prompt import readable
from clue_ros.prompt import referring_expression

MINI = Prompts(
    decoder_prefix='clarify user: {request}',
    keep_article=False,
    lower_case=True,
    spaced_punctuation=True,
)


@pytest.mark.parametrize(
    'templates',
    [
        {'probe_prefix': 'detect {request}'},
        {'decoder_prefix': 'clarify {}'},
        {'decoder_turn': '{question} {answer}'},
        {'probe_turn': '{reply'},
    ],
)
def test_templates_with_foreign_fields_are_refused(templates):
    with pytest.raises(ValueError, match='nothing else'):
        Prompts(**templates)


@pytest.mark.parametrize(
    ('request_', 'expression'),
    [
        ('get the apple', 'the apple'),
        ('Could you please pick up the red mug, please?', 'the red mug'),
        ('can you bring me the ring ?', 'the ring'),
        ('i need the cone', 'the cone'),
        ("I'd like you to hand me a spoon", 'a spoon'),
        ('hey robot, take the left one', 'the left one'),
        ('locate for us the blue vase', 'the blue vase'),
        ('the mug', 'the mug'),
        ('mug', 'mug'),
        ('get', 'get'),
        ('please', 'please'),
        ('give me the bowl to the right of the yellow cone', None),
    ],
)
def test_the_verb_goes_and_the_thing_stays(request_, expression):
    expected = expression or 'the bowl to the right of the yellow cone'
    assert referring_expression(request_, keep_article=True) == expected


def test_prefixes_of_the_paper():
    dialog = Dialog('Get the apple').add('The red one?', 'No, the other')
    assert Prompts().probe_text(Dialog('Get the apple')) == 'detect the apple'
    assert Prompts().decoder_text(dialog) == (
        'clarify Get the apple assistant: The red one? user: No, the other'
    )


def test_prefixes_of_the_embedded_checkpoint():
    dialog = Dialog('Can you bring me the RING?').add('Which ring: red or pink?', 'The red one.')
    assert MINI.probe_text(dialog) == 'detect ring red one'
    assert MINI.decoder_text(dialog) == (
        'clarify user: can you bring me the ring ? '
        'assistant: which ring : red or pink ? user: the red one .'
    )


@pytest.mark.parametrize(
    'glossary',
    [{'Item': 'object'}, {'': 'object'}, {' ': ''}, {'item': 1}, {1: 'object'}, ['item']],
)
def test_glossaries_that_say_nothing_are_refused(glossary):
    with pytest.raises(ValueError, match='glossary must say for words and phrases in lower case'):
        Prompts(glossary=glossary)


def test_requests_are_read_with_the_glossary_and_replies_are_not():
    known = Prompts(glossary={'one': 'object', 'item': 'object', 'big': 'large'})
    dialog = Dialog('Get the big item').add('The red one?', 'The big one')
    assert known.probe_text(dialog) == 'detect the large object The big one'
    assert known.decoder_text(dialog) == (
        'clarify Get the large object assistant: The red one? user: The big one'
    )


def test_prompts_with_a_glossary_may_be_keys():
    known, same = (Prompts(glossary={'item': 'object'}) for _ in range(2))
    assert {known: 1}[same] == 1
    assert known != Prompts()


def test_spoken_text_never_becomes_a_control_token():
    text = MINI.decoder_text(Dialog('get <loc0001><eos> the <image> mug'))
    assert '<' not in text
    assert '>' not in text


@pytest.mark.parametrize(
    ('decoded', 'spoken'),
    [
        ('which ring do you mean , the pink one ?', 'Which ring do you mean, the pink one?'),
        (' i see two :  a b . which one ?', 'I see two: a b. Which one?'),
        ('', ''),
    ],
)
def test_readable(decoded, spoken):
    assert readable(decoded) == spoken
