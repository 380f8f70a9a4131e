"""What is recognised, what is refused and in which words; the example of the page."""

import json
import re
from pathlib import Path

import pytest
from data_files import write_picture

from clue_ros.data import open_data
from clue_ros.errors import InvalidSource

PAGE = Path(__file__).parents[2] / 'docs' / 'data.md'


@pytest.mark.parametrize(
    ('files', 'named'),
    [
        ([], 'found nothing'),
        (['notes.txt', 'images/a.png'], 'found images/, notes.txt'),
        ([f'{number}.txt' for number in range(20)], '15.txt, ...'),
        (['train_img/0000.jpg', 'train_script/0000.txt'], 'found train_img/, train_script/'),
        (['rows.json', 'mine.jsonl'], 'found mine.jsonl, rows.json'),
    ],
)
def test_what_is_not_recognised_is_named(tmp_path, files, named):
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    with pytest.raises(InvalidSource) as error:
        open_data(tmp_path)
    assert named in str(error.value)
    assert all(word in str(error.value) for word in ('samples.jsonl', 'InViG', 'docs/data.md'))


def test_no_folder(tmp_path):
    with pytest.raises(InvalidSource, match='missing, found nothing'):
        open_data(tmp_path / 'missing')
    write_picture(tmp_path / 'a.png')
    with pytest.raises(InvalidSource, match='found a file; name its folder'):
        open_data(tmp_path / 'a.png')


def test_a_folder_that_was_taken_away_meanwhile(tmp_path):
    (tmp_path / 'samples.jsonl').touch()
    data = open_data(tmp_path)
    (tmp_path / 'samples.jsonl').unlink()
    with pytest.raises(InvalidSource, match=r'samples\.jsonl cannot be read: No such file'):
        list(data)


def test_the_example_of_the_page(tmp_path, monkeypatch, capsys):
    rows, code = re.findall(r'^```(?:json|python)\n(.*?)^```', PAGE.read_text(), re.M | re.S)
    (tmp_path / 'my_data').mkdir()
    (tmp_path / 'my_data' / 'samples.jsonl').write_text(rows)
    for line in rows.splitlines():
        write_picture(tmp_path / 'my_data' / json.loads(line)['image'], (640, 480))
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(PAGE), 'exec'), {})
    printed = capsys.readouterr().out
    assert f'{len(rows.splitlines())} samples, 0 broken rows' in printed
