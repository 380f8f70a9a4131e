"""Table I: each variant learns where it should, nothing is trained twice, costs are ratios."""

import json

import numpy as np
import pytest
import torch
import yaml
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from clue_ros.cli import main
from clue_ros.errors import InvalidRun
from clue_ros.evaluate.baselines import BASELINES
from clue_ros.experiment.cost import race
from clue_ros.experiment.cost import relative
from clue_ros.experiment.requests import draw_requests
from clue_ros.experiment.variants import CNN
from clue_ros.experiment.variants import DETECT
from clue_ros.experiment.variants import HALF_LAST
from clue_ros.experiment.variants import VARIANTS
from clue_ros.experiment.variants import AnswerModel
from clue_ros.experiment.variants import ProbesConfig
from clue_ros.experiment.variants import adapted
from clue_ros.experiment.variants import answer_tokens
from clue_ros.experiment.words import WORDS
from clue_ros.model.backbone import Backbone
from clue_ros.train import lora
from clue_ros.train.corpus import Corpus
from clue_ros.train.loop import LoopConfig

CONFIG = ProbesConfig(LoopConfig(steps=1, batch=1, learning_rate=1e-3), layer=1, rank=2)
EVERY = set(lora.ATTENTION + lora.FEED_FORWARD)


@pytest.fixture(scope='module')
def backbone(backbone_folder):
    return Backbone.load(backbone_folder, torch.device('cpu'), torch.float32)


@pytest.fixture(scope='module')
def requests(corpora):
    return draw_requests(Corpus(corpora[0], 1, 'test'), 'test', 4, 0)


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        ({'layer': 3}, 'wanted block 3, there are blocks 0..2'),
        ({'layer': -1}, 'layer counts from 0'),
        ({'layer': 'middle'}, 'wanted int'),
        ({'rank': 0}, 'rank, alpha, rows and rounds from 1'),
        ({'dropout': 1.0}, 'dropout must lie in'),
        ({'region_level': 0.0}, 'region_level in'),
        ({'lora_rate': 0.0}, 'lora_rate must be above 0'),
        ({'queries': ''}, 'queries must be'),
        ({'ranks': 3}, 'unknown ranks'),
    ],
)
def test_bad_settings_are_named(config_file, arguments, tmp_path, capsys, change, said):
    content = yaml.safe_load(config_file.read_text())
    path = tmp_path / 'bad.yaml'
    path.write_text(yaml.safe_dump({**content, 'probes': {**content['probes'], **change}}))
    changed = ['--config', str(path), *arguments[2:], '--out', str(tmp_path / 'out')]
    assert main(['experiment', 'probes', *changed]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / 'out').exists()


def test_answers_that_begin_alike_are_refused():
    knows_nothing = Tokenizer(WordLevel({'<unk>': 0}, unk_token='<unk>'))
    with pytest.raises(InvalidRun, match='yes and no'):
        answer_tokens(PreTrainedTokenizerFast(tokenizer_object=knows_nothing))


@pytest.mark.parametrize('variant', VARIANTS, ids=lambda variant: variant.name)
def test_what_learns(backbone, requests, variant):
    before = {name: value.clone() for name, value in backbone.model.state_dict().items()}
    model, groups = adapted(variant, backbone, CONFIG)
    for name, parameter in model.named_parameters():
        if 'lora_B' in name:
            torch.nn.init.normal_(parameter)  # at zero, A would get no gradient
    model(**requests.batch(range(4), backbone, variant.prompts))['loss'].backward()
    learning = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    given = {id(parameter) for group in groups for parameter in group['params']}
    assert {id(p) for name, p in model.named_parameters() if name in learning} == given
    adapters = [name.split('.lora_')[0].split('.') for name in learning if 'lora_' in name]
    last = 2 if variant.full_depth else 1
    blocks = set(range(last + 1)) if variant.all_adapted else {last}
    assert {int(parts[-3]) for parts in adapters} == blocks
    assert {parts[-1] for parts in adapters} == ({'q_proj', 'k_proj'} if variant is CNN else EVERY)
    assert (len(learning) > len(adapters)) == variant.reads_map
    lora.remove(backbone.language_model)
    after = backbone.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize('variant', (CNN, HALF_LAST), ids=lambda variant: variant.name)
def test_it_can_learn(backbone, requests, variant):
    model, groups = adapted(variant, backbone, CONFIG)
    optimizer = torch.optim.AdamW([{'params': group['params']} for group in groups], lr=0.01)
    batch = requests.batch(range(4), backbone, variant.prompts)
    losses = []
    for _ in range(60):
        loss = model(**batch)['loss']
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    lora.remove(backbone.language_model)
    assert min(losses) < 0.7 * losses[0]


@pytest.mark.parametrize('variant', VARIANTS[:2], ids=lambda variant: variant.name)
def test_in_bfloat16(backbone_folder, backbone, requests, variant):
    rough = Backbone.load(backbone_folder, torch.device('cpu'), torch.bfloat16)
    losses = []
    for one in (backbone, rough):
        model, _ = adapted(variant, one, CONFIG)
        loss = model(**requests.batch(range(4), one, variant.prompts))['loss']
        loss.backward()
        losses.append(float(loss.detach()))
        lora.remove(one.language_model)
    assert losses[0] == pytest.approx(losses[1], rel=0.02)


def test_at_full_depth_the_answer_is_that_of_transformers(backbone, requests):
    batch = requests.batch(range(4), backbone, DETECT)
    yes, no = answer_tokens(backbone.tokenizer)
    with torch.no_grad():
        whole = backbone.model(
            input_ids=batch['ids'],
            attention_mask=batch['present'].long(),
            pixel_values=batch['pixels'],
            token_type_ids=torch.zeros_like(batch['ids']),
        ).logits
        del batch['ambiguous']
        ours = AnswerModel(backbone, 2, 2).logits(**batch)
        cut = AnswerModel(backbone, 1, 1).logits(**batch)
    behind = whole[torch.arange(4), batch['present'].sum(dim=1) - 1]
    torch.testing.assert_close(ours, behind[:, yes] - behind[:, no], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(cut, ours)


def test_what_it_leaves(probes_run):
    record = json.loads((probes_run / 'results.json').read_text())
    names = [variant.name for variant in VARIANTS] + [*BASELINES, WORDS]
    for name in names:
        for split in ('test', 'ood'):
            assert 0 <= record['figures'][f'{name}/{split}/accuracy']['value'] <= 1
        assert record['figures'][f'{name}/cost']['value'] > 0
    assert record['figures'][f'{CNN.name}/cost']['value'] == 1
    rows = [json.loads(line) for line in (probes_run / 'samples.jsonl').read_text().splitlines()]
    assert len(rows) == 16 and all(set(row['scores']) == set(names) for row in rows)
    text = (probes_run / 'results.md').read_text()
    assert all(variant.title in text for variant in VARIANTS) and 'clue experiment probes' in text


def test_what_is_done_is_not_done_again(probes_run, arguments):
    parts = [*probes_run.rglob('*.npz'), *probes_run.rglob('best.pt')]
    before = {path: path.stat().st_mtime_ns for path in parts}
    (probes_run / CNN.name / 'scores.npz').unlink()  # trained, but killed before it was asked
    text = (probes_run / 'samples.jsonl').read_text()
    assert main(['experiment', 'probes', *arguments, '--out', str(probes_run)]) == 0
    after = {path: path.stat().st_mtime_ns for path in parts}
    assert {path.parent.name for path in parts if before[path] != after[path]} == {CNN.name}
    assert (probes_run / 'samples.jsonl').read_text() == text


def test_a_race_is_run_in_turns():
    calls = []
    contestants = {name: (lambda k, name=name: calls.append((name, k))) for name in 'abc'}
    seconds = race(contestants, 4)
    assert {name: values.shape for name, values in seconds.items()} == dict.fromkeys('abc', (4,))
    timed = calls[-12:]
    assert [k for _, k in timed] == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    assert {name for name, _ in timed[::3]} == set('abc')


def test_a_cost_is_a_ratio_with_its_spread():
    reference = np.array([1.0, 2.0, 4.0])
    found = relative(3 * reference, reference)
    assert (found.value, found.low, found.high, found.n) == (3, 3, 3, 3)
    wide = relative(reference, np.ones(3))
    assert wide.low < wide.value == 2 < wide.high
