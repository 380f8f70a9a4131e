import pytest

from clue_ros.dialog import MAX_CHARACTERS
from clue_ros.dialog import Dialog
from clue_ros.dialog import Turn
from clue_ros.dialog import check_ask_policy
from clue_ros.errors import InvalidRequest


@pytest.mark.parametrize(
    ('request_', 'says'),
    [
        ('', 'empty'),
        ('  \n\t ', 'empty'),
        ('\x00\x1b\u200b', 'empty'),
        ('x' * (MAX_CHARACTERS + 1), '401 characters'),
        ('get it ' * 1429, '10002 characters'),
        (None, 'NoneType'),
        (7, 'int'),
    ],
)
def test_requests_that_cannot_be_used(request_, says):
    with pytest.raises(InvalidRequest, match=says):
        Dialog(request_)


@pytest.mark.parametrize(
    ('question', 'reply', 'says'),
    [('', 'left', 'question is empty'), ('which?', ' ', 'reply is empty')],
)
def test_turns_that_cannot_be_used(question, reply, says):
    with pytest.raises(InvalidRequest, match=says):
        Turn(question, reply)


@pytest.mark.parametrize('policy', ['', 'Probe', 'sometimes'])
def test_unknown_ask_policy(policy):
    with pytest.raises(InvalidRequest, match='joint, probe, decoder, always, never'):
        check_ask_policy(policy)


def test_text_becomes_one_printable_line():
    dialog = Dialog("  get\tJohn's\r\n mug\x07 ")
    assert dialog.request == "get John's mug"


def test_adding_a_turn_leaves_the_dialog_as_it_was():
    first = Dialog('get the mug')
    second = first.add('Which one?', 'the left one')
    assert first.turns == ()
    assert second.turns == (Turn('Which one?', 'the left one'),)
    assert second.request == 'get the mug'
