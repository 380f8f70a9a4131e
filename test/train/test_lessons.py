"""What is taught: boxes of all that fits, questions about what is open, else nothing."""

import numpy as np
import pytest

from clue_ros.box import decode_locations
from clue_ros.sim.dialogs import DialogConfig
from clue_ros.sim.dialogs import sample_dialog
from clue_ros.sim.distinctions import distinctions
from clue_ros.sim.expressions import NONE
from clue_ros.sim.expressions import ONE
from clue_ros.sim.expressions import SEVERAL
from clue_ros.sim.expressions import Kind
from clue_ros.sim.judge import faults
from clue_ros.sim.judge import named
from clue_ros.sim.questions import name
from clue_ros.sim.questions import preferred
from clue_ros.sim.scene import HELD_OUT
from clue_ros.train.lessons import BETWEEN_BOXES
from clue_ros.train.lessons import clarify
from clue_ros.train.lessons import complete
from clue_ros.train.lessons import detect
from clue_ros.train.lessons import narrow


@pytest.fixture(params=[ONE, SEVERAL, NONE])
def samples(request, corpus):
    rng = np.random.default_rng(3)
    drawn = [
        sample_dialog(rng, scene, request.param, DialogConfig(wrong=0.3)) for scene in corpus.scenes
    ]
    return [sample for sample in drawn if sample]


def boxes(text, scene):
    parts = text.split(BETWEEN_BOXES) if text else []
    return [decode_locations(part, scene.camera.width, scene.camera.height) for part in parts]


def test_detect_names_every_thing_that_fits_from_left_to_right(samples):
    for sample in samples:
        lesson = detect(sample)
        assert lesson.prefix.startswith('detect ')
        found = boxes(lesson.suffix, sample.scene)
        assert [box.center[0] for box in found] == sorted(box.center[0] for box in found)
        wanted = [sample.scene.things[k].box for k in sample.candidates]
        assert len(found) == len(wanted)
        assert all(max(box.iou(other) for other in found) > 0.9 for box in wanted)
        for box, mention in zip(found, lesson.mentions, strict=True):
            (thing,) = mention.things
            assert box.iou(sample.scene.things[thing].box) > 0.9
            assert boxes(lesson.suffix[mention.start : mention.stop], sample.scene) == [box]


def test_clarify_asks_until_one_is_left_and_then_points(samples):
    for sample in samples:
        *questions, last = clarify(sample)
        assert last.prefix.startswith('clarify ')
        for lesson in questions:
            assert len(lesson.referents) > 1
            assert not faults(lesson.suffix, sample.scene, lesson.referents), lesson
            options = preferred(distinctions(sample.scene, lesson.referents))
            assert len(lesson.mentions) == len(options)
            for option, mention in zip(options, lesson.mentions, strict=True):
                assert mention.things == option.members
                assert lesson.suffix[mention.start : mention.stop] == name(option)
        if sample.target is None:
            assert (last.suffix, questions) == ('', [])
        else:
            (box,) = boxes(last.suffix, sample.scene)
            assert box.iou(sample.scene.things[sample.target].box) > 0.9
            assert last.referents == {sample.target}


def test_a_reply_leaves_the_candidates_that_it_fits(corpus):
    rng = np.random.default_rng(5)
    left = {True: 0, False: 0}
    for scene in corpus.scenes * 6:
        sample = sample_dialog(rng, scene, SEVERAL, DialogConfig())
        if sample is None:
            continue
        lesson = narrow(rng, sample)
        request = detect(sample).prefix
        assert lesson.prefix.startswith(f'{request} ')
        reply = lesson.prefix.removeprefix(request)
        # read by those who judge questions, who know nothing of how replies are made
        fitting = named(reply, scene, sample.candidates)
        assert lesson.referents == fitting < sample.candidates, reply
        found = boxes(lesson.suffix, scene)
        assert len(found) == len(fitting)
        for k in fitting:
            assert max(box.iou(scene.things[k].box) for box in found) > 0.9
        left[bool(fitting)] += 1
    assert min(left.values()) > 0.3 * sum(left.values()) > 5


def test_no_reply_joins_words_that_are_held_out(corpus):
    rng = np.random.default_rng(6)
    for scene in corpus.scenes * 10:
        sample = sample_dialog(rng, scene, SEVERAL, DialogConfig())
        if sample and isinstance(sample.expression, Kind):  # an anchor's words are its own
            words = narrow(rng, sample).prefix.split()
            assert not any(set(pair) <= set(words) for pair in HELD_OUT)


def test_a_box_to_complete_begins_at_any_thing_and_its_second_corner_is_taught(samples):
    rng = np.random.default_rng(4)
    spoken_of = others = 0
    for sample in samples:
        said = [detect(sample), *clarify(sample)]
        lesson = complete(rng, sample)
        before = next(each for each in said if each.prefix == lesson.prefix)
        assert lesson.referents == before.referents
        (mention,) = lesson.mentions
        (thing,) = mention.things
        (box,) = boxes(lesson.suffix, sample.scene)
        assert box.iou(sample.scene.things[thing].box) > 0.9
        assert (mention.start, mention.stop) == (0, len(lesson.suffix))
        given, taught = lesson.suffix[: lesson.given], lesson.suffix[lesson.given :]
        assert given.count('<loc') == taught.count('<loc') == 2
        spoken_of += thing in lesson.referents
        others += thing not in lesson.referents
    assert others > 3
    assert spoken_of > 3 or not any(sample.candidates for sample in samples)


def test_no_question_is_taught_to_a_robot_that_was_misled(corpus):
    rng = np.random.default_rng(5)
    misled = 0
    for scene in corpus.scenes * 4:
        sample = sample_dialog(rng, scene, SEVERAL, DialogConfig(wrong=1.0))
        if sample and sample.wrong:
            misled += 1
            assert len(clarify(sample)) == len(sample.dialog.turns) + 1 - len(sample.wrong)
    assert misled > 10
