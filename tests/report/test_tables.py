"""Tables: the same numbers in every format, and bold only where the paired test says so."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.report.conftest import write_run
from xai_core.evaluation.tables import load_scores
from xai_core.report import latex
from xai_core.report.digits import decimals_for, spelled
from xai_core.report.material import Choice, load_material
from xai_core.report.tables import number_rows, tables_of, told_best

pytestmark = pytest.mark.xdist_group("report")  # the report is written once

CELL = re.compile(r"(?:\\textbf\{)?(-?[\d.]+)\}? \{\\scriptsize \[(-?[\d.]+), (-?[\d.]+)\]\}")


def latex_cells(report: Path) -> dict[tuple[str, str], tuple[str, str, str, bool]]:
    """(group file, method title, column) -> mean, low, high, bold, read from the .tex files."""
    found = {}
    for path in sorted((report / "tables").glob("*.tex")):
        body = (
            path.read_text()
            .replace("$-$", "-")
            .partition("\\midrule")[2]
            .partition("\\bottomrule")[0]
        )
        for line in body.strip().splitlines():
            title, *cells = line.removesuffix("\\\\").split(" & ")
            for column, cell in enumerate(cells):
                if match := CELL.search(cell):
                    bold = "textbf" in cell
                    found[path.stem, title, column] = (*match.groups(), bold)
    return found


def test_latex_csv_and_parquet_hold_the_same_numbers(report: Path, run_dir: Path) -> None:
    text = pd.read_csv(report / "tables" / "small_run.csv", dtype=str, keep_default_na=False)
    stored = pd.read_parquet(report / "tables" / "small_run.parquet")
    for name in ("mean", "low", "high"):
        np.testing.assert_array_equal(pd.to_numeric(text[name]).to_numpy(), stored[name])
    cells = latex_cells(report)
    assert len(cells) == len(text) == 16
    for row in text.to_dict("records"):
        group = text[text["group"] == row["group"]]
        column = list(dict.fromkeys(group["metric"])).index(row["metric"])
        key = (f"small_run-{row['group']}", latex.escaped(row["method_title"]), column)
        shown = row["mean"], row["low"], row["high"], row["best"] == "True"
        assert cells[key] == shown
    scores = load_scores(run_dir)
    means = scores.groupby(["method", "metric"])["score"].mean()
    for row in stored.to_dict("records"):
        decimals = len(text.loc[0, "mean"].partition(".")[2])
        exact = means[row["method"], row["metric"]]
        assert abs(exact - row["mean"]) <= 0.5 * 10.0 ** -(decimals - 1)


def test_markdown_holds_them_too(report: Path) -> None:
    text = pd.read_csv(report / "tables" / "small_run.csv", dtype=str)
    markdown = "\n".join(p.read_text() for p in (report / "tables").glob("*.md"))
    for row in text.to_dict("records"):
        assert f"{row['mean']}{'**' if row['best'] == 'True' else ''} [{row['low']}" in markdown


def test_the_page_holds_them_too(report: Path) -> None:
    text = pd.read_csv(report / "tables" / "small_run.csv", dtype=str, keep_default_na=False)
    stored = [(r["mean"], r["low"], r["high"]) for r in text.to_dict("records")]
    page = (report / "report.html").read_text()
    pattern = r"(-?[\d.]+)(?:</b>)? <small>\[(-?[\d.]+), (-?[\d.]+)\]</small>"
    assert sorted(re.findall(pattern, page)) == sorted(stored)
    bold = re.findall(r"<b>(-?[\d.]+)</b>", page)
    assert sorted(bold) == sorted(text.loc[text["best"] == "True", "mean"])


def test_bold_is_who_the_paired_test_tells_apart(run_dir: Path) -> None:
    material = load_material(run_dir, Choice())
    assert told_best(material, "deletion") == {"cam"}
    assert told_best(material, "insertion") == set()
    assert told_best(material, "sparseness") == set()
    rows = number_rows(material)
    bold = {(r["method"], r["metric"]) for r in rows.to_dict("records") if r["best"]}
    assert bold == {("cam", "deletion"), ("random", "relevance_mass")}


def test_too_few_images_or_one_method_make_nothing_bold(tmp_path: Path) -> None:
    few = load_material(write_run(tmp_path / "few", images=6), Choice())
    assert not number_rows(few)["best"].any()
    alone = load_material(write_run(tmp_path / "alone", methods=("cam",)), Choice())
    assert not number_rows(alone)["best"].any()
    assert "fewer than two methods" in " ".join(alone.lead_says("deletion"))
    assert "none is bold" in next(tables_of(alone)).caption


@pytest.mark.parametrize(
    ("half", "decimals"), [(0.034, 3), (0.12, 2), (1.2, 1), (25, 0), (0.0004, 5), (0, 3)]
)
def test_digits_follow_the_interval(half: float, decimals: int) -> None:
    assert decimals_for([half / 2, half, float("nan")]) == decimals


def test_a_rounded_zero_has_no_sign_and_a_missing_number_no_text() -> None:
    assert spelled(-0.0001, 2) == "0.00"
    assert spelled(float("nan"), 2) == ""


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_the_latex_compiles_with_article_and_booktabs(report: Path, tmp_path: Path) -> None:
    names = latex.escaped("a_b & 50 % #1 $x$ {y} ~^\\ Käse–ø ąęłÅß 漢字 τ ≤ <|>")
    inputs = "\n".join(f"\\input{{{p.as_posix()}}}" for p in sorted(report.rglob("*.tex")))
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n"
        f"{names}\n{inputs}\n"
        f"\\bibliographystyle{{plain}}\\bibliography{{{(report / 'references').as_posix()}}}\n"
        "\\end{document}\n"
    )
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "paper.tex"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    bib = subprocess.run(
        ["bibtex", "paper"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "openin_any": "a"},
    )  # fmt: skip
    assert bib.returncode == 0, bib.stdout
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert b"undefined" not in done.stdout
