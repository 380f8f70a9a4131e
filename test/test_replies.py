"""What replies would lead to: each is tried once, and what is likely there is looked at closely."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scene_files import SCENES
from scene_files import load_scenes

from clue_ros.clue import Clue
from clue_ros.dialog import Dialog
from clue_ros.model.decoder import Suffix
from clue_ros.replies import Replies

SCENE = next(row for row in load_scenes() if row['image'] == 'id_26.jpg')  # three mugs
DIALOG = Dialog(SCENE['instruction'])


@pytest.fixture(scope='module')
def clue() -> Clue:
    return Clue.load()


@pytest.fixture(scope='module')
def view(clue):
    return clue.look(np.asarray(Image.open(SCENES / SCENE['image']).convert('RGB')))


@pytest.fixture
def read(clue, monkeypatch):
    """How many texts the model reads in each call."""
    counts, detect = [], clue._answers._decoder.detect
    monkeypatch.setattr(
        clue._answers._decoder,
        'detect',
        lambda prefix: counts.append(len(prefix.embeddings)) or detect(prefix),
    )
    return counts


def replies(clue, view, **changes):
    config = replace(clue._config, **changes)
    return Replies(clue._backbone, clue._answers._decoder, config, view, DIALOG)


def question(text):
    return Suffix(text, is_box=False, confidence=0.9, complete=True)


BLUE_OR_GREEN = question('the blue one or the green one?')
BLUE_OR_PINK = question('the blue one or the pink one?')


def test_what_offers_nothing_leads_to_nothing(clue, view, read):
    tried = replies(clue, view)
    nothing, twice = question('which one?'), question('the blue one or the blue one?')
    assert not tried.look(nothing)
    assert not tried.look_closely(nothing)
    assert tried.trial(nothing).found == tried.trial(twice).found == ()
    assert read == []
    assert tried.look(twice)
    assert read == [1]


def test_all_is_there_until_somebody_looks(clue, view, read):
    found = replies(clue, view).trial(BLUE_OR_PINK).found
    assert [(each.offer, each.probability, each.box) for each in found] == [
        ('the blue one', 1.0, None),
        ('the pink one', 1.0, None),
    ]
    assert read == []


def test_what_is_there_is_found(clue, view):
    tried = replies(clue, view)
    assert tried.look(BLUE_OR_PINK)
    blue, pink = tried.trial(BLUE_OR_PINK).found
    assert (blue.offer, pink.offer) == ('the blue one', 'the pink one')
    assert blue.probability > 0.95 > 0.5 > pink.probability
    assert all(0 <= side <= 1 for side in blue.box.corners)


def test_each_reply_is_tried_once(clue, view, read):
    tried = replies(clue, view)
    green_or_white = question('the green one, or is it the white one?')
    looked = [tried.look(each) for each in (BLUE_OR_GREEN, BLUE_OR_PINK, green_or_white) * 2]
    assert looked == [True] * 3 + [False] * 3
    assert read == [2, 1, 1]


def test_what_is_likely_is_looked_at_closely_once(clue, view, read):
    tried = replies(clue, view)
    tried.look(BLUE_OR_PINK)
    before = tried.trial(BLUE_OR_PINK).found
    assert tried.look_closely(BLUE_OR_PINK)
    assert not tried.look_closely(BLUE_OR_PINK)
    assert read == [2, 1]
    after = tried.trial(BLUE_OR_PINK).found
    assert after[0].probability <= before[0].probability
    assert after[0].box == before[0].box
    assert after[1] == before[1]


def test_the_lower_one_of_both_probabilities_counts(clue, view, monkeypatch):
    tried = replies(clue, view)
    tried.look(BLUE_OR_GREEN)
    detect = clue._answers._decoder.detect
    said = iter([0.2, 1.0])  # of what is blue, and of what is green
    monkeypatch.setattr(
        clue._answers._decoder,
        'detect',
        lambda prefix: [(next(said), suffix) for _, suffix in detect(prefix)],
    )
    assert tried.look_closely(BLUE_OR_GREEN)
    blue, green = tried.trial(BLUE_OR_GREEN).found
    assert blue.probability == 0.2
    assert 0.95 < green.probability < 1.0


def test_a_checkpoint_without_closer_looks_takes_none(clue, view, read):
    tried = replies(clue, view, closer_looks=())
    tried.look(BLUE_OR_GREEN)
    assert not tried.look_closely(BLUE_OR_GREEN)
    assert read == [2]


def test_what_is_no_box_is_not_looked_at_closely(clue, view, monkeypatch):
    detect = clue._answers._decoder.detect
    backwards = '<loc0900><loc0900><loc0100><loc0100>'
    monkeypatch.setattr(
        clue._answers._decoder,
        'detect',
        lambda prefix: [(p, replace(suffix, text=backwards)) for p, suffix in detect(prefix)],
    )
    tried = replies(clue, view)
    assert tried.look(BLUE_OR_GREEN)
    assert [found.box for found in tried.trial(BLUE_OR_GREEN).found] == [None, None]
    assert not tried.look_closely(BLUE_OR_GREEN)
