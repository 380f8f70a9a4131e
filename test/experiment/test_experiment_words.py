"""Words alone: what they tell when there is something to tell, and nothing else."""

import numpy as np

from clue_ros.evaluate import metrics
from clue_ros.experiment.setting import TEST
from clue_ros.experiment.setting import TRAIN
from clue_ros.experiment.words import score_words


class Said:
    """Requests by their words."""

    def __init__(self, texts, truth):
        self._texts = texts
        self.truth = np.array(truth)

    def __len__(self):
        return len(self._texts)

    def texts(self, numbers, _prompts):
        return [self._texts[number] for number in numbers]


VAGUE, CLEAR = ['detect mug', 'detect box'], ['detect left mug', 'detect left box']


def test_a_word_that_makes_clear_is_found():
    lists = {
        TRAIN: Said(VAGUE * 20 + CLEAR * 20, [True] * 40 + [False] * 40),
        TEST: Said(['detect can', 'detect left can'], [True, False]),
    }
    scores = score_words(lists)
    assert set(scores) == {TEST}
    assert scores[TEST][0] > 0.5 > scores[TEST][1]


def test_words_that_tell_nothing_are_no_better_than_chance():
    rng = np.random.default_rng(0)
    texts = [str(rng.choice(VAGUE + CLEAR)) for _ in range(2000)]
    truth = rng.uniform(size=2000) < 0.5
    lists = {TRAIN: Said(texts[:1000], truth[:1000]), TEST: Said(texts[1000:], truth[1000:])}
    assert 0.45 < metrics.auroc(truth[1000:], score_words(lists)[TEST]) < 0.55
