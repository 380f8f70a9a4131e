"""The loop: killed at any step it goes on with the same losses; bad numbers are named."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from clue_ros.errors import InvalidRun
from clue_ros.train import loop
from clue_ros.train.loop import LoopConfig
from clue_ros.train.loop import fit


@pytest.mark.parametrize(
    ('values', 'named'),
    [
        ({'steps': 0}, 'steps'),
        ({'batch': 0}, 'batch'),
        ({'accumulate': 0}, 'accumulate'),
        ({'learning_rate': 0.0}, 'learning_rate'),
        ({'learning_rate': float('nan')}, 'learning_rate'),
        ({'clip': -1.0}, 'clip'),
        ({'warmup': -1}, 'warmup'),
        ({'patience': -1}, 'patience'),
        ({'workers': -1}, 'workers'),
        ({'mean': 1.0}, 'mean'),
        ({'mean': -0.1}, 'mean'),
        ({'precision': 'fp16'}, 'precision'),
    ],
)
def test_bad_config(values, named):
    with pytest.raises(ValueError, match=named):
        LoopConfig(**{'steps': 1, 'batch': 1, 'learning_rate': 1e-3, **values})


class Regression(nn.Module):
    def __init__(self, dropout=0.2):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(3, 8), nn.Dropout(dropout), nn.Linear(8, 1))

    def forward(self, x, y):
        return {'loss': (self.layers(x).squeeze(1) - y).pow(2).mean()}


class Killed(Exception):
    pass


def run(out, kill_at=None, dropout=0.2, **values):
    model = Regression(dropout)
    config = LoopConfig(
        **{
            'steps': 12, 'batch': 4, 'learning_rate': 1e-2, 'warmup': 3, 'precision': 'no',
            'save_every': 2, 'validate_every': 4, **values,
        }
    )  # fmt: skip

    def batch(number):
        if number == kill_at:
            raise Killed
        generator = torch.Generator().manual_seed(number)
        x = torch.randn(4, 3, generator=generator)
        return {'x': x, 'y': x.sum(dim=1)}

    def validate():
        with torch.no_grad():
            return {'score': -float(model(**batch(1000))['loss'])}

    best = fit(model, [{'params': list(model.parameters())}], batch, validate, config, out)
    return best, model


def rows(out, name='losses.csv'):
    with (out / name).open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize('mean', [0.0, 0.9])
@pytest.mark.parametrize('kill_at', [1, 5, 8, 11])
def test_a_killed_run_goes_on_with_the_same_losses(tmp_path, kill_at, mean):
    best, whole = run(tmp_path / 'whole', mean=mean)
    with pytest.raises(Killed):
        run(tmp_path / 'killed', kill_at, mean=mean)
    again, resumed = run(tmp_path / 'killed', mean=mean)
    assert again == best
    for name in ('losses.csv', 'validation.csv'):
        assert rows(tmp_path / 'killed', name) == rows(tmp_path / 'whole', name)
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_mean_of_the_weights_is_validated_and_kept(tmp_path):
    steps = {'steps': 3, 'validate_every': 3, 'save_every': 3}
    _, weights = run(tmp_path / 'weights', **steps)
    _, model = run(tmp_path / 'mean', mean=0.9, **steps)
    # learning itself goes on from the weights, not from their mean
    assert rows(tmp_path / 'mean') == rows(tmp_path / 'weights')
    state = torch.load(tmp_path / 'mean' / 'state.pt', weights_only=True)
    last = list(state['weights'].values())
    for one, other in zip(last, weights.parameters(), strict=True):
        assert torch.equal(one, other)
    seen = [list(Regression().parameters())]
    for number in (1, 2):
        _, part = run(tmp_path / f'{number}', **{**steps, 'steps': number, 'warmup': 3})
        seen.append(list(part.parameters()))
    for k, found in enumerate(model.parameters()):
        mean = seen[0][k].data
        for step, value in enumerate([seen[1][k], seen[2][k], last[k]]):
            share = (1 + step) / (10 + step)
            mean = share * mean + (1 - share) * value
        torch.testing.assert_close(found.data, mean)


def test_killed_while_a_state_is_written_the_one_before_counts(tmp_path):
    run(tmp_path / 'whole')
    with pytest.raises(Killed):
        run(tmp_path / 'killed', 7)
    (tmp_path / 'killed' / 'state.pt.new').write_bytes(b'half')
    run(tmp_path / 'killed')
    assert rows(tmp_path / 'killed') == rows(tmp_path / 'whole')


def test_frozen_weights_are_not_written(tmp_path):
    whole = Regression()
    whole.layers[0].requires_grad_(False)
    batch = {'x': torch.ones(4, 3), 'y': torch.ones(4)}
    config = LoopConfig(steps=1, batch=4, learning_rate=1e-2, precision='no')
    parts = [{'params': list(whole.layers[2].parameters())}]
    fit(whole, parts, lambda _: batch, lambda: {'score': 0.0}, config, tmp_path)
    for name in ('best.pt', 'state.pt'):
        state = torch.load(tmp_path / name, weights_only=True)
        assert set(state.get('weights', state)) == {'layers.2.weight', 'layers.2.bias'}


def test_accumulated_batches_are_one_larger_batch(tmp_path):
    run(tmp_path / 'two', accumulate=2, steps=3)
    assert [int(row['step']) for row in rows(tmp_path / 'two')] == [1, 2, 3]


def test_batches_made_ahead_teach_the_same(tmp_path):
    run(tmp_path / 'ahead', workers=2, accumulate=2, steps=3)
    run(tmp_path / 'due', accumulate=2, steps=3)
    assert rows(tmp_path / 'ahead') == rows(tmp_path / 'due')


def test_a_device_without_bfloat16_computes_in_float32(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, 'computes_in_bfloat16', lambda device: False)
    run(tmp_path / 'auto', precision='auto', steps=3)
    run(tmp_path / 'named', precision='no', steps=3)
    assert rows(tmp_path / 'auto') == rows(tmp_path / 'named')


SEVERAL = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
from test_loop import run
run(Path(sys.argv[1]), steps=4, dropout=0.0)
"""


def test_two_processes_learn_as_one_that_accumulates(tmp_path):
    script = tmp_path / 'several.py'
    script.write_text(SEVERAL)
    here = Path(__file__).parent
    together = tmp_path / 'together'
    # what `accelerate launch` starts on several GPUs
    launch = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc_per_node=2']
    subprocess.run([*launch, script, together, here.parents[1], here], check=True, timeout=100)
    alone = tmp_path / 'alone'
    run(alone, steps=4, accumulate=2, dropout=0.0)
    weights = [
        torch.load(out / 'state.pt', weights_only=True)['weights'] for out in (together, alone)
    ]
    for name, weight in weights[0].items():
        torch.testing.assert_close(weight, weights[1][name])
    for one, other in zip(rows(together), rows(alone), strict=True):
        assert float(one['loss']) == pytest.approx(float(other['loss']), rel=1e-4)


def test_it_ends_early_when_validation_gets_no_better(tmp_path):
    best, _ = run(tmp_path, learning_rate=3.0, steps=60, patience=2)
    assert 12 <= int(rows(tmp_path)[-1]['step']) < 60
    assert best['score'] == max(float(r['score']) for r in rows(tmp_path, 'validation.csv'))


def test_the_best_weights_are_kept(tmp_path):
    best, model = run(tmp_path, learning_rate=3.0, steps=20)
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(1000))
    model.eval()
    loss = model(x, x.sum(dim=1))['loss'].detach()
    assert -float(loss) == pytest.approx(best['score'])


def test_a_loss_that_explodes_is_named(tmp_path):
    with pytest.raises(InvalidRun, match='learning_rate'):
        run(tmp_path, learning_rate=1e30, clip=1e30, steps=50)


def test_the_rate_rises_and_falls(tmp_path):
    run(tmp_path, steps=10, warmup=4)
    rates = [float(row['rate']) for row in rows(tmp_path)]
    assert rates[:4] == sorted(rates[:4])
    assert rates[4:] == sorted(rates[4:], reverse=True)
    assert rates[-1] >= 1e-3
