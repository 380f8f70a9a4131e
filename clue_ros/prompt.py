"""From a dialog to the two text prefixes of the method, and from decoded text to a question.

The probe reads `detect` plus the referring expression (the request without its verb); the IVG
decoder reads the whole linearised context C^(k) = U || R_1 H_1 || ... || R_k H_k.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field

from clue_ros.dialog import Dialog
from clue_ros.glossary import translate

# "could you please pick up" -> "": what people put before the thing they mean.
_LEAD = re.compile(
    r"""^(?:
      (?:hi|hey|hello|ok|okay|robot|please|now|then|and|so)\b[\s,]* |
      (?:can|could|would|will)\s+you\b[\s,]* |
      i\s*(?:'d|\s+would)?\s*(?:want|need|like)\b(?:\s+you\s+to\b)?\s* |
      (?:bring|hand|give|pass|get|fetch|grab|find|show|point\s+(?:at|to)|look\s+(?:at|for)|
         pick\s+up|pick|take|lift|move|push|touch|detect|locate|select|want|need)\b\s*
         (?:(?:me|us|him|her)\b\s*)? |
      (?:to\s+(?:get|have|take)|up)\b\s*
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_ARTICLE = re.compile(r'^(?:the|a|an|my|that|this)\s+', re.IGNORECASE)
_FIRST_ARTICLE = re.compile(r'^(?:\w+\s+){1,3}?(?=(?:the|a|an|my|that|this)\s)', re.IGNORECASE)
_TAIL = re.compile(r'[\s,]*(?:\bplease\b|\bfor me\b|\bthanks\b|\bthank you\b|[.?!])+\s*$', re.I)


@dataclass(frozen=True)
class Prompts:
    """How a checkpoint was taught to read text. Stored in its `clue.json`.

    The templates are filled with {expression}, {request}, {question} and {reply}; the defaults
    are the paper's.
    """

    probe_prefix: str = 'detect {expression}'
    probe_turn: str = ' {reply}'
    decoder_prefix: str = 'clarify {request}'
    decoder_turn: str = ' assistant: {question} user: {reply}'
    keep_article: bool = True  # "detect the apple" or "detect apple"
    lower_case: bool = False
    spaced_punctuation: bool = False  # one space before . ? and :
    # of requests: words and phrases, in lower case, and what the checkpoint was taught to say there
    glossary: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for name, fields in (
            ('probe_prefix', ('expression',)),
            ('probe_turn', ('reply',)),
            ('decoder_prefix', ('request',)),
            ('decoder_turn', ('question', 'reply')),
        ):
            template = getattr(self, name)
            try:
                template.format(**dict.fromkeys(fields, ''))
            except (KeyError, IndexError, ValueError) as error:
                raise ValueError(
                    f'{name} may hold {{{"}, {".join(fields)}}} and nothing else, got {template!r}'
                ) from error
        if not isinstance(self.glossary, Mapping) or not all(
            isinstance(phrase, str)
            and phrase.strip()
            and phrase == phrase.lower()
            and isinstance(words, str)
            for phrase, words in self.glossary.items()
        ):
            raise ValueError(
                'glossary must say for words and phrases in lower case what they stand for, as in '
                f'{{"item": "object"}}, got {self.glossary!r}'
            )

    def probe_text(self, dialog: Dialog) -> str:
        """Prefix of the ambiguity probe: the expression, made more specific by each reply."""
        request = self._known(dialog.request)
        expression = self._style(referring_expression(request, self.keep_article))
        text = self.probe_prefix.format(expression=expression)
        for turn in dialog.turns:
            reply = referring_expression(turn.reply, self.keep_article)
            text += self.probe_turn.format(reply=self._style(reply))
        return text

    def decoder_text(self, dialog: Dialog) -> str:
        """Prefix of the IVG decoder: the linearised context C^(k)."""
        text = self.decoder_prefix.format(request=self._style(self._known(dialog.request)))
        for turn in dialog.turns:
            question, reply = self._style(turn.question), self._style(turn.reply)
            text += self.decoder_turn.format(question=question, reply=reply)
        return text

    def suffix(self, question: str) -> str:
        """A question as the decoder learns to write it."""
        return self._style(question)

    def _known(self, request: str) -> str:
        return translate(request, self.glossary)

    def _style(self, text: str) -> str:
        # whatever a person says, it never becomes a control token such as <bos> or <loc0001>
        text = re.sub('[<>]', ' ', text).replace('!', '.')
        if self.lower_case:
            text = text.lower()
        if self.spaced_punctuation:
            text = re.sub(r'\s*([.?:])', r' \1', text)
        return ' '.join(text.split())


def referring_expression(request: str, keep_article: bool) -> str:
    """Strip what is not the object: "could you get the red mug please?" -> "the red mug".

    A request that would vanish is returned as it is.
    """
    text = _TAIL.sub('', request)
    while (shorter := _LEAD.sub('', text)) != text:
        text = shorter
    if not _ARTICLE.match(text):
        # an unlisted verb: "locate for us the mug"
        text = _FIRST_ARTICLE.sub('', text)
    if not keep_article:
        text = _ARTICLE.sub('', text)
    return text.strip() or request


def readable(text: str) -> str:
    """Make decoded text fit to be said: single spaces, none before punctuation, capitals."""
    text = re.sub(r'\s+([,.?!:;])', r'\1', ' '.join(text.split()))
    return re.sub(r'(?:^|[.?!] )[a-z]', lambda start: start[0].upper(), text)
