"""The whole thing: a robot that asks or points, a person who answers, until one end.

The conversations are those of the dialog manager (`clue_ros.conversation`), without nodes and
without a clock. All policies talk about the same cases with the same person.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import replace

from clue_ros.clue import choose_form
from clue_ros.conversation import Answer
from clue_ros.conversation import Ask
from clue_ros.conversation import Command
from clue_ros.conversation import Conversation
from clue_ros.conversation import ConversationConfig
from clue_ros.conversation import Finish
from clue_ros.conversation import Look
from clue_ros.conversation import Outcome
from clue_ros.conversation import Reply
from clue_ros.conversation import Signal
from clue_ros.evaluate.cases import check_target
from clue_ros.evaluate.log import UNRESOLVED
from clue_ros.evaluate.log import Record
from clue_ros.evaluate.log import pack_map
from clue_ros.evaluate.mind import Assessment
from clue_ros.evaluate.mind import Moment
from clue_ros.evaluate.mind import Thinker
from clue_ros.evaluate.people import Asked
from clue_ros.evaluate.people import People
from clue_ros.evaluate.policies import PROBE
from clue_ros.evaluate.policies import Policy
from clue_ros.evaluate.records import blank
from clue_ros.evaluate.records import ended
from clue_ros.evaluate.runner import Seen
from clue_ros.model.decoder import Form
from clue_ros.response import Ambiguity
from clue_ros.response import Response

_NOW = 0.0  # nobody is ever late here


class Loop:
    """Lets every policy talk about every case."""

    def __init__(
        self,
        policies: Sequence[Policy],
        people: People,
        think: Callable[[Sequence[Seen]], Thinker],
    ) -> None:
        """Let `people` answer; `think` makes what answers for the model about a batch."""
        self._policies = policies
        self._people = people
        self._think = think

    @property
    def policies(self) -> Sequence[str]:
        """Their names."""
        return [policy.name for policy in self._policies]

    def __call__(self, seen: Sequence[Seen]) -> list[Record]:
        """All conversations about a batch of cases, side by side; raises InvalidSource."""
        for one in seen:
            check_target(one.case)
        mind = self._think(seen)
        talks = [
            _Talk(number, one, policy)
            for number, one in enumerate(seen)
            for policy in self._policies
        ]
        while waiting := [talk for talk in talks if not isinstance(talk.command, Finish)]:
            self._look(mind, [talk for talk in waiting if isinstance(talk.command, Look)])
            asking = [talk for talk in waiting if isinstance(talk.command, Ask)]
            replies = self._people([talk.asked for talk in asking])
            for talk, reply in zip(asking, replies, strict=True):
                talk.hear(reply)
        return [talk.record() for talk in talks]

    @staticmethod
    def _look(mind: Thinker, looking: Sequence[_Talk]) -> None:
        assessments = mind.assess(talk.moment for talk in looking)
        judged = [
            talk.judge(assessment) for talk, assessment in zip(looking, assessments, strict=True)
        ]
        responses = mind.respond(
            (talk.moment, talk.form(ambiguity))
            for talk, ambiguity in zip(looking, judged, strict=True)
        )
        for talk, assessment, response in zip(looking, assessments, responses, strict=True):
            talk.see(response, assessment)


class _Talk:
    """One policy's conversation about one case."""

    def __init__(self, number: int, seen: Seen, policy: Policy) -> None:
        self._number = number
        self._seen = seen
        self._policy = policy
        request = seen.case.dialog.request
        config = ConversationConfig(
            ask_policy=policy.ask_policy, max_questions=policy.max_questions, announce=False
        )
        self._conversation = Conversation(request, config)
        self._first: Assessment | None = None
        self._response: Response | None = None
        self.command = _only(self._conversation.handle(Signal.START, _NOW))

    @property
    def moment(self) -> Moment:
        """Where the conversation stands."""
        return self._number, self._conversation.dialog

    @property
    def asked(self) -> Asked:
        """The question that is out."""
        seen, talk = self._seen, self._conversation
        return Asked(seen.case, seen.view, talk.dialog, talk.question)

    def judge(self, assessment: Assessment) -> Ambiguity:
        """What this policy makes of it."""
        return self._policy.judge(assessment.ambiguity, assessment.scores)

    def form(self, judged: Ambiguity) -> Form:
        """What the decoder may write now."""
        assert isinstance(self.command, Look)
        return choose_form(self.command.ask_policy, judged.ambiguous, self.command.dialog)

    def see(self, response: Response, assessment: Assessment) -> None:
        """Take what the model says."""
        assert isinstance(self.command, Look)
        self._first = self._first or assessment
        self._response = response
        answer = Answer(self.command.step, response, assessment.ambiguity.probability)
        self.command = _only(self._conversation.handle(answer, _NOW))

    def hear(self, reply: str) -> None:
        """Take what the person says."""
        assert isinstance(self.command, Ask)
        self.command = _only(self._conversation.handle(Reply(self.command.step, reply), _NOW))

    def record(self) -> Record:
        """How it went."""
        assert isinstance(self.command, Finish) and self._first is not None
        assert self._response is not None
        view = self._seen.view
        record = replace(
            blank(self._seen.case, self._policy.name, view.width, view.height),
            turns=self._conversation.dialog.turns,
            probabilities=self._conversation.probabilities,
            scores=self._first.scores,
            map=pack_map(self._first.ambiguity.map) if self._policy.name == PROBE else '',
        )
        if self.command.outcome is Outcome.UNRESOLVED:
            return replace(record, outcome=UNRESOLVED, reason=self.command.message)
        return ended(record, self._response)


def _only(commands: tuple[Command, ...]) -> Command:
    (command,) = commands
    return command
