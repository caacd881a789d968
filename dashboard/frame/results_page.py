"""Results page: what every page about a run begins with: which run, which images count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runs import tables
from runs.former import former_says
from state import choices, run_choice

from frame import display
from xai_core.evaluation.run_note import load_note
from xai_core.findings import results
from xai_core.findings.results import Filters


@dataclass(frozen=True)
class Shown:
    """The run on the page, its manifest, the images that count, and the chosen metric."""

    run_dir: Path
    stamp: float
    manifest: dict[str, Any]
    filters: Filters
    metric: str
    titles: dict[str, str]

    def title_of(self, method: str) -> str:
        return results.method_title(method, self.manifest)


def ask_run_and_images(
    metrics: Sequence[str] | None = None, kinds: Sequence[str] = (), name: str = "metric"
) -> Shown:
    """The controls at the head of a result page; stops the page where there is nothing to show.

    `metrics` limits the metrics to choose from (an empty list leaves the choice out), `name` is
    what the choice is called in the address.
    """
    runs = tables.runs()
    if not runs:
        display.show_problem(display.NO_RESULTS, "hint")
        raise display.PageEnd
    run_dir = runs[run_choice.chosen_run(list(runs))]
    stamp = tables.run_stamp(run_dir)
    manifest = tables.manifest(run_dir, stamp)
    known = results.metrics_of(manifest, kinds)
    if metrics is not None:
        known = [one for one in known if one in metrics]
    titles = {one: results.metric_title(one, manifest) for one in known}
    metric = ""
    with choices.toolbar([1.4, *([2.2] if titles else []), 1.7, 2.1, 2.35]) as (
        run,
        *choice,
        labels,
        levels,
        outcome,
    ):
        with run:
            run_choice.ask_run(list(runs))
        if titles:
            with choice[0]:
                metric = run_choice.ask_metric(titles, name)
        with labels:
            classes = run_choice.ask_labels(manifest["classifier"]["categories"])
        with levels:
            stored = sorted({i["level"] for i in manifest["images"] if i["level"] is not None})
            chosen_levels = run_choice.ask_levels(stored) if stored else ()
        with outcome:
            filters = Filters(classes, chosen_levels, run_choice.ask_outcome())
    if note := load_note(run_dir):
        display.show_note(f"Note on {run_dir.name}: {note}")
    if said := former_says(manifest):
        display.show_note(said)
    return Shown(run_dir, stamp, manifest, filters, metric, titles)
