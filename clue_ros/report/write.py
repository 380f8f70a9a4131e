"""Writes the report of a run: the page, and the text for a pull request."""

from __future__ import annotations

from pathlib import Path

from clue_ros.report.page import render
from clue_ros.report.pictures import find_thumbnails
from clue_ros.report.run import read_run
from clue_ros.report.selection import choose
from clue_ros.report.text import render_text

TEXT = 'report.md'


def write_report(run: Path, page: Path) -> None:
    """Write the page of a run, and TEXT beside its report.json.

    `run` is the report.json or its folder. Raises LogError.
    """
    found = read_run(run)
    chosen = choose(found.log.records)
    thumbnails = find_thumbnails(found.log.header.data, {r.picture: None for r in chosen})
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render(found, chosen, thumbnails), encoding='utf-8')
    text = found.path.with_name(TEXT)
    text.write_text(render_text(found, chosen), encoding='utf-8')
