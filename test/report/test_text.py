"""The text for a pull request."""

from dataclasses import replace

import pytest
from report_builders import record

from clue_ros.dialog import Turn
from clue_ros.evaluate import log
from clue_ros.report.selection import choose
from clue_ros.report.text import WORST
from clue_ros.report.text import render_text


def text_of(run, records=None):
    if records:
        run = replace(run, log=replace(run.log, records=tuple(records)))
    return render_text(run, choose(run.log.records))


@pytest.mark.parametrize(
    ('measure', 'words'),
    [
        ('loop', ('| success |', '| **probe** |', '| never |', 'A dialog earns')),
        ('ambiguity', ('| F1 |', '| **probe** |', '| peaks |')),
        ('grounding', ('| Acc@0.5 |', '| mean IoU |')),
    ],
)
def test_a_text_of_each_measure(runs, measure, words):
    text = text_of(runs[measure])
    for word in (*words, '**The worst cases**', runs[measure].summary['command']):
        assert word in text, word


def test_the_worst_cases_are_told_and_nothing_else(runs):
    wrong = [
        record(number, outcome=log.WRONG_GRASP, iou=number / 100) for number in range(WORST + 2)
    ]
    text = text_of(runs['loop'], [record(50), *wrong])
    assert text.count('Pointed at something else') == WORST
    assert f'sample {WORST}`' not in text and 'sample 50' not in text


def test_a_run_without_a_failure(runs):
    assert 'worst' not in text_of(runs['loop'], [record(1)])


def test_texts_of_people_are_no_markup(runs):
    attack = '`<script>x</script>` ![](http://away/pixel) @everyone | **bold**'
    said = record(
        id=attack,
        request=attack,
        turns=(Turn(attack, attack),),
        outcome=log.INVALID,
        reason=f'{attack}\n\n# a title',
    )
    text = text_of(runs['loop'], [said])
    shown = attack.replace('`', "'")
    # id, request, question, reply, reason: each within one pair of backticks
    assert text.count(f'`{shown}`') == 4
    assert f'`{shown} # a title`' in text
