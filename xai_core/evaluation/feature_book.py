"""Feature book: a model's most used channels, drawn and with the images that excite them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from xai_core.files import read_object, write_whole
from xai_core.images.reading import RGB

if TYPE_CHECKING:
    import torch

    from xai_core.evaluation.dataset import Dataset
    from xai_core.models.classifier import Classifier
    from xai_core.models.feature_visualization import FeatureVisualization

FOLDER = "features"
EXAMPLES = 8
_AT_ONCE = 16


@dataclass(frozen=True)
class FeatureBook:
    """What is stored of one model's channels; read with numpy and Pillow alone."""

    folder: Path
    classifier: dict[str, Any]
    settings: dict[str, Any]
    used: dict[int, float]
    """Channel -> the mean absolute share of the predicted class' logit, the most used first."""
    images: tuple[str, ...]

    @cached_property
    def _examples(self) -> npt.NDArray[np.int16]:
        with np.load(self.folder / "examples.npz") as stored:
            found: npt.NDArray[np.int16] = stored["examples"]
        return found

    def examples(self, channel: int, count: int) -> tuple[str, ...]:
        """Names of the images with the largest mean activation, at most 8, largest first."""
        return tuple(self.images[index] for index in self._examples[channel, :count])

    def drawing(self, channel: int) -> RGB | None:
        """The synthesised image (H, W, 3), or None for a channel that is not drawn."""
        from PIL import Image

        path = _drawing(self.folder, channel)
        if not path.is_file():
            return None
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"))


def load_feature_book(run_dir: Path) -> FeatureBook | None:
    """The feature book of a run folder, or None where it has none."""
    index = run_dir / FOLDER / "index.json"
    if not index.is_file():
        return None
    stored = read_object(index)
    used = {int(channel): float(share) for channel, share in stored["used"].items()}
    return FeatureBook(
        index.parent, stored["classifier"], stored["settings"], used, tuple(stored["images"])
    )


def make_feature_book(
    run_dir: Path,
    classifier: Classifier,
    dataset: Dataset,
    recipe: FeatureVisualization,
    count: int,
    progress: Callable[[str, float], object] = lambda text, part: None,
) -> FeatureBook:
    """Draw the `count` most used channels, and list the images that excite each of all.

    Drawings of the same model and settings are kept, so a stopped call goes on where it was.
    Raises ValueError without a CAM head.
    """
    from PIL import Image

    from xai_core.models.feature_visualization import Channel

    folder = run_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    means, shares = _measured(classifier, dataset, progress)
    sizes = shares.abs().mean(dim=0)
    order = sizes.argsort(descending=True)[:count].tolist()
    named = {"name": classifier.name, "fingerprint": classifier.fingerprint}
    former = load_feature_book(run_dir)
    settings = recipe.settings()
    if former and (former.classifier, former.settings) != (named, settings):
        for path in folder.glob("channel-*.jpg"):
            path.unlink()
    index = {
        "classifier": named,
        "settings": settings,
        "used": {str(channel): round(float(sizes[channel]), 5) for channel in order},
        "images": [item.name for item in dataset.items],
    }
    best = means.T.argsort(dim=1, descending=True)[:, :EXAMPLES]
    np.savez_compressed(folder / "examples.npz", examples=best.numpy().astype(np.int16))
    write_whole(folder / "index.json", json.dumps(index))
    for position, channel in enumerate(order):
        path = _drawing(folder, channel)
        if not path.is_file():
            drawn = recipe.synthesise(classifier, Channel(channel)).rgb
            saved = io.BytesIO()
            Image.fromarray(drawn).save(saved, "JPEG", quality=90)
            write_whole(path, saved.getvalue())
        progress("drawing channels", (position + 1) / len(order))
    book = load_feature_book(run_dir)
    if book is None:
        raise FileNotFoundError(f"{folder}: the index is gone again")
    return book


def _measured(
    classifier: Classifier, dataset: Dataset, progress: Callable[[str, float], object]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean activations and shares of the predicted class' logit, (images, channels) each."""
    import torch

    from xai_core.models.batch import Batch
    from xai_core.models.feature_visualization import channel_shares

    means, shares = [], []
    for start in range(0, len(dataset.items), _AT_ONCE):
        photos = [item.open() for item in dataset.items[start : start + _AT_ONCE]]
        with torch.inference_mode():
            batch = Batch.of(classifier, photos)
            means.append(batch.activations.float().mean(dim=(2, 3)).cpu())
            shares.append(channel_shares(batch, batch.predicted[:, None])[:, 0].cpu())
        progress("looking at images", min(1.0, (start + _AT_ONCE) / len(dataset.items)))
    return torch.cat(means), torch.cat(shares)


def _drawing(folder: Path, channel: int) -> Path:
    return folder / f"channel-{channel:04}.jpg"
