"""Words that a checkpoint was not taught, as those that it was: "the red item" is "the red object".

A small model knows the words of its lessons and no others; a large one needs no such list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping


def translate(text: str, glossary: Mapping[str, str]) -> str:
    """`text` with each word or phrase of the glossary in the words that stand for it.

    The longest phrase that fits is taken, whole words only, whatever their case; what was
    translated is not looked at again. A text of which nothing would be left stays as it is.
    """
    if not glossary:
        return text
    phrases = sorted(glossary, key=len, reverse=True)
    pattern = rf'(?<![\w-])(?:{"|".join(map(re.escape, phrases))})(?![\w-])'

    def known(found: re.Match[str]) -> str:
        # a few letters match without regard to case and have another small letter, as the Turkish I
        return glossary.get(found[0].lower(), found[0])

    said = re.sub(pattern, known, text, flags=re.IGNORECASE)
    return said if said.strip() else text
