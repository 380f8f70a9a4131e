"""Questions that are tried out: the model asks about what is there, whatever it wrote at first."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scene_files import SCENES
from scene_files import load_scenes

from clue_ros.clue import Clue
from clue_ros.dialog import Dialog
from clue_ros.model.decoder import MAX_QUESTION_TOKENS
from clue_ros.offers import best
from clue_ros.offers import offers
from clue_ros.offers import shortened
from clue_ros.replies import Replies
from clue_ros.tryout import TryOut

SCENE = next(row for row in load_scenes() if row['image'] == 'id_26.jpg')  # three mugs
DIALOG = Dialog(SCENE['instruction'])


@pytest.fixture(scope='module')
def clue() -> Clue:
    return Clue.load()


@pytest.fixture(scope='module')
def view(clue):
    return clue.look(np.asarray(Image.open(SCENES / SCENE['image']).convert('RGB')))


@pytest.fixture(scope='module')
def write(clue, view):
    """What the decoder makes of the beginning of a question."""
    backbone, answers = clue._backbone, clue._answers

    def go_on(text):
        begun = backbone.tokenizer(text, add_special_tokens=False).input_ids
        with clue._adapters.use('ivg'):
            prompt = clue._config.prompts.decoder_text(DIALOG)
            prefix = backbone.prefix([view.features], [prompt], MAX_QUESTION_TOKENS)
            return answers._decoder.go_on(prefix, [(0, begun)])[0]

    return go_on


def try_out(clue, count):
    config = replace(clue._config, tried_questions=count)
    return TryOut(clue._backbone, clue._adapters, clue._answers._decoder, config)


@pytest.mark.parametrize(
    'begun',
    [
        'which mug do you mean, the pink one',  # there is none
        'which mug do you mean, the green one, a green one',
        'do you mean the banana',
    ],
)
def test_a_bad_question_is_not_asked(clue, view, write, begun):
    bad = write(begun)
    assert bad.text.startswith(begun)
    asked = try_out(clue, 6).best(view, DIALOG, bad)
    assert not asked.text.startswith(begun)
    assert len(set(offers(asked.text))) > 1
    assert {offer.split()[1] for offer in offers(asked.text)} <= {'blue', 'green', 'white'}


def test_what_is_not_there_is_left_out(clue, view, write):
    bad = write('which mug do you mean, the blue one, the pink one or the green one')
    asked = try_out(clue, 0).best(view, DIALOG, bad)
    assert asked.text == 'which mug do you mean, the blue one or the green one?'
    assert 0 < asked.confidence < 1


def test_a_question_is_not_asked_for_ever(clue, view, write):
    """Nothing that it offers is there, and there is no other to ask."""
    bad = write('do you mean the pink one')
    assert try_out(clue, 0).best(view, DIALOG, bad) == bad


@pytest.mark.parametrize('begun', ['which mug do you mean, the pink one', 'do you mean the banana'])
def test_it_finds_what_looking_at_all_of_them_would(clue, view, write, begun):
    trying, bad = try_out(clue, 6), write(begun)
    others = trying._write(view, DIALOG, trying._other_beginnings(bad))
    replies = Replies(clue._backbone, clue._answers._decoder, clue._config, view, DIALOG)
    for each in others:
        replies.look(each)
        replies.look_closely(each)
    trials = [replies.trial(each) for each in others]
    assert not any(shortened(q.text, t) for q, t in zip(others, trials, strict=True))
    assert trying.best(view, DIALOG, bad).text == others[best(trials)].text


def test_what_cannot_be_the_best_is_not_looked_at(clue, view, write, monkeypatch):
    good, looked = write(''), []
    monkeypatch.setattr(Replies, 'look', lambda self, each: looked.append(each.text))
    monkeypatch.setattr(Replies, 'look_closely', lambda self, each: False)
    assert try_out(clue, 6).best(view, DIALOG, good) == good
    assert looked == [good.text]


def test_a_good_question_stays(clue, view, write):
    good = write('')
    assert try_out(clue, 6).best(view, DIALOG, good) == good


def test_what_offers_nothing_is_no_question(clue, view, write):
    nothing = replace(write(''), text='do you mean')
    assert offers(try_out(clue, 3).best(view, DIALOG, nothing).text)


def test_a_checkpoint_says_whether_questions_are_tried_out(clue, view, monkeypatch):
    tried = []
    monkeypatch.setattr(
        clue._answers._try_out, 'best', lambda *moment: tried.append(moment) or moment[-1]
    )
    for count, expected in ((0, 0), (3, 1)):
        monkeypatch.setattr(clue._answers, '_config', replace(clue._config, tried_questions=count))
        clue.respond(view, DIALOG, 'always')
        clue.respond(view, DIALOG, 'never')  # points
        assert len(tried) == expected
