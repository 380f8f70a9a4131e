"""What was said about one request: the text side of a dialog, no model, no robot."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from dataclasses import replace

from clue_ros.errors import InvalidRequest

# Spoken requests are a sentence or two. The bound turns a runaway transcription into an error; what
# still does not fit into a backbone's window is refused there.
MAX_CHARACTERS = 400

# who decides to ask: probe and decoder jointly, one of them alone, or nobody
ASK_POLICIES = ('joint', 'probe', 'decoder', 'always', 'never')


def clean_text(text: str, what: str = 'request') -> str:
    """Return `text` as one line of printable characters with single spaces.

    `what` names the text in the error. Raises InvalidRequest when nothing is left or more than
    MAX_CHARACTERS are.
    """
    if not isinstance(text, str):
        raise InvalidRequest(f'the {what} must be text, got {type(text).__name__}')
    printable = ''.join(' ' if unicodedata.category(c)[0] in 'CZ' else c for c in text)
    line = ' '.join(printable.split())
    if not line:
        raise InvalidRequest(f'the {what} is empty; say what you want, e.g. "get the apple"')
    if len(line) > MAX_CHARACTERS:
        raise InvalidRequest(
            f'the {what} has {len(line)} characters, at most {MAX_CHARACTERS} are read; shorten it'
        )
    return line


def check_ask_policy(policy: str) -> str:
    """Return `policy` if it is one of ASK_POLICIES, else raise InvalidRequest."""
    if policy not in ASK_POLICIES:
        raise InvalidRequest(f'ask policy must be one of {", ".join(ASK_POLICIES)}, got {policy!r}')
    return policy


@dataclass(frozen=True)
class Turn:
    """One finished exchange: the robot's question R_k and the person's reply H_k."""

    question: str
    reply: str

    def __post_init__(self) -> None:
        object.__setattr__(self, 'question', clean_text(self.question, 'question'))
        object.__setattr__(self, 'reply', clean_text(self.reply, 'reply'))


@dataclass(frozen=True)
class Dialog:
    """The context C^(k) of the paper: the first request U and k finished turns."""

    request: str
    turns: tuple[Turn, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, 'request', clean_text(self.request))
        object.__setattr__(self, 'turns', tuple(self.turns))

    def add(self, question: str, reply: str) -> Dialog:
        """Return the dialog with one more turn."""
        return replace(self, turns=(*self.turns, Turn(question, reply)))
