import json
import shutil

import numpy as np
import pytest
import torch
from model_builders import CHECKPOINT
from model_builders import mini_backbone
from peft import PeftModel
from safetensors.torch import load_file
from safetensors.torch import save_file

from clue_ros.errors import CheckpointError
from clue_ros.model.adapters import Adapters
from clue_ros.model.attention import text_to_image_rows
from clue_ros.model.backbone import Backbone
from clue_ros.model.decoder import Decoder
from clue_ros.model.decoder import Form

FOLDERS = {
    'ambiguity': CHECKPOINT / 'adapter_ambiguity',
    'ivg': CHECKPOINT / 'adapter_ivg',
}
NOISE = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)


def broken(tmp_path, change):
    folder = tmp_path / 'adapter'
    shutil.copytree(FOLDERS['ambiguity'], folder)
    change(folder)
    return folder


def rename(old: str, new: str):
    def change(folder):
        path = folder / 'adapter_model.safetensors'
        save_file({key.replace(old, new): value for key, value in load_file(path).items()}, path)

    return change


def reshape(folder):
    path = folder / 'adapter_model.safetensors'
    save_file(
        {
            key: torch.zeros(16, 64) if 'lora_A' in key else value
            for key, value in load_file(path).items()
        },
        path,
    )


def drop_half(folder):
    path = folder / 'adapter_model.safetensors'
    save_file({key: value for key, value in load_file(path).items() if 'lora_A' in key}, path)


@pytest.mark.parametrize(
    ('change', 'says'),
    [
        (lambda folder: (folder / 'adapter_config.json').unlink(), 'does not load as a LoRA'),
        (lambda folder: (folder / 'adapter_model.safetensors').unlink(), 'does not load as a'),
        (lambda folder: (folder / 'adapter_config.json').write_text('{'), 'does not load as a'),
        (lambda folder: (folder / 'adapter_model.safetensors').write_bytes(b'x'), 'not load as'),
        (rename('language_model.layers', 'vision_tower.layers'), 'only the language model'),
        (rename('layers.2.', 'layers.30.'), 'does not fit this backbone'),
        (reshape, 'does not fit this backbone'),
        (drop_half, 'does not fit this backbone'),
    ],
)
def test_foreign_adapters_are_refused(tmp_path, change, says):
    with pytest.raises(CheckpointError, match=says):
        Adapters(mini_backbone(), {'ambiguity': broken(tmp_path, change)})


def logits(backbone: Backbone) -> torch.Tensor:
    prefix = backbone.prefix(backbone.encode([NOISE]), ['clarify user: get the mug'])
    mask = prefix.attention_mask()
    with torch.inference_mode():
        output = backbone.language_model(
            inputs_embeds=prefix.embeddings,
            attention_mask={'full_attention': mask, 'sliding_attention': mask},
            position_ids=prefix.positions,
        )
        return backbone.logits(output.last_hidden_state)


@pytest.mark.parametrize('name', ['ambiguity', 'ivg'])
def test_merged_equals_peft(name):
    backbone = mini_backbone()
    plain = logits(backbone)
    adapters = Adapters(backbone, FOLDERS)
    assert torch.equal(logits(backbone), plain)
    with adapters.use(name):
        ours = logits(backbone)
    assert torch.equal(logits(backbone), plain)

    reference = mini_backbone()
    wrapped = PeftModel.from_pretrained(reference.model, str(FOLDERS[name])).eval()
    reference.model = wrapped.get_base_model()
    theirs = logits(reference)
    assert float((theirs - plain).abs().max()) > 0.01
    torch.testing.assert_close(ours, theirs, atol=2e-4, rtol=1e-4)


def test_an_error_inside_restores_the_weights():
    backbone = mini_backbone()
    adapters = Adapters(backbone, FOLDERS)
    plain = logits(backbone)
    with pytest.raises(RuntimeError), adapters.use('ivg'):
        raise RuntimeError
    assert torch.equal(logits(backbone), plain)


def test_keys_of_older_transformers_are_read(tmp_path):
    old = broken(tmp_path, rename('model.language_model.layers', 'language_model.model.layers'))
    rows = []
    for folder in (FOLDERS['ambiguity'], old):
        backbone = mini_backbone()
        prefix = backbone.prefix(backbone.encode([NOISE]), ['detect mug'])
        with torch.inference_mode(), Adapters(backbone, {'ambiguity': folder}).use('ambiguity'):
            rows.append(text_to_image_rows(backbone, prefix, 3))
    assert torch.equal(*rows)


def test_bfloat16_keeps_the_update_beside_the_weights(tmp_path):
    # the update of the checkpoint is as small as what bfloat16 rounds off all activations
    stronger = tmp_path / 'stronger'
    shutil.copytree(FOLDERS['ivg'], stronger)
    config = json.loads((stronger / 'adapter_config.json').read_text())
    config['lora_alpha'] *= 8
    (stronger / 'adapter_config.json').write_text(json.dumps(config))
    folders = {**FOLDERS, 'ivg': stronger}

    backbone = Backbone.load(CHECKPOINT / 'backbone', torch.device('cpu'), torch.bfloat16)
    plain = logits(backbone)
    adapters = Adapters(backbone, folders)
    assert torch.equal(logits(backbone), plain)
    with adapters.use('ivg'):
        adapted = logits(backbone)
        prefix = backbone.prefix(backbone.encode([NOISE]), ['clarify user: get the mug'])
        assert Decoder(backbone).decode(prefix, [(0, Form.BOX)])
    assert float((adapted - plain).abs().max()) > 0.01
    assert torch.equal(logits(backbone), plain)

    exact = mini_backbone()
    with Adapters(exact, folders).use('ivg'):
        wanted = logits(exact)
    # bfloat16 rounds every activation; the adapted model must be far nearer than the plain one
    error = (adapted - wanted).abs().mean()
    assert float(error) < 0.2 * float((plain - wanted).abs().mean())


def test_the_checkpoint_adapts_what_the_paper_adapts():
    config = json.loads((FOLDERS['ambiguity'] / 'adapter_config.json').read_text())
    keys = load_file(FOLDERS['ambiguity'] / 'adapter_model.safetensors')
    assert {key.split('.self_attn.')[1].split('.')[0] for key in keys} == {'q_proj', 'k_proj'}
    assert config['r'] == 16
