"""Bundle: every file opens in what it is made for; bad input is one clear sentence."""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import bibtexparser
import numpy as np
import pandas as pd
import pytest
from PIL import Image
from pptx import Presentation

from tests.report.conftest import write_run
from xai_core.__main__ import main
from xai_core.evaluation.run_folder import RunFolderError, load_manifest
from xai_core.findings import results
from xai_core.findings.cluster_wording import clusters_say
from xai_core.locks import locked
from xai_core.publications import publications
from xai_core.report.bundle import write_report
from xai_core.report.material import Choice, load_material
from xai_core.report.native import round_ends
from xai_core.report.references import bibtex, cited_by, dataset_entry

pytestmark = pytest.mark.xdist_group("report")  # the report is written once
PICTURE, CHART, TABLE = 13, 3, 19
"""What python-pptx calls the kinds of shapes."""
CM = {"column": 8.5, "page": 17.5, "slide": 30.48}
QUICK = Choice(metrics=("deletion",), widths=("column",))


@pytest.mark.slow
def test_two_reports_differ_in_their_date_alone(run_dir: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_report([run_dir], tmp_path / name, QUICK)
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*.*"))
    assert len(files) > 15
    for file in files:
        one, two = [(tmp_path / name / file).read_bytes() for name in ("one", "two")]
        if file.name == "manifest.json":
            one, two = [json.dumps({**json.loads(c), "created": ""}).encode() for c in (one, two)]
        assert one == two, file


def test_what_a_killed_report_left_is_removed_and_what_another_writes_is_not(
    run_dir: Path, tmp_path: Path
) -> None:
    left, written = tmp_path / ".out-left", tmp_path / ".out-written"
    for folder in (left, written):
        (folder / "report").mkdir(parents=True)
        (folder / "lock").touch()
    with locked(written / "lock"):
        write_report([run_dir], tmp_path / "out", QUICK)
    assert (tmp_path / "out" / "manifest.json").is_file()
    assert list(tmp_path.glob(".out-*")) == [written]


def test_no_path_of_this_machine_is_in_the_manifest(report: Path, run_dir: Path) -> None:
    text = (report / "manifest.json").read_text()
    assert str(run_dir.parent) not in text
    told = json.loads(text)
    assert told["command"].startswith("campare report --run small_run --widths column page")
    assert set(told["files"]) == {
        p.relative_to(report).as_posix() for p in report.rglob("*.*") if p.name != "manifest.json"
    }


def test_every_reference_of_the_run_parses_and_has_what_a_paper_needs(
    report: Path, run_dir: Path
) -> None:
    library = bibtexparser.parse_file(str(report / "references.bib"))
    assert not library.failed_blocks
    entries = {entry.key: entry for entry in library.entries}
    for entry in entries.values():
        fields = {field.key for field in entry.fields}
        assert {"author", "title", "year"} <= fields, entry.key
    manifest = load_manifest(run_dir)
    for told in (*manifest.methods.values(), *manifest.metrics.values()):
        assert {p.key for p in cited_by(told, 2026)} <= set(entries)
    assert dataset_entry(manifest.dataset, 2026).key in entries
    cited = set(re.findall(r"\\cite\{([^}]*)\}", (report / "methods.tex").read_text()))
    assert {key for keys in cited for key in keys.split(",")} <= set(entries)


def test_publications_are_whole() -> None:
    for known in publications().values():
        assert known.authors, known.key
        assert known.title, known.key
        assert 1940 < known.year < 2030, known.key
        if known.arxiv:
            assert re.fullmatch(r"\d{4}\.\d{4,5}", known.arxiv), known.key
        if "--" in known.pages:
            first, last = known.pages.split("--")
            assert int(first) < int(last), known.key
        if known.doi:
            assert re.fullmatch(r"10\.\d{4,}/\S+", known.doi), known.key


def test_pages_and_volume_are_in_the_entry() -> None:
    """Demšar, JMLR 7:1-30, 2006: what a paper's style prints after the journal."""
    library = bibtexparser.parse_string(bibtex([publications()["demsar2006"]]))
    fields = {field.key: field.value for field in library.entries[0].fields}
    assert (fields["volume"], fields["pages"]) == ("7", "1--30")
    assert "number" not in fields


@pytest.mark.parametrize("width", ["column", "page"])
def test_figures_are_as_wide_as_they_say(report: Path, width: str) -> None:
    files = sorted((report / "figures").glob(f"*-{width}.*"))
    assert {path.suffix for path in files} == {".pdf", ".svg", ".png"}
    for path in files:
        if path.suffix == ".png":
            with Image.open(path) as image:
                dpi = image.info["dpi"][0]
                assert dpi == pytest.approx(300, abs=0.1)
                assert image.width / dpi * 2.54 == pytest.approx(CM[width], abs=0.02)
        elif path.suffix == ".svg":
            root = ElementTree.parse(path).getroot()
            points = float(root.attrib["width"].removesuffix("pt"))
            assert points / 72 * 2.54 == pytest.approx(CM[width], abs=0.01)
            assert root.findall(".//{http://www.w3.org/2000/svg}text"), path
        else:
            content = path.read_bytes()
            box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+)", content)
            assert box is not None
            assert float(box[1]) / 72 * 2.54 == pytest.approx(CM[width], abs=0.01)
            assert b"/Type3" not in content
            assert b"/FontFile2" in content, path


def test_the_figures_that_the_run_can_fill_are_there(report: Path) -> None:
    stems = {p.name for p in (report / "figures").glob("*-page.pdf")}
    for name in ("method-grid", "means-deletion", "critical-differences-insertion",
                 "curves-deletion", "speed-faithfulness", "faithfulness-localisation",
                 "cam-secam"):  # fmt: skip
        assert f"small_run-{name}-page.pdf" in stems


def test_slides_have_one_message_notes_and_alternative_texts(report: Path) -> None:
    slides = list(Presentation(str(report / "slides.pptx")).slides)
    titles = [slide.shapes.title.text_frame.text for slide in slides]
    assert len(set(titles)) == len(titles)
    for slide in slides[1:-1]:
        bodies = [s for s in slide.shapes if s.shape_type in (PICTURE, CHART, TABLE)]
        assert bodies
        for shape in bodies:
            assert len(shape._element.xpath(".//p:cNvPr")[0].get("descr")) > 40
        assert "We explained the predictions" in slide.notes_slide.notes_text_frame.text
        if not bodies[0].has_table:
            title = slide.shapes.title.text_frame.text
            assert title in slide.notes_slide.notes_text_frame.text


def charts_of(report: Path, title: str) -> list[Any]:
    """The charts that can be edited, on slides whose title has these words."""
    slides = Presentation(str(report / "slides.pptx")).slides
    shown = [slide for slide in slides if title in slide.shapes.title.text_frame.text]
    return [s.chart for slide in shown for s in slide.shapes if s.has_chart]


def test_charts_of_slides_hold_the_means_and_their_intervals(report: Path, run_dir: Path) -> None:
    material = load_material(run_dir, Choice())
    rows = results.metric_rows(material.board, material.manifest, "deletion").iloc[::-1]
    [chart] = charts_of(report, "the best mean in deletion: ")
    [series] = chart.plots[0].series
    assert list(chart.plots[0].categories) == list(rows["name"])
    np.testing.assert_allclose(series.values, rows["mean"])
    for side, lengths in (
        ("plus", rows["high"] - rows["mean"]), ("minus", rows["mean"] - rows["low"]),
    ):  # fmt: skip
        bars = series._element.xpath(f"c:errBars/c:{side}/c:numLit/c:pt/c:v")
        np.testing.assert_allclose([float(v.text) for v in bars], lengths)
    axis = chart.value_axis
    assert axis.minimum_scale <= rows["low"].min()
    assert axis.maximum_scale >= rows["high"].max()
    workbook = chart.part.chart_workbook.xlsx_part.blob
    assert b"2000-01-01T00:00:00Z" in zipfile.ZipFile(io.BytesIO(workbook)).read(
        "docProps/core.xml"
    )


def test_curves_of_slides_can_be_edited(report: Path, run_dir: Path) -> None:
    [chart] = charts_of(report, "Deletion as it runs")
    assert [series.name for series in chart.series] == ["CAM", "SeCAM", "Saliency", "Random"]
    np.testing.assert_allclose(list(chart.series[0].values), 1 - np.linspace(0, 1, 8), atol=1e-6)


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ([0.0, 0.427], (0.0, 0.5, 0.1)),
        ([-0.66, 0.1], (-0.8, 0.2, 0.2)),
        ([0.0, 7.0], (0.0, 7.0, 1.0)),
        ([0.3], (0.2, 0.4, 0.2)),
        ([float("nan")], (0.0, 0.2, 0.2)),
    ],
)
def test_axes_of_slides_hold_every_interval(
    values: list[float], ends: tuple[float, float, float]
) -> None:
    low, high, step = round_ends(values)
    assert (low, high, step) == pytest.approx(ends)


def test_a_table_of_slides_has_the_numbers_and_bold_of_the_others(report: Path) -> None:
    slides = Presentation(str(report / "slides.pptx")).slides
    tables = [shape.table for slide in slides for shape in slide.shapes if shape.has_table]
    stored = pd.read_csv(report / "tables" / "small_run.csv", dtype=str, keep_default_na=False)
    expected = {
        (f"{r['mean']} [{r['low']}, {r['high']}]", r["best"] == "True")
        for r in stored[stored["better"] != ""].to_dict("records")
    }
    cells = [cell for table in tables for row in list(table.rows)[1:] for cell in row.cells]
    shown = {(c.text, bool(c.text_frame.paragraphs[0].font.bold)) for c in cells if "[" in c.text}
    assert shown == expected


def test_clusters_are_those_of_the_command(report: Path, run_dir: Path, tmp_path: Path) -> None:
    out = tmp_path / "clusters.csv"
    words = ["clusters", "--run-dir", str(run_dir), "--method", "cam", "--csv", str(out)]
    assert main(words) == 0
    assert (report / "tables" / "small_run-clusters.csv").read_text() == out.read_text()
    material = load_material(run_dir, Choice())
    assert material.alike is not None
    latex = (report / "tables" / "small_run-clusters.tex").read_text()
    for row in material.alike.table.to_dict("records"):
        assert f"{row['cluster']} & {row['n']} & 0 of {row['n']} & " in latex
    said = clusters_say(material.alike.table, "cam", material.manifest)
    assert " ".join(said) in (report / "captions.txt").read_text()
    assert "Lapuschkin et al., 2019" in (report / "methods.txt").read_text()
    assert "lapuschkin2019" in (report / "references.bib").read_text()


def test_a_name_with_spaces_and_a_note_go_through(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_run(tmp_path / "my run & 2", images=12)
    note = "Trained anew, 50 % of <b>epochs</b>"
    assert main(["note", "--run-dir", str(folder), note]) == 0
    assert capsys.readouterr().out.strip() == note
    write_report([folder], tmp_path / "out", QUICK)
    names = {path.name for path in (tmp_path / "out" / "tables").iterdir()}
    assert "my-run-2.csv" in names
    assert not [p for p in (tmp_path / "out").rglob("*") if " " in p.name or "&" in p.name]
    told = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert shlex.split(told["command"])[2:4] == ["--run", "my run & 2"]
    assert told["runs"][0]["note"] == note
    assert "50 % of &lt;b&gt;epochs" in (tmp_path / "out" / "report.html").read_text()
    opening = Presentation(str(tmp_path / "out" / "slides.pptx")).slides[0]
    assert f"Note: {note}" in " ".join(s.text_frame.text for s in opening.shapes)


def test_a_note_is_taken_away_and_one_that_is_too_long_is_one_sentence(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_run(tmp_path / "noted", images=1)
    for text in ("first\n line", ""):
        main(["note", "--run-dir", str(folder), text])
    assert "first line" in capsys.readouterr().out
    assert not (folder / "note.txt").exists()
    assert main(["note", "--run-dir", str(folder), "a" * 1001]) == 2
    assert "a note has at most 1,000 letters; this one has 1,001" in capsys.readouterr().err
    assert main(["note", "--run-dir", str(tmp_path), "x"]) == 2
    assert "no evaluation run in this folder" in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_slides_open_in_libreoffice(report: Path, tmp_path: Path) -> None:
    command = ["soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile",
               "--convert-to", "pdf", "--outdir", str(tmp_path),
               str(report / "slides.pptx")]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    assert (tmp_path / "slides.pdf").stat().st_size > 10_000


def test_the_sentences_are_the_pages(report: Path, run_dir: Path) -> None:
    material = load_material(run_dir, Choice())
    text = (report / "captions.txt").read_text()
    for sentence in material.lead_says("deletion"):
        assert sentence in text
    assert "漢字 70 %" in text


def test_an_unfinished_run_says_so_in_every_caption(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "half", images=12)
    manifest = load_manifest(folder)
    told = {**manifest.as_dict(), "asked": 30}
    (folder / "manifest.json").write_text(json.dumps(told))
    write_report([folder], tmp_path / "out", QUICK)
    captions = (tmp_path / "out" / "captions.txt").read_text().strip().split("\n\n")
    assert len(captions) > 4
    for caption in captions:
        assert "This run is unfinished: 12 of 30 images" in caption


def test_images_that_are_gone_leave_the_grid_out_and_are_named(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "gone", images=12)
    shutil.rmtree(tmp_path / "gone_pictures")
    notes = write_report([folder], tmp_path / "out", QUICK)
    assert len(notes) == 4
    assert "0_x&y.png: cannot be read" in notes[0]
    assert not list((tmp_path / "out" / "figures").glob("*method-grid*"))
    assert str(tmp_path) not in (tmp_path / "out" / "manifest.json").read_text()


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (replace(QUICK, methods=("lime",)), "has no method 'lime'; it has: cam"),
        (replace(QUICK, metrics=("road",)), "has no metric 'road'; it has: deletion"),
        (replace(QUICK, images=("moon",)), "has no image 'moon'; it has: 0_x&y"),
    ],
)
def test_what_is_not_in_the_run_is_named(
    run_dir: Path, tmp_path: Path, choice: Choice, said: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        write_report([run_dir], tmp_path / "out", choice)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_left_alone(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    assert main(["report", "--run", str(run_dir), "--out", str(tmp_path)]) == 2
    assert "exists already; choose another folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_place_where_nothing_can_be_made_is_one_sentence(run_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"file/in/it: no folder can be made here \(Not a directory"):
        write_report([run_dir], tmp_path / "file" / "in" / "it", QUICK)


def test_no_run_and_the_same_run_twice_are_one_sentence(run_dir: Path, tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="no evaluation run in this folder"):
        write_report([tmp_path], tmp_path / "out", QUICK)
    with pytest.raises(ValueError, match="give each --run once"):
        write_report([run_dir, run_dir], tmp_path / "out", QUICK)
