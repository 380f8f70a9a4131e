"""What a question offers to choose between: the replies that one may give to it."""

from __future__ import annotations

import re

# in front of the options; "I see two mugs:" counts them and offers nothing
_LEAD = re.compile(
    r'.*\b(?:do you (?:mean|want)|should i take|is it|which(?: \w+)?)\b'
    r'|(?:there (?:is|are)|i see|i found)\b[^:,]*[:,]'
)
_BREAK = re.compile(r'[,.:;?!]|\bor\b|\band\b')


def offers(question: str) -> list[str]:
    """The replies that a question offers: its options, or yes and no when it names only one."""
    sentences = [text for text in re.split(r'(?<=[.!?])\s+', question.lower()) if text]
    chunks: list[str] = []
    # "I see two mugs: a red one and a blue one. Which one?": the last sentence that names any
    for sentence in reversed(sentences):
        rest = _LEAD.sub('', sentence)
        chunks = [chunk.strip() for chunk in _BREAK.split(rest) if chunk.strip()]
        if chunks:
            break
    if len(chunks) == 1:
        return ['yes', 'no, the other one']
    return [re.sub(r'^an?\b', 'the', chunk) for chunk in chunks]
