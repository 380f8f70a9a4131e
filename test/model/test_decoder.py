import re

import numpy as np
import pytest
import torch
from model_builders import mini_backbone
from PIL import Image
from scene_files import SCENES
from scene_files import load_scenes

from clue_ros.dialog import Dialog
from clue_ros.model.adapters import Adapters
from clue_ros.model.backbone import Backbone
from clue_ros.model.checkpoint import EMBEDDED
from clue_ros.model.checkpoint import find
from clue_ros.model.decoder import BOX_TOKENS
from clue_ros.model.decoder import MAX_QUESTION_TOKENS
from clue_ros.model.decoder import OTHERS
from clue_ros.model.decoder import Decoder
from clue_ros.model.decoder import Form
from clue_ros.model.decoder import most_likely_kind
from clue_ros.model.decoder import question_openings
from clue_ros.model.decoder import smooth_locations

REQUESTS = [row['instruction'] for row in load_scenes()[:3]]


@pytest.fixture(scope='module')
def backbone() -> Backbone:
    return mini_backbone()


@pytest.fixture(scope='module')
def adapters(backbone) -> Adapters:
    return Adapters(backbone, {'ivg': find(EMBEDDED, False).adapters['ivg']})


@pytest.fixture(scope='module')
def images() -> list[np.ndarray]:
    return [np.asarray(Image.open(SCENES / row['image'])) for row in load_scenes()[:3]]


def decode(backbone, images, texts, form):
    features = backbone.encode(images)
    prefix = backbone.prefix(features, texts)
    return Decoder(backbone).decode(prefix, [(row, form) for row in range(len(texts))])


def texts() -> list[str]:
    prompts = find(EMBEDDED, False).config.prompts
    return [prompts.decoder_text(Dialog(request)) for request in REQUESTS]


def generated(backbone, image, text) -> str:
    """What transformers' own greedy generate writes."""
    ids = [backbone.image_token] * backbone.image_token_count
    ids += [backbone.tokenizer.bos_token_id]
    ids += backbone.tokenizer(f'{text}\n', add_special_tokens=False).input_ids
    pixels = backbone.image_processor(images=[image], return_tensors='pt')['pixel_values']
    with torch.inference_mode():
        output = backbone.model.generate(
            input_ids=torch.tensor([ids]),
            pixel_values=pixels,
            token_type_ids=torch.zeros(1, len(ids), dtype=torch.long),
            attention_mask=torch.ones(1, len(ids), dtype=torch.long),
            max_new_tokens=MAX_QUESTION_TOKENS,
            do_sample=False,
        )
    return backbone.tokenizer.decode(output[0, len(ids) :], skip_special_tokens=True).strip()


def test_free_decoding_writes_what_transformers_generates(backbone, adapters, images, monkeypatch):
    monkeypatch.setattr('clue_ros.model.decoder.smooth_locations', lambda scores, _: scores)
    with adapters.use('ivg'):
        # a padded batch of prompts of different lengths, some asking and some pointing
        ours = decode(backbone, images, texts(), Form.EITHER)
        theirs = [
            generated(backbone, image, text) for image, text in zip(images, texts(), strict=True)
        ]
    assert [suffix.text for suffix in ours] == theirs
    assert {suffix.is_box for suffix in ours} == {True, False}


@pytest.mark.parametrize(
    ('shares', 'kind'),
    [
        # two words, four locations, the end
        ((0.0, 0.0, 0.15, 0.2, 0.15, 0.1, 0.4), 'box'),  # nobody knows the last pixel
        ((0.3, 0.0, 0.2, 0.1, 0.1, 0.1, 0.2), 'box'),
        ((0.3, 0.3, 0.1, 0.1, 0.1, 0.1, 0.0), 'question'),
        ((0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.41), 'nothing'),
        ((0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0), 'nothing'),  # what may not be counts for nothing
    ],
)
def test_the_likeliest_kind_of_answer_begins(shares, kind):
    kinds = torch.zeros(3, 7, dtype=torch.bool)
    kinds[0, :2] = kinds[1, 2:6] = kinds[2, 6:] = True
    chosen = most_likely_kind(torch.tensor([shares]).log(), kinds)
    assert chosen.tolist() == [('question', 'box', 'nothing').index(kind)]


FIRST = 3  # of the locations, in the scores of the next test


@pytest.mark.parametrize(
    ('locations', 'other', 'wins'),
    [
        ({500: 0.5, 900: 0.4}, 0.1, 500),
        # many neighbours outweigh one peak
        ({500: 0.2, **dict.fromkeys(range(800, 831), 0.02)}, 0.1, 815),
        ({500: 1.0}, 0.0, 500),
        ({0: 0.9, 1023: 0.1}, 0.0, 0),
        # ... but never turn a word into a box
        ({500: 0.2, **dict.fromkeys(range(800, 831), 0.02)}, 0.21, None),
        ({}, 1.0, None),  # no location is allowed at all
    ],
)
def test_a_location_is_told_by_its_neighbourhood(locations, other, wins):
    shares = torch.zeros(2, FIRST + 1024)
    shares[:, 1] = other
    for place, share in locations.items():
        shares[1, FIRST + place] = share
    scores = smooth_locations(shares.log(), FIRST)
    assert not scores.isnan().any()
    assert torch.equal(scores[:, :FIRST], shares.log()[:, :FIRST])
    assert scores[1].max() == pytest.approx(shares[1].log().max())
    assert int(scores[1].argmax()) == (1 if wins is None else FIRST + wins)


def test_unless_absent_asks_where_it_would_rather_point(backbone, adapters, images):
    with adapters.use('ivg'):
        either, asked, unless_absent = (
            decode(backbone, images, texts(), form)
            for form in (Form.EITHER, Form.QUESTION, Form.UNLESS_ABSENT)
        )
    kinds = {'box' if each.is_box else 'question' if each.text else 'nothing' for each in either}
    assert kinds >= {'box', 'question'}
    for free, question, found in zip(either, asked, unless_absent, strict=True):
        assert found.text == (question.text if free.text else '')


@pytest.mark.parametrize('form', list(Form))
def test_each_form_holds_for_any_weights(backbone, adapters, images, form):
    noise = [np.random.default_rng(3).integers(0, 256, (50, 90, 3), dtype=np.uint8)]
    prompts = [*texts(), 'detect nothing at all', 'clarify user: zzz', 'x']
    for switch in (None, 'ivg'):
        batch = [*images, *noise * 3]
        if switch:
            with adapters.use(switch):
                suffixes = decode(backbone, batch, prompts, form)
        else:
            suffixes = decode(backbone, batch, prompts, form)
        for suffix in suffixes:
            locations = re.findall(r'<loc\d{4}>', suffix.text)
            assert 0 <= suffix.confidence <= 1 + 1e-5
            if suffix.is_box:
                assert form in (Form.BOX, Form.EITHER)
                assert len(locations) == 4
                assert suffix.text == ''.join(locations)
                assert suffix.complete
            else:
                assert not locations
                assert '<' not in suffix.text
                assert form is not Form.BOX or suffix.text == ''
            if form is Form.QUESTION:
                assert suffix.text


def test_a_batch_is_decoded_as_its_rows_are(backbone, adapters, images):
    with adapters.use('ivg'):
        for form in Form:
            batch = decode(backbone, images, texts(), form)
            rows = [
                decode(backbone, [image], [text], form)[0]
                for image, text in zip(images, texts(), strict=True)
            ]
            assert [suffix.text for suffix in batch] == [suffix.text for suffix in rows]
            for left, right in zip(batch, rows, strict=True):
                assert left.confidence == pytest.approx(right.confidence, rel=1e-3)


def test_a_prefix_is_read_once_for_all_that_is_wanted_of_it(backbone, adapters, images):
    decoder = Decoder(backbone)
    wanted = [(row, form) for row in (1, 0) for form in Form]
    read = []
    forward = decoder._forward

    def counting(embeddings, *others):
        read.append(tuple(embeddings.shape[:2]))
        return forward(embeddings, *others)

    decoder._forward = counting
    with adapters.use('ivg'):
        prefix = backbone.prefix(backbone.encode(images[:2]), texts()[:2])
        together = decoder.decode(prefix, wanted)
        # the question and the box of both rows; what may be either is one of them
        assert read[:2] == [tuple(prefix.present.shape), (4, 1)]
        for (row, form), suffix in zip(wanted, together, strict=True):
            (alone,) = decode(backbone, images[row : row + 1], texts()[row : row + 1], form)
            assert (suffix.text, suffix.is_box) == (alone.text, alone.is_box)


def test_a_question_does_not_begin_in_the_middle(backbone):
    openings = question_openings(backbone.tokenizer, backbone.vocabulary)
    vocabulary = backbone.tokenizer.get_vocab()
    may = {text for text, token in vocabulary.items() if openings[token]}
    assert {'which', 'do', 'W', '3'} <= may
    assert not may & {',', '?', '.', '\u0120red', '\u0120or'}  # a space is written so
    assert {',', '?', '\u0120red', '\u0120or'} <= set(vocabulary)


def test_a_question_that_never_ends_is_incomplete(backbone, adapters, images):
    decoder = Decoder(backbone)
    decoder._question = decoder._question.clone()
    decoder._question[backbone.tokenizer.eos_token_id] = False
    prefix = backbone.prefix(backbone.encode(images[:1]), texts()[:1])
    with adapters.use('ivg'):
        suffix = decoder.decode(prefix, [(0, Form.QUESTION)])[0]
    assert not suffix.complete


def test_a_model_that_ends_at_once_says_nothing(backbone, adapters, images):
    decoder = Decoder(backbone)
    decoder._start = dict.fromkeys(Form, decoder._question & ~decoder._words())
    prefix = backbone.prefix(backbone.encode(images[:1]), texts()[:1])
    suffix = decoder.decode(prefix, [(0, Form.BOX)])[0]
    assert (suffix.text, suffix.is_box, suffix.complete) == ('', False, True)


def test_what_was_begun_is_gone_on_with(backbone, adapters, images):
    decoder = Decoder(backbone)
    with adapters.use('ivg'):
        prefix = backbone.prefix(backbone.encode(images[:2]), texts()[:2])
        whole = decoder.decode(prefix, [(row, Form.QUESTION) for row in range(2)])
        # of both rows in turn, from nothing to all of it
        begun = [
            (row, suffix.tokens[:count])
            for count in (0, 1, 5, 40)
            for row, suffix in enumerate(whole)
        ]
        for (row, _), suffix in zip(begun, decoder.go_on(prefix, begun), strict=True):
            assert suffix.text == whole[row].text
            assert suffix.confidence == pytest.approx(whole[row].confidence, rel=1e-3)


def test_another_token_leads_to_another_question(backbone, adapters, images):
    decoder = Decoder(backbone)
    with adapters.use('ivg'):
        prefix = backbone.prefix(backbone.encode(images[:1]), texts()[:1])
        (first,) = decoder.decode(prefix, [(0, Form.QUESTION)])
        choices = [
            (place, *choice) for place in range(len(first.tokens)) for choice in first.others[place]
        ]
        begun = [(*first.tokens[:place], token) for place, token, _ in choices]
        others = decoder.go_on(prefix, [(0, tokens) for tokens in begun])
    assert len(choices) == OTHERS * len(first.tokens)
    assert len(set(begun)) == len(begun)
    for tokens, (place, _, probability), other in zip(begun, choices, others, strict=True):
        assert other.tokens[: len(tokens)] == tokens
        assert other.tokens[place] != first.tokens[place]
        assert 0 <= probability <= 0.5
        assert '<' not in other.text
    for others in first.others:  # the likeliest first
        assert [p for _, p in others] == sorted((p for _, p in others), reverse=True)


def test_what_is_not_found_has_a_box_all_the_same(backbone, images):
    decoder = Decoder(backbone)
    prompts = ['detect mug', 'detect red banana', 'detect spoon', 'detect white thing']
    prefix = backbone.prefix([backbone.encode(images[:1])[0]] * 4, prompts, BOX_TOKENS)
    detected = decoder.detect(prefix)
    found = [probability for probability, _ in detected]
    pointed = decoder.decode(prefix, [(row, Form.BOX) for row in range(4)])
    assert [probability > 0.5 for probability in found] == [suffix.is_box for suffix in pointed]
    assert 0 <= min(found) < 0.5 < max(found) <= 1
    for (_, written), suffix in zip(detected, pointed, strict=True):
        assert written.is_box
        assert written.text == suffix.text or not suffix.is_box
