"""Scene book: single scenes with parts, importances, maps and redrawn images, stored small."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from xai_core.evaluation.map_files import MapFiles
from xai_core.evaluation.packed_maps import packed, unpacked
from xai_core.evaluation.run_folder import RunFolderError, load_manifest
from xai_core.files import read_object, write_whole

if TYPE_CHECKING:
    from xai_core.evaluation.dataset import Item
    from xai_core.models.classifier import Classifier

FOLDER = "scenes"
JPEG_QUALITY = 90


@dataclass(frozen=True)
class SceneBook:
    """The stored scenes of one model; read without torch.

    `pages` are dicts: name, fruit, level, target (a category), logit, probability, methods (spec
    -> label) and units, each with name, image, importance (of the logit), probability (of the
    target without it), share (of the pixels) and sums (method spec -> share of the attribution).
    """

    folder: Path
    side: int
    pages: tuple[dict[str, Any], ...]

    def picture(self, page: dict[str, Any], unit: str = "") -> Path:
        """The JPEG of the scene as drawn, or without one unit."""
        names = {entry["name"]: str(entry["picture"]) for entry in page["units"]}
        return self.folder / (names[unit] if unit else f"{page['name']}.jpg")

    def maps(self, page: dict[str, Any], method: str) -> npt.NDArray[np.float32]:
        """(S, S) map of a method for the page's target; raises KeyError where it is absent."""
        with np.load(self.folder / f"{page['name']}.npz") as stored:
            prefix = f"{method}."
            arrays = {
                key.removeprefix(prefix): stored[key]
                for key in stored.files
                if key.startswith(prefix)
            }
        found: npt.NDArray[np.float32] = unpacked(arrays, self.side)[0]
        return found


def load_scene_book(run_dir: str | Path) -> SceneBook | None:
    """The scene book of a ground-truth run, or None where it has none."""
    folder = Path(run_dir) / FOLDER
    try:
        stored = read_object(folder / "index.json")
        return SceneBook(folder, int(stored["side"]), tuple(stored["pages"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_scene_book(
    run_dir: Path, classifier: Classifier, items: Sequence[Item], part_dir: Path
) -> None:
    """Store the items (drawn scenes) with the maps that the run in `part_dir` made of them.

    Where maps are not there any more, pages of before stay, as many as there are items.
    """
    folder = run_dir / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    manifest = load_manifest(part_dir)
    methods = {key: entry for key, entry in manifest.methods.items() if entry["name"] != "oracle"}
    stored_maps = _maps_by_image(part_dir, list(methods))
    before = load_scene_book(run_dir)
    known = {page["name"]: page for page in before.pages} if before else {}
    chosen = {}
    for item in items:
        name, maps = Path(item.name).stem, stored_maps.get(item.sha256())
        if maps:
            chosen[name] = _page(folder, classifier, item, methods, maps)
        elif name in known:
            chosen[name] = known[name]
    stay = [page for name, page in known.items() if name not in chosen]
    pages = [*chosen.values(), *stay[: len(items) - len(chosen)]]
    content = {"side": classifier.form.size, "classifier": classifier.name, "pages": pages}
    write_whole(folder / "index.json", json.dumps(content, separators=(",", ":")))
    wanted = {"index.json"}.union(*map(_files, pages))
    for path in folder.iterdir():
        if path.name not in wanted:
            path.unlink()


def _files(page: dict[str, Any]) -> set[str]:
    """The names of all files of a page."""
    own = (f"{page['name']}{ending}" for ending in (".jpg", ".npz"))
    return {*own, *(str(unit["picture"]) for unit in page["units"])}


def _page(
    folder: Path,
    classifier: Classifier,
    item: Item,
    methods: dict[str, dict[str, Any]],
    maps: dict[str, npt.NDArray[np.float32]],
) -> dict[str, Any]:
    import torch

    from xai_core.ground_truth.benchmarks._units import units_in
    from xai_core.orchard.interventions import without
    from xai_core.orchard.redrawing import redrawn

    if item.read_shot is None:
        raise ValueError(f"{item.name}: is no drawn scene")
    shot = item.read_shot()
    name, side = Path(item.name).stem, classifier.form.size
    units = units_in(classifier, shot, side)
    target = int(units.whole.argmax())
    importance = units.importance(target)
    left = units.left.double().softmax(dim=1)[:, target]
    _jpeg(redrawn(shot).image, folder / f"{name}.jpg")
    arrays, sums = {}, {}
    for key, values in maps.items():
        spec = methods[key]["spec"]
        positive = torch.from_numpy(values).clamp(min=0)
        total = float(positive.sum())
        sums[spec] = units.sums(positive) / total if total > 0 else torch.zeros(len(units.names))
        for form, array in packed(values[None]).items():
            arrays[f"{spec}.{form}"] = array
    np.savez_compressed(folder / f"{name}.npz", **arrays)  # type: ignore[arg-type]
    described = []
    for index, unit in enumerate(units.names):
        picture = f"{name}-{unit}.jpg"
        _jpeg(redrawn(shot.of(without(shot.scene, unit))).image, folder / picture)
        described.append(
            {
                "name": unit,
                "picture": picture,
                "importance": round(float(importance[index]), 4),
                "probability": round(float(left[index]), 4),
                "share": round(float(units.regions[index].float().mean()), 5),
                "sums": {spec: round(float(values[index]), 4) for spec, values in sums.items()},
            }
        )
    return {
        "name": name,
        "fruit": shot.scene.classes[0],
        "level": item.level,
        "target": classifier.categories[target],
        "logit": round(float(units.whole[target]), 4),
        "probability": round(float(units.whole.double().softmax(dim=0)[target]), 4),
        "methods": {methods[key]["spec"]: methods[key]["label"] for key in maps},
        "units": described,
    }


def _maps_by_image(
    part_dir: Path, method_keys: Sequence[str]
) -> dict[str, dict[str, npt.NDArray[np.float32]]]:
    """Image sha256 -> method key -> map (S, S), for the predicted classes."""
    found: dict[str, dict[str, npt.NDArray[np.float32]]] = {}
    kept = MapFiles(part_dir)
    for unit, method_key in kept.of(*method_keys):
        try:
            maps, note = kept.read(unit, method_key)
        except RunFolderError:
            continue
        for sha256, values, scale in zip(note["sha256s"], maps, note["scales"], strict=True):
            found.setdefault(sha256, {})[method_key] = values.astype(np.float32) * scale
    return found


def _jpeg(rgb: npt.NDArray[np.uint8], path: Path) -> None:
    Image.fromarray(rgb).save(path, quality=JPEG_QUALITY, subsampling=0, optimize=True)
