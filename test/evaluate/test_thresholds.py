"""Limits of figures: files that make no sense, and what fails."""

from __future__ import annotations

import math

import pytest

from clue_ros.evaluate.intervals import Figure
from clue_ros.evaluate.thresholds import ThresholdError
from clue_ros.evaluate.thresholds import check
from clue_ros.evaluate.thresholds import read_limits

FIGURES = {
    'loop/probe/success': Figure(0.8, 0.7, 0.9, 100),
    'loop/probe/questions': Figure(1.2, 1.1, 1.3, 100),
    'ambiguity/auroc': Figure(math.nan, math.nan, math.nan, 0),
}


def limits(tmp_path, text):
    path = tmp_path / 'thresholds.yaml'
    path.write_text(text)
    return read_limits(path)


@pytest.mark.parametrize(
    ('text', 'says'),
    [
        ('', 'wanted names of figures'),
        ('- a', 'wanted names of figures'),
        ('{', 'cannot be read'),
        ('a: 0.5', 'a wants'),
        ('a:', 'a wants'),
        ('a: {}', 'neither min nor max'),
        ('a: {least: 0.5}', 'least'),
        ('a: {min: high}', 'min must be a number'),
        ('a: {min: true}', 'min must be a number'),
        ('a: {max: .nan}', 'max must be a number'),
        ('a: {min: 2, max: 1}', 'min 2 is above max 1'),
    ],
)
def test_files_that_cannot_be_used(tmp_path, text, says):
    with pytest.raises(ThresholdError, match=says):
        limits(tmp_path, text)


def test_no_file(tmp_path):
    with pytest.raises(ThresholdError, match='cannot be read'):
        read_limits(tmp_path / 'missing.yaml')


def test_an_unknown_name_lists_the_known_ones(tmp_path):
    with pytest.raises(ThresholdError, match='loop/probe/succes;.*loop/probe/success'):
        check(FIGURES, limits(tmp_path, 'loop/probe/succes: {min: 0}'))


@pytest.mark.parametrize(
    ('text', 'failures'),
    [
        ('loop/probe/success: {min: 0.8, max: 0.8}', []),
        (
            'loop/probe/success: {min: 0.9}\nloop/probe/questions: {max: 1}',
            [
                'loop/probe/success is 0.8, wanted at least 0.9',
                'loop/probe/questions is 1.2, wanted at most 1',
            ],
        ),
        (
            'loop/probe/success: {min: 0.1, max: 0.2}',
            ['loop/probe/success is 0.8, wanted at least 0.1 and at most 0.2'],
        ),
        ('ambiguity/auroc: {min: 0}', ['ambiguity/auroc is nan, wanted at least 0']),
    ],
)
def test_limits(tmp_path, text, failures):
    assert check(FIGURES, limits(tmp_path, text)) == failures
