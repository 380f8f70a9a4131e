"""A question is tried out before it is asked: what would be pointed at after each reply?

A good question tells things apart: after different replies the model points at different things,
and is sure of each. One that names what is not there, or the same thing twice, gives itself away,
and another one, which names places only, may do better.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence

from clue_ros.response import Grounding
from clue_ros.response import Response

SAME = 0.5  # IoU from which two replies lead to the same thing
SURE = 0.8  # confidence from which one look is sure


def tells_apart(responses: Sequence[Response]) -> bool:
    """Whether all replies lead to different things, by the responses after them."""
    return _worth(responses)[0]


def is_good(responses: Sequence[Response]) -> bool:
    """Whether all replies lead to different things, and surely."""
    return tells_apart(responses) and _worth(responses)[1] >= SURE


def best(tried: Mapping[str, Sequence[Response]]) -> str:
    """The question to ask, of those that were `tried`, with the responses after their replies.

    The first, which is the decoder's own, if it is good. Else the first other one whose replies
    all lead to different things, however surely: it names places, and these are as the boxes say.
    Else the one of which this is true, or whose least sure reply is surest.
    """
    own, *others = tried
    if is_good(tried[own]):
        return own
    telling = (question for question in others if tells_apart(tried[question]))
    return next(telling, max(tried, key=lambda question: _worth(tried[question])))


def _worth(responses: Sequence[Response]) -> tuple[bool, float]:
    """Whether all replies lead to different things, and the confidence of the least sure one."""
    found = [one for one in responses if isinstance(one, Grounding)]
    different = len(responses) > 1 and len(found) == len(responses) and not _any_same(found)
    # rounded, so that the last digits of a float, which depend on the batch, choose no question
    return different, round(min((one.confidence for one in found), default=0.0), 3)


def _any_same(found: Sequence[Grounding]) -> bool:
    return any(one.box.iou(other.box) >= SAME for k, one in enumerate(found) for other in found[:k])
