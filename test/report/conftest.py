"""A run of each measure, made once: the intervals of its figures take a second or two."""

import pytest
from report_builders import made_run
from report_builders import write_pictures

from clue_ros.evaluate.log import MEASURES


@pytest.fixture(scope='session')
def runs(tmp_path_factory):
    made = {}
    for measure in MEASURES:
        folder = tmp_path_factory.mktemp(measure)
        made[measure] = made_run(folder, measure, write_pictures(folder / 'data'))
    return made
