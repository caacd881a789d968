"""Cards: an image, its maps and their scores, for the pages about images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from html import escape

import numpy as np
import streamlit as st
from recipes import facts
from recipes.facts import joined
from runs import alikeness, drawn_images
from state import skipping
from state.choices import Choices

from frame import evidence, exports, layers, seeds
from frame.display import (
    duration,
    show_chart,
    show_note,
    show_problem,
    show_table,
)
from frame.evidence import Cell, Evidence
from frame.watching import SLOW, watch
from xai_core.titles import percent

MOST_COLUMNS = 7
SAME_CORRELATION = 0.9999
CLEAR = 0.01
BOLD = f"Bold: the best of these on this one image, by {CLEAR} or more."
SHORT = {"symmetric_relevance_gain": "Relevance gain"}
NOTES = {
    "r2": "fit R²",
    "completeness_error": "completeness error (logits; 0 is exact)",
    "efficiency_error": "efficiency error",
    "conservation_error": "conservation error",
    "bias_share": "kept by biases",
    "channels_used": "channels used",
}
POOLED_METHODS = {"cam", "grad_cam", "hires_cam", "xgrad_cam"}
POOLED = "On a model that ends in global average pooling and one linear layer they are one map."


def show_photo(seen: Evidence) -> None:
    st.image(
        drawn_images.shown_photo(seen.photo, seen.photo.sha256),
        width="stretch",
        alt=f"the image, showing {seen.label}" if seen.label else "the image",
    )


def show_row(
    seen: Evidence,
    chosen: Choices,
    target: int,
    metrics: Sequence[str] = evidence.SHOWN_METRICS,
    layered: bool = False,
) -> None:
    """One class: the photo and every method's map for it, each with its scores and time.

    `layered`: the browser mixes image and map, by the controls of `compare.viewer`.
    """
    cells = [cell for cell in seen.cells if cell.target == target]
    cells = cells or [Cell(method, target) for method in chosen.methods]
    best = best_of(cells, metrics)
    rows = -(-(len(cells) + 1) // MOST_COLUMNS)
    grid = st.grid(-(-(len(cells) + 1) // rows), min_column_width=126)
    with grid.cell():
        (layers.show_plain if layered else show_photo)(seen)
        st.html(_photo_card(seen))
    for cell in cells:
        with grid.cell():
            (layers.show_layers if layered else show_map)(seen, cell, chosen)
            st.html(card(cell, metrics, best[cell.method]))
            if layered:
                _offer_skip(seen, cell, chosen)


def _offer_skip(seen: Evidence, cell: Cell, chosen: Choices) -> None:
    """Skip what takes long, for every class; and take it up again."""
    about = seen.photo.sha256, chosen.model, cell.method
    if cell.is_skipped:
        skipping.offer_unskip(*about, cell.target)
    elif cell.pending and cell.waiting:
        skipping.offer_skip(*about, cell.target)


def show_map(seen: Evidence, cell: Cell, chosen: Choices, variant: str = "") -> None:
    """One map on its photo, or a place for it while it is computed."""
    if cell.map is None:
        height, width = seen.photo.rgb.shape[:2]
        kind, shape = "waiting" if cell.pending else "nothing", f"aspect-ratio: {width} / {height}"
        st.html(f"<div class='{kind}' style='{shape}'></div>")
        return
    image = drawn_images.drawn(
        seen.photo,
        cell.map,
        (seen.photo.sha256, seen.model, cell.method, cell.target, variant),
        form=seen.form,
        framing=chosen.framing,
        view=chosen.view,
        opacity=chosen.opacity,
        threshold=chosen.threshold,
    )
    label = f"{facts.label_of(cell.method)} for {seen.categories[cell.target]}"
    st.image(image, width="stretch", alt=label)


def _photo_card(seen: Evidence) -> str:
    height, width = seen.photo.rgb.shape[:2]
    lines = [f"{width} × {height} px"]
    if seen.label:
        lines.insert(0, f"shows {seen.label}")
    text = "<br>".join(escape(line) for line in lines)
    return f"<div class='card'><h3>Image</h3><p class='note'>{text}</p></div>"


def show_contrast(seen: Evidence, chosen: Choices) -> None:
    """What supports the predicted class more than the true one, in the methods' own units."""
    if len(seen.targets) < 2:
        return
    first, second = seen.targets[:2]
    sensitive = [m for m in chosen.methods if facts.is_class_sensitive(m)]
    cells = [_difference(seen.cell(m, first), seen.cell(m, second)) for m in sensitive]
    if all(cell.map is None for cell in cells):
        return
    titles = seen.categories[first], seen.categories[second]
    st.html(f"<h2 class='rowtitle'>{escape(titles[0])} more than {escape(titles[1])}</h2>")
    rows = -(-(len(chosen.methods) + 1) // MOST_COLUMNS)
    grid = st.grid(-(-(len(chosen.methods) + 1) // rows), min_column_width=126)
    with grid.cell():
        show_photo(seen)
    for cell in cells:
        with grid.cell():
            show_map(seen, cell, chosen, f"minus {second}")
            st.html(f"<div class='card'><h3>{escape(facts.label_of(cell.method))}</h3></div>")


def _difference(first: Cell, second: Cell) -> Cell:
    """The first cell's map minus the second's; pending or failed as either of them."""
    if first.map is None or second.map is None:
        return replace(first, map=None, error=first.error or second.error)
    return Cell(first.method, first.target, first.map - second.map)


def show_reading(seen: Evidence, beside: Sequence[Evidence] = ()) -> None:
    """What is bold, also `beside`, and which maps are the same up to a factor, and why."""
    if any(is_any_bold(look.cells) for look in (seen, *beside)):
        show_note(BOLD)
    target = seen.targets[0] if seen.targets else -1
    mapped = [c for c in seen.cells if c.target == target and c.map is not None and c.map.any()]
    groups: list[list[Cell]] = []
    for cell in mapped:
        for group in groups:
            if cell.map is not None and group[0].map is not None:
                alike = np.corrcoef(cell.map.ravel()[::7], group[0].map.ravel()[::7])[0, 1]
                if alike > SAME_CORRELATION:
                    group.append(cell)
                    break
        else:
            groups.append([cell])
    for group in groups:
        if len(group) > 1:
            names = joined([facts.label_of(cell.method) for cell in group])
            why = f" {POOLED}" if {c.method for c in group} <= POOLED_METHODS else ""
            show_note(f"{names} are the same map here, up to a factor.{why}")


def class_line(seen: Evidence, target: int) -> str:
    """Name and probability of a class, and whether it is the predicted or the true one."""
    roles = [
        role
        for role, index in (("predicted", seen.predicted), ("true", seen.true))
        if index == target
    ]
    share = percent(seen.probabilities[target], 1)
    role = f" <span class='role'>{' and '.join(roles)}</span>" if roles else ""
    return f"<b>{escape(seen.categories[target])}</b> <span class='share'>{share}</span>{role}"


def card(cell: Cell, metrics: Iterable[str], best: set[str]) -> str:
    """Title, scores (the best of the row marked) and time of one map, as HTML."""
    title = f"<h3>{escape(facts.label_of(cell.method))}</h3>"
    if cell.error:
        return f"<div class='card'>{title}<p class='failed'>{escape(cell.error)}</p></div>"
    if cell.is_skipped:
        return f"<div class='card'>{title}<p class='note'>skipped</p></div>"
    if cell.pending:
        how = f"<br>{escape(cell.waiting)}" if cell.waiting else ""
        return f"<div class='card'>{title}<p class='note'>computing …{how}</p></div>"
    rows = []
    known = facts.facts("metrics")
    for metric in metrics:
        fact = known.get(metric)
        name = escape(SHORT.get(metric) or (fact.title if fact else metric))
        value = cell.scores.get(metric)
        text = "–" if value is None else f"{value:z.3f}"
        mark = " class='best'" if metric in best else ""
        arrow = fact.arrow if fact else ""
        rows.append(f"<tr{mark}><th scope='row'>{name} {arrow}</th><td>{text}</td></tr>")
    if cell.scores_follow and not cell.scores:
        rows = ["<tr><th scope='row'>scores follow</th></tr>"]
    told = [] if cell.seconds is None else [duration(cell.seconds)]
    told += [f"{NOTES.get(name, name)} {value:.4g}" for name, value in cell.notes.items()]
    seconds = f"<p class='note'>{' · '.join(escape(text) for text in told)}</p>" if told else ""
    return f"<div class='card'>{title}<table>{''.join(rows)}</table>{seconds}</div>"


def best_of(cells: Iterable[Cell], metrics: Iterable[str]) -> dict[str, set[str]]:
    """Method -> the metrics in which it is the best of these cells (one class, one image).

    None is the best while a score is missing, or by less than CLEAR, which one image cannot show.
    """
    cells = list(cells)
    best: dict[str, set[str]] = {cell.method: set() for cell in cells}
    compared = [cell for cell in cells if not cell.error]
    for metric in metrics:
        fact = facts.facts("metrics").get(metric)
        values = {cell.method: cell.scores.get(metric) for cell in compared}
        scored = {m: round(value, 3) for m, value in values.items() if value is not None}
        if fact is None or not fact.arrow or len(scored) < 2 or len(scored) < len(values):
            continue
        top = max(scored.values()) if fact.arrow == "↑" else min(scored.values())
        others = [abs(value - top) for value in scored.values() if value != top]
        if others and min(others) >= CLEAR:
            for method in (m for m, value in scored.items() if value == top):
                best[method].add(metric)
    return best


def is_any_bold(cells: Sequence[Cell]) -> bool:
    """Whether a card marks a score as the best of its class, so that this must be explained."""
    by_class = [[c for c in cells if c.target == target] for target in {c.target for c in cells}]
    return any(any(best_of(row, evidence.SHOWN_METRICS).values()) for row in by_class)


def show_scores(seen: Evidence) -> None:
    table = exports.score_table(seen)
    where = "shipped with CAMpare" if seen.stored else "computed now"
    caption = f"One image, {seen.model}, {where}. Arrows point to the better side."
    if not seen.stored:
        caption += " Seconds: what methods share (pass, superpixels) counts for the first of them."
    if seen.pace is not None:
        caption += " Some scores are still being computed; the cards show each as it comes."
    show_table(table, "scores", caption)


def show_agreement(seen: Evidence) -> None:
    """How alike the maps are, for each class."""
    from drawing import charts

    for target in seen.targets:
        mapped = [c for c in seen.cells if c.target == target and c.map is not None]
        maps = [cell.map for cell in mapped if cell.map is not None]
        names = [facts.label_of(cell.method) for cell in mapped]
        left, right = st.columns(2)
        about = f"for {seen.categories[target]}"
        ranks, tops = alikeness.rank_correlations(maps), alikeness.top_overlaps(maps)
        show_chart(left, charts.draw_matrix(ranks, names, -1, f"Rank correlation {about}"))
        show_chart(right, charts.draw_matrix(tops, names, 0, f"Overlap of the top 20 % {about}"))
    show_note(
        "Spearman correlation over all pixels of this image, and intersection over union of the "
        "20 % with the largest values. 1 is full agreement."
    )


def show_convergence(seen: Evidence, chosen: Choices) -> None:
    """Whether the sampling methods took enough samples for this image."""
    target = seen.targets[0]
    if not seeds.samplers(chosen.methods):
        show_note(seeds.NONE)
        return

    def draw() -> None:
        from drawing.seeds_chart import draw_seeds

        tracks = seeds.look(seen, chosen, target)
        for track in tracks:
            if track.error:
                show_problem(f"{facts.label_of(track.method)}: {track.error}")
        points = {facts.label_of(track.method): track.points for track in tracks}
        chart = draw_seeds(points, seeds.COUNTS)
        show_chart(None, chart, "Agreement of two seeds over the number of samples")
        show_note(seeds.says(tracks, seen.categories[target]))

    def pace() -> float | None:
        waiting = any(track.pending for track in seeds.look(seen, chosen, target))
        return SLOW if waiting else None

    watch(draw, pace)
