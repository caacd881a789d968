"""Figures: which ones a run can fill, each with its caption, at every chosen width."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from xai_core import headline
from xai_core.findings import mean_curves, relations_wording, results, wording
from xai_core.findings.phrases import numbered, twins
from xai_core.findings.superpixel_wording import CAPTION as GAINS
from xai_core.findings.superpixel_wording import superpixel_answer
from xai_core.findings.truth_wording import oracle_says
from xai_core.report import charts, grid
from xai_core.report.charts import legend_cm, rows_cm
from xai_core.report.explained import Explained
from xai_core.report.material import Material
from xai_core.report.native import Bars, Lines, Native, Points
from xai_core.report.style import COLOURS, MUTED, WIDTHS, Width, files_of
from xai_core.titles import joined

Draw = Callable[[Figure, Width], None]
CURVES_SHOWN, GRID_METHODS, GRID_IN_COLUMN = 8, 6, 3
REST_CM, CURVES_CM, POINTS_CM = 2.0, 7.0, 7.5
CIS = "Bars: 95 % BCa CIs of the means."
CROSS = f"Dashed: the best null baseline. {CIS}"
SPEED = "Median time of one explanation on {devices}, in the units of images it ran in."
GREY_BARS, LINES_ALONE = "Grey: null baselines.", "The bands are in the printed figure."
NOT_TESTED = "The curves describe; tests of who is better are on the metrics' values."


@dataclass(frozen=True)
class Drawn:
    """A figure: its file name, the sentences it shows, what its marks mean, and its files.

    `files`: width name -> extension -> bytes. `native`: the same as a chart of the slides' program.
    """

    stem: str
    sentences: tuple[str, ...]
    legend: str
    files: dict[str, dict[str, bytes]]
    native: Native | None = None

    @property
    def caption(self) -> str:
        return " ".join([*self.sentences, self.legend]).strip()

    @property
    def headline(self) -> str:
        """The one sentence that a slide has as its title."""
        own = [s for s in self.sentences if not s.startswith("This run is unfinished")]
        return own[0] if own else self.legend


def figures_of(
    material: Material, images: Sequence[Explained], methods: Sequence[str]
) -> Iterator[Drawn]:
    """All figures that the run can fill; `images` with maps of `methods` make the grid."""
    if images:
        yield _grid(material, images, methods)
    for metric in material.leading_metrics:
        yield from _standing(material, metric)
    yield from _curves(material)
    yield from _relations(material)
    yield from _superpixels(material)
    yield from _truth(material)


def made(
    material: Material, stem: str, sentences: Sequence[str], legend: str, draw: Draw,
    height_cm: float | Callable[[Width], float], native: Native | None = None,
) -> Drawn:  # fmt: skip
    """A figure at every chosen width; an unfinished run's sentences begin with that."""
    said = list(sentences)
    if material.unfinished and material.unfinished not in said:
        said.insert(0, material.unfinished)
    on_slides = [] if native else ["slide"]
    widths = [WIDTHS[name] for name in dict.fromkeys([*material.choice.widths, *on_slides])]
    files = {
        width.name: files_of(
            draw, width, height_cm(width) if callable(height_cm) else height_cm,
            material.choice.transparent,
        )
        for width in widths
    }  # fmt: skip
    return Drawn(f"{material.stem}-{stem}", tuple(said), legend, files, native)


def tall(names: Sequence[str]) -> Callable[[Width], float]:
    """The height of a chart with a row for each name."""
    return lambda width: REST_CM + rows_cm(names, width)


def _grid(material: Material, images: Sequence[Explained], methods: Sequence[str]) -> Drawn:
    def shown(width: Width) -> list[str]:
        return list(methods[: GRID_IN_COLUMN if width.name == "column" else GRID_METHODS])

    def lines(width: Width) -> list[grid.Line]:
        own = shown(width)
        lines = grid.lines_of(images, own, [material.title(m) for m in own])
        return lines[: grid.lines_that_fit(width, lines)]

    def draw(figure: Figure, width: Width) -> None:
        grid.draw_lines(figure, width, lines(width))

    def height(width: Width) -> float:
        return grid.height_of(width, lines(width))

    names = joined([f"{image.name} ({image.label})" for image in images])
    titles = [material.title(m) for m in methods[:GRID_METHODS]]
    show = "show on the same" if len(titles) > 1 else "shows on"
    first = f"What {joined(titles)} {show} images of {material.manifest['dataset']}."
    few, room = [material.title(m) for m in shown(WIDTHS["column"])], len(lines(WIDTHS["slide"]))
    parts = [
        f"Images {names}; in brackets: the predicted class, which is explained, and its "
        f"probability. {wording.HEATMAP_COLOURS}",
        f"A column's width has room for {joined(few)}." if len(methods) > len(few) else "",
        f"A slide has room for the first {numbered(room, 'image')}." if room < len(images) else "",
    ]
    legend = " ".join(part for part in parts if part)
    return made(material, "method-grid", [first], legend, draw, height)


def _standing(material: Material, metric: str) -> Iterator[Drawn]:
    """Means with their intervals, and mean ranks where Friedman's test can be made."""
    rows = results.metric_rows(material.board, material.manifest, metric)
    title = _plain(results.metric_title(metric, material.manifest))
    test, _ = material.standing(metric)
    ceiling = material.truth.ceilings.get(metric) if material.truth else None
    if ceiling is not None:
        rows = rows[rows["method"] != "oracle"]
    said, has_nulls = material.lead_says(metric), bool(rows["baseline"].any())
    legend = wording.board_caption(material.board, material.manifest, has_nulls, False)
    higher = bool(results.is_higher_better(metric, material.manifest))
    legend = f"{legend} {oracle_says(rows['mean'], ceiling, higher)}".strip()

    def draw(figure: Figure, width: Width) -> None:
        charts.draw_intervals(figure, width, rows, title, ceiling)

    stem, names = file_word(metric), list(rows["name"])
    native = bars(rows, title, legend.replace("Dashed: the best null baseline.", GREY_BARS))
    yield made(material, f"means-{stem}", said, legend, draw, tall(names), native)
    if test is None:
        return
    titles = {str(m): material.title(str(m)) for m in test.mean_ranks.index}

    def draw_ranks(figure: Figure, width: Width) -> None:
        nulls = results.nulls_of(material.manifest)
        charts.draw_critical_differences(figure, width, test, titles, nulls)

    legend = wording.board_caption(material.board, material.manifest, False, True)
    height = tall(list(titles.values()))
    yield made(material, f"critical-differences-{stem}", said, legend, draw_ranks, height)


def bars(rows: pd.DataFrame, title: str, legend: str) -> Bars:
    """Rows of a chart of intervals as bars of a slide; null baselines are grey."""
    colour = [MUTED if is_null else COLOURS[0] for is_null in rows["baseline"]]
    return Bars(rows.assign(colour=colour), title, legend)


def _curves(material: Material) -> Iterator[Drawn]:
    """Curves of the headline metrics that stored some."""
    stored = mean_curves.curve_metrics(material.curves, material.manifest)
    for metric in [m for m in stored if m in material.metrics and m in headline.SHOWN]:
        methods = _few(material)
        shas = set(material.scores["image_sha256"])
        rows = mean_curves.curve_means(material.curves, material.manifest, metric, methods, shas)
        if rows.empty:
            continue
        titles = {m: material.title(m) for m in methods}
        said = wording.curves_say(rows, metric, titles, material.manifest)
        said = [sentence for sentence in said if sentence != wording.TESTED_ELSEWHERE]
        legend = f"{wording.CURVES.format(n=int(rows['n'].max()))} {NOT_TESTED}"
        if len(methods) < len(material.methods):
            legend += f" Shown: {joined([titles[m] for m in methods])}."

        def draw(figure: Figure, width: Width, rows: Any = rows, titles: Any = titles) -> None:
            charts.draw_curves(figure, width, rows, titles, "class probability")

        def height(width: Width, titles: Any = titles) -> float:
            return CURVES_CM + legend_cm(list(titles.values()), width)

        native = Lines(rows, titles, "class probability", f"{legend} {LINES_ALONE}")
        yield made(material, f"curves-{file_word(metric)}", said, legend, draw, height, native)


def _few(material: Material) -> list[str]:
    """The methods that fit into one plot: the chosen ones, else the headline's and its nulls."""
    known = material.methods
    if len(known) <= CURVES_SHOWN:
        return known
    first = [m for m in (*headline.METHODS, *headline.NULLS) if m in known]
    return (first or known)[:CURVES_SHOWN]


def _relations(material: Material) -> Iterator[Drawn]:
    """Speed against faithfulness, and faithfulness against localisation."""
    faithful = [m for m in material.leading_metrics if material.kind(m) == "faithfulness"][:1]
    placed = [m for m in material.metrics if material.kind(m) == "localisation"][:1]
    for metric in faithful:
        points = _points(material, None, metric)
        devices = joined(material.manifest.get("devices") or ["the machine that made the run"])
        title = _plain(results.metric_title(metric, material.manifest))
        said = [relations_wording.speed_says(points, metric, material.manifest, material.images)]
        legend = SPEED.format(devices=devices)
        labels = ("seconds per image (log)", title)
        yield _pointed(material, "speed-faithfulness", said, f"{legend} {CIS}", points, labels)
    for metric, other in zip(faithful, placed, strict=False):
        points = _points(material, metric, other)
        names = [_plain(results.metric_title(m, material.manifest)) for m in (metric, other)]
        said = [
            relations_wording.two_aims_say(
                points, (metric, other), material.manifest, material.images
            )
        ]
        floors = [
            results.floor_of(results.metric_rows(material.board, material.manifest, m))
            for m in (metric, other)
        ]
        legend = CROSS if None not in floors else CIS
        yield _pointed(material, "faithfulness-localisation", said, legend, points,
                       (names[0], names[1]), (floors[0], floors[1]))  # fmt: skip


def _pointed(
    material: Material, stem: str, said: Sequence[str], legend: str, points: pd.DataFrame,
    labels: tuple[str, str], cross: tuple[float | None, float | None] | None = None,
) -> Drawn:  # fmt: skip
    """Methods as points; without a `cross` their times lie along x, in powers of ten."""
    is_log, names = cross is None, list(points["name"])
    cross = cross or (None, None)

    def draw(figure: Figure, width: Width) -> None:
        charts.draw_points(figure, width, points, labels, is_log, cross)

    def height(width: Width) -> float:
        return POINTS_CM + legend_cm(names, width)

    # the slides' programs draw no intervals across, so two aims are a picture there
    native = Points(points, labels, is_log, legend) if is_log else None
    return made(material, stem, said, legend, draw, height, native)


def _points(material: Material, across: str | None, upward: str) -> pd.DataFrame:
    """One point per method; `across` None: seconds per image. Equal methods are one point."""
    others = {name for group in material.board.same for name in group[1:]}
    rows = results.metric_rows(material.board, material.manifest, upward)
    rows = rows[~rows["method"].isin(others)].set_index("method")
    points = rows[["name", "baseline"]].copy()
    named = [twins(str(m), material.board.same, material.manifest) for m in rows.index]
    points["name"] = named
    points[["y", "y_low", "y_high"]] = rows[["mean", "low", "high"]]
    if across is None:
        return points.assign(x=rows["seconds"])
    other = results.metric_rows(material.board, material.manifest, across).set_index("method")
    points[["x", "x_low", "x_high"]] = other[["mean", "low", "high"]].reindex(points.index)
    return points.dropna(subset=["x", "y"])


def _superpixels(material: Material) -> Iterator[Drawn]:
    answer = superpixel_answer([(material.scores, material.manifest)])
    if not len(answer.table):
        return

    def draw(figure: Figure, width: Width) -> None:
        charts.draw_gains(figure, width, answer.table, "SeCAM", "CAM")

    said = [*answer.sentences, *([answer.controls] if answer.controls else [])]
    names, legend = list(answer.table["title"]), GAINS
    native = gain_bars(answer.table, "SeCAM", "CAM", legend)
    yield made(material, "cam-secam", said, legend, draw, tall(names), native)


def gain_bars(table: pd.DataFrame, better: str, worse: str, legend: str) -> Bars:
    """Paired gains as bars of a slide; `table` as for `charts.draw_gains`."""
    rows = charts.in_deviations(table)
    title = f"gain in standard deviations; left: {worse} is better, right: {better} is better"
    return Bars(rows.assign(name=rows["title"], mean=rows["gain"]), title, legend)


def _truth(material: Material) -> Iterator[Drawn]:
    """The benchmark ranks with their intervals."""
    if material.truth is None or material.truth.ranks.empty:
        return
    ranks = material.truth.ranks
    nulls = results.nulls_of(material.manifest)
    rows = pd.DataFrame(
        {
            "name": [material.title(str(m)) for m in ranks.index],
            "baseline": [m in nulls for m in ranks.index],
            "mean": ranks["rank"], "low": ranks["low"], "high": ranks["high"],
        }
    )  # fmt: skip

    def draw(figure: Figure, width: Width) -> None:
        charts.draw_intervals(figure, width, rows, "benchmark rank (1 is best)")

    legend = (
        "Mean of the ranks over the benchmarks whose answer is known; bars: 95 % intervals over "
        "bootstrap samples of the images."
    )
    said, names = material.truth.sentences, list(rows["name"])
    native = bars(rows, "benchmark rank (1 is best)", f"{legend} {GREY_BARS}")
    yield made(material, "ground-truth", said, legend, draw, tall(names), native)


def _plain(title: str) -> str:
    """A metric's title with its arrow in words, which every font has."""
    return title.replace(" ↑", " (higher is better)").replace(" ↓", " (lower is better)")


def file_word(spec: str) -> str:
    """A spec as a part of a file name."""
    return "".join(c if c.isalnum() else "-" for c in spec).strip("-")
