"""Redrawing: images of edited scenes and what a model says to them, both kept on disk."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PILImage
from torch import Tensor

from xai_core import places
from xai_core.files import write_whole
from xai_core.models.classifier import Classifier
from xai_core.orchard.rendering import Image, Rendering, render, render_many
from xai_core.orchard.scene import part_names
from xai_core.orchard.shot import Shot

CACHE = places.CACHE / "orchard"
"""Where images and answers are kept; deleting it costs time, never results."""
_NOT_DRAWING = (
    "dataset", "sampling", "table", "variety", "frame", "mixture", "pool", "curriculum", "shot",
    "redrawing", "shortcut", "ground_truth", "picture_sets", "merging", "facts", "verdict",
    "scene_book", "degradation", "oracle",
)  # fmt: skip


def redrawn(shot: Shot) -> Rendering:
    """The image and its part ids, from the cache or drawn now."""
    found = _stored(shot)
    if found is None:
        with one_thread():
            found = render(shot.scene, shot.size, shot.supersample)
        _store(shot, found)
    return found


def draw_ahead(
    shots: Iterable[Shot], workers: int = 1, progress: Callable[[int, int], None] | None = None
) -> int:
    """Draw what the cache lacks, with `workers` processes; gives how many were drawn.

    A killed call goes on where it stopped. `progress(done, count)` counts what was missing.
    """
    missing = [shot for shot in dict.fromkeys(shots) if not _files(shot)[1].exists()]
    done = 0
    for way in dict.fromkeys((shot.size, shot.supersample) for shot in missing):
        group = [shot for shot in missing if (shot.size, shot.supersample) == way]
        with one_thread():
            pictures = render_many([shot.scene for shot in group], way[0], workers, way[1])
            for shot, rendering in zip(group, pictures, strict=True):
                _store(shot, rendering)
                done += 1
                if progress is not None:
                    progress(done, len(missing))
    return done


def logits_of_shots(classifier: Classifier, shots: Sequence[Shot]) -> Tensor:
    """(M, K) float32 logits of the drawn images, on the CPU; each image is asked once, ever.

    Every image is passed alone, so that its logits do not depend on the others.
    """
    answers = _answers(classifier.fingerprint, classifier.form.size, len(classifier.categories))
    for shot in shots:
        key = shot.key
        if key not in answers.known:
            image = classifier.prepare(redrawn(shot).image)
            with torch.inference_mode():
                answers.add(key, classifier.logits(image[None])[0].float().cpu().numpy())
    return torch.from_numpy(np.stack([answers.known[shot.key] for shot in shots]))


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Drawing works on small pieces: more threads of one process only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Answers:
    """Logits by image in one file of fixed records that is only ever appended to."""

    def __init__(self, path: Path, classes: int) -> None:
        self.path = path
        self.record = np.dtype([("key", "u1", (16,)), ("logits", "<f4", (classes,))])
        self.known: dict[str, NDArray[np.float32]] = {}
        if path.is_file():
            content = path.read_bytes()
            whole = len(content) - len(content) % self.record.itemsize  # a killed writer's tail
            for row in np.frombuffer(content[:whole], self.record):
                self.known[row["key"].tobytes().hex()] = row["logits"].copy()
            if whole < len(content):
                os.truncate(path, whole)

    def add(self, key: str, logits: NDArray[np.float32]) -> None:
        self.known[key] = logits
        row = np.zeros((), self.record)
        row["key"] = np.frombuffer(bytes.fromhex(key), np.uint8)
        row["logits"] = logits
        with contextlib.suppress(OSError):  # without a cache everything still works
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                file.write(row.tobytes())


def _answers(fingerprint: str, size: int, classes: int) -> _Answers:
    return _opened(_folder("answers") / f"{fingerprint[:24]}-{size}px.bin", classes)


@functools.lru_cache(maxsize=8)
def _opened(path: Path, classes: int) -> _Answers:
    return _Answers(path, classes)


def _files(shot: Shot) -> tuple[Path, Path]:
    """Part ids and image; the image is written last, so it says that both are there."""
    folder = _folder("pictures") / shot.key[:2]
    return folder / f"{shot.key}.ids.png", folder / f"{shot.key}.png"


def _folder(kind: str) -> Path:
    return CACHE / f"{kind}-{_renderer()}"


@functools.cache
def _renderer() -> str:
    """8 hex digits of the code that draws: images of older code are not used."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem not in _NOT_DRAWING:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def _stored(shot: Shot) -> Rendering | None:
    ids, picture = _files(shot)
    try:
        return Rendering(_read(picture), _read(ids), part_names(shot.scene))
    except (OSError, ValueError):
        return None


def _read(path: Path) -> Image:
    with PILImage.open(path, formats=("PNG",)) as image:
        return np.array(image, dtype=np.uint8)


def _store(shot: Shot, rendering: Rendering) -> None:
    ids, picture = _files(shot)
    with contextlib.suppress(OSError):
        ids.parent.mkdir(parents=True, exist_ok=True)
        for path, pixels in ((ids, rendering.part_ids), (picture, rendering.image)):
            saved = io.BytesIO()
            PILImage.fromarray(pixels).save(saved, "PNG", compress_level=1)
            write_whole(path, saved.getvalue())
