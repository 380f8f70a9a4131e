"""The corpus: what is read is what was drawn, and pictures change together with their graphs."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from clue_ros.errors import InvalidSource
from clue_ros.errors import MissingSimulator
from clue_ros.sim.sampling import SceneConfig
from clue_ros.train.corpus import ASPECTS
from clue_ros.train.corpus import OWNERS
from clue_ros.train.corpus import Corpus
from clue_ros.train.corpus import CorpusConfig
from clue_ros.train.corpus import render_corpus
from clue_ros.train.corpus import render_shard
from clue_ros.train.pictures import PLAIN
from clue_ros.train.pictures import PictureConfig
from clue_ros.train.pictures import _other_colors
from clue_ros.train.pictures import _other_paint
from clue_ros.train.pictures import lit
from clue_ros.train.pictures import stacked
from clue_ros.train.pictures import vary
from clue_ros.train.vision import vision_batch


@pytest.mark.parametrize('values', [{'side': 100}, {'side': 56 * 17}, {'shard': 0}, {'seed': -1}])
def test_bad_config(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        CorpusConfig(**values)


def test_no_shards(tmp_path):
    with pytest.raises(InvalidSource, match='clue train corpus'):
        Corpus(tmp_path, 1, 'train')


def test_splits_share_no_scene(corpus, held_out):
    assert len(corpus) > len(held_out) > 0
    assert not {s.name for s in corpus.scenes} & {s.name for s in held_out.scenes}


def test_a_shard_that_is_there_is_not_drawn_again(corpus_folder):
    before = {path: path.stat().st_mtime_ns for path in corpus_folder.iterdir()}
    render_shard(corpus_folder, 0, CorpusConfig(side=112, seed=1, shard=16), SceneConfig())
    assert {path: path.stat().st_mtime_ns for path in corpus_folder.iterdir()} == before


def test_a_half_written_shard_does_not_count(corpus_folder, tmp_path):
    for path in corpus_folder.glob('000000.*.npy'):
        (tmp_path / path.name).write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InvalidSource):
        Corpus(tmp_path, 1, 'train')


@pytest.mark.parametrize(
    'config',
    [
        PLAIN,
        PictureConfig(mirrored=1, zoomed=0, background=0, light=0, noise=0),
        PictureConfig(mirrored=0, zoomed=1, background=0, light=0, noise=0),
        PictureConfig(mirrored=0, zoomed=1, wider=0.3, background=0, light=0, noise=0),
        PictureConfig(mirrored=1, zoomed=1, background=1, light=0.3, noise=0.03),
    ],
)
def test_owners_lie_in_their_boxes_whatever_is_done_to_the_picture(corpus, config):
    rng = np.random.default_rng(0)
    for index in range(len(corpus)):
        varied = vary(corpus, index, rng, config)
        camera = varied.scene.camera
        for number, thing in enumerate(varied.scene.things):
            rows, columns = np.nonzero(varied.owners == number)
            if not rows.size:
                continue
            spots = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
            sides = np.array([camera.width, camera.height] * 2) / OWNERS
            beyond = (spots * sides - thing.box.corners) * (-1, -1, 1, 1)
            # a spot is wider than a pixel, the more so in a narrow window
            before = corpus.scenes[index].things[number].box
            zoom = np.sqrt(thing.box.area / before.area)
            assert (beyond <= 2 * sides * max(1, zoom)).all(), (index, thing)


def test_mirrored_things_change_sides(corpus):
    mirror = PictureConfig(mirrored=1, zoomed=0, background=0, light=0, noise=0)
    rng = np.random.default_rng(0)
    varied = vary(corpus, 0, rng, mirror)
    image, owners = corpus.picture(0)
    assert (varied.pixels == image[:, ::-1]).all()
    assert (varied.owners == owners[:, ::-1]).all()
    for before, after in zip(corpus.scenes[0].things, varied.scene.things, strict=True):
        width = varied.scene.camera.width
        assert after.box.center[0] == pytest.approx(width - before.box.center[0])
        assert after.y == before.y


def test_recoloured_pictures_teach_every_name_but_the_colour(corpus):
    grid, indices = corpus.picture(0)[0].shape[0] // 28, np.arange(len(corpus))
    recolored = replace(PLAIN, recolored=1)
    plain, other = (
        lit(vision_batch(corpus, indices, np.random.default_rng(0), config, grid, grid**2))
        for config in (PLAIN, recolored)
    )
    assert (other['classes'][..., 1] == -1).all()
    for column in (0, 2):
        assert torch.equal(other['classes'][..., column], plain['classes'][..., column])
    assert torch.equal(other['numbers'], plain['numbers'])
    pixels = other['pixels'].permute(0, 2, 3, 1)
    grey = (pixels == pixels[..., :1]).all(dim=-1).flatten(1).all(dim=1)
    assert 0 < grey.sum() < len(grey)
    # the others show each thing in a colour of its own
    far = (other['pixels'] - plain['pixels']).abs()[~grey].flatten(2).mean(dim=2)
    assert (far.amax(dim=1) > 0.01).all()


def test_other_colors_keep_what_is_grey():
    rng = np.random.default_rng(0)
    turns = [_other_colors(rng) for _ in range(50)]
    for turn in turns:
        np.testing.assert_allclose(np.array([90, 90, 90]) @ turn, 90, rtol=1e-5)
    reds = np.array([(200, 20, 20) @ turn for turn in turns])
    assert (reds.argmax(axis=1)[:, None] == np.arange(3)).any(axis=0).all()


def test_other_paint_makes_things_black_and_white_and_keeps_their_shading():
    rng = np.random.default_rng(0)
    shaded = np.linspace(0.5, 1, 20)[:, None] * np.array([[180, 60, 30]])
    painted = np.array([_other_paint(shaded, rng) for _ in range(200)])
    means = painted.mean(axis=(1, 2))
    assert means.min() < 20 and means.max() > 180
    ratios = painted[:, 0] / painted[:, -1]
    np.testing.assert_allclose(ratios, 0.5, rtol=1e-5)
    assert np.isfinite(_other_paint(np.zeros((3, 3)), rng)).all()  # pitch black


def test_a_corpus_takes_turns_with_its_kinds(tmp_path):
    kinds = [SceneConfig(things=(1, 1)), SceneConfig(things=(2, 2))]
    config = CorpusConfig(side=112, seed=1, shard=1)
    try:
        render_corpus(tmp_path, 2 * len(ASPECTS) + 1, config, kinds, 1)
    except MissingSimulator as error:
        pytest.skip(str(error))
    counts = [len(scene.things) for scene in Corpus(tmp_path, 1, '').scenes]
    assert counts == [1] * len(ASPECTS) + [2] * len(ASPECTS) + [1]


def test_light_changes_what_it_should(corpus):
    config = PictureConfig(mirrored=0, zoomed=0, background=0, light=0.3, noise=0)
    picture = vary(corpus, 0, np.random.default_rng(0), config)
    batch = stacked([picture, replace(picture, noise=0.03)])
    assert batch['pixels'].dtype == torch.uint8
    calm, noisy = lit({**batch, 'other': 1})['pixels']
    wanted = (picture.pixels / 255 * picture.gain + picture.shift).clip(0, 1) * 2 - 1
    np.testing.assert_allclose(calm.permute(1, 2, 0), wanted, atol=1e-5)
    inside = calm.abs() < 0.8
    assert 0.05 < float((noisy - calm)[inside].std()) < 0.07  # of a range of 2


def test_pictures_that_lie_ready_stay_as_they_are():
    ready = {'pixels': torch.rand(2, 3, 8, 8), 'ids': torch.ones(2, 4)}
    assert lit(ready) == ready
