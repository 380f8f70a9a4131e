"""The links and pictures of the pages lead somewhere in the repository."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = [*sorted(ROOT.glob('*.md')), *sorted((ROOT / 'docs').rglob('*.md'))]
# [text](target "title") and ![text](target), [name]: target, and their HTML twins
LINKS = (
    r'\]\(<?([^)\s>]+)>?(?:\s+["\'(][^)]*)?\)',
    r'^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)',
    r'<(?:a|img)\b[^>]*?\s(?:href|src)=["\']([^"\']+)',
)
ELSEWHERE = re.compile(r'[a-z][a-z+.-]*:|//')  # https:, mailto:


def without_code(text: str) -> str:
    """The text without fenced blocks and comments."""
    text = re.sub(r'^ *(```+|~~~+).*?^ *\1[^\n]*$', '', text, flags=re.DOTALL | re.MULTILINE)
    return re.sub(r'<!--.*?-->', '', text, flags=re.DOTALL)


def targets(text: str) -> list[str]:
    """Where the links of a page lead, other sites left out."""
    text = re.sub(r'(`+)[^`].*?\1', '', without_code(text))
    found = [target for link in LINKS for target in re.findall(link, text, re.MULTILINE)]
    return [target for target in found if not ELSEWHERE.match(target)]


def anchors(text: str) -> set[str]:
    """The names GitHub gives the headings of a page, and those given by hand."""
    text = without_code(text)
    names = set(re.findall(r'<\w+\b[^>]*?\s(?:id|name)=["\']([^"\']+)', text))
    for heading in re.findall(r'^#{1,6} +(.+?)(?: +#+)?\s*$', text, re.MULTILINE):
        shown = re.sub(r'!?\[([^\]]*)\]\([^)]*\)', r'\1', heading)
        slug = re.sub(r'[^\w\- ]', '', shown.lower()).replace(' ', '-')
        name, count = slug, 0
        while name in names:
            count += 1
            name = f'{slug}-{count}'
        names.add(name)
    return names


def dead(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    result = []
    for target in targets(page.read_text()):
        name, _, anchor = target.partition('#')
        file = (page.parent / name).resolve() if name else page
        known = file.is_relative_to(ROOT) and file.exists()
        if not known or (anchor and anchor not in anchors(file.read_text())):
            result.append(target)
    return result


@pytest.mark.parametrize('page', FILES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    assert not dead(page)


def test_dead_links_are_found(tmp_path, monkeypatch):
    monkeypatch.setattr(f'{__name__}.ROOT', tmp_path)
    (tmp_path / 'other.md').write_text('# One `name`: two_three!\n## Again\n## Again\n')
    page = tmp_path / 'page.md'
    page.write_text(
        '# Here\n[a](other.md) [b](other.md#one-name-two_three) [c](#here) [d](other.md#again-1)\n'
        '[e](https://example.org/no.md) `[f](code.md)`\n```\n[g](code.md)\n# Code\n```\n'
        '[1](no.md) ![2](no.png "title") [3](other.md#no) [4](#code) [5](../outside.md)\n'
        '[6]: no_reference.md\n<img width="9" src="no_html.png">\n'
        '[![7](no_badge.svg)](other.md)\n'
    )
    assert sorted(dead(page)) == [
        '#code', '../outside.md', 'no.md', 'no.png', 'no_badge.svg', 'no_html.png',
        'no_reference.md', 'other.md#no',
    ]  # fmt: skip
