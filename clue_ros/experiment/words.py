"""What the words alone tell: a judge that never sees the picture.

Some forms of language are clear more often than others. Whatever a reader of maps knows beyond
this, it knows from the picture.
"""

from __future__ import annotations

from collections.abc import Mapping

from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.pipeline import make_pipeline

from clue_ros.experiment.requests import Requests
from clue_ros.experiment.setting import TRAIN
from clue_ros.experiment.setting import Arrays
from clue_ros.train.lessons import PROMPTS

WORDS = 'words_alone'


def learn_words(requests: Requests) -> Pipeline:
    """A logistic regression on the words and pairs of words of the requests."""
    model = make_pipeline(
        CountVectorizer(ngram_range=(1, 2), binary=True), LogisticRegression(max_iter=1000)
    )
    model.fit(_texts(requests), requests.truth)
    return model


def score_words(lists: Mapping[str, Requests]) -> Arrays:
    """Probabilities of ambiguity for the requests of all splits but TRAIN, learned from that."""
    model = learn_words(lists[TRAIN])
    return {
        split: model.predict_proba(_texts(requests))[:, 1]
        for split, requests in lists.items()
        if split != TRAIN
    }


def _texts(requests: Requests) -> list[str]:
    return requests.texts(range(len(requests)), PROMPTS)
