"""Constrained greedy decoding: what the model writes is a question, a box, or nothing.

A question never contains a location token and a box is exactly four of them; the constraint is
applied token by token, so neither can come out malformed.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import DynamicCache

from clue_ros.box import LOCATION_COUNT
from clue_ros.model.backbone import Backbone
from clue_ros.model.backbone import Prefix

MAX_QUESTION_TOKENS = 48
BOX_TOKENS = 4
# A coordinate counts as this token's when it is at most so many tokens (3 % of the side) away.
LOCATION_TOLERANCE = 32
# Width of the bell, in tokens (1 % of the side), under which a coordinate is chosen.
LOCATION_SPREAD = 10
OTHERS = 6  # so many other choices of each token are kept
_QUESTION, _BOX = 0, 1  # of the kinds of `first_tokens`
_OPEN = -1  # where a suffix that was begun is not given any more


class Form(Enum):
    """What a decoded suffix may be."""

    QUESTION = 'question'
    BOX = 'box'  # or nothing, when the model ends at once
    EITHER = 'either'  # the likeliest kind of first token decides
    UNLESS_ABSENT = 'unless absent'  # a question, or nothing where that is the likeliest kind


@dataclass(frozen=True)
class Suffix:
    """One decoded suffix."""

    text: str  # without the end token; empty when the model ended at once
    is_box: bool  # four location tokens, in order y1 x1 y2 x2
    # geometric mean of the tokens' probabilities, in [0, 1]; a location token's is the mass
    # within LOCATION_TOLERANCE of it
    confidence: float
    complete: bool  # False when a question was cut off at MAX_QUESTION_TOKENS
    tokens: tuple[int, ...] = ()  # without the end token
    # of each token the likeliest others that go on, and their probabilities in [0, 1]
    others: tuple[tuple[tuple[int, float], ...], ...] = ()


def most_likely_kind(logits: Tensor, kinds: Tensor) -> Tensor:
    """Which kind (rows,) is the most likely one as a whole.

    `logits` (rows, vocabulary), -inf where a token must not be; `kinds` (kinds, vocabulary), bool.
    Where a box begins, its probability lies on many neighbouring locations, none of which need be
    as likely as the one word that a question would begin with.
    """
    masked = logits[:, None].masked_fill(~kinds, -torch.inf)
    return masked.logsumexp(dim=2).argmax(dim=1)


def first_tokens(vocabulary: int, first_location: int, end: int) -> Tensor:
    """What an answer begins with (3, vocabulary), bool: a question, a box, or nothing at all."""
    question, box, nothing = torch.zeros(3, vocabulary, dtype=torch.bool)
    box[first_location : first_location + LOCATION_COUNT] = True
    nothing[end] = True
    question |= ~(box | nothing)
    return torch.stack([question, box, nothing])


def question_openings(tokenizer: Any, vocabulary: int) -> Tensor:
    """Tokens (vocabulary,), bool, that a question may begin with: no space and no mark.

    A model that is made to ask although it would rather point has only unlikely ones to choose
    from, and what belongs in the middle of a sentence, as in ', or the red one?', may come first.
    """
    openings = torch.zeros(vocabulary, dtype=torch.bool)
    texts = tokenizer.batch_decode([[token] for token in range(len(tokenizer))])
    for token, text in enumerate(texts):
        openings[token] = text[:1].strip(string.whitespace + string.punctuation) != ''
    return openings


def smooth_locations(scores: Tensor, first_location: int) -> Tensor:
    """`scores` (rows, vocabulary) with each location told by its neighbourhood.

    The probabilities of the locations are smoothed by a bell of LOCATION_SPREAD and moved so that
    the highest score is what it was: which location wins changes, whether one wins does not. A
    model that is unsure of the last pixel has many small peaks, and the likeliest place is where
    most of them are. One that is sure is left alone.
    """
    reach = 3 * LOCATION_SPREAD
    offsets = torch.arange(-reach, reach + 1, device=scores.device)
    bell = torch.exp(-0.5 * (offsets / LOCATION_SPREAD) ** 2)
    span = slice(first_location, first_location + LOCATION_COUNT)
    sharp = scores[:, span].float()
    smooth = torch.nn.functional.conv1d(
        sharp.softmax(dim=1)[:, None], bell[None, None], padding=reach
    )[:, 0].log()
    moved = smooth + (sharp.amax(dim=1) - smooth.amax(dim=1))[:, None]
    out = scores.clone()
    # where no location is allowed, none is now
    out[:, span] = torch.where(sharp.isneginf(), sharp, moved)
    return out


class Decoder:
    """Greedy decoding of a batch of prefixes, each in the forms that are wanted of it."""

    def __init__(self, backbone: Backbone) -> None:
        self.backbone = backbone
        device = backbone.device
        self._end: int = backbone.tokenizer.eos_token_id
        kinds = first_tokens(backbone.vocabulary, backbone.first_location, self._end)
        words = self._words()
        kinds[0] &= words & question_openings(backbone.tokenizer, backbone.vocabulary)
        self._kinds = kinds.to(device)
        openings, locations, ends = self._kinds
        self._start = {
            Form.QUESTION: openings,
            Form.BOX: locations | ends,
            Form.EITHER: locations | openings | ends,
            Form.UNLESS_ABSENT: locations | openings | ends,
        }
        self._locations = locations
        self._question = words.to(device) | ends

    @torch.inference_mode()
    def decode(self, prefix: Prefix, wanted: Sequence[tuple[int, Form]]) -> list[Suffix]:
        """A complete suffix for each (row of `prefix`, form).

        However many forms are wanted of a row, it is read once, and what begins alike is the same:
        that which may be either begins as a question or as a box.
        """
        logits, sizes, mask, cache = self._read(prefix)
        chosen = torch.tensor([row for row, _ in wanted], device=sizes.device)
        start = torch.stack([self._start[form] for _, form in wanted])
        kind = most_likely_kind(logits[chosen].masked_fill(~start, -torch.inf), self._kinds)
        must_ask = torch.tensor([form is Form.UNLESS_ABSENT for _, form in wanted]).to(kind.device)
        kind = kind.masked_fill(must_ask & (kind == _BOX), _QUESTION)
        begun = list(zip(chosen.tolist(), kind.tolist(), strict=True))
        different = list(dict.fromkeys(begun))
        rows, kinds = torch.tensor(different, device=sizes.device).unbind(dim=1)
        cache.batch_select_indices(rows)
        given = torch.full((len(rows), 0), self._end, device=sizes.device)
        suffixes = self._write(
            logits[rows], self._kinds[kinds], sizes[rows], mask[rows], cache, given
        )
        return [suffixes[different.index(one)] for one in begun]

    @torch.inference_mode()
    def go_on(self, prefix: Prefix, begun: Sequence[tuple[int, Sequence[int]]]) -> list[Suffix]:
        """A complete question for each (row of `prefix`, tokens with which it begins)."""
        logits, sizes, mask, cache = self._read(prefix)
        rows = torch.tensor([row for row, _ in begun], device=sizes.device)
        given = pad_sequence(
            [torch.tensor(tokens, dtype=torch.long) for _, tokens in begun],
            batch_first=True,
            padding_value=_OPEN,
        ).to(sizes.device)
        cache.batch_select_indices(rows)
        openings = self._start[Form.QUESTION].expand(len(rows), -1)
        return self._write(logits[rows], openings, sizes[rows], mask[rows], cache, given)

    @torch.inference_mode()
    def detect(self, prefix: Prefix) -> list[tuple[float, Suffix]]:
        """Of each row of `prefix`, how likely a box answers it, in [0, 1], not nothing; and which.

        A box is written however unlikely it is.
        """
        logits, sizes, mask, cache = self._read(prefix)
        box, nothing = (
            logits.masked_fill(~kind, -torch.inf).logsumexp(dim=1) for kind in self._kinds[1:]
        )
        given = torch.full((len(sizes), 0), self._end, device=sizes.device)
        locations = self._locations.expand(len(sizes), -1)
        suffixes = self._write(logits, locations, sizes, mask, cache, given)
        return list(zip((box - nothing).sigmoid().tolist(), suffixes, strict=True))

    def _read(self, prefix: Prefix) -> tuple[Tensor, Tensor, Tensor, DynamicCache]:
        """Scores of what each row goes on with, its size, its mask, and the cache."""
        cache = DynamicCache()
        mask = prefix.attention_mask()
        hidden = self._forward(prefix.embeddings, mask, prefix.positions, cache)
        sizes = prefix.present.sum(dim=1)
        every = torch.arange(len(sizes), device=sizes.device)
        return self.backbone.logits(hidden[every, sizes - 1]), sizes, mask, cache

    def _write(
        self,
        logits: Tensor,
        allowed: Tensor,
        sizes: Tensor,
        mask: Tensor,
        cache: DynamicCache,
        given: Tensor,
    ) -> list[Suffix]:
        """Suffixes that begin with an `allowed` (rows, vocabulary) token, scored by `logits`.

        They begin with `given` (rows, tokens), until it is _OPEN.
        """
        batch = len(logits)
        rows = torch.arange(batch, device=sizes.device)  # that are still being written
        tokens = torch.full((batch, MAX_QUESTION_TOKENS), self._end, device=sizes.device)
        log_probabilities = torch.zeros(tokens.shape, device=sizes.device)
        others = torch.full((*tokens.shape, OTHERS), self._end, device=sizes.device)
        likely = torch.zeros(others.shape, device=sizes.device)
        for step in range(MAX_QUESTION_TOKENS):
            scores = smooth_locations(logits, self.backbone.first_location)
            scores = scores.masked_fill(~allowed, -torch.inf)
            token = scores.argmax(dim=-1)
            if step < given.shape[1]:
                token = torch.where(given[:, step] == _OPEN, token, given[:, step])
            probabilities = logits.softmax(dim=-1)
            probability = self._pooled(probabilities).gather(1, token[:, None])[:, 0]
            tokens[rows, step] = token
            log_probabilities[rows, step] = probability.log()
            scores[:, self._end] = -torch.inf
            other = scores.scatter(1, token[:, None], -torch.inf).topk(OTHERS).indices
            others[rows, step] = other
            likely[rows, step] = probabilities.gather(1, other)
            is_box = self._locations[tokens[rows, 0]]
            left = (token != self._end) & ~(is_box & (step + 1 >= BOX_TOKENS))
            if step + 1 == MAX_QUESTION_TOKENS or not bool(left.any()):
                break
            if not bool(left.all()):
                # what is complete costs nothing from here on
                cache.batch_select_indices(left.nonzero()[:, 0])
                rows, token, is_box = rows[left], token[left], is_box[left]
                sizes, mask, given = sizes[left], mask[left], given[left]
            allowed = torch.where(is_box[:, None], self._locations, self._question)
            # every row sees its own prefix and all of its suffix
            mask = torch.nn.functional.pad(mask, (0, 1))
            positions = (sizes + step + 1)[:, None]
            embeddings = self.backbone.language_model.embed_tokens(token[:, None])
            hidden = self._forward(embeddings, mask, positions, cache)[:, 0]
            logits = self.backbone.logits(hidden)
        return [
            self._suffix(row_tokens, row_log, row_others, row_likely)
            for row_tokens, row_log, row_others, row_likely in zip(
                tokens.tolist(), log_probabilities, others.tolist(), likely.tolist(), strict=True
            )
        ]

    def _forward(
        self, embeddings: Tensor, mask: Tensor, positions: Tensor, cache: DynamicCache
    ) -> Tensor:
        output = self.backbone.language_model(
            inputs_embeds=embeddings,
            attention_mask={'full_attention': mask, 'sliding_attention': mask},
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
        )
        hidden: Tensor = output.last_hidden_state
        return hidden

    def _pooled(self, probabilities: Tensor) -> Tensor:
        first = self.backbone.first_location
        span = slice(first, first + LOCATION_COUNT)
        window = 2 * LOCATION_TOLERANCE + 1
        near = torch.nn.functional.avg_pool1d(
            probabilities[:, None, span], window, stride=1, padding=LOCATION_TOLERANCE
        )
        return probabilities.index_copy(
            1, torch.arange(span.start, span.stop, device=near.device), near[:, 0] * window
        )

    def _suffix(
        self,
        tokens: list[int],
        log_probabilities: Tensor,
        others: list[list[int]],
        likely: list[list[float]],
    ) -> Suffix:
        ended = self._end in tokens
        count = tokens.index(self._end) if ended else len(tokens)
        is_box = bool(self._locations[tokens[0]])
        if is_box:
            count = BOX_TOKENS
        text = self.backbone.tokenizer.decode(tokens[:count], clean_up_tokenization_spaces=False)
        scored = max(count, 1)  # an empty suffix is scored by its end token
        return Suffix(
            text=text.strip(),
            is_box=is_box,
            confidence=float(log_probabilities[:scored].mean().exp()),
            complete=ended or is_box,
            tokens=tuple(tokens[:count]),
            others=tuple(
                tuple(zip(*choices, strict=True))
                for choices in zip(others[:count], likely[:count], strict=True)
            ),
        )

    def _words(self) -> Tensor:
        """Tokens a question may hold: text, no control, segmentation or unused ids."""
        tokenizer = self.backbone.tokenizer
        words = torch.zeros(self.backbone.vocabulary, dtype=torch.bool)
        words[: len(tokenizer)] = True
        words[tokenizer.all_special_ids] = False
        for token, index in tokenizer.get_vocab().items():
            if index < len(words) and token.startswith('<') and token.endswith('>'):
                words[index] = False
        # a question is one line
        words[tokenizer('\n', add_special_tokens=False).input_ids] = False
        return words
