"""Heatmaps: one scale for all methods, zero is pale, empty maps say so."""

import io

import numpy as np
import pytest
from PIL import Image

from xai_core.images import heatmap

GREY = np.full((40, 60, 3), 128, dtype=np.uint8)


def test_scale_is_symmetric_around_zero_and_positive_scaling_changes_nothing() -> None:
    values = np.linspace(-2, 2, 40 * 60, dtype=np.float32).reshape(40, 60)
    scaled = heatmap.scaled(values)
    assert scaled.min() == -1
    assert scaled.max() == 1
    np.testing.assert_allclose(scaled, -heatmap.scaled(-values), atol=1e-6)
    np.testing.assert_array_equal(
        heatmap.colours(scaled), heatmap.colours(heatmap.scaled(7 * values))
    )


def test_colours_are_blue_against_pale_at_zero_and_red_for() -> None:
    against, none, support = heatmap.colours(np.array([[-1.0, 0.0, 1.0]], dtype=np.float32))[0]
    assert against[2] > against[0]
    assert none.min() > 230
    assert support[0] > support[2]


def test_lightness_falls_evenly_to_both_sides() -> None:
    bar = heatmap.colour_bar(511, 1)[0].astype(float) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(bar[:256]) >= -0.5).all()
    assert (np.diff(bar[255:]) <= 0.5).all()
    assert abs(bar[0] - bar[-1]) < 30


def test_limit_is_the_percentile_and_the_maximum_for_a_tiny_region() -> None:
    values = np.zeros((100, 100), dtype=np.float32)
    values[0, 0] = 3
    assert heatmap.limit_of(values) == 3
    assert heatmap.limit_of(np.zeros((4, 4), dtype=np.float32)) == 0
    noise = np.random.default_rng(0).normal(size=(100, 100)).astype(np.float32)
    assert heatmap.limit_of(noise) == pytest.approx(np.quantile(np.abs(noise), 0.995))


def test_opacity_runs_from_the_photo_to_the_map_alone() -> None:
    values = np.tile(np.linspace(-1, 1, 60, dtype=np.float32), (40, 1))
    photo = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    np.testing.assert_array_equal(heatmap.overlay(photo, values, 0.0), photo)
    alone = heatmap.overlay(photo, values, 1.0).astype(int)
    assert np.abs(alone - heatmap.colours(heatmap.scaled(values))).max() <= 1


def test_empty_map_says_that_there_is_no_positive_evidence() -> None:
    zero = np.zeros((200, 300), dtype=np.float32)
    drawn = heatmap.overlay(np.full((200, 300, 3), 128, dtype=np.uint8), zero, 0.6)
    assert drawn.max() > 240  # white letters
    assert drawn.min() < 80  # on a dark band
    assert not heatmap.has_positive_evidence(zero - 1)
    assert not heatmap.kept(zero).any()


def test_unseen_pixels_are_dimmed_not_coloured() -> None:
    values = np.ones((40, 60), dtype=np.float32)
    values[:, :20] = np.nan
    drawn = heatmap.overlay(GREY, values, 0.8)[:, :20]
    assert (drawn.max(axis=2) == drawn.min(axis=2)).all()


def test_masked_keeps_what_reaches_the_share_of_the_maximum() -> None:
    values = np.tile(np.arange(60, dtype=np.float32), (40, 1))
    photo = np.random.default_rng(0).integers(0, 200, (40, 60, 3), dtype=np.uint8)
    shown = heatmap.masked(photo, values, 0.5)
    np.testing.assert_array_equal((shown == photo).all(axis=2), values >= 29.5)
    left_out = shown[values < 29.5]
    assert left_out.min() >= heatmap.PALE
    assert (left_out.max(axis=1) == left_out.min(axis=1)).all()


def test_outlines_lie_on_the_borders_only() -> None:
    labels = np.zeros((40, 60), dtype=int)
    labels[:, 30:] = 1
    changed = (heatmap.outlined(GREY, labels) != GREY).any(axis=2)
    assert changed[:, 30].all()
    assert changed.sum() == 40


def test_pictures_survive_png_and_sizes_must_match() -> None:
    photo = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    decoded = np.asarray(Image.open(io.BytesIO(heatmap.encoded(photo))))
    np.testing.assert_array_equal(decoded, photo)
    with pytest.raises(ValueError, match="differ in size"):
        heatmap.overlay(photo, np.zeros((3, 3), dtype=np.float32))


def test_enlarging_keeps_the_mean_of_a_grid() -> None:
    grid = np.random.default_rng(0).normal(size=(7, 7)).astype(np.float32)
    assert heatmap.enlarged(grid, 224, 224).mean() == pytest.approx(grid.mean(), abs=1e-5)
