"""Finished runs, small and made by hand: what happened is known without a model."""

import json
from dataclasses import replace

import numpy as np
import PIL.Image

from clue_ros.box import Box
from clue_ros.dialog import Turn
from clue_ros.evaluate.figures import count_figures
from clue_ros.evaluate.log import FALSE_NEGATIVE
from clue_ros.evaluate.log import ONE
from clue_ros.evaluate.log import SEVERAL
from clue_ros.evaluate.log import SUCCESS
from clue_ros.evaluate.log import TRUE_NEGATIVE
from clue_ros.evaluate.log import TRUE_POSITIVE
from clue_ros.evaluate.log import WRONG_GRASP
from clue_ros.evaluate.log import Header
from clue_ros.evaluate.log import LogWriter
from clue_ros.evaluate.log import Record
from clue_ros.evaluate.log import pack_map
from clue_ros.evaluate.log import read_log
from clue_ros.evaluate.sources import Stored
from clue_ros.evaluate.sources import describe
from clue_ros.evaluate.summary import plain
from clue_ros.report.run import read_run

WIDTH, HEIGHT = 80, 60
LEFT, RIGHT = Box(5, 10, 25, 40), Box(50, 10, 75, 45)
TURN = Turn('the red one or the blue one?', 'the red one')
OPTIONS = {'threshold': 0.5, 'rules': {'peaks': {'threshold': 1.5, 'above': True}}}
HEADER = Header('loop', 'clue-tiny', 'ab' * 32, '1234567', {'torch': '2'}, {}, OPTIONS)
SCENES = 12
FORMS = ('attribute', 'spatial', 'relational')


def record(number=0, **changes):
    """A clear request that ended well without a question, unless changed."""
    return replace(
        Record(
            id=f'sample {number}',
            policy='probe',
            group=f'scene {number}',
            picture=f'{number}.jpg',
            width=WIDTH,
            height=HEIGHT,
            request='get the mug',
            form=FORMS[number % len(FORMS)],
            verdict=ONE,
            outcome=SUCCESS,
            target=LEFT,
            candidates=(LEFT,),
            probabilities=(0.1,),
            box=LEFT,
            iou=1.0,
            confidence=0.9,
        ),
        **changes,
    )


def loop_records():
    """Probe and never on the same scenes; the probe asks where it should, but for one scene."""
    records = []
    for number in range(SCENES):
        ambiguous = number % 2 == 1
        map_ = np.zeros((4, 4), np.float32)
        map_[number % 4, 1] = 1
        truth = {
            'verdict': SEVERAL if ambiguous else ONE,
            'candidates': (LEFT, RIGHT) if ambiguous else (LEFT,),
        }
        asked = ambiguous and number != 1
        missed = {'outcome': WRONG_GRASP, 'box': RIGHT, 'iou': 0.0} if ambiguous else {}
        records.append(
            record(
                number,
                **truth,
                **({} if asked else missed),
                turns=(TURN,) if asked else (),
                probabilities=(0.9, 0.2) if asked else (0.1 + number / 100,),
                scores={'peaks': float(ambiguous + number % 3)},
                map=pack_map(map_),
            )
        )
        records.append(record(number, policy='never', **truth, **missed))
    return records


def ambiguity_records():
    """Requests of which one that is ambiguous is taken for clear."""
    outcomes = {0: TRUE_NEGATIVE, 1: TRUE_POSITIVE}
    return [
        replace(
            record(number),
            verdict=SEVERAL if number % 2 else ONE,
            outcome=FALSE_NEGATIVE if number == 1 else outcomes[number % 2],
            probabilities=(0.2 if number == 1 else 0.9 * (number % 2) + 0.05,),
            scores={'peaks': float(number % 3)},
            box=None,
            iou=None,
        )
        for number in range(SCENES)
    ]


def grounding_records():
    """Boxes after whole dialogs; the first one is at the wrong thing."""
    missed = {'outcome': WRONG_GRASP, 'box': RIGHT, 'iou': 0.0}
    return [
        record(number, policy='', turns=(TURN,) * (number % 2), **({} if number else missed))
        for number in range(SCENES)
    ]


RECORDS = {'loop': loop_records, 'ambiguity': ambiguity_records, 'grounding': grounding_records}


def write_pictures(folder):
    """A data set in the own format with the pictures of the records."""
    folder.mkdir()
    rows = []
    for number in range(SCENES):
        image = PIL.Image.new('RGB', (WIDTH, HEIGHT), (20 * number, 90, 120))
        image.save(folder / f'{number}.jpg')
        row = {'image': f'{number}.jpg', 'request': 'get the mug', 'ambiguous': False}
        rows.append(json.dumps({**row, 'target': LEFT.corners}))
    (folder / 'samples.jsonl').write_text('\n'.join(rows) + '\n')
    return folder


def write_run(folder, records, measure='loop', **header):
    """The folder that `clue evaluate` leaves, without its model."""
    written = replace(HEADER, measure=measure, **header)
    with LogWriter(folder / 'log.jsonl', written) as writer:
        writer.write(records)
    log = read_log(folder / 'log.jsonl')
    report = {
        'format': 1,
        'measure': measure,
        'log': 'log.jsonl',
        'command': f'clue evaluate {measure}',
        'date': '2026-01-02T03:04:05+00:00',
        'machine': {'processor': 'one of ours', 'cores': 2},
        'figures': {name: plain(figure) for name, figure in count_figures(log).items()},
    }
    (folder / 'report.json').write_text(json.dumps(report))
    return folder


def made_run(folder, measure='loop', data=None):
    """A run of a measure, read back; `data` is a folder of pictures."""
    described = describe(Stored(data), measure) if data else {'path': 'gone', 'fingerprint': '0'}
    return read_run(write_run(folder, RECORDS[measure](), measure, data=described))
