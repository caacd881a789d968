"""The rules that keep the layout honest, read from the syntax trees of all files."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from menu import FILES

ROOT = Path(__file__).resolve().parent.parent
CORE = sorted((ROOT / "xai_core").rglob("*.py"))
DASHBOARD = sorted((ROOT / "dashboard").rglob("*.py"))
PAGES = [ROOT / "dashboard" / file for file in FILES.values()]
METHOD_FILES = sorted((ROOT / "xai_core" / "methods").glob("*.py"))

GIVEN_FOLDERS = {"dashboard", "xai_core", "data", "tests", ".streamlit", ".ci", ".github"}
VAGUE_NAMES = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"}
COMPUTING = {"methods", "metrics", "models", "training"}
CORE_FLOORS = (
    {"__main__"},
    {"command_line"},
    {"description"},
    {"report"},
    {"findings"},
    {"scoreboard", "ground_truth", "training"},
    {"explanations", "evaluation"},
    {"given", "metrics"},
    {"methods", "orchard"},
    {"models"},
    {"images"},
    {"catalog", "files", "headline", "locks", "places", "publications", "titles"},
    {"spec"},
    {"recipe"},
)
"""From the top to the ground: what stands on a floor imports from the floors below it."""
SHARED_ROOMS = ("frame", "runs", "compute", "state", "drawing", "recipes")
"""The dashboard's floors below the pages, from the top to the ground; one room each."""
WITHOUT_TORCH = (
    "xai_core.catalog",
    "xai_core.evaluation.statistics",
    "xai_core.evaluation.store",
    "xai_core.evaluation.tables",
    "xai_core.evaluation.summary",
    "xai_core.findings.lead_wording",
    "xai_core.findings.superpixel_wording",
    "xai_core.findings.truth",
    "xai_core.findings.wording",
    "xai_core.images.heatmap",
    "xai_core.images.reading",
    "xai_core.orchard.dataset",
    "xai_core.recipe",
    "xai_core.images.superpixels",
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), name_of(path))


def imports_of(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it; `from a import b` gives a and a.b."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            folder = path.relative_to(ROOT).parent.parts
            above = folder[: len(folder) - node.level + 1] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def imported(path: Path, *modules: str) -> list[str]:
    """What `path` imports of these modules or from inside them."""
    found = {
        name for name in imports_of(path) for module in modules
        if name == module or name.startswith(f"{module}.")
    }  # fmt: skip
    return [f"{name_of(path)} imports {name}" for name in sorted(found)]


def mentions(path: Path, *names: str) -> list[str]:
    """Where a file uses an attribute or a name that starts with one of these."""
    return [
        f"{name_of(path)}:{node.lineno} {word}"
        for node in ast.walk(tree_of(path))
        for word in [getattr(node, "attr", None) or getattr(node, "id", None)]
        if isinstance(word, str) and word.startswith(names)
    ]


def test_there_are_files_to_look_at() -> None:
    assert len(CORE) > 60
    assert len(DASHBOARD) > 10
    assert len(PAGES) >= 4
    assert len(METHOD_FILES) > 9


def test_the_core_knows_nothing_of_the_dashboard() -> None:
    rooms = {room_of(path).removesuffix(".py") for path in DASHBOARD}
    names = ("streamlit", "dashboard", *rooms)
    assert [line for path in CORE for line in imported(path, *names)] == []


def test_pages_compute_nothing_themselves() -> None:
    names = ("torch", "torchvision", "captum", *(f"xai_core.{part}" for part in COMPUTING))
    assert [line for path in PAGES for line in imported(path, *names)] == []


def part_of(path: Path) -> str:
    return path.relative_to(ROOT / "xai_core").parts[0].removesuffix(".py")


def test_every_part_of_the_core_has_a_floor() -> None:
    assert {part_of(path) for path in CORE} - {"__init__"} == set().union(*CORE_FLOORS)


@pytest.mark.parametrize("floor", range(len(CORE_FLOORS)))
def test_arrows_of_the_core_point_down(floor: int) -> None:
    """No part imports another one of its floor or of a floor above it: no circle is possible."""
    above = set().union(*CORE_FLOORS[: floor + 1])
    found = [
        line
        for path in CORE
        if part_of(path) in CORE_FLOORS[floor]
        for line in imported(path, *(f"xai_core.{part}" for part in above - {part_of(path)}))
    ]
    assert found == []


def room_of(path: Path) -> str:
    """The dashboard's room of a file; the file's name for the few beside the rooms."""
    return path.relative_to(ROOT / "dashboard").parts[0]


def test_the_dashboard_has_rooms_not_a_hall() -> None:
    beside = sorted(path.name for path in (ROOT / "dashboard").glob("*.py"))
    assert beside == ["app.py", "main.py", "menu.py"]


def test_no_page_imports_a_page_and_shared_rooms_import_down() -> None:
    rooms = {room_of(path) for path in DASHBOARD if path.parent != ROOT / "dashboard"}
    found = []
    for path in DASHBOARD:
        room = room_of(path)
        if room in SHARED_ROOMS:
            forbidden = rooms - set(SHARED_ROOMS[SHARED_ROOMS.index(room) :])
        else:
            forbidden = rooms - set(SHARED_ROOMS) - {room}
        found += imported(path, *forbidden)
    assert found == []


def test_caches_are_in_one_file() -> None:
    others = [path for path in DASHBOARD if path.name != "cached.py"]
    assert [
        line for path in others for line in mentions(path, "cache_data", "cache_resource")
    ] == []
    assert mentions(ROOT / "dashboard" / "runs" / "cached.py", "cache_data", "cache_resource")


def test_state_and_address_are_where_choices_are_made() -> None:
    """The room `state` for what pages share, a file `asked.py` in a page's own room."""
    asks = [path for path in DASHBOARD if room_of(path) == "state" or path.name == "asked.py"]
    others = [path for path in DASHBOARD if path not in asks]
    names = ("session_state", "query_params")
    assert [line for path in others for line in mentions(path, *names)] == []
    assert mentions(ROOT / "dashboard" / "state" / "choices.py", *names)
    address = [path for path in DASHBOARD if path.name != "choices.py"]
    assert [line for path in address for line in mentions(path, "query_params.")] == []


def test_charts_draw_and_do_not_show() -> None:
    charts = [path for path in DASHBOARD if room_of(path) == "drawing"]
    assert [line for path in charts for line in imported(path, "streamlit")] == []


def test_methods_register_no_hooks() -> None:
    names = (
        "register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook",
        "register_full_backward_pre_hook", "register_backward_hook", "register_hook",
        "register_module_", "register_multi_grad_hook", "register_post_accumulate_grad_hook",
    )  # fmt: skip
    assert [line for path in METHOD_FILES for line in mentions(path, *names)] == []


def test_no_file_has_a_name_that_says_nothing() -> None:
    paths = [
        path
        for folder in ("xai_core", "dashboard", "tests")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in ("", ".py") and "__pycache__" not in path.parts
    ]
    vague = [name_of(path) for path in paths if VAGUE_NAMES & set(path.stem.lower().split("_"))]
    assert vague == []


def test_no_assert_outside_of_the_tests() -> None:
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in (*CORE, *DASHBOARD)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Assert)
    ]
    assert found == []


def test_folders_at_the_top_are_those_that_are_given() -> None:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout, so a user's own folders cannot be told from ours")
    folders = {line.partition("/")[0] for line in listed.stdout.splitlines() if "/" in line}
    assert folders - GIVEN_FOLDERS == set()


def test_no_test_folder_shadows_a_package() -> None:
    folders = {path.name for path in (ROOT / "tests").rglob("*") if path.is_dir()}
    assert folders & {"dashboard", "streamlit", "xai_core"} == set()


def test_the_router_is_short() -> None:
    for name in ("app", "main"):
        assert len((ROOT / "dashboard" / f"{name}.py").read_text().splitlines()) < 40


def loads_torch(modules: list[str], *folders: Path) -> str:
    """What a fresh process that imports `modules` says: "without torch" or the error."""
    code = (
        f"import sys; sys.path[:0] = {[str(folder) for folder in folders]!r}\n"
        "import importlib, logging; logging.disable(logging.CRITICAL)\n"
        f"for name in {modules!r}:\n"
        "    importlib.import_module(name)\n"
        "    if 'torch' in sys.modules: sys.exit(f'{name} loads torch')\n"
        "print('without torch')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return (done.stdout or done.stderr).strip()


def test_what_only_reads_results_opens_without_torch() -> None:
    assert loads_torch(list(WITHOUT_TORCH)) == "without torch"


def test_the_dashboard_opens_without_torch() -> None:
    pages = {name for path in PAGES for name in imports_of(path)}
    from_core = {name for name in pages if (ROOT / f"{name.replace('.', '/')}.py").is_file()}
    rooms = [path.relative_to(ROOT / "dashboard").with_suffix("").parts for path in DASHBOARD]
    files = {Path(file).with_suffix("").parts for file in FILES.values()}
    own = [".".join(parts) for parts in rooms if parts not in files and parts[-1] != "__init__"]
    own = [name for name in own if name not in ("app", "main")]  # they run the page
    assert loads_torch([*own, *sorted(from_core)], ROOT / "dashboard") == "without torch"


def test_the_server_is_set_up_alike_from_any_folder() -> None:
    """Streamlit reads the current folder's settings, or else those beside the script."""
    folders = (ROOT, ROOT / "dashboard")
    here, beside = [(folder / ".streamlit" / "config.toml").read_bytes() for folder in folders]
    assert here == beside
