"""Words that a checkpoint does not know, in words that it does."""

import pytest

from clue_ros.glossary import translate

GLOSSARY = {
    'item': 'object',
    'left side of': 'left of',
    'on the left side of': 'left of',
    'left-most': 'leftmost',
    'left': 'LEFT',
    'that is': '',
    'c++': 'book',
}


@pytest.mark.parametrize(
    ('said', 'meant'),
    [
        ('', ''),
        ('that is', 'that is'),  # nothing would be left
        ('get the items', 'get the items'),
        ('an itemised list', 'an itemised list'),
        ('the left-most-one', 'the left-most-one'),
        ('the red item', 'the red object'),
        ('The red ITEM, please', 'The red object, please'),
        ('the mug on the left side of the can', 'the mug left of the can'),
        ('the left-most mug', 'the leftmost mug'),
        ('the item that is left', 'the object  LEFT'),
        ('the c++', 'the book'),
        ('the \u0130tem', 'the \u0130tem'),
    ],
)
def test_words_are_translated_once_and_whole(said, meant):
    assert translate(said, GLOSSARY) == meant


def test_no_glossary_leaves_everything():
    assert translate('the red item', {}) == 'the red item'
