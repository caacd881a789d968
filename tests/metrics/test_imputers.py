"""Imputers: what they put in, and the fast solver against a sparse solve of the same system."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy import ndimage, sparse
from scipy.sparse.linalg import spsolve

from xai_core.images import inpainting
from xai_core.images.inpainting import inpainted
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.imputers import IMPUTERS, Blur, NoisyLinear, load_imputer

MakeBatch = Callable[[Classifier], Batch]
Floats = npt.NDArray[np.float64]


def solved_sparsely(image: Floats, removed: npt.NDArray[np.bool_]) -> Floats:
    """ROAD's linear system, row by row: neighbours outside the image take no part."""
    _, height, width = image.shape
    numbers = {tuple(place): number for number, place in enumerate(np.argwhere(removed))}
    system = sparse.lil_matrix((len(numbers), len(numbers)))
    right = np.zeros((len(numbers), len(image)))
    for (row, column), number in numbers.items():
        for down in (-1, 0, 1):
            for across in (-1, 0, 1):
                there = (row + down, column + across)
                inside = 0 <= there[0] < height and 0 <= there[1] < width
                if (down, across) == (0, 0) or not inside:
                    continue
                weight = 1 / 6 if 0 in (down, across) else 1 / 12
                system[number, number] += weight
                if there in numbers:
                    system[number, numbers[there]] -= weight
                else:
                    right[number] += weight * image[:, there[0], there[1]]
    filled = image.copy()
    filled[:, removed] = spsolve(system.tocsc(), right).T
    return filled


def filled(image: Floats, removed: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """The same by the fast solver."""
    return inpainted(image.astype(np.float32).transpose(1, 2, 0), removed).transpose(2, 0, 1)


@pytest.mark.parametrize("share", [0.1, 0.6, 0.95, 0.995])
@pytest.mark.parametrize("scattered", [True, False])
@pytest.mark.parametrize("shape", [(45, 38), (76, 6), (9, 55), (70, 12)])
def test_the_fast_solver_equals_a_sparse_solve(
    share: float, scattered: bool, shape: tuple[int, int]
) -> None:
    random = np.random.default_rng(0)
    image = ndimage.gaussian_filter(random.normal(0, 4, (3, *shape)), (0, 2, 2))
    order = random.random(shape)
    if not scattered:
        order = ndimage.gaussian_filter(order, 6)
    removed = order < np.quantile(order, share)
    fast = filled(image, removed)
    np.testing.assert_allclose(fast, solved_sparsely(image, removed), atol=1e-3)
    np.testing.assert_array_equal(fast[:, ~removed], image.astype(np.float32)[:, ~removed])


@pytest.mark.parametrize("shape", [(16, 18), (17, 15), (9, 40)])
def test_between_two_grids_sums_are_kept_and_what_is_even_stays_so(shape: tuple[int, int]) -> None:
    hole = np.pad(np.ones(shape, np.float32), 1)
    fine, coarse, *_ = inpainting._levels(hole, 3)
    rows, columns = -(-shape[0] // 2), -(-shape[1] // 2)
    assert coarse.values.shape == (3, rows + 2, columns + 2)
    values = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
    fine.values[:, 1:-1, 1:-1] = values
    inpainting._restrict(fine.values, coarse)
    around = ndimage.correlate(values, [[[1, 2, 1], [2, 0, 2], [1, 2, 1]]], mode="constant")
    whole = np.pad(around, ((0, 0), (0, shape[0] % 2), (0, shape[1] % 2)))
    sums = whole.reshape(3, rows, 2, columns, 2).sum(axis=(2, 4))
    np.testing.assert_allclose(coarse.residual[:, 1:-1, 1:-1], sums, atol=1e-4)
    coarse.step[:, 1:-1, 1:-1] = 1
    inpainting._prolong(coarse.step, fine)
    np.testing.assert_allclose(fine.values[:, 1:-1, 1:-1], values + 1, atol=1e-6)
    ramp = np.arange(columns, dtype=np.float32)
    coarse.step[:, 1:-1, 1:-1], fine.values[:] = ramp, 0
    inpainting._prolong(coarse.step, fine)
    inside = np.arange(1, shape[1] - 1 - shape[1] % 2)
    expected = np.tile((inside - 0.5) / 2, (shape[0], 1))
    np.testing.assert_allclose(fine.values[1, 1:-1, inside + 1].T, expected, atol=1e-5)


def test_a_small_system_is_inverted() -> None:
    hole = np.pad((np.random.default_rng(0).random((6, 9)) < 0.8).astype(np.float32), 1)
    (level,) = inpainting._levels(hole, 1)
    values = np.random.default_rng(1).normal(size=(1, 8, 11)).astype(np.float32) * hole
    inpainting._apply(hole, level.diagonal, values, level.residual)
    inpainting._solve_directly(level, inpainting._inverted(level))
    np.testing.assert_allclose(level.step, values, atol=1e-5)


def test_where_no_folder_can_be_written_the_loops_are_compiled_and_give_the_same(
    tmp_path: Path,
) -> None:
    image = np.random.default_rng(0).normal(size=(9, 12, 3)).astype(np.float32)
    removed = np.random.default_rng(1).random((9, 12)) < 0.7
    np.savez(tmp_path / "given.npz", image=image, removed=removed)
    code = (
        "import numpy as np\n"
        "from xai_core.images.inpainting import _solve, inpainted\n"
        "given = np.load('given.npz')\n"
        "np.save('found.npy', inpainted(given['image'], given['removed']))\n"
        "print(_solve.stats.cache_path)"
    )
    none = {"NUMBA_CACHE_LOCATOR_CLASSES": "IPythonCacheLocator", "PYTHONPATH": os.getcwd()}
    command = [sys.executable, "-c", code]
    told = subprocess.run(
        command, cwd=tmp_path, env=os.environ | none, check=True, text=True, capture_output=True
    )
    assert told.stdout.strip() == "None"
    np.testing.assert_array_equal(np.load(tmp_path / "found.npy"), inpainted(image, removed))


def test_nothing_and_everything_removed() -> None:
    image = np.random.default_rng(1).normal(size=(16, 17, 3)).astype(np.float32)
    nothing = np.zeros((16, 17), bool)
    np.testing.assert_array_equal(inpainted(image, nothing), image)
    np.testing.assert_array_equal(inpainted(image, ~nothing), np.zeros_like(image))


def test_what_is_not_a_number_is_not_hidden() -> None:
    image = np.random.default_rng(0).normal(size=(20, 20, 3)).astype(np.float32)
    image[3, 3, 1] = np.nan
    removed = np.zeros((20, 20), bool)
    removed[4:12, 4:12] = True
    assert np.isnan(inpainted(image, removed)[:, :, 1][removed]).all()


@pytest.mark.parametrize("shape", [(1, 9, 3), (9, 1, 3), (2, 7, 1), (12, 11, 3)])
def test_the_order_in_memory_makes_no_difference(shape: tuple[int, int, int]) -> None:
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    removed = np.random.default_rng(1).random(shape[:2]) < 0.6
    assert not removed.all()
    found = inpainted(image, removed)
    assert np.isfinite(found).all()
    np.testing.assert_array_equal(found, inpainted(np.asfortranarray(image), removed))
    np.testing.assert_array_equal(found, inpainted(image, np.asfortranarray(removed)))
    mirrored = inpainted(image[:, ::-1], removed[:, ::-1])[:, ::-1]
    np.testing.assert_allclose(found, mirrored, atol=2e-3)


def test_baselines(tiny_classifier: Classifier, tiny_batch: MakeBatch) -> None:
    batch = tiny_batch(tiny_classifier)
    assert float(batch.imputed(load_imputer("zero")).abs().max()) == 0
    mean = batch.imputed(load_imputer("mean"))
    torch.testing.assert_close(mean[2, :, 5, 7], batch.images[2].mean(dim=(1, 2)))
    blurred = batch.imputed(Blur())[1, 0].numpy()
    # scipy truncates at whole pixels: 5 of them on each side, the border repeated
    expected = ndimage.gaussian_filter(
        batch.images[1, 0].numpy(), 5.0, mode="nearest", truncate=1.0
    )
    np.testing.assert_allclose(blurred, expected, atol=1e-5)


@pytest.mark.parametrize("name", sorted(IMPUTERS))
def test_only_removed_pixels_change(
    name: str, tiny_classifier: Classifier, tiny_batch: MakeBatch
) -> None:
    batch = tiny_batch(tiny_classifier)
    index = torch.tensor([3, 0, 0])
    removed = torch.rand(3, 64 * 64, generator=torch.Generator().manual_seed(0)) < 0.3
    replaced = load_imputer(name).replaced(batch, index, removed)
    assert replaced.shape == (3, 3, 64, 64)
    assert replaced.is_contiguous(memory_format=torch.channels_last)
    kept = ~removed.view(3, 1, 64, 64).expand(-1, 3, -1, -1)
    assert torch.equal(replaced[kept], batch.images[index][kept])


def test_noise_belongs_to_the_image(tiny_classifier: Classifier, tiny_batch: MakeBatch) -> None:
    batch = tiny_batch(tiny_classifier)
    removed = torch.zeros(1, 64 * 64, dtype=torch.bool)
    removed[:, 300:800] = True
    imputer = NoisyLinear()
    together = imputer.replaced(batch, torch.tensor([2]), removed)
    alone = imputer.replaced(batch.part(2), torch.tensor([0]), removed)
    assert torch.equal(together, alone)
    silent = NoisyLinear(noise=0.0).replaced(batch, torch.tensor([2]), removed)
    added = (together - silent).permute(0, 2, 3, 1).reshape(-1, 3)[removed[0]]
    assert 0.008 < float(added.std()) < 0.012


def test_wrong_names_and_values() -> None:
    with pytest.raises(ValueError, match="unknown imputer 'grey'; known: zero, mean"):
        load_imputer("grey")
    with pytest.raises(ValueError, match=r"Blur\.size_px must be odd, got 4"):
        Blur(size_px=4)
