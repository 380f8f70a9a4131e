"""A run as Markdown, short enough for a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from clue_ros.evaluate.log import Record
from clue_ros.report.origin import origin
from clue_ros.report.origin import problems
from clue_ros.report.run import Run
from clue_ros.report.sections import sections
from clue_ros.report.tables import Table
from clue_ros.report.tables import markdown
from clue_ros.report.words import explain
from clue_ros.report.words import transcript

WORST = 5  # cases told in words


def render_text(run: Run, chosen: Sequence[Record]) -> str:
    """Headline, policies, the worst cases and where it all comes from.

    `chosen` are records worst first; what went well is not told again.
    """
    found = sections(run)
    parts = [f'## {found.title}', found.summary]
    parts += [f'> {_quoted(problem)}' for problem in problems(run)]
    parts += _parts(found.headline)
    if found.policies:
        parts += _parts(found.policies)
    parts += [found.note] * bool(found.note)
    failed = [record for record in chosen if not record.success][:WORST]
    if failed:
        parts += ['**The worst cases**', '\n'.join(f'- {_case(record)}' for record in failed)]
    lines = [f'- {term}: {_quoted(value)}' for term, value in origin(run)]
    parts += ['<details><summary>Origin</summary>', '\n'.join(lines), '</details>']
    return '\n\n'.join(parts) + '\n'


def _parts(table: Table) -> list[str]:
    return [f'**{table.caption}**', markdown(table)]


def _case(record: Record) -> str:
    said = '; '.join(
        f'{line.speaker} {_quoted(line.text)}' for line in transcript(record) if line.text
    )
    policy = f', {record.policy}' if record.policy else ''
    reason = f' {_quoted(record.reason)}' if record.reason else ''
    return f'{_quoted(record.id)}{policy}: {explain(record)}{reason} {said}'


def _quoted(text: str) -> str:
    """Text of people, data sets and machines, in which nothing counts as Markdown or HTML."""
    line = ' '.join(text.replace('`', "'").split())
    return f'`{line}`' if line else ''
