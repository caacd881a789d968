"""Several people at once, each with a model of their own, get the maps of their own model."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
import torchvision
from playwright.sync_api import Page
from safetensors.torch import save_file

from xai_core import DATA
from xai_core.images.reading import open_image
from xai_core.methods import METHODS
from xai_core.models.batch import Batch
from xai_core.models.loading import load_classifier

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Open = Callable[..., Page]
REAL = Path(__file__).resolve().parents[3] / "shared" / "real" / "mobilenet_v2_imagenet.pth"
# one that hooks the model, one that needs gradients, two that read its activations
CHOSEN = ("cam", "secam", "grad_cam", "saliency")
PICTURE = "kiwi-1-1"


def test_sessions_with_different_networks_show_their_own_maps(
    open_page: Open,
    settled: Callable[[Page], None],
    download: Callable[[Page, str], bytes],
    tmp_path: Path,
) -> None:
    other = tmp_path / "other.safetensors"
    save_file(torchvision.models.resnet18(weights=None).state_dict(), other)
    networks = ["orchard", f"resnet18@{other}"]
    if REAL.is_file():
        networks.append(f"mobilenet_v2@{REAL}")
    address = f"?image={PICTURE}&framing=center_crop&methods={'+'.join(CHOSEN)}&model="
    pages = [open_page(address + quote(network)) for network in networks]
    for network, page in zip(networks, pages, strict=True):
        settled(page)
        page.get_by_role("tab", name="Export").click()
        content = np.load(io.BytesIO(download(page, "Maps as NPZ")))
        described = json.loads(str(content["description"]))
        architecture, _, name = network.rpartition("@")
        classifier = load_classifier(name, architecture=architecture)
        photo = open_image(DATA / "orchard" / "images" / f"{PICTURE}.jpg")
        batch = Batch.of(classifier, [photo], "center_crop")
        assert described["model"] == classifier.name
        assert described["classes"] == [classifier.categories[int(batch.predicted[0])]]
        assert described["methods"] == list(CHOSEN)
        for method, maps in zip(CHOSEN, content["maps"], strict=True):
            expected = METHODS[method]().attribute(batch, batch.predicted[:, None])[0].numpy()
            np.testing.assert_allclose(
                maps, expected, atol=2e-3 * float(np.abs(expected).max()), err_msg=method
            )
