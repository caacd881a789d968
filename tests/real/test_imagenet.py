"""The model of the extra `imagenet` on real photos: right classes, maps on the right animals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.real.conftest import BOXES, peaks_inside
from xai_core.__main__ import main
from xai_core.images.reading import Photo, open_image
from xai_core.methods import METHODS
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier
from xai_core.models.sources import describe


def test_most_photos_are_recognised(
    imagenet: Classifier, labelled: list[tuple[Photo, int, str]]
) -> None:
    right = 0
    for start in range(0, len(labelled), 10):
        part = labelled[start : start + 10]
        batch = Batch.of(imagenet, [photo for photo, _, _ in part], "center_crop")
        right += sum(p == label for p, (_, label, _) in zip(batch.predicted, part, strict=True))
    print(f"top-1 {right} of {len(labelled)}")
    assert right >= 0.75 * len(labelled)  # 75.1 % on ImageNet's validation images


def test_the_mean_of_the_cam_plus_the_bias_is_the_logit(imagenet: Classifier, real: Path) -> None:
    batch = Batch.of(imagenet, [open_image(real / "dog_and_cat.png")])
    targets = batch.top(3)
    assert imagenet.head is not None
    maps = METHODS["cam"]().attribute(batch, targets)
    logits = maps.mean(dim=(2, 3)) + imagenet.head.bias[targets]
    torch.testing.assert_close(logits, batch.logits.gather(1, targets), atol=1e-4, rtol=0)


def test_it_is_told_by_what_it_knows(imagenet: Classifier) -> None:
    told = describe("imagenet")
    assert told.knows.startswith("knows 1,000 classes of ImageNet (animals, plants, ")
    assert (told.source, told.architecture) == ("imagenet", "EfficientNet-Lite0")
    assert told.download_mb == 0


@pytest.mark.parametrize("method", ["cam", "secam", "grad_cam"])
def test_the_command_line_finds_dog_and_cat(
    imagenet: Classifier, real: Path, tmp_path: Path, method: str
) -> None:
    words = ["explain", str(real / "dog_and_cat.png"), "--classifier", "imagenet"]
    words += ["--target", "bull mastiff", "--target", "tiger cat", "--methods", method]
    assert main([*words, "--out", str(tmp_path)]) == 0
    (shard,) = (tmp_path / "maps").glob("*.npz")
    with np.load(shard) as maps:
        found = {int(key.rpartition("/")[2]): maps[key] for key in maps.files}
    assert {*found} == {*BOXES}
    for target, values in found.items():
        assert peaks_inside(values, target), f"{method}: {imagenet.categories[target]}"
