"""Cached: everything that pages share or keep between runs; the only user of st.cache_*.

Tables, maps and photos are shared, not copied for every page: nobody may change them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import streamlit as st
from compute.desk import Desk
from compute.workers import Workers
from state import choices

from runs import steps_to_secam
from runs.run_folders import PROTECTED, SHIPPED_RUNS, run_folders
from runs.samples import Sample, gallery_ids, orchard_samples, photo_samples
from runs.steps_to_secam import Look, Step
from xai_core.evaluation.convergence import FILE, load_convergence
from xai_core.evaluation.feature_book import FeatureBook, load_feature_book
from xai_core.evaluation.gallery import Gallery, load_gallery
from xai_core.images import heatmap
from xai_core.images.reading import (
    RGB,
    BadImage,
    Floats,
    Framing,
    InputFormat,
    Photo,
    framed,
    map_on_photo,
    open_image,
)

if TYPE_CHECKING:
    import pandas as pd

    from runs.results import Agreements, Board, Filters, Finished
    from runs.superpixel_wording import Answer
    from runs.truth import Truth, TwoNetworks
    from xai_core.evaluation.lead import Lead
    from xai_core.evaluation.statistics import Friedman
    from xai_core.ground_truth.scene_book import SceneBook

SHIPPED = SHIPPED_RUNS / "shipped"
THUMBNAIL_PX = 96
DISPLAY_PX = 480


@st.cache_resource(show_spinner=False)
def desk() -> Desk:
    """The one desk that has images explained for all sessions."""
    return Desk(Workers(), choices.is_open)


def gallery() -> Gallery | None:
    """The shipped maps and scores, or None where there are none."""
    return _gallery(SHIPPED, _stamp(SHIPPED / "gallery" / "index.json"))


@st.cache_resource(show_spinner=False, max_entries=2)
def _gallery(run_dir: Path, stamp: float) -> Gallery | None:
    return load_gallery(run_dir)


@st.cache_resource(show_spinner=False, max_entries=64)
def gallery_entries(stamp: float, name: str) -> dict[str, Any]:
    shipped = gallery()
    return shipped.entries(name) if shipped else {}


@st.cache_resource(show_spinner=False, max_entries=400)
def gallery_maps(stamp: float, name: str, method: str) -> Floats:
    shipped = gallery()
    if shipped is None:
        raise KeyError(name)
    return shipped.maps(name, method)


def convergence() -> dict[str, Any] | None:
    """The agreement of two seeds by number of samples, where the shipped run has it."""
    return _convergence(SHIPPED, _stamp(SHIPPED / FILE))


@st.cache_resource(show_spinner=False, max_entries=2)
def _convergence(run_dir: Path, stamp: float) -> dict[str, Any] | None:
    return load_convergence(run_dir)


def feature_book() -> FeatureBook | None:
    """The shipped channels with their drawings, or None where there are none."""
    return _feature_book(SHIPPED, _stamp(SHIPPED / "features" / "index.json"))


@st.cache_resource(show_spinner=False, max_entries=2)
def _feature_book(run_dir: Path, stamp: float) -> FeatureBook | None:
    return load_feature_book(run_dir)


def gallery_stamp() -> float:
    return _stamp(SHIPPED / "gallery" / "index.json")


@st.cache_resource(show_spinner=False)
def samples() -> dict[str, Sample]:
    """Every sample image by id: Orchard's, then photos."""
    return orchard_samples() | photo_samples()


@st.cache_resource(show_spinner=False)
def thumbnails(stamp: float, with_photos: bool) -> dict[str, tuple[str, str]]:
    """Id -> (title, data URI) of the images shown first."""
    known, photos = samples(), photo_samples()
    first = gallery_ids(gallery(), {k: v for k, v in known.items() if k not in photos})
    names = [*photos, *first] if with_photos else first
    return {name: (known[name].title(), thumbnail(known[name].open())) for name in names}


def orchard_singles() -> list[Sample]:
    """Orchard's images of one fruit."""
    return [s for s in samples().values() if s.level is not None and not s.id.startswith("pair-")]


def thumbnail(photo: Photo) -> str:
    """A small square of the middle of a photo, as a data URI."""
    rgb = fitted_photo(photo, photo.sha256, DISPLAY_PX)
    height, width = rgb.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = rgb[top : top + side, left : left + side]
    return heatmap.data_uri(heatmap.fitted(square, THUMBNAIL_PX))


@st.cache_resource(show_spinner=False, max_entries=400)
def sample_photo(name: str) -> Photo:
    return samples()[name].open()


@st.cache_resource(show_spinner=False, max_entries=16)
def run_photo(file: Path, sha256: str) -> Photo:
    """An image of a run, as it was when it was evaluated; raises BadImage where it is not."""
    photo = open_image(file)
    if photo.sha256 != sha256:
        raise BadImage(f"{file}: has changed since it was evaluated; evaluate it again")
    return photo


@st.cache_data(show_spinner=False, max_entries=600)
def run_thumbnail(file: Path, sha256: str) -> str:
    """A small square of a run's image as a data URI; empty where the file is not there."""
    try:
        return thumbnail(run_photo(file, sha256))
    except BadImage:
        return ""


@st.cache_resource(show_spinner=False, max_entries=16)
def fitted_photo(_photo: Photo, sha256: str, longest_px: int) -> RGB:
    """The photo as it is drawn, its longer side at most `longest_px`; not to be written to."""
    return heatmap.fitted(_photo.rgb, longest_px)


@st.cache_resource(show_spinner=False, max_entries=16)
def framed_photo(
    _photo: Photo, sha256: str, form: tuple[tuple[str, Any], ...], framing: Framing
) -> RGB:
    """The photo as the model sees it; not to be written to."""
    return framed(_photo.rgb, InputFormat(**dict(form)), framing)


@st.cache_data(show_spinner=False, max_entries=600)
def drawn(
    _photo: Photo,
    _values: Floats,
    key: tuple[object, ...],
    *,
    form: tuple[tuple[str, Any], ...],
    framing: Framing,
    view: str,
    opacity: float,
    threshold: float,
) -> bytes:
    """A map on its photo as a JPEG; `key` names photo, model, method, settings and class."""
    rgb = fitted_photo(_photo, _photo.sha256, DISPLAY_PX)
    height, width = rgb.shape[:2]
    values = map_on_photo(_values, height, width, InputFormat(**dict(form)), framing)
    if view == "kept":
        picture = heatmap.masked(rgb, values, threshold)
    else:
        picture = heatmap.overlay(rgb, values, 1.0 if view == "map" else opacity)
    return heatmap.encoded(picture, ".jpg")


@st.cache_data(show_spinner=False, max_entries=60)
def shown_photo(_photo: Photo, sha256: str) -> bytes:
    return heatmap.encoded(fitted_photo(_photo, sha256, DISPLAY_PX), ".jpg")


@st.cache_resource(show_spinner=False, max_entries=60)
def secam_steps(
    _look: Look, _cam: Floats, key: tuple[object, ...], segments: int, compactness: float
) -> list[Step]:
    """`key` names photo, model, class and how the photo is shown."""
    return steps_to_secam.secam_steps(_look, _cam, segments, compactness)


@st.cache_resource(show_spinner=False, max_entries=60)
def slic_steps(
    _look: Look, key: tuple[object, ...], segments: int, compactness: float
) -> list[Step]:
    return steps_to_secam.slic_steps(_look, segments, compactness)


@st.cache_resource(show_spinner=False, max_entries=16)
def manifest(run_dir: Path, stamp: float) -> dict[str, Any]:
    """What a run evaluated; raises RunFolderError where the folder holds none."""
    from xai_core.evaluation.store import load_manifest

    return load_manifest(run_dir).as_dict()


@st.cache_resource(show_spinner=False, max_entries=8)
def scores(run_dir: Path, stamp: float) -> pd.DataFrame:
    """All scores of a run, one row each."""
    from xai_core.evaluation.store import load_scores

    return load_scores(run_dir)


def superpixel_answer() -> Answer:
    """CAM or SeCAM from the shipped run and from the benchmarks of the same model."""
    folders = [(SHIPPED, run_stamp(SHIPPED))]
    folders += [(path, run_stamp(path)) for path in truth_runs().values()][:1]
    return superpixel_answer_of(tuple((path, stamp) for path, stamp in folders if stamp))


@st.cache_data(show_spinner=False, max_entries=4)
def superpixel_answer_of(folders: tuple[tuple[Path, float], ...]) -> Answer:
    """CAM or SeCAM from some runs; those of another model than the first's are left out."""
    from runs.superpixel_wording import superpixel_answer

    runs = [(scores(path, stamp), manifest(path, stamp)) for path, stamp in folders]
    model = runs[0][1]["classifier"]["fingerprint"] if runs else ""
    return superpixel_answer([r for r in runs if r[1]["classifier"]["fingerprint"] == model])


def runs() -> dict[str, Path]:
    """Run folders by name: the shipped ones, then the user's own, newest first."""
    found = [path for path in run_folders() if (path / "manifest.json").is_file()]
    found = [path for path in found if not is_truth(path)]
    own = [path for path in found if path.name not in PROTECTED]
    own.sort(key=lambda path: -_stamp(path / "manifest.json"))
    found = [path for path in found if path not in own] + own
    return {path.name: path for path in found}


def is_truth(run_dir: Path) -> bool:
    """Whether a run folder holds benchmarks with a known answer."""
    return (run_dir / "facts.json").is_file()


def truth_runs() -> dict[str, Path]:
    """Ground-truth runs by name: the shipped one first."""
    found = [path for path in run_folders() if is_truth(path)]
    found.sort(key=lambda path: (path.name != "ground_truth", path.name))
    return {path.name: path for path in found if run_stamp(path)}


def truth(run_dir: Path) -> Truth:
    """The benchmarks' verdict on methods, and on the metrics of another run of the same model."""
    return _truth(run_dir, run_stamp(run_dir), judged_run(run_dir))


def judged_run(run_dir: Path) -> tuple[Path, float] | None:
    """The precomputed run of the same model with the most methods: its metrics are judged."""
    model = manifest(run_dir, run_stamp(run_dir))["classifier"]["fingerprint"]
    found = [
        (path, run_stamp(path))
        for name, path in {"": SHIPPED, **runs()}.items()
        if run_stamp(path) and (name in PROTECTED or not name)
    ]
    same = [run for run in found if manifest(*run)["classifier"]["fingerprint"] == model]
    return max(same, key=lambda run: len(manifest(*run)["methods"]), default=None)


@st.cache_data(show_spinner=False, max_entries=4)
def _truth(run_dir: Path, stamp: float, judged: tuple[Path, float] | None) -> Truth:
    from runs import truth

    metrics = (scores(*judged), manifest(*judged)) if judged else (None, None)
    return truth.truth(scores(run_dir, stamp), manifest(run_dir, stamp), *metrics)


@st.cache_data(show_spinner=False, max_entries=4)
def other_network(run_dir: Path, stamp: float) -> TwoNetworks | None:
    """How another model's ground-truth run ranks the methods; None where there is none."""
    from runs import truth

    mine = manifest(run_dir, stamp)["classifier"]
    for other in truth_runs().values():
        theirs = manifest(other, run_stamp(other))["classifier"]
        if theirs["fingerprint"] != mine["fingerprint"]:
            found = [
                (scores(run, at), manifest(run, at), truth_facts(run, at))
                for run, at in ((run_dir, stamp), (other, run_stamp(other)))
            ]
            return truth.two_networks(found[0], found[1])
    return None


@st.cache_data(show_spinner=False, max_entries=24)
def truth_test(run_dir: Path, stamp: float, metric: str) -> tuple[Friedman | None, Lead | None]:
    """Friedman's test of the methods in one benchmark and who leads, the oracle left out."""
    from runs import results
    from xai_core.ground_truth.verdict import ORACLE

    found = scores(run_dir, stamp)
    same = truth(run_dir).board.same
    described = manifest(run_dir, stamp)
    by_method = results.compared(found[found["method"] != ORACLE], described, metric, same)
    higher = bool(results.is_higher_better(metric, described))
    return results.standing(by_method, higher, results.nulls_of(described))


@st.cache_data(show_spinner=False, max_entries=4)
def sticker_shares(run_dir: Path, stamp: float) -> pd.DataFrame:
    """Both models' share of the attribution on the sticker, per method and image."""
    from runs import truth
    from xai_core.evaluation.store import load_curves

    return truth.shares(scores(run_dir, stamp), load_curves(run_dir), manifest(run_dir, stamp))


@st.cache_data(show_spinner=False, max_entries=4)
def truth_facts(run_dir: Path, stamp: float) -> dict[str, Any]:
    """What was measured beside the scores of a ground-truth run."""
    from xai_core.ground_truth.facts import load_facts

    return load_facts(run_dir)


@st.cache_data(show_spinner=False, max_entries=4)
def scene_book(run_dir: Path, stamp: float) -> SceneBook | None:
    from xai_core.ground_truth.scene_book import load_scene_book

    return load_scene_book(run_dir)


@st.cache_data(show_spinner=False, max_entries=200)
def scene_map(run_dir: Path, stamp: float, name: str, method: str, opacity: float) -> bytes:
    """A stored scene under a method's map, as a JPEG."""
    book = scene_book(run_dir, stamp)
    if book is None:
        raise KeyError(name)
    page = next(page for page in book.pages if page["name"] == name)
    rgb = open_image(book.picture(page)).rgb
    return heatmap.encoded(heatmap.overlay(rgb, book.maps(page, method), opacity), ".jpg")


@st.cache_resource(show_spinner=False, max_entries=24)
def board(run_dir: Path, stamp: float, filters: Filters) -> Board:
    """The summary of a run over the images that count."""
    from runs import results

    return results.board(filters.of(scores(run_dir, stamp)), manifest(run_dir, stamp))


@st.cache_resource(show_spinner=False, max_entries=48)
def standing(
    run_dir: Path, stamp: float, filters: Filters, metric: str
) -> tuple[Friedman | None, Lead | None]:
    """Friedman's test of one metric, and who leads it."""
    from runs import results

    by_method = _compared(run_dir, stamp, filters, metric)
    described = manifest(run_dir, stamp)
    higher = bool(results.is_higher_better(metric, described))
    return results.standing(by_method, higher, results.nulls_of(described))


def finished(run_dir: Path, stamp: float) -> Finished | None:
    """How far a run is that was stopped or is at work; None where it is done."""
    from runs import results
    from xai_core.evaluation.status import load_status

    status = load_status(run_dir) or {}
    return results.finished(
        scores(run_dir, stamp), manifest(run_dir, stamp), str(status.get("state", ""))
    )


def seed_agreements(run_dir: Path, stamp: float) -> dict[str, float | None]:
    """How far two seeds of a run's sampling methods agree, as far as it was measured."""
    from xai_core.evaluation.convergence import run_agreements

    return run_agreements(manifest(run_dir, stamp), convergence())


@st.cache_resource(show_spinner=False, max_entries=24)
def pairwise(run_dir: Path, stamp: float, filters: Filters, metric: str) -> pd.DataFrame:
    """Every pair of methods in one metric: wins and tests; empty for descriptive metrics."""
    from runs import results
    from xai_core.evaluation.statistics import pairwise_wilcoxon

    by_method = _compared(run_dir, stamp, filters, metric)
    higher = results.is_higher_better(metric, manifest(run_dir, stamp))
    return pairwise_wilcoxon(by_method, bool(higher))


def _compared(run_dir: Path, stamp: float, filters: Filters, metric: str) -> pd.DataFrame:
    from runs import results

    same = board(run_dir, stamp, filters).same
    shown = filters.of(scores(run_dir, stamp))
    return results.compared(shown, manifest(run_dir, stamp), metric, same)


@st.cache_resource(show_spinner=False, max_entries=8)
def curves(run_dir: Path, stamp: float) -> pd.DataFrame:
    """All points of all curves of a run."""
    from xai_core.evaluation.store import load_curves

    return load_curves(run_dir)


def curve_measures() -> list[str]:
    """Every metric that draws a curve, in any run."""
    from runs import results

    stamped = {run_dir: run_stamp(run_dir) for run_dir in runs().values()}
    return [
        metric
        for run_dir, stamp in stamped.items()
        for metric in results.curve_metrics(curves(run_dir, stamp), manifest(run_dir, stamp))
    ]


@st.cache_resource(show_spinner=False, max_entries=48)
def curve_means(
    run_dir: Path, stamp: float, filters: Filters, metric: str, methods: tuple[str, ...]
) -> pd.DataFrame:
    """Mean curves of one metric and some methods over the images that count, with bands."""
    from runs import results

    images = filters.of(scores(run_dir, stamp))["image_sha256"].unique()
    found = curves(run_dir, stamp)
    return results.curve_means(found, manifest(run_dir, stamp), metric, methods, list(images))


@st.cache_resource(show_spinner=False, max_entries=24)
def agreements(run_dir: Path, stamp: float, filters: Filters) -> Agreements:
    """Agreement between metrics over methods, and of each metric over images."""
    from runs import results

    return results.agreements(filters.of(scores(run_dir, stamp)), manifest(run_dir, stamp))


@st.cache_resource(show_spinner=False, max_entries=4)
def map_agreement(
    stamp: float,
) -> tuple[list[str], npt.NDArray[np.float64], npt.NDArray[np.float64], int]:
    """Methods, their maps' mean rank correlations over the gallery's images, and the number.

    Before the number the means' intervals (methods, methods, 2), NaN where an image has none.
    """
    from runs.alikeness import rank_correlations
    from xai_core.evaluation.statistics import bca_interval

    shipped = gallery()
    if shipped is None:
        return [], np.empty((0, 0)), np.empty((0, 0, 2)), 0
    names = [picture["name"] for picture in shipped.pictures]
    stored = [set(gallery_entries(stamp, name)) for name in names]
    methods = [m for m in gallery_entries(stamp, names[0]) if all(m in s for s in stored)]
    pairs = [
        rank_correlations([gallery_maps(stamp, name, method)[0] for method in methods])
        for name in names
    ]
    stacked = np.ma.masked_invalid(pairs)
    everywhere = ~np.ma.getmaskarray(stacked).any(axis=0)
    intervals = np.full((*everywhere.shape, 2), np.nan)
    intervals[everywhere] = bca_interval(stacked.data[:, everywhere])
    return methods, np.asarray(stacked.mean(axis=0).filled(np.nan)), intervals, len(names)


@st.cache_resource(show_spinner=False, max_entries=2)
def seconds_per_pass(run_dir: Path, stamp: float) -> float | None:
    """Time of the run's scores over their passes."""
    described = manifest(run_dir, stamp)
    of_metric = {e["spec"]: e["passes"] for e in described["metrics"].values()}
    table = scores(run_dir, stamp)
    passes = float(table["metric"].map(of_metric).sum())
    return float(table["score_seconds"].sum()) / passes if passes else None


def run_stamp(run_dir: Path) -> float:
    """Changes whenever the run's results do; 0 where there is no run."""
    return _stamp(run_dir / "parts.jsonl") if _stamp(run_dir / "manifest.json") else 0.0


@st.cache_data(show_spinner=False)
def colour_bar() -> str:
    return heatmap.data_uri(heatmap.colour_bar(256, 1), ".png")


def _stamp(path: Path) -> float:
    return path.stat().st_mtime if path.is_file() else 0.0
