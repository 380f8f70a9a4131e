"""Whole evaluations with the real model on real pictures."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
from evaluate_builders import small_folder
from model_builders import CHECKPOINT

from clue_ros.box import Box
from clue_ros.clue import Clue
from clue_ros.conversation import Answer
from clue_ros.conversation import Ask
from clue_ros.conversation import Conversation
from clue_ros.conversation import ConversationConfig
from clue_ros.conversation import Finish
from clue_ros.conversation import Look
from clue_ros.conversation import Reply
from clue_ros.conversation import Signal
from clue_ros.errors import CheckpointError
from clue_ros.errors import InvalidSource
from clue_ros.errors import MissingAdapter
from clue_ros.evaluate.baselines import BASELINES
from clue_ros.evaluate.evaluation import EvaluationConfig
from clue_ros.evaluate.evaluation import evaluate
from clue_ros.evaluate.figures import count_figures
from clue_ros.evaluate.log import LogError
from clue_ros.evaluate.sources import Stored
from clue_ros.evaluate.sources import find_pictures
from clue_ros.frames import open_source
from clue_ros.person import Person
from clue_ros.response import Grounding

pytestmark = pytest.mark.usefixtures('one_thread', 'quick_intervals', 'hasty')


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return Stored(small_folder(tmp_path_factory.mktemp('data')))


def config(measure, data, out, **values):
    return EvaluationConfig(measure, data, out, device='cpu', batch=2, **values)


@pytest.fixture(scope='module')
def loop(data, tmp_path_factory):
    """A finished loop with all policies and baselines."""
    wanted = config('loop', data, tmp_path_factory.mktemp('loop'), validation=data)
    return wanted, evaluate(wanted)


@pytest.mark.parametrize(
    ('values', 'says'),
    [
        ({'measure': 'beauty'}, 'measure must be'),
        ({'person': 'nobody'}, 'person must be'),
        ({'batch': 0}, 'batch counts from 1'),
        ({'policies': ('probe', 'mood')}, 'no policy mood here, known are joint, probe'),
        ({'policies': ('peaks',)}, 'no policy peaks'),
    ],
)
def test_no_evaluation(data, tmp_path, values, says):
    with pytest.raises(ValueError, match=says):
        EvaluationConfig(**{'measure': 'loop', 'data': data, 'out': tmp_path, **values})


@pytest.mark.parametrize(
    ('values', 'error', 'says'),
    [
        ({'model': 'missing'}, CheckpointError, 'missing'),
        ({'model': str(CHECKPOINT / 'backbone')}, MissingAdapter, 'evaluate grounding'),
    ],
)
def test_what_cannot_be_evaluated(data, tmp_path, values, error, says):
    with pytest.raises(error, match=says):
        evaluate(config('loop', data, tmp_path, **values))


@pytest.mark.parametrize('split', ['test', 'ood'])
def test_a_split_without_samples_is_named(data, tmp_path, split):
    with pytest.raises(InvalidSource, match=split):
        evaluate(config('grounding', replace(data, split=split), tmp_path))


def test_ambiguity_and_its_baselines(data, tmp_path):
    wanted = config('ambiguity', data, tmp_path, validation=data)
    log = evaluate(wanted).log
    clue = Clue.load(device='cpu')
    rows = [json.loads(line) for line in (data.path / 'samples.jsonl').read_text().splitlines()]
    scenes = open_source(data.path)
    for number, (row, record) in enumerate(zip(rows, log.records, strict=True)):
        view = clue.look(scenes[number].image)
        found = clue.ambiguity(view, Conversation(row['instruction'], ConversationConfig()).dialog)
        assert record.verdict == row['verdict']
        assert record.probabilities[0] == pytest.approx(found.probability, abs=1e-4)
        assert record.success == (found.ambiguous == row['ambiguous'])
        assert record.scores['peaks'] == len(found.regions)
        assert set(record.scores) == set(BASELINES)
    figures = count_figures(log)
    assert figures['ambiguity/accuracy'].n == sum(row['verdict'] != 'none' for row in rows)
    assert {f'ambiguity/{name}/auroc' for name in log.records[0].scores} <= set(figures)


def test_grounding(data, tmp_path):
    log = evaluate(config('grounding', data, tmp_path)).log
    clue = Clue.load(device='cpu')
    scenes = open_source(data.path)
    for number, record in enumerate(log.records):
        dialog = Conversation(record.request, ConversationConfig()).dialog
        for turn in record.turns:
            dialog = dialog.add(turn.question, turn.reply)
        answer = clue.respond(clue.look(scenes[number].image), dialog, 'never')
        assert (record.box is not None) == isinstance(answer, Grounding)
        if record.box:
            assert record.box.corners == pytest.approx(answer.box.corners)
            assert record.iou == pytest.approx(answer.box.iou(record.target))
        absent = record.target is None and record.box is None
        assert record.success == (absent or (record.iou or 0) >= 0.5)


@pytest.mark.parametrize('policy', ['joint', 'probe', 'decoder', 'always', 'never'])
def test_the_loop_is_that_of_the_robot(loop, policy):
    """Sample by sample through the public door, as the dialog manager would."""
    wanted, evaluation = loop
    clue = Clue.load(device='cpu')
    scenes = open_source(wanted.data.path)
    records = [record for record in evaluation.log.records if record.policy == policy]
    assert len(records) == len(scenes)
    for number, record in enumerate(records):
        scene = scenes[number]
        view = clue.look(scene.image)
        person = Person(scene.truth.things, scene.truth.target, scene.truth.request)
        talk = Conversation(scene.truth.request, ConversationConfig(ask_policy=policy))
        (command, *_) = talk.handle(Signal.START, 0)
        while not isinstance(command, Finish):
            match command:
                case Look(step, dialog, ask_policy):
                    response = clue.respond(view, dialog, ask_policy)
                    (command, *_) = talk.handle(Answer(step, response, None), 0)
                case Ask(step, question):
                    (command, *_) = talk.handle(Reply(step, person.reply(question)), 0)
        assert record.turns == talk.dialog.turns
        if command.target is None:
            assert record.box is None
        else:
            assert record.box.corners == pytest.approx(command.target.corners)


def test_every_policy_meets_every_case(loop):
    _, evaluation = loop
    met = {(record.id, record.policy) for record in evaluation.log.records}
    ids, policies = ({key[k] for key in met} for k in (0, 1))
    assert len(met) == len(ids) * len(policies) == len(evaluation.log.records)
    assert policies == {
        *('joint', 'probe', 'decoder', 'always', 'once', 'never'),
        *('peaks', 'entropy', 'relative', 'boxes'),
    }
    asked = {p: [r for r in evaluation.log.records if r.policy == p and r.turns] for p in policies}
    assert not asked['never']
    assert asked['once'] and all(len(record.turns) == 1 for record in asked['once'])


def test_a_second_run_and_a_killed_one_write_the_same_bytes(loop, tmp_path):
    wanted, _ = loop
    whole = (wanted.out / 'log.jsonl').read_bytes()
    again = replace(wanted, out=tmp_path)
    tmp_path.joinpath('validation.jsonl').write_bytes(
        (wanted.out / 'validation.jsonl').read_bytes()
    )
    # killed in the middle of a line, in the second of two batches
    lines = whole.splitlines(keepends=True)
    tmp_path.joinpath('log.jsonl').write_bytes(b''.join(lines[:24]) + lines[24][:50])
    pace = evaluate(again).pace
    assert (tmp_path / 'log.jsonl').read_bytes() == whole
    assert pace[-1].cases < len({record.id for record in loop[1].log.records})
    # nothing is left to do but the last batch, of which nothing is missing
    assert evaluate(again).pace[-1].cases == 0
    assert (tmp_path / 'log.jsonl').read_bytes() == whole


def test_another_run_does_not_go_on_in_this_log(loop):
    wanted, _ = loop
    for change in ({'person': 'model'}, {'batch': 1}, {'policies': ('probe', 'never')}):
        with pytest.raises(LogError, match='another run: options'):
            evaluate(replace(wanted, **change))
    rows = (wanted.data.path / 'samples.jsonl').read_text()
    changed = wanted.data.path.with_name('changed')
    shutil.copytree(wanted.data.path, changed)
    (changed / 'samples.jsonl').write_text(rows.replace('"get', '"grab', 1))
    with pytest.raises(LogError, match='another run: data'):
        evaluate(replace(wanted, data=Stored(changed), validation=None))


def test_the_pictures_of_a_log_are_found_again(loop):
    wanted, evaluation = loop
    names = [record.picture for record in evaluation.log.records][
        :: len(evaluation.log.records) // 3
    ]
    found = dict(find_pictures(evaluation.log.header.data, names))
    assert set(found) == set(names)
    scenes = {scene.name: scene for scene in open_source(wanted.data.path)}
    assert all((found[name] == scenes[name].image).all() for name in names)
    with pytest.raises(InvalidSource, match='has changed'):
        next(find_pictures({**evaluation.log.header.data, 'fingerprint': 'other'}, names))


def test_what_cannot_be_read_costs_nothing_else(data, tmp_path):
    folder = small_folder(tmp_path / 'broken')
    rows = (folder / 'samples.jsonl').read_text().splitlines()
    image = folder / json.loads(rows[1])['image']
    content = image.read_bytes()
    image.unlink()
    image.write_bytes(content[:800])  # its size can be read, its pixels cannot
    long = {**json.loads(rows[2]), 'instruction': 'get ' + 'xq ' * 120}
    (folder / 'samples.jsonl').write_text('\n'.join([*rows[:2], json.dumps(long), rows[3]]))
    log = evaluate(config('grounding', Stored(folder), tmp_path / 'out')).log
    assert [record.outcome == 'unreadable' for record in log.records] == [False, True, True, False]
    assert log.records[1].reason
    assert 'tokens, this model reads at most' in log.records[2].reason
    clean = evaluate(config('grounding', data, tmp_path / 'clean')).log
    assert log.records[3].outcome == clean.records[3].outcome
    assert isinstance(log.records[0].target, Box)
    assert count_figures(log)['grounding/accuracy'].n == 1


def test_the_model_may_answer(data, tmp_path):
    wanted = config('loop', data, tmp_path, person='model', policies=('once',))
    log = evaluate(wanted).log
    replies = [turn.reply for record in log.records for turn in record.turns]
    assert replies and all(replies)
    assert {record.policy for record in log.records} == {'once'}
