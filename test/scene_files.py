"""The simulated tabletop pictures in test/scenes, with their ground truth."""

import json
from pathlib import Path
from typing import Any

SCENES = Path(__file__).parent / 'scenes'


def load_scenes() -> list[dict[str, Any]]:
    """Rows of scenes.jsonl."""
    return [json.loads(line) for line in (SCENES / 'scenes.jsonl').read_text().splitlines()]
