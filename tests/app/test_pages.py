"""Every page of the real app, through its router."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from menu import FILES
from streamlit.testing.v1 import AppTest

from xai_core import DATA
from xai_core.evaluation.run_folder import load_manifest

DASHBOARD = Path(__file__).resolve().parents[2] / "dashboard"
Page = Callable[..., AppTest]

PAGES = {
    "compare": ("How do the methods explain this image?", "Relevance gain"),
    "cam_vs_secam": ("CAM or SeCAM: what do superpixels change?", "Recommendation: "),
    "leaderboard": (
        "Which method is best, and is the difference real?",
        "(model orchard, n = 48 images)",
    ),
    "curves": (
        "How does the score change as pixels are taken away or revealed?",
        "at 20 % of the pixels",
    ),
    "agreement": ("Do methods agree, and do metrics?", "agree most"),
    "ground_truth": (
        "Who finds the evidence that is known to matter?",
        "what the model uses is known",
    ),
    "sanity": ("Do the maps depend on the model and on the class?", "n = 24 images"),
    "mistakes": ("Where is the model wrong, and what did it look at?", "right on"),
    "features": (
        "Which channels carried this prediction, and what do they respond to?",
        "where the channel is active",
    ),
    "report": (
        "Results for the paper and the talk",
        "shipped: orchard (model orchard, n = 48 images), 15 methods",
    ),
    "run": ("Evaluate images, a model and methods of your choice", "forward passes"),
    "guide": ("Guide", "When it misleads"),
}
RESULT_PAGES = ("leaderboard", "curves", "agreement", "sanity")

shipped = pytest.mark.skipif(
    not (DATA / "runs" / "shipped" / "gallery" / "index.json").is_file(),
    reason="data/runs/shipped is not here: make it with campare",
)


def texts(app: AppTest) -> str:
    return "\n".join(html.proto.body for html in app.get("html"))


def finished(app: AppTest, seconds: float = 90) -> AppTest:
    """The page once nothing is computed any more."""
    until = time.monotonic() + seconds
    while "computing …" in texts(app) and time.monotonic() < until:
        time.sleep(1)  # every look takes time from what it looks at
        app.run()
    assert not app.exception
    return app


def test_the_table_covers_every_page() -> None:
    assert set(PAGES) == set(FILES), "give PAGES the page's heading and words of its answer"


@shipped
@pytest.mark.parametrize("name", PAGES)
def test_page_opens_with_a_finished_result(open_page: Page, name: str) -> None:
    app = open_page(name)
    heading, content = PAGES[name]
    assert heading in texts(app)
    assert content in texts(app)
    assert "class='problem'" not in texts(app)


@shipped
def test_first_view_and_result_pages_do_not_load_torch() -> None:
    script = (
        "import sys\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_file({str(DASHBOARD / 'main.py')!r}, default_timeout=60).run()\n"
        "print('pandas' in sys.modules)\n"  # half a second, and only the other pages need it
        f"for file in {[FILES[name] for name in (*RESULT_PAGES, 'guide')]!r}:\n"
        "    app.switch_page(file).run()\n"
        "    assert not app.exception\n"
        "print('torch' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=90
    )
    assert done.stdout.split() == ["False", "False"], done.stderr[-2000:]


@shipped
def test_address_reproduces_the_view(open_page: Page) -> None:
    app = open_page(
        methods="cam secam[segments=80]", classes="2", opacity="0.4", view="kept", junk="1"
    )
    assert app.multiselect(key="methods").value == ["cam", "secam[segments=80]"]
    assert app.selectbox(key="classes").value == "2"
    assert app.session_state["opacity"] == 0.4  # its control is the browser's own
    assert app.query_params["methods"] == "cam secam[segments=80]"
    assert "junk" not in app.query_params


@shipped
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("opacity", "9"),
        ("opacity", "nan"),
        ("classes", "all"),
        ("methods", "no_such_method"),
        ("image", "../../etc/passwd"),
        ("threshold", "-1"),
        ("view", "<i>nonsense"),
    ],
)
def test_nonsense_in_the_address_is_ignored(open_page: Page, name: str, value: str) -> None:
    app = open_page(**{name: value})
    assert "passwd" not in texts(app)
    assert "<i>nonsense" not in texts(app)


@shipped
def test_choices_stay_when_pages_change(open_page: Page) -> None:
    app = open_page()
    app.slider(key="threshold").set_value(0.3).run()
    app.switch_page("guide/page.py").run()
    app.switch_page("compare/page.py").run()
    assert app.slider(key="threshold").value == 0.3
    assert app.query_params["threshold"] == "0.3"


@shipped
def test_uploaded_picture_is_explained(open_page: Page) -> None:
    content = (DATA / "orchard" / "images" / "kiwi-1-1.jpg").read_bytes()
    app = open_page(methods="cam secam")
    app.file_uploader[0].upload("my <b>fruit</b>.jpg", content, "image/jpeg").run()
    app = finished(app)
    assert app.session_state["image"].startswith("upload-")
    assert app.query_params["image"] == app.session_state["image"]
    assert "computing" not in texts(app)
    assert "<b>fruit" not in texts(app)


@shipped
def test_an_upload_stays_chosen_when_the_browser_is_late(open_page: Page) -> None:
    """A request that was under way tells what the gallery showed before: the sample."""
    app = open_page(methods="cam")
    app.selectbox(key="_other.0").set_value("kiwi-1-1").run()
    late = app._tree.get_widget_states()
    content = (DATA / "orchard" / "images" / "corn-1-1.jpg").read_bytes()
    app.file_uploader[0].upload("mine.jpg", content, "image/jpeg").run()
    chosen = app.session_state["image"]
    assert chosen.startswith("upload-")
    app._run(late)
    assert app.session_state["image"] == chosen


@shipped
def test_picture_of_another_session_is_asked_for_again(open_page: Page) -> None:
    app = open_page(methods="cam", image="upload-0123456789ab")
    assert "upload it again" in texts(app)
    assert app.query_params["image"] == "apple-1-1"
    app.selectbox(key="_other.0").set_value("kiwi-1-1").run()
    assert "upload it again" not in texts(app)


@shipped
def test_link_stays_as_it_was_followed(open_page: Page) -> None:
    app = open_page(opacity="0.4")
    assert dict(app.query_params) == {"opacity": "0.4"}
    app.slider(key="threshold").set_value(0.3).run()
    assert app.query_params["opacity"] == "0.4"
    assert app.query_params["threshold"] == "0.3"
    assert app.query_params["image"] == "apple-1-1"


@shipped
def test_bad_upload_gives_one_sentence_and_the_page_goes_on(open_page: Page) -> None:
    app = open_page()
    app.file_uploader[0].upload("note <i>.png", b"this is text", "image/png").run()
    assert not app.exception
    assert "not an image that can be read" in texts(app)
    assert "note &lt;i&gt;.png" in texts(app)
    assert "Relevance gain" in texts(app)


@shipped
def test_an_unknown_network_gives_one_sentence(open_page: Page) -> None:
    app = open_page(model="no_such_network")
    until = time.monotonic() + 60
    while "class='problem'" not in texts(app) and time.monotonic() < until:
        time.sleep(0.2)
        app.run()
    assert "unknown model" in texts(app)


@shipped
def test_a_variant_joins_the_comparison(open_page: Page) -> None:
    app = open_page(methods="cam")
    app.number_input(key="_set.secam.segments").set_value(80).run()
    next(b for b in app.button if b.label == "Add this method").click().run()
    assert app.session_state["methods"] == ["cam", "secam[segments=80]"]
    assert "SeCAM (segments 80)" in texts(finished(app))


@shipped
def test_agreement_tab_draws_both_matrices(open_page: Page) -> None:
    app = open_page(methods="cam secam grad_cam")
    app.session_state["_more"] = "Agreement"
    app.run()
    charts = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    titles = [chart["layout"]["title"]["text"] for chart in charts]
    assert titles[0].startswith("Rank correlation")
    assert titles[1].startswith("Overlap of the top 20 %")
    assert charts[0]["data"][0]["z"]


@shipped
def test_leaderboard_filters_and_empty_choice(open_page: Page) -> None:
    app = open_page("leaderboard")
    app.multiselect(key="labels").set_value(["apple"]).run()
    assert not app.exception
    images = load_manifest(DATA / "runs" / "shipped")["images"]
    apples = sum(image["label"] == 0 for image in images)
    assert f"Orchard (model orchard, n = {apples} images)" in texts(app)


@shipped
@pytest.mark.parametrize(
    ("run", "heading"),
    [("shipped", PAGES["leaderboard"][0]), ("ground_truth", PAGES["ground_truth"][0])],
)
def test_a_run_opens_where_its_results_are(open_page: Page, run: str, heading: str) -> None:
    if not (DATA / "runs" / run / "manifest.json").is_file():
        pytest.skip(f"data/runs/{run} is not here: data/README.md says how it is made")
    app = open_page("run")
    held = load_manifest(DATA / "runs" / run)
    assert f"{len(held['images'])} images of {held['dataset']}" in texts(app)
    next(b for b in app.button if b.key == f"_job.{run}.show").click().run()
    assert heading in texts(app)


@shipped
def test_a_finished_run_says_which_pictures_it_left_out(
    open_page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from runs import run_folders

    manifest = load_manifest(DATA / "runs" / "shipped").as_dict()
    manifest["bad_images"] = {"fake.png": "fake <b>.png: not an image that can be read"}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "mine" / "parts.jsonl").write_text("")
    monkeypatch.setattr(run_folders, "RUNS", tmp_path)
    said = texts(open_page("run"))
    assert "Left out: fake &lt;b&gt;.png: not an image that can be read" in said
