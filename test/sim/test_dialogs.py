"""Dialogs: they end at the target, replies are true unless marked, and there is variety."""

import numpy as np
import pytest

from clue_ros.sim.dialogs import MAX_TURNS
from clue_ros.sim.dialogs import DialogConfig
from clue_ros.sim.dialogs import sample_dialog
from clue_ros.sim.distinctions import distinctions
from clue_ros.sim.expressions import NONE
from clue_ros.sim.expressions import ONE
from clue_ros.sim.expressions import SEVERAL
from clue_ros.sim.expressions import fits
from clue_ros.sim.judge import faults
from clue_ros.sim.judge import named
from clue_ros.sim.questions import ask
from clue_ros.sim.questions import preferred
from clue_ros.sim.sampling import OOD
from clue_ros.sim.sampling import SceneConfig
from clue_ros.sim.sampling import sample_scene

COUNT = 500


def draw(wanted, held_out=False, count=COUNT, **shares):
    rng = np.random.default_rng(9)
    config = DialogConfig(held_out=held_out, **shares)
    scenes = (sample_scene(9, k, OOD if held_out else SceneConfig()) for k in range(count))
    samples = [sample_dialog(rng, scene, wanted, config) for scene in scenes]
    return [sample for sample in samples if sample]


@pytest.fixture(scope='module')
def ambiguous():
    return draw(SEVERAL) + draw(SEVERAL, held_out=True)


@pytest.mark.parametrize(('wanted', 'candidates'), [(ONE, 1), (NONE, 0)])
def test_clear_and_absent_requests_need_no_dialog(wanted, candidates):
    for sample in draw(wanted, count=60):
        assert len(sample.candidates) == candidates
        assert sample.dialog.turns == ()
        assert (sample.target is None) == (wanted == NONE)


def test_questions_are_fair_and_replies_true_unless_marked(ambiguous):
    assert len(ambiguous) > 1.7 * COUNT
    for sample in ambiguous:
        assert sample.candidates == fits(sample.expression, sample.scene)
        assert len(sample.candidates) > 1
        assert 1 <= len(sample.dialog.turns) == len(sample.asked_about) <= MAX_TURNS
        for number, (turn, left) in enumerate(
            zip(sample.dialog.turns, sample.asked_about, strict=True)
        ):
            assert sample.target in left
            assert not faults(turn.question, sample.scene, left), turn
            told = named(turn.reply, sample.scene, left)
            assert (sample.target in told) == (number not in sample.wrong), turn


def test_dialogs_end_at_the_target(ambiguous):
    for sample in ambiguous:
        question, reply = sample.dialog.turns[-1].question, sample.dialog.turns[-1].reply
        left = sample.asked_about[-1]
        guessed = named(question, sample.scene, left)
        if reply.startswith(('yes', 'exactly')):
            left = guessed
        elif 'other one' in reply:
            left = left - guessed
        else:
            left = named(reply, sample.scene, left)
        assert left == {sample.target}, sample.dialog


def test_variety(ambiguous):
    turns = [len(sample.dialog.turns) for sample in ambiguous]
    assert set(turns) == {1, 2, 3}
    replies = [turn.reply for sample in ambiguous for turn in sample.dialog.turns]
    terse = sum(len(reply.removesuffix(' please').split()) < 3 for reply in replies)
    assert 0.15 < terse / len(replies) < 0.5
    assert sum('other one' in reply for reply in replies) > 10
    wrong = sum(bool(sample.wrong) for sample in ambiguous)
    assert 0.02 < wrong / len(ambiguous) < 0.1


def test_shares_can_be_set():
    assert not any(sample.wrong for sample in draw(SEVERAL, count=100, wrong=0.0))
    assert sum(bool(sample.wrong) for sample in draw(SEVERAL, count=100, wrong=1.0)) > 50
    with pytest.raises(ValueError, match='wrong'):
        DialogConfig(wrong=2.0)


def test_the_same_numbers_draw_the_same_dialogs():
    assert draw(SEVERAL, count=20) == draw(SEVERAL, count=20)


def test_the_robot_asks_for_what_leaves_the_fewest_open(ambiguous):
    for sample in ambiguous:
        for left in sample.asked_about:
            known = distinctions(sample.scene, left)
            expected = {
                aspect: sum(len(option.members) ** 2 for option in options)
                for aspect, options in known.items()
            }
            asked = preferred(known)
            assert expected[asked[0].aspect] == min(expected.values())
            assert ask(sample.scene, asked) == ask(sample.scene, asked)
