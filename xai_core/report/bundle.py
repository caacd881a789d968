"""Bundle: a report's folder, made whole or not at all; its date is in manifest.json alone."""

from __future__ import annotations

import glob
import hashlib
import json
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from xai_core.evaluation.journal import read_journal
from xai_core.locks import is_locked, locked
from xai_core.places import PROJECT
from xai_core.publications import Publication
from xai_core.report import pairs, paragraph, slides, tables, webpage
from xai_core.report.cluster_figure import cluster_figure, cluster_latex
from xai_core.report.explained import explained_images
from xai_core.report.figures import Drawn, figures_of
from xai_core.report.material import Choice, Material, file_stem, load_material
from xai_core.report.references import CLUSTERS, bibtex, references_of

LIBRARIES = ("matplotlib", "numpy", "pandas", "pyarrow", "python-pptx", "jinja2", "scipy")
Progress = Callable[[str], None]


def write_report(
    run_dirs: Sequence[Path], out: Path, choice: Choice, progress: Progress | None = None
) -> list[str]:
    """Everything for the paper and the talk from some runs, in the new folder `out`.

    Returns what is missing and why, one sentence each. Raises ValueError, FileExistsError or
    RunFolderError, one sentence, where nothing can be made.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise FileExistsError(f"{out}: exists already; choose another folder, or remove it first")
    stems = [file_stem(run_dir.resolve().name) for run_dir in run_dirs]
    if len(set(stems)) < len(stems):
        raise ValueError("two runs of one name in one report; give each --run once")
    tell = progress or (lambda _: None)
    materials = []
    for run_dir in run_dirs:
        tell(f"reading {run_dir.name}")
        materials.append(load_material(run_dir.resolve(), choice))
    with _workplace(out) as work:
        folder = work / "report"
        folder.mkdir()
        notes = _fill(folder, materials, choice, tell)
        if out.exists():
            out.rmdir()
        shutil.move(folder, out)
    return notes


@contextmanager
def _workplace(out: Path) -> Iterator[Path]:
    """A folder beside `out`, without those that killed processes left there.

    Raises OSError, one sentence, where none can be.
    """
    prefix, lock = f".{out.name}-", "lock"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=prefix, dir=out.parent))
    except OSError as error:
        raise OSError(f"{out}: no folder can be made here ({error.strerror})") from None
    try:
        with locked(work / lock):
            for left in out.parent.glob(f"{glob.escape(prefix)}*/{lock}"):
                if not is_locked(left):
                    shutil.rmtree(left.parent, ignore_errors=True)
            yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _fill(folder: Path, materials: Sequence[Material], choice: Choice, tell: Progress) -> list[str]:
    notes: list[str] = []
    figures: list[Drawn] = []
    runs = []
    for material in materials:
        methods = material.shown_methods
        images, missing = explained_images(material, methods)
        notes += [f"{material.name}: {note}" for note in missing]
        for drawn in figures_of(material, images, methods):
            tell(f"drew {drawn.stem}")
            figures.append(drawn)
        if material.alike:
            tell(f"clustering {material.name}")
            figures.append(cluster_figure(material, material.alike))
        runs.append(webpage.Shown(material, images, methods, list(tables.tables_of(material))))
    paired, unpaired = pairs.pairs_of(materials)
    notes += unpaired
    for pair in paired:
        tell(f"comparing {pair.name}")
        figures += pairs.pair_figures(pair)
    paired_tables = [table for pair in paired for table in pairs.pair_tables(pair)]
    all_tables = [*(table for run in runs for table in run.tables), *paired_tables]
    captions = {table.stem: table.caption for table in all_tables}
    captions |= {drawn.stem: drawn.caption for drawn in figures}
    _write_tables(folder / "tables", all_tables)
    for material in materials:
        _write_clusters(folder / "tables", material)
    _write_figures(folder / "figures", figures, choice)
    tell("writing slides and page")
    text = paragraph.as_text(materials)
    ranked = [table for run in runs for table in run.tables if table.is_ranked]
    _write(folder / "slides.pptx", slides.presentation(materials, figures, ranked, text))
    _write(folder / "report.html", webpage.webpage(runs, figures, text, paired_tables))
    _write(folder / "methods.txt", text)
    _write(folder / "methods.tex", paragraph.as_latex(materials))
    _write(folder / "references.bib", bibtex(_references(materials)))
    _write(folder / "captions.txt", "\n\n".join(f"{k}\n{v}" for k, v in captions.items()) + "\n")
    described = _described(folder, materials, choice, notes)
    _write(folder / "manifest.json", json.dumps(described, indent=1, ensure_ascii=False) + "\n")
    return notes


def _references(materials: Sequence[Material]) -> list[Publication]:
    others = CLUSTERS if any(material.alike for material in materials) else ()
    return references_of([material.manifest for material in materials], others)


def _write_tables(folder: Path, made: Sequence[tables.Table]) -> None:
    """All numbers of a run, or of two, as CSV and Parquet; each table as LaTeX and Markdown."""
    folder.mkdir()
    rows = pd.concat([table.rows for table in made], ignore_index=True)
    for name, own in rows.groupby("run", sort=False):
        stem = file_stem(str(name))
        _write(folder / f"{stem}.csv", tables.as_csv(own))
        _write(folder / f"{stem}.parquet", tables.as_parquet(own))
    for table in made:
        _write(folder / f"{table.stem}.tex", tables.as_latex(table))
        _write(folder / f"{table.stem}.md", tables.as_markdown(table))


def _write_clusters(folder: Path, material: Material) -> None:
    """Each image with its cluster, and the clusters as LaTeX; nothing where there are none."""
    if found := material.alike:
        stem = f"{material.stem}-clusters"
        _write(folder / f"{stem}.csv", found.rows.to_csv(index=False, lineterminator="\n"))
        _write(folder / f"{stem}.tex", cluster_latex(material, found))


def _write_figures(folder: Path, figures: Sequence[Drawn], choice: Choice) -> None:
    folder.mkdir()
    for drawn in figures:
        for width in choice.widths:
            for kind, content in drawn.files[width].items():
                _write(folder / f"{drawn.stem}-{width}.{kind}", content)


def _described(
    folder: Path, materials: Sequence[Material], choice: Choice, notes: Sequence[str]
) -> dict[str, Any]:
    """What the report rests on; nothing in it tells where this machine keeps its files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": shlex.join(command_of(materials, choice)),
        "versions": {"campare": version("campare")} | {n: version(n) for n in LIBRARIES},
        "statistics": {"bootstrap_samples": 2000, "seed": 0, "interval": "BCa, 95 %",
                       "test": "Wilcoxon signed-rank, Holm"},
        "notes": list(notes),
        "runs": [_run(material) for material in materials],
        "files": {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
        },
    }  # fmt: skip


def _run(material: Material) -> dict[str, Any]:
    manifest = material.manifest
    classifier = manifest["classifier"]
    shown = set(material.scores["image_sha256"])
    recipes = {
        part: {e["spec"]: {"key": key, "settings": e.get("settings", {})}
               for key, e in manifest[part].items()
               if e["spec"] in set(material.scores[part.removesuffix("s")])}
        for part in ("methods", "metrics")
    }  # fmt: skip
    return {
        "name": material.name,
        "note": material.note,
        "unfinished": material.unfinished,
        "dataset": manifest["dataset"],
        "classifier": {"name": classifier["name"], "sha256": classifier["fingerprint"]},
        **{name: manifest.get(name) for name in ("framing", "precision", "versions", "devices")},
        "evaluated": manifest.get("created", ""),
        **recipes,
        "images": {str(i["image"]): i["sha256"] for i in manifest["images"]
                   if i["sha256"] in shown},
        "results": {name: sha for piece in read_journal(material.run_dir)
                    for name, sha in piece.files.items() if not name.startswith("maps/")},
    }  # fmt: skip


def command_of(materials: Sequence[Material], choice: Choice) -> list[str]:
    """The command that repeats the report, without paths of this machine."""
    words = ["campare", "report"]
    for material in materials:
        run_dir = material.run_dir
        inside = run_dir.is_relative_to(PROJECT)
        words += ["--run", run_dir.relative_to(PROJECT).as_posix() if inside else material.name]
    for name in ("methods", "metrics", "images"):
        chosen = getattr(choice, name)
        words += [f"--{name}", *chosen] if chosen else []
    words += ["--widths", *choice.widths] if choice.widths != Choice().widths else []
    words += ["--transparent"] if choice.transparent else []
    return [*words, "--out", "report"]


def _write(path: Path, content: bytes | str) -> None:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
