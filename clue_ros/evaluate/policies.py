"""Ask policies side by side: who decides, by what, and how many questions there may be."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace

import numpy as np

from clue_ros.dialog import check_ask_policy
from clue_ros.errors import InvalidSource
from clue_ros.evaluate.baselines import BASELINES
from clue_ros.evaluate.log import SEVERAL
from clue_ros.evaluate.log import UNREADABLE
from clue_ros.evaluate.log import Record
from clue_ros.evaluate.metrics import Rule
from clue_ros.evaluate.metrics import fit_rule
from clue_ros.response import Ambiguity

PROBE = 'probe'
MAX_QUESTIONS = 3


@dataclass(frozen=True)
class Policy:
    """One way to decide between asking and pointing."""

    name: str
    ask_policy: str  # of ASK_POLICIES
    baseline: str = ''  # that decides in place of the probe; empty for the probe itself
    rule: Rule | None = None  # of the baseline
    max_questions: int = MAX_QUESTIONS

    def __post_init__(self) -> None:
        check_ask_policy(self.ask_policy)
        if self.baseline and (self.rule is None or self.ask_policy != PROBE):
            raise ValueError(f'a baseline needs a rule and ask policy {PROBE!r}, got {self}')

    def judge(self, found: Ambiguity, scores: Mapping[str, float]) -> Ambiguity:
        """What the probe found, with this policy's own decision."""
        if self.rule is None:
            return found
        ambiguous = bool(self.rule.decide(np.array(scores[self.baseline])))
        return replace(found, probability=float(ambiguous), threshold=0.5)


# `always` asks until no question is left, which few would want; `once` asks one and then points.
PLAIN = (
    Policy('joint', 'joint'),
    Policy(PROBE, PROBE),
    Policy('decoder', 'decoder'),
    Policy('always', 'always'),
    Policy('once', 'always', max_questions=1),
    Policy('never', 'never'),
)


def with_baselines(rules: Mapping[str, Rule]) -> tuple[Policy, ...]:
    """The plain policies, and one for each baseline with its fitted rule."""
    return PLAIN + tuple(Policy(name, PROBE, name, rule) for name, rule in rules.items())


def fit_rules(records: Sequence[Record]) -> dict[str, Rule]:
    """For each baseline the rule that tells ambiguous requests best in records of `ambiguity`.

    Raises InvalidSource when they hold only ambiguous requests, or none.
    """
    readable = [record for record in records if record.outcome != UNREADABLE]
    truth = np.array([record.verdict == SEVERAL for record in readable], dtype=bool)
    try:
        return {
            name: fit_rule(truth, np.array([record.scores[name] for record in readable]))
            for name in BASELINES
        }
    except ValueError as error:
        raise InvalidSource(
            f'the validation data does not serve: {error}; it needs ambiguous requests and others'
        ) from error
