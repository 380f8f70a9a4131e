import json
import shutil

import pytest
from model_builders import CHECKPOINT

from clue_ros.clue import Clue
from clue_ros.errors import CheckpointError
from clue_ros.errors import SelfTestFailed
from clue_ros.model.checkpoint import EMBEDDED
from clue_ros.model.checkpoint import CheckpointConfig
from clue_ros.model.checkpoint import find


@pytest.fixture
def folder(tmp_path):
    copy = tmp_path / 'checkpoint'
    shutil.copytree(CHECKPOINT, copy)
    return copy


def remove(part):
    def change(folder):
        path = folder / part
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return change


def config(**changes):
    def change(folder):
        path = folder / 'clue.json'
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


def write(part, content):
    return lambda folder: (folder / part).write_bytes(content)


def other_decoder(folder):
    path = folder / 'backbone' / 'config.json'
    content = json.loads(path.read_text())
    content['text_config'] = {**content['text_config'], 'model_type': 'gemma'}
    path.write_text(json.dumps(content))


def swap_adapters(folder):
    (folder / 'adapter_ivg').rename(folder / 'other')
    shutil.copytree(folder / 'backbone', folder / 'adapter_ivg')


@pytest.mark.parametrize(
    ('change', 'error', 'says'),
    [
        (remove('clue.json'), CheckpointError, 'neither clue.json'),
        (remove('backbone'), CheckpointError, 'lacks backbone'),
        (remove('probe.safetensors'), CheckpointError, 'lacks probe.safetensors'),
        (remove('adapter_ivg'), CheckpointError, 'lacks adapter_ivg'),
        (remove('backbone/config.json'), CheckpointError, 'does not load as a PaliGemma 2'),
        (remove('backbone/model.safetensors'), CheckpointError, 'does not load as a PaliGemma 2'),
        (remove('backbone/tokenizer.json'), CheckpointError, 'does not load as a PaliGemma 2'),
        (write('backbone/model.safetensors', b'abc'), CheckpointError, 'does not load as a'),
        (write('backbone/tokenizer.json', b'{}'), CheckpointError, 'does not load as a'),
        (write('probe.safetensors', b'abc'), CheckpointError, 'weights of the ambiguity probe'),
        (swap_adapters, CheckpointError, 'does not load as a LoRA adapter'),
        (other_decoder, CheckpointError, 'PaliGemma 2'),
        (write('clue.json', b'{'), CheckpointError, 'clue.json is not readable'),
        (write('clue.json', b'[1]'), CheckpointError, '"format" must be 1'),
        (config(format=2), CheckpointError, '"format" must be 1'),
        (config(probe_block=3), CheckpointError, 'it may hold probe_layer'),
        (config(threshold=1.5), CheckpointError, 'threshold must be between 0 and 1'),
        (config(temperature=0), CheckpointError, 'temperature must be a finite'),
        (config(temperature=float('nan')), CheckpointError, 'temperature must be a finite'),
        (config(probe_layer=2.5), CheckpointError, 'probe_layer must be a whole number'),
        (config(grid=10.0), CheckpointError, 'grid must be a whole number'),
        (config(region_level=0), CheckpointError, 'region_level'),
        (config(closer_looks=[0.5, 0.0]), CheckpointError, 'closer_looks must be a list'),
        (config(closer_looks=[1.5]), CheckpointError, 'closer_looks must be a list'),
        (config(closer_looks=0.5), CheckpointError, 'closer_looks must be a list'),
        (config(closer_looks=['half']), CheckpointError, 'closer_looks must be a list'),
        (config(parts=0.85), CheckpointError, r'parts must be a list of \[left, top, size\]'),
        (config(parts=[0.1, 0.1, 0.8]), CheckpointError, 'parts must be a list'),
        (config(parts=[[0.1, 0.8]]), CheckpointError, 'parts must be a list'),
        (config(parts=[[0.1, 0.1, '0.8']]), CheckpointError, 'parts must be a list'),
        (config(parts=[[0.1, -0.1, 0.8]]), CheckpointError, 'parts must be a list'),
        (config(parts=[[0.1, 0.1, 0]]), CheckpointError, 'parts must be a list'),
        (config(parts=[[0.3, 0.0, 0.8]]), CheckpointError, 'parts must be a list'),
        (config(parts=[[0.0, float('nan'), 0.8]]), CheckpointError, 'parts must be a list'),
        (config(look_away=1), CheckpointError, 'look_away must be true or false'),
        (config(tried_questions=-1), CheckpointError, 'tried_questions must be a whole number'),
        (config(tried_questions=1.5), CheckpointError, 'tried_questions must be a whole number'),
        (config(queries='all'), CheckpointError, 'expression or words'),
        (config(probe_layer=-1), CheckpointError, 'probe_layer must be a whole number >= 0'),
        (config(prompts={'probe_prefix': '{x}'}), CheckpointError, 'probe_prefix may hold'),
        (config(prompts={'glossary': ['item']}), CheckpointError, 'glossary must say'),
        (config(grid=32), CheckpointError, 'grid of 32'),
        (config(probe_layer=12), SelfTestFailed, 'probes block 12'),
    ],
)
def test_a_folder_with_a_missing_or_foreign_part_is_refused(folder, change, error, says):
    change(folder)
    with pytest.raises(error, match=says):
        Clue.load(str(folder))


@pytest.mark.parametrize(
    ('name', 'says'),
    [
        ('no/such-model', 'nor a hub repository in the local cache'),
        ('/no/such/folder', 'neither'),
        ('', 'neither'),
    ],
)
def test_an_unknown_name_is_refused_without_the_network(name, says):
    with pytest.raises(CheckpointError, match=says):
        find(name, allow_download=False)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match='neither clue.json'):
        find(str(tmp_path), allow_download=False)


def test_the_embedded_checkpoint_is_whole():
    checkpoint = find(EMBEDDED, allow_download=False)
    assert checkpoint.name == EMBEDDED
    assert checkpoint.config == CheckpointConfig(
        probe_layer=2,
        grid=14,
        threshold=0.4359,
        temperature=0.7597,
        queries='words',
        region_level=0.3,
        parts=((0.15, 0.0, 0.85), (0.0, 0.15, 0.85)),
        closer_looks=(0.55, 0.7),
        look_away=True,
        tried_questions=6,
        prompts=checkpoint.config.prompts,
    )
    assert set(checkpoint.adapters) == {'ambiguity', 'ivg'}


def test_a_plain_backbone_folder_has_no_probe():
    checkpoint = find(str(CHECKPOINT / 'backbone'), allow_download=False)
    assert checkpoint.config is None
    assert checkpoint.probe is None
    assert checkpoint.adapters == {}
