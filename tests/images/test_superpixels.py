"""Superpixels: labels without gaps, exact region statistics, equal grid cells."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from skimage.segmentation import slic

from xai_core.images.reading import Photo
from xai_core.images.regions import region_maxima, region_means, region_sums
from xai_core.images.superpixels import Slic, averaged, grid_labels, slic_labels, without_gaps


@pytest.mark.parametrize("segments", [10, 50, 200])
def test_slic_labels_run_from_zero_without_gaps(photos: list[Photo], segments: int) -> None:
    labels = slic_labels(photos[0].rgb, Slic(segments))
    assert labels.shape == photos[0].rgb.shape[:2]
    assert np.array_equal(np.unique(labels), np.arange(labels.max() + 1))
    assert 0.4 * segments <= labels.max() + 1 <= 1.5 * segments


def test_slic_labels_are_scikit_images_regions_renumbered(photos: list[Photo]) -> None:
    ours = slic_labels(photos[1].rgb, Slic(30, 20.0))
    theirs = slic(photos[1].rgb, n_segments=30, compactness=20.0, start_label=1)
    pairs = {(int(a), int(b)) for a, b in zip(ours.flat, theirs.flat, strict=True)}
    assert len(pairs) == ours.max() + 1 == len(np.unique(theirs))


def test_superpixels_follow_an_edge() -> None:
    rgb = np.zeros((64, 64, 3), dtype=np.uint8)
    rgb[:, 23:] = (250, 240, 10)
    labels = slic_labels(rgb, Slic(16))
    assert not set(labels[:, :23].flat) & set(labels[:, 23:].flat)


def test_numbers_are_closed_up_in_order() -> None:
    assert np.array_equal(without_gaps(np.array([[7, 3], [3, 9]])), [[1, 0], [0, 2]])


def test_grid_cells_are_equal_rectangles_that_cover_everything() -> None:
    labels = grid_labels(60, 120, 50)
    assert np.array_equal(np.unique(labels), np.arange(50))  # 5 rows of 10
    sizes = np.bincount(labels.flat)
    assert set(sizes) == {12 * 12}
    for label in range(50):
        rows, columns = np.nonzero(labels == label)
        assert (np.ptp(rows) + 1) * (np.ptp(columns) + 1) == sizes[label]
    assert labels[0, 0] == 0
    assert labels[0, 119] == 9
    assert labels[59, 0] == 40


@pytest.mark.parametrize(("height", "width", "cells"), [(224, 224, 50), (7, 5, 6), (40, 40, 1)])
def test_grid_cells_differ_by_a_row_and_a_column_at_most(
    height: int, width: int, cells: int
) -> None:
    labels = grid_labels(height, width, cells)
    count = labels.max() + 1
    assert np.array_equal(np.unique(labels), np.arange(count))
    assert count == pytest.approx(cells, rel=0.15)
    sides = [
        (np.ptp(rows) + 1, np.ptp(columns) + 1)
        for rows, columns in (np.nonzero(labels == label) for label in range(count))
    ]
    for side in zip(*sides, strict=True):
        assert max(side) - min(side) <= 1


def drawn(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Maps (2, 3, 9, 11) and segments (2, 9, 11): 6 regions in the first image, 4 in the other."""
    generator = torch.Generator().manual_seed(seed)
    maps = torch.randn(2, 3, 9, 11, generator=generator, dtype=torch.float64)
    segments = torch.stack(
        [torch.randint(0, count, (9, 11), generator=generator) for count in (6, 4)]
    )
    return maps, segments


@pytest.mark.parametrize(
    ("fast", "slow"), [(region_means, torch.mean), (region_maxima, torch.amax)]
)
def test_region_statistics_equal_a_slow_loop(fast: object, slow: object) -> None:
    maps, segments = drawn(0)
    expected = torch.empty_like(maps)
    for image in range(2):
        for target in range(3):
            for label in segments[image].unique():
                region = segments[image] == label
                expected[image, target][region] = slow(maps[image, target][region])  # type: ignore[operator]
    torch.testing.assert_close(fast(maps, segments), expected)  # type: ignore[operator]


def test_sums_and_sizes_equal_a_slow_loop_and_missing_regions_are_zero() -> None:
    maps, segments = drawn(1)
    sums, sizes = region_sums(maps, segments)
    assert sums.shape == (2, 3, 6)
    for image in range(2):
        for label in range(6):
            region = segments[image] == label
            assert sizes[image, label] == region.sum()
            torch.testing.assert_close(sums[image, :, label], maps[image][:, region].sum(dim=1))
    assert sizes[1, 4:].tolist() == [0, 0]
    assert not sums[1, :, 4:].any()


def test_region_means_keep_the_total_of_every_map() -> None:
    maps, segments = drawn(2)
    averaged = region_means(maps, segments)
    torch.testing.assert_close(averaged.sum(dim=(2, 3)), maps.sum(dim=(2, 3)))
    torch.testing.assert_close(region_means(averaged, segments), averaged)


def test_one_map_is_averaged_without_torch_as_many_are_with_it() -> None:
    maps, segments = drawn(3)
    alone = averaged(maps[0, 0].numpy(), segments[0].numpy())
    np.testing.assert_allclose(alone, region_means(maps, segments)[0, 0].numpy(), rtol=1e-6)
