"""The page of a run: what is on it, and that nothing on it comes from elsewhere."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import PIL.Image
import pytest
from report_builders import LEFT
from report_builders import RIGHT
from report_builders import SCENES
from report_builders import record
from report_builders import write_run
from scene_files import SCENES as SCENES_FOLDER

from clue_ros.dialog import Turn
from clue_ros.evaluate import log
from clue_ros.evaluate.intervals import Figure
from clue_ros.report.page import render
from clue_ros.report.pictures import thumbnail
from clue_ros.report.run import read_run
from clue_ros.report.selection import LIMIT
from clue_ros.report.selection import choose
from clue_ros.report.write import write_report

SIZE = 15e6  # bytes that a page may have
ATTACK = '<script>document.title = "taken"</script>" onload="x" & \' `'


class Elements(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, page):
        super().__init__()
        self.found, self.text = [], ''
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope='module')
def pages(runs, tmp_path_factory):
    made = {}
    for measure, run in runs.items():
        path = tmp_path_factory.mktemp(measure) / 'deep' / 'page.html'
        write_report(run.path, path)
        made[measure] = path.read_text()
    return made


def with_records(run, records):
    return replace(run, log=replace(run.log, records=tuple(records)))


def rendered(run, thumbnails=None):
    chosen = choose(run.log.records)
    missing = {one.picture: 'it is gone' for one in chosen}
    return render(run, chosen, missing | (thumbnails or {}))


@pytest.mark.parametrize(
    ('measure', 'plots', 'words'),
    [
        ('loop', 6, ('wrong grasps avoided', 'never', 'A dialog earns', 'request fits')),
        ('ambiguity', 3, ('AUROC', 'peaks', 'By form of the request', 'false negative')),
        ('grounding', 1, ('Acc@0.5', 'mean IoU', 'By size', 'after a dialog')),
    ],
)
def test_a_page_of_each_measure(runs, pages, measure, plots, words):
    run, page = runs[measure], pages[measure]
    elements = Elements(page)
    # words of the page, of its tables, and of where it comes from
    for word in (*words, 'clue-tiny', 'ab' * 32, '1234567', 'one of ours', run.summary['command']):
        assert word in elements.text, word
    assert page.count('class="plot"') == plots
    cases = [one for one in elements.all('article') if one['class'] == 'case']
    assert len(cases) == len(run.log.records)
    pictures = [one for one in elements.all('image') if one['href'].startswith('data:image/webp')]
    assert len(pictures) == SCENES
    assert 'cannot be shown' not in elements.text
    assert run.path.with_name('report.md').exists()


@pytest.mark.parametrize('measure', log.MEASURES)
def test_nothing_is_fetched(pages, measure):
    page = pages[measure]
    elements = Elements(page)
    for tag, attributes in elements.found:
        for name in ('src', 'href', 'xlink:href', 'action', 'srcset', 'poster'):
            target = attributes.get(name, '#')
            assert target.startswith(('#', 'data:')), (tag, target)
    assert [one for one in elements.all('link') if one['rel'] != 'icon'] == []
    # of styles: fragments of the same page, which clip the curves
    assert all(target[0] == '#' for target in re.findall(r'url\(["\']?([^)]*)\)', page))
    assert '@import' not in page
    # an id twice would show one figure's curves in another
    ids = [attributes['id'] for _, attributes in elements.found if 'id' in attributes]
    assert len(ids) == len(set(ids))


def test_texts_of_people_stay_texts(runs):
    # in every text of a record and of where it comes from
    record_ = record(
        id=f'id {ATTACK}',
        request=f'request {ATTACK}',
        form=f'form {ATTACK}',
        policy='probe',
        picture=f'picture {ATTACK}',
        turns=(Turn(f'question {ATTACK}', f'reply {ATTACK}'),),
        outcome=log.INVALID,
        reason=f'reason {ATTACK}',
    )
    run = with_records(runs['loop'], [record_, *runs['loop'].log.records])
    run = replace(run, summary={**run.summary, 'command': f'command {ATTACK}'})
    image = np.zeros((20, 30, 3), np.uint8)
    page = rendered(run, {record_.picture: thumbnail(image)})
    elements = Elements(page)
    assert [one for _, one in elements.found if 'onload' in one] == []
    assert len(elements.all('script')) == 1
    for where in ('id', 'request', 'form', 'question', 'reply', 'reason', 'command'):
        assert f'{where} {ATTACK}' in elements.text, where
    labels = [one['aria-label'] for one in elements.all('svg') if 'aria-label' in one]
    assert [label for label in labels if f'picture {ATTACK}' in label]


def test_pictures_have_words(pages):
    elements = Elements(pages['loop'])
    pictures = [one for one in elements.all('svg') if one.get('role') == 'img']
    assert pictures and all(one['aria-label'] for one in pictures)


def test_a_missing_picture_is_told_in_its_tile(runs, tmp_path):
    broken = runs['loop'].path.parent / 'data' / '3.jpg'
    whole = broken.read_bytes()
    broken.write_bytes(whole[:300] + bytes(len(whole) - 300))  # its size can still be read
    try:
        write_report(runs['loop'].path, tmp_path / 'page.html')
    finally:
        broken.write_bytes(whole)
    elements = Elements((tmp_path / 'page.html').read_text())
    # probe and never, of one scene
    assert elements.text.count('No picture: it cannot be read') == 2
    assert f'1 of {SCENES} pictures cannot be shown' in elements.text
    assert len(elements.all('image')) == 2 * SCENES - 1  # with the maps
    assert len(elements.all('article')) == 2 * SCENES


def test_data_that_changed_shows_no_pictures(runs, tmp_path):
    folder = runs['loop'].path.parent / 'data'
    (folder / 'more.txt').touch()
    try:
        write_report(runs['loop'].path, tmp_path / 'page.html')
    finally:
        (folder / 'more.txt').unlink()
    text = Elements((tmp_path / 'page.html').read_text()).text
    assert f'{SCENES} of {SCENES} pictures cannot be shown' in text
    assert 'has changed since it was evaluated' in text


def test_a_run_of_which_only_a_part_could_be_read(runs):
    run = runs['loop']
    header = replace(run.log.header, data={'bag': 'desk', 'problems': ['BagCut: 3 of 9 messages']})
    agreement = {'bag/agreement': Figure(0.75, 0.5, 1, 8)}
    unreadable = record(99, outcome=log.UNREADABLE, box=None, iou=None, reason='truncated')
    records = (*run.log.records, unreadable)
    log_ = log.Log(header, records)
    page = rendered(replace(run, cut=True, log=log_, figures={**run.figures, **agreement}))
    assert 'Beside the recording' in page and '75.0 %' in page
    assert 'BagCut: 3 of 9 messages' in page
    assert 'ends within a line' in page
    assert f'1 of {len(records)} records were unreadable' in page


BARE = {'policy': 'never', 'probabilities': (None,)}  # a model without a probe
LOST = {'outcome': log.UNREADABLE, 'width': 0, 'height': 0, 'box': None, 'iou': None}


@pytest.mark.parametrize(
    ('measure', 'records', 'words'),
    [
        ('loop', [record(0, **BARE), record(1, **BARE)], 'Under the policy never, 100.0 %'),
        ('loop', [record(0, **LOST), record(1, **LOST)], '2 of 2 records were unreadable'),
        ('loop', [record(0), record(0, policy='never', **LOST)], '1 request in 1 scene'),
        ('loop', [record(0, group='one'), record(1, group='one')], '2 requests in 1 scene'),
        ('ambiguity', [record(0, outcome=log.TRUE_NEGATIVE, scores={'peaks': 1.0})], 'F1'),
        ('grounding', [record(0, policy='', probabilities=(), **LOST)], 'nothing defined'),
        ('grounding', [record(0, policy='', verdict=log.NONE, target=None, iou=None)], 'absence'),
    ],
)
def test_a_run_that_defines_little(tmp_path, measure, records, words):
    write_run(tmp_path, records, measure)
    assert words in Elements(rendered(read_run(tmp_path))).text


def test_boxes_are_drawn_where_they_are(runs):
    one = record(1, candidates=(LEFT, RIGHT), width=160, height=120)
    image = np.zeros((60, 80, 3), np.uint8)  # shown at half the size of the boxes' picture
    page = rendered(with_records(runs['loop'], [one]), {one.picture: thumbnail(image)})
    drawn = [one for one in Elements(page).all('rect') if 'class' in one]
    boxes = {
        one['class']: tuple(float(one[n]) for n in ('x', 'y', 'width', 'height')) for one in drawn
    }
    assert boxes['candidate'] == (25, 5, 12.5, 17.5)
    assert boxes['target'] == boxes['pointed'] == (2.5, 5, 10, 15)


def test_a_large_run_gives_a_page_that_can_be_mailed(runs):
    rng = np.random.default_rng(0)
    records = [
        record(
            number,
            verdict=(log.ONE, log.SEVERAL)[number % 2],
            outcome=(log.SUCCESS, log.WRONG_GRASP)[number % 3 == 0],
            iou=float(rng.random()),
            probabilities=(float(rng.random()),),
            scores={'peaks': float(rng.integers(5))},
            map=log.pack_map(rng.random((32, 32), np.float32)),
        )
        for number in range(10_000)
    ]
    run = with_records(runs['loop'], records)
    chosen = choose(run.log.records)
    assert len(chosen) == LIMIT
    # a real picture in the noise of a camera at night
    with PIL.Image.open(SCENES_FOLDER / 'id_01.jpg') as picture:
        noisy = np.asarray(picture) + rng.normal(0, 15, (picture.height, picture.width, 3))
    small = thumbnail(noisy.clip(0, 255).astype(np.uint8))
    page = render(run, chosen, {one.picture: small for one in chosen})
    assert page.count('<article') == LIMIT
    assert len(page) < SIZE, len(page)
