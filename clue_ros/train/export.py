"""The stages' results as one checkpoint folder, as docs/checkpoint.md lays it out."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

from clue_ros.errors import InvalidRun
from clue_ros.model.checkpoint import CheckpointConfig
from clue_ros.train.lessons import PROMPTS
from clue_ros.train.probe import ProbeConfig

_PARTS = {
    'backbone': Path('backbone'),
    'adapter_ivg': Path('ivg', 'adapter_ivg'),
    'adapter_ambiguity': Path('probe', 'adapter_ambiguity'),
    'probe.safetensors': Path('probe', 'probe.safetensors'),
}

_REGION_LEVEL = 0.3  # of the map: from here on a cell belongs to a candidate region
# Of the picture: parts that a small model, which overlooks small things, looks at by themselves,
# and windows around its box, which is loose, in which it points again.
_PARTS_OF_FRAMES = ((0.15, 0.0, 0.85), (0.0, 0.15, 0.85))
_CLOSER_LOOKS = (0.55, 0.7)
_TRIED_QUESTIONS = 6  # more of them changed nothing on validation scenes


def export(run: Path, out: Path, probe: ProbeConfig) -> None:
    """Copy the parts of a run into `out`; raises InvalidRun when a stage has not ended.

    `probe` is what the probe was trained with. Words about the checkpoint that lie in `out`
    (README.md) stay.
    """
    missing = [name for name, path in _PARTS.items() if not (run / path).exists()]
    if missing:
        raise InvalidRun(f'{run} has no {", ".join(missing)}; train that stage first')
    sizes = json.loads((run / 'backbone' / 'config.json').read_text())['vision_config']
    calibration = json.loads((run / 'probe' / 'calibration.json').read_text())
    config = CheckpointConfig(
        probe_layer=probe.layer,
        grid=sizes['image_size'] // sizes['patch_size'],
        queries=probe.queries,
        region_level=_REGION_LEVEL,
        parts=_PARTS_OF_FRAMES,
        closer_looks=_CLOSER_LOOKS,
        look_away=True,
        tried_questions=_TRIED_QUESTIONS,
        prompts=PROMPTS,
        **calibration,
    )
    out.mkdir(parents=True, exist_ok=True)
    for name, path in _PARTS.items():
        old, new = out / name, run / path
        if old.is_dir():
            shutil.rmtree(old)
        if new.is_dir():
            shutil.copytree(new, old)
        else:
            shutil.copy(new, old)
    content = {'format': 1, **asdict(config)}
    (out / 'clue.json').write_text(json.dumps(content, indent=2) + '\n')
