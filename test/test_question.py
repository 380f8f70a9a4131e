import pytest

from clue_ros.question import offers


@pytest.mark.parametrize(
    ('question', 'replies'),
    [
        ('Do you mean the red one?', ['yes', 'no, the other one']),
        ('Is it the mug?', ['yes', 'no, the other one']),
        ('Do you mean the red one or the blue one?', ['the red one', 'the blue one']),
        (
            'Which mug do you mean, a red one, the blue one or one in the middle?',
            ['the red one', 'the blue one', 'one in the middle'],
        ),
        ('I see two mugs: a red one and a blue one. Which one?', ['the red one', 'the blue one']),
        ('There are two, a red one and a blue one. Which?', ['the red one', 'the blue one']),
        ('I see two mugs. Is it the red one?', ['yes', 'no, the other one']),
        ('Should I take the left one or an orange one?', ['the left one', 'the orange one']),
        ('Which one?', []),
        ('?', []),
    ],
)
def test_what_a_question_offers(question, replies):
    assert offers(question) == replies
