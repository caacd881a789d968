"""Questions: what pages ask about images, as frozen values; how a worker answers each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from xai_core.images.heatmap import limit_of
from xai_core.images.reading import RGB, Floats, Framing, Photo, framed, open_image

if TYPE_CHECKING:
    from compute.workplace import Workplace
    from xai_core.methods import Method

PHOTOS_AT_ONCE = 16


@dataclass(frozen=True)
class Answer:
    """What became of a question: its value, or one sentence about what went wrong.

    Values are numpy and plain data: an object of torch would load torch where it arrives.
    """

    value: Any = None
    error: str = ""
    seconds: float = 0.0


NO_PHOTO = Photo("", np.zeros((1, 1, 3), np.uint8), "")
"""For questions about a set of images, and where the worker has the photo already."""


@dataclass(frozen=True)
class Question:
    """Something to compute for one image and one model; equal questions share an answer.

    `is_quick`: it needs no pass of its own, and may go its way with others of its image.
    """

    model: str
    sha256: str
    framing: Framing
    photo: Photo = field(compare=False, repr=False)
    is_quick: bool = field(default=False, compare=False, kw_only=True)

    def without_photo(self) -> Self:
        return replace(self, photo=NO_PHOTO)

    def needs(self) -> tuple[Question, ...]:
        """The questions whose answers this one is computed from, where they are known."""
        return ()

    def compute(self, workplace: Workplace) -> Any:
        raise NotImplementedError


@dataclass(frozen=True)
class Prediction(Question):
    """The model's classes and probabilities: {"categories", "probabilities", "form", ...}."""

    def compute(self, workplace: Workplace) -> dict[str, Any]:
        batch = workplace.batch(self)
        classifier = batch.classifier
        return {
            "name": classifier.name,
            "fingerprint": classifier.fingerprint,
            "categories": list(classifier.categories),
            "form": vars(classifier.form),
            "probabilities": batch.probabilities[0].tolist(),
        }


@dataclass(frozen=True)
class Maps(Question):
    """One method's maps (T, H, W) for some classes: {"maps", "notes"}."""

    method: str
    targets: tuple[int, ...]

    def compute(self, workplace: Workplace) -> dict[str, Any]:
        import torch

        batch = workplace.batch(self)
        wanted = torch.tensor([self.targets], device=batch.images.device)
        notes: dict[str, torch.Tensor] = {}
        maps = recipe(self.method).attribute(batch, wanted, notes)
        return {
            "maps": maps[0].half().cpu().numpy(),
            "notes": {name: values[0].tolist() for name, values in notes.items()},
        }


@dataclass(frozen=True)
class ImageScores(Question):
    """One method's scores for one class: {metric spec: value or None}."""

    method: str
    targets: tuple[int, ...]
    target: int
    metrics: tuple[str, ...]

    @property
    def _maps(self) -> Maps:
        return Maps(self.model, self.sha256, self.framing, self.photo, self.method, self.targets)

    def needs(self) -> tuple[Question, ...]:
        return (self._maps,)

    def compute(self, workplace: Workplace) -> dict[str, float | None]:
        import torch

        from xai_core.catalog import configure
        from xai_core.metrics import METRICS, Case

        batch = workplace.batch(self)
        answer = workplace.answer(self._maps)
        if answer.error:
            raise ValueError(answer.error)
        row = answer.value["maps"][self.targets.index(self.target)]
        maps = torch.from_numpy(row.astype(np.float32))[None].to(batch.images.device)
        target = torch.tensor([self.target], device=batch.images.device)
        case = Case(batch, target, maps, recipe(self.method))
        scores: dict[str, float | None] = {}
        for metric in configure(self.metrics, METRICS):
            value = float(metric.score(case).values[0])
            scores[metric.spec()] = value if value == value else None
        return scores


@dataclass(frozen=True)
class Channels(Question):
    """The channels that add most to a class' logit: indices, shares, maps, bias and logit."""

    target: int
    count: int

    def compute(self, workplace: Workplace) -> dict[str, Any]:
        import torch

        from xai_core.models.feature_visualization import channel_shares

        batch = workplace.batch(self)
        target = torch.tensor([[self.target]], device=batch.images.device)
        shares = channel_shares(batch, target)[0, 0]
        best = shares.topk(min(self.count, len(shares))).indices
        logit = float(batch.logits[0, self.target])
        return {
            "channels": best.tolist(),
            "shares": shares[best].tolist(),
            "maps": batch.activations[0, best].float().cpu().numpy(),
            "logit": logit,
            "bias": logit - float(shares.sum()),
            "all": len(shares),
        }


@dataclass(frozen=True)
class ChannelMeans(Question):
    """Every channel's mean activation on many images: an array (images, channels).

    `sha256` names the set of images; `photo` is not looked at.
    """

    photos: tuple[Photo, ...] = field(compare=False, repr=False)

    def compute(self, workplace: Workplace) -> Floats:
        import torch

        from xai_core.models.batch import Batch

        classifier = workplace.classifier(self.model)
        means = []
        for start in range(0, len(self.photos), PHOTOS_AT_ONCE):
            part = self.photos[start : start + PHOTOS_AT_ONCE]
            with torch.inference_mode():
                activations = Batch.of(classifier, part, self.framing).activations
            means.append(activations.float().mean(dim=(2, 3)).cpu().numpy())
        return np.concatenate(means)


@dataclass(frozen=True)
class MeanMap(Question):
    """A class' map, averaged over many images: {"map", "image", "n"} after preprocessing.

    Each map counts alike: it is divided by what is drawn in full colour. `sha256` names the set
    of images; `photo` is not looked at.
    """

    method: str
    target: int
    files: tuple[Path, ...] = field(compare=False, repr=False)

    def compute(self, workplace: Workplace) -> dict[str, Any]:
        import torch

        from xai_core.models.batch import Batch

        classifier = workplace.classifier(self.model)
        size = classifier.form.size
        total = np.zeros((size, size), dtype=np.float32)
        image = np.zeros((size, size, 3), dtype=np.float32)
        for start in range(0, len(self.files), PHOTOS_AT_ONCE):
            photos = [open_image(file) for file in self.files[start : start + PHOTOS_AT_ONCE]]
            batch = Batch.of(classifier, photos, self.framing)
            targets = torch.full((len(photos), 1), self.target, device=batch.images.device)
            maps = recipe(self.method).attribute(batch, targets)[:, 0].cpu().numpy()
            for photo, values in zip(photos, maps, strict=True):
                total += values / (limit_of(values) or 1.0)
                image += framed(photo.rgb, classifier.form, self.framing)
        count = len(self.files)
        return {
            "map": total / count,
            "image": np.rint(image / count).astype(np.uint8),
            "n": count,
        }


@dataclass(frozen=True)
class Synthesis(Question):
    """The image that a channel likes best, optimised from noise; `photo` is not looked at."""

    channel: int
    steps: int

    def compute(self, workplace: Workplace) -> RGB:
        from xai_core.models.feature_visualization import Channel, FeatureVisualization

        recipe = FeatureVisualization(steps=self.steps)
        return recipe.synthesise(workplace.classifier(self.model), Channel(self.channel)).rgb


def recipe(spec: str) -> Method:
    """The method that a spec such as `secam[segments=200]` names.

    Half of its batch at a time: no slower on a CPU, and an image that is chosen meanwhile waits
    for less.
    """
    from xai_core.catalog import configure
    from xai_core.methods import METHODS

    method = configure([spec], METHODS)[0]
    at_once = getattr(method, "batch_size", 0)
    return replace(method, **{"batch_size": at_once // 2}) if at_once > 1 else method
