"""The simulated tabletop pictures in test/scenes, with their ground truth."""

import json
from pathlib import Path
from typing import Any

SCENES = Path(__file__).parent / 'scenes'


def load_scenes() -> list[dict[str, Any]]:
    """Rows of samples.jsonl."""
    return [json.loads(line) for line in (SCENES / 'samples.jsonl').read_text().splitlines()]
