"""One call explains: equal to the pieces it is made of, and honest about what it left out."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from xai_core.explanations import CELL_PX, explain
from xai_core.given import photos_from, recipes_from
from xai_core.images.class_names import ClassNames
from xai_core.images.heatmap import overlay
from xai_core.images.reading import Photo, map_on_photo
from xai_core.methods import METHODS
from xai_core.models.batch import Batch
from xai_core.models.classifier import Classifier


def test_the_maps_are_those_of_the_methods(
    tiny_classifier: Classifier, photos: list[Photo]
) -> None:
    found = explain(tiny_classifier, photos, ["cam", "saliency"], top_k=2)
    batch = Batch.of(tiny_classifier, photos)
    for name in ("cam", "saliency"):
        maps = METHODS[name]().attribute(batch, batch.top(2))
        np.testing.assert_array_equal(found[name], maps.numpy())
    np.testing.assert_array_equal(found.targets, batch.top(2).numpy())
    np.testing.assert_array_equal(
        found.probabilities, batch.probabilities.gather(1, batch.top(2)).numpy()
    )


def test_more_images_than_one_batch_keep_their_order(tiny_classifier: Classifier) -> None:
    pictures = [np.full((40, 50, 3), shade, np.uint8) for shade in range(0, 200, 20)]
    found = explain(tiny_classifier, pictures, "uniform", target="c")
    assert [int(photo.rgb[0, 0, 0]) for photo in found.photos] == list(range(0, 200, 20))
    assert found["uniform"].shape == (10, 1, 64, 64)
    assert (found.targets == 2).all()
    logits = Batch.of(tiny_classifier, found.photos).logits
    np.testing.assert_allclose(
        found.probabilities[:, 0], logits.softmax(dim=1)[:, 2].numpy(), rtol=1e-5
    )


def test_what_cannot_explain_the_network_is_left_out_with_its_reason(
    linear_classifier: Classifier, photos: list[Photo]
) -> None:
    found = explain(linear_classifier, photos[0], ["cam", "saliency"])
    assert list(found.maps) == ["saliency"]
    assert "no CAM head" in found.left_out["cam"]
    assert "no CAM head" in found._repr_html_()
    with pytest.raises(ValueError, match=r"no method is left: CAM: .*no CAM head"):
        explain(linear_classifier, photos[0], "cam")
    with pytest.raises(KeyError, match="no maps of 'cam'; there are: saliency"):
        found["cam"]


def test_a_method_that_fails_is_left_out_with_its_reason(
    tiny_classifier: Classifier, photos: list[Photo], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(METHODS["cam"], "_maps", lambda *_: torch.full((1, 1, 2, 2), float("nan")))
    found = explain(tiny_classifier, photos[0], ["cam", "uniform"])
    assert [method.name for method in found.methods] == ["uniform"]
    assert found.left_out == {"cam": "CAM gave values that are not finite"}


def test_the_notebook_shows_each_map_over_its_photo(
    tiny_classifier: Classifier, photos: list[Photo]
) -> None:
    named = Photo("<script>.png", photos[0].rgb, photos[0].sha256)
    found = explain(tiny_classifier, [named, photos[1]], ["cam", "random[grain=cell]"])
    page = found._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;.png" in page
    assert "Random (7 x 7 cells)" in page
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    assert len(pictures) == 2 * (1 + 2)
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(pictures[1]))), dtype=float)
    whole = map_on_photo(found["cam"][0, 0], 96, 120, tiny_classifier.form, "whole")
    assert np.abs(shown - overlay(named.rgb, whole)).mean() < 6  # JPEG's loss
    table = np.asarray(Image.open(io.BytesIO(found._repr_png_())))
    assert table.shape == (2 * CELL_PX, 3 * CELL_PX, 3)
    top, left = (CELL_PX - 96) // 2, CELL_PX + (CELL_PX - 120) // 2
    np.testing.assert_array_equal(table[top : top + 96, left : left + 120], found.drawn("cam"))


def test_images_are_taken_as_people_have_them(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    path = tmp_path / "a.png"
    for given in (path, str(path), content, pixels, Image.fromarray(pixels), tmp_path):
        [photo] = photos_from(given)
        np.testing.assert_array_equal(photo.rgb, pixels)
    assert photos_from(path)[0].sha256 == photos_from(content)[0].sha256
    assert photos_from(pixels)[0].sha256 == photos_from(Image.fromarray(pixels))[0].sha256
    assert [photo.name for photo in photos_from([pixels, path])] == ["image 0", "a.png"]
    rotated = Image.fromarray(pixels)
    rotated.getexif()[0x0112] = 3
    np.testing.assert_array_equal(photos_from(rotated)[0].rgb, pixels[::-1, ::-1])
    with pytest.raises(
        ValueError, match=r"images\[0\] must be \(H, W, 3\) uint8, got \(20, 30, 3\)"
    ):
        photos_from(pixels.astype(np.float32))
    with pytest.raises(ValueError, match="at least one image"):
        photos_from([])


def test_a_bare_module_is_told_what_it_lacks(photos: list[Photo]) -> None:
    with pytest.raises(TypeError, match=r"Classifier\.of\(model, categories\)"):
        explain(torch.nn.Linear(2, 2), photos)  # type: ignore[arg-type]


def test_recipes_and_classes_by_name_or_as_they_are() -> None:
    random = METHODS["random"](grain="cell")
    assert recipes_from("random[grain=cell]", METHODS) == [random]
    assert recipes_from([random, "cam"], METHODS) == [random, METHODS["cam"]()]
    with pytest.raises(ValueError, match="unknown name 'camm'"):
        recipes_from("camm", METHODS)
    names = ClassNames(("pear", "fig"))
    assert (names.chosen("fig"), names.chosen("1")) == (1, 1)
    with pytest.raises(ValueError, match="2: no such class; name one, or a number from 0 to 1"):
        names.chosen("2")
