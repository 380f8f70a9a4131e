"""All stages end to end at toy size, by the command: what they make loads, asks and points."""

import json

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from clue_ros.cli import main
from clue_ros.clue import Clue
from clue_ros.dialog import Dialog
from clue_ros.errors import InvalidRun
from clue_ros.model.backbone import Backbone
from clue_ros.response import Question
from clue_ros.sim.dialogs import DialogConfig
from clue_ros.sim.folder import write_folder
from clue_ros.sim.sampling import SceneConfig
from clue_ros.train.backbone import BackboneConfig
from clue_ros.train.batches import corpus_requests
from clue_ros.train.lessons import PROMPTS
from clue_ros.train.loop import LoopConfig
from clue_ros.train.lora import inject
from clue_ros.train.pictures import PLAIN
from clue_ros.train.pictures import lit
from clue_ros.train.probe import ProbeModel

LAYER = 1
TOKENS = ('ids', 'present', 'words', 'expression')
LOOP = {'steps': 3, 'batch': 4, 'learning_rate': 1e-3, 'precision': 'no', 'validate_every': 3}
CONFIG = {
    'corpus': {'side': 112, 'seed': 1, 'shard': 16},
    'backbone': {
        'vision': LOOP,
        'packed': {**LOOP, 'batch': 2},
        'joined': LOOP,
        'miniature': {
            'side': 112, 'patch': 28, 'vision_width': 32, 'vision_layers': 2,
            'width': 32, 'layers': 4, 'hidden': 64,
        },
        'patches': 8,
        'pointers': [1],
        'validation': 2,
    },
    'ivg': {'loop': LOOP, 'rank': 2, 'alpha': 4},
    'probe': {'loop': {**LOOP, 'batch': 8}, 'layer': LAYER, 'rank': 2, 'alpha': 4},
}  # fmt: skip


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp('config') / 'toy.yaml'
    path.write_text(yaml.safe_dump(CONFIG))
    return path


@pytest.fixture(scope='module')
def run(config, corpus_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp('run')
    common = ['--config', str(config), '--run', str(folder)]
    for stage in ('backbone', 'ivg', 'probe'):
        assert main(['train', stage, *common, '--corpus', str(corpus_folder)]) == 0
    assert main(['train', 'export', *common, '--out', str(folder / 'checkpoint')]) == 0
    return folder


def test_corpus_by_the_command(config, tmp_path, corpus_folder):
    out = ['--config', str(config), '--out', str(tmp_path / 'corpus'), '--scenes', '5']
    assert main(['train', 'corpus', *out]) == 0
    again = np.load(tmp_path / 'corpus' / '000000.images.npy')
    assert np.array_equal(again, np.load(corpus_folder / '000000.images.npy'))


def test_the_checkpoint_loads_asks_and_points(run):
    clue = Clue.load(str(run / 'checkpoint'), device='cpu')
    assert clue.has_probe and clue.has_decoder
    view = clue.look(np.zeros((48, 64, 3), np.uint8))
    dialog = Dialog('get the mug')
    assert 0 <= clue.ambiguity(view, dialog).probability <= 1
    assert not isinstance(clue.respond(view, dialog, 'never'), Question)


@pytest.mark.parametrize(
    ('adapter', 'modules'),
    [
        ('adapter_ambiguity', {f'layers.{LAYER}.self_attn.{p}_proj' for p in 'qk'}),
        (
            'adapter_ivg',
            {f'layers.{k}.self_attn.{p}_proj' for k in range(4) for p in 'qkvo'}
            | {f'layers.{k}.mlp.{p}_proj' for k in range(4) for p in ('gate', 'up', 'down')},
        ),
    ],
)
def test_lora_touches_the_language_model_only(run, adapter, modules):
    keys = load_file(run / 'checkpoint' / adapter / 'adapter_model.safetensors')
    start = 'base_model.model.model.language_model.'
    assert all(key.startswith(start) for key in keys)
    assert {key.removeprefix(start).rpartition('.lora_')[0] for key in keys} == modules
    # and PEFT, told so by the config, adapts the same
    config = json.loads((run / 'checkpoint' / adapter / 'adapter_config.json').read_text())
    assert set(config['target_modules']) == {f'model.language_model.{name}' for name in modules}


def test_only_q_and_k_of_the_probed_block_and_the_cnn_get_a_gradient(run, held_out):
    backbone = Backbone.load(run / 'backbone', torch.device('cpu'), torch.float32)
    every = ('q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj')
    # more than the recipe adapts, to see that nothing else would learn
    _, added = inject(backbone.language_model, every, (0, LAYER, 2), 2, 4, 0.0)
    model = ProbeModel(backbone, LAYER, 'expression')
    batch = lit(corpus_requests(held_out, backbone, PROMPTS, 8, PLAIN, seed=0)(0))
    for name, parameter in backbone.language_model.named_parameters():
        if 'lora_B' in name:
            torch.nn.init.normal_(parameter)  # at zero, A would get no gradient
    model(**batch)['loss'].backward()
    learning = {n for n, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    adapted = {name for name in learning if not name.startswith('probe.')}
    assert adapted and learning - adapted
    assert all(f'layers.{LAYER}.self_attn.' in name and '_proj.lora' in name for name in adapted)
    assert {name.split('_proj')[0][-1] for name in adapted} == {'q', 'k'}


def test_requests_about_one_picture_share_it(run, held_out):
    backbone = Backbone.load(run / 'backbone', torch.device('cpu'), torch.float32)
    model = ProbeModel(backbone, LAYER, 'expression').eval()
    batch = lit(corpus_requests(held_out, backbone, PROMPTS, 8, PLAIN, seed=0)(0))
    del batch['ambiguous']
    assert len(batch['pixels']) == 2
    with torch.no_grad():
        maps = model.maps(**batch)
        apart = [
            model.maps(batch['pixels'][k // 4, None], **{n: batch[n][k, None] for n in TOKENS})
            for k in range(8)
        ]
    torch.testing.assert_close(maps, torch.cat(apart), rtol=1e-3, atol=1e-4)


def test_requests_in_other_batches_than_by_fours_are_refused(run, held_out):
    backbone = Backbone.load(run / 'backbone', torch.device('cpu'), torch.float32)
    with pytest.raises(InvalidRun, match='multiple of 4 requests.*got 6'):
        corpus_requests(held_out, backbone, PROMPTS, 6, PLAIN, seed=0)


def test_the_vision_tower_stays_as_its_own_stage_left_it(run):
    taught = torch.load(run / 'vision' / 'best.pt', weights_only=True)
    kept = load_file(run / 'backbone' / 'model.safetensors')
    for part, name in (('tower', 'vision_tower'), ('projector', 'multi_modal_projector')):
        found = [key for key in taught if key.startswith(f'{part}.')]
        assert found
        for key in found:
            saved = kept[key.replace(part, name, 1)]
            assert torch.equal(saved, taught[key].to(saved.dtype)), key


def test_a_backbone_goes_on_with_a_larger_tower(run, corpus_folder, tmp_path):
    short = {**LOOP, 'steps': 1, 'batch': 2}
    sizes = {**CONFIG['backbone']['miniature'], 'vision_layers': 3}
    stages = dict.fromkeys(('heads', 'vision', 'packed', 'joined'), short)
    content = {
        **CONFIG,
        'backbone': {**CONFIG['backbone'], **stages, 'miniature': sizes, 'loyal': 1.0},
    }
    path = tmp_path / 'larger.yaml'
    path.write_text(yaml.safe_dump(content))
    command = ['train', 'backbone', '--config', str(path), '--corpus', str(corpus_folder)]
    begin = ['--run', str(tmp_path / 'run'), '--begin', str(run / 'backbone')]
    assert main([*command, *begin]) == 0
    before = load_file(run / 'backbone' / 'model.safetensors')
    after = load_file(tmp_path / 'run' / 'backbone' / 'model.safetensors')
    assert {key.split('layers.2.')[0] for key in set(after) - set(before)} == {
        'vision_tower.encoder.'
    }
    # a step of warming up moves weights by a hundred thousandth: it is still the same model
    for key, value in before.items():
        torch.testing.assert_close(after[key], value, rtol=0.02, atol=0.002)
    # only its readers learned at first
    taught = torch.load(tmp_path / 'run' / 'heads' / 'best.pt', weights_only=True)
    assert taught and all(key.startswith('dense.') for key in taught)


def test_a_tower_may_stay_as_it_was(run, corpus_folder, tmp_path, capsys):
    stages = {name: value for name, value in CONFIG['backbone'].items() if name != 'vision'}
    short = {**LOOP, 'steps': 1, 'batch': 2}
    stages = {**stages, 'painted': 1.0}  # no lesson teaches a colour then
    path = tmp_path / 'without.yaml'
    path.write_text(
        yaml.safe_dump({**CONFIG, 'backbone': {**stages, 'heads': short, 'packed': short}})
    )
    command = ['train', 'backbone', '--config', str(path), '--corpus', str(corpus_folder)]
    assert main([*command, '--run', str(tmp_path / 'nothing')]) == 1
    assert 'a backbone from nothing needs the stage `vision`' in capsys.readouterr().err
    begin = ['--run', str(tmp_path / 'run'), '--begin', str(run / 'backbone')]
    assert main([*command, *begin]) == 0
    before = load_file(run / 'backbone' / 'model.safetensors')
    after = load_file(tmp_path / 'run' / 'backbone' / 'model.safetensors')
    changed = {key.split('.')[0] for key in before if not torch.equal(before[key], after[key])}
    assert 'language_model' in changed
    assert not changed & {'vision_tower', 'multi_modal_projector'}


def test_a_decoder_may_stay_as_it_was(run, corpus_folder, tmp_path, capsys):
    left_out = ('packed', 'joined')
    stages = {key: value for key, value in CONFIG['backbone'].items() if key not in left_out}
    short = {**LOOP, 'steps': 1, 'batch': 2}
    path = tmp_path / 'without.yaml'
    path.write_text(
        yaml.safe_dump({**CONFIG, 'backbone': {**stages, 'heads': short, 'vision': short}})
    )
    command = ['train', 'backbone', '--config', str(path), '--corpus', str(corpus_folder)]
    assert main([*command, '--run', str(tmp_path / 'nothing')]) == 1
    assert 'a backbone from nothing needs the stage `packed`' in capsys.readouterr().err
    begin = ['--run', str(tmp_path / 'run'), '--begin', str(run / 'backbone')]
    assert main([*command, *begin]) == 0
    before = load_file(run / 'backbone' / 'model.safetensors')
    after = load_file(tmp_path / 'run' / 'backbone' / 'model.safetensors')
    changed = {key.split('.')[0] for key in before if not torch.equal(before[key], after[key])}
    assert 'vision_tower' in changed
    assert 'language_model' not in changed


def test_a_result_may_keep_what_was_begun_from(run, corpus_folder, tmp_path):
    short = {**LOOP, 'steps': 1, 'batch': 2}
    stages = dict.fromkeys(('heads', 'vision', 'packed', 'joined'), short)
    path = tmp_path / 'kept.yaml'
    path.write_text(
        yaml.safe_dump({**CONFIG, 'backbone': {**CONFIG['backbone'], **stages, 'kept': 1.0}})
    )
    command = ['train', 'backbone', '--config', str(path), '--corpus', str(corpus_folder)]
    begin = ['--run', str(tmp_path / 'run'), '--begin', str(run / 'backbone')]
    assert main([*command, *begin]) == 0
    before = load_file(run / 'backbone' / 'model.safetensors')
    after = load_file(tmp_path / 'run' / 'backbone' / 'model.safetensors')
    assert all(torch.equal(before[key], after[key]) for key in before)


@pytest.mark.parametrize(
    ('wrong', 'said'),
    [
        ({'loyal': -1}, 'loyal must not be negative, got -1'),
        ({'kept': 1.5}, r'kept must lie in \[0, 1\], got 1.5'),
        ({'painted': 2}, r'painted must lie in \[0, 1\], got 2'),
        ({'recolored': -0.5}, r'recolored must lie in \[0, 1\], got -0.5'),
    ],
)
def test_wrong_shares_are_named(wrong, said):
    loop = LoopConfig(**LOOP)
    with pytest.raises(ValueError, match=said):
        BackboneConfig(loop, loop, loop, **wrong)


def test_no_compiler_is_named(monkeypatch):
    monkeypatch.setenv('CXX', 'no-such-compiler')
    loop = LoopConfig(**LOOP)
    with pytest.raises(ValueError, match='needs the C.. compiler no-such-compiler'):
        BackboneConfig(loop, loop, loop, compiled=True)


def test_the_backbone_is_the_same_after_the_adapters(run):
    before = load_file(run / 'backbone' / 'model.safetensors')
    after = load_file(run / 'checkpoint' / 'backbone' / 'model.safetensors')
    assert before.keys() == after.keys()
    assert all(torch.equal(before[key], after[key]) for key in before)


def test_adapters_train_on_a_folder_of_ones_own(config, run, tmp_path):
    scenes = SceneConfig(width=112, height=112)
    write_folder(tmp_path / 'own', 12, 3, scenes, DialogConfig())
    for stage in ('ivg', 'probe'):
        common = ['--config', str(config), '--run', str(tmp_path / 'run')]
        data = ['--data', str(tmp_path / 'own'), '--backbone', str(run / 'backbone')]
        assert main(['train', stage, *common, *data]) == 0
    calibration = json.loads((tmp_path / 'run' / 'probe' / 'calibration.json').read_text())
    assert 0 < calibration['threshold'] < 1 and calibration['temperature'] > 0
    record = yaml.safe_load((tmp_path / 'run' / 'ivg' / 'run.yaml').read_text())
    assert record['ivg']['rank'] == 2 and len(record['data']) == 64


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        ({}, 'wanted a section "probe"'),
        ({'probe': {'loop': LOOP}}, "'layer'"),
        ({'probe': {'loop': LOOP, 'layer': 99}}, 'blocks 0..3'),
        ({'probe': {'loop': LOOP, 'layer': 'one'}}, 'wanted int'),
        ({'probe': {'loop': LOOP, 'layer': -1}}, 'layer counts from 0'),
        ({'probe': {'loop': LOOP, 'layer': 1, 'rang': 3}}, 'unknown rang'),
        ({'probe': {'loop': {**LOOP, 'steps': 0}, 'layer': 1}}, 'steps must be at least 1'),
        ({'probe': {'loop': {**LOOP, 'learning_rate': '1e-3'}, 'layer': 1}}, 'wanted float'),
    ],
)
def test_bad_settings_are_named(run, corpus_folder, tmp_path, capsys, change, said):
    path = tmp_path / 'bad.yaml'
    path.write_text(yaml.safe_dump({'corpus': CONFIG['corpus'], **change}))
    source = ['--corpus', str(corpus_folder), '--backbone', str(run / 'backbone')]
    status = main(['train', 'probe', '--config', str(path), '--run', str(tmp_path), *source])
    assert status == 1
    assert said in capsys.readouterr().err


def test_a_folder_with_another_run_is_refused(run, corpus_folder, tmp_path, capsys):
    path = tmp_path / 'other.yaml'
    path.write_text(yaml.safe_dump({**CONFIG, 'ivg': {**CONFIG['ivg'], 'rank': 4}}))
    common = ['--config', str(path), '--run', str(run), '--corpus', str(corpus_folder)]
    assert main(['train', 'ivg', *common]) == 1
    assert 'other ivg' in capsys.readouterr().err
    empty = ['--run', str(tmp_path / 'none'), '--out', str(tmp_path / 'out')]
    assert main(['train', 'export', '--config', str(path), *empty]) == 1
    assert 'train that stage first' in capsys.readouterr().err
