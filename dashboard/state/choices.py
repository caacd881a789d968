"""Choices: the only widget keys, session state and use of the address in the app."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import streamlit as st
from menu import FILES
from recipes import facts
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime import get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

from state.networks import Network
from state.parameters import (
    CLASSES,
    COMPACTNESS,
    FRAMINGS,
    OUTCOMES,
    PARAMETERS,
    SOURCES,
    VIEWS,
    read,
)

if TYPE_CHECKING:
    from streamlit.elements.lib.mutable_tab_container import TabContainer
    from streamlit.runtime.uploaded_file_manager import UploadedFile

from xai_core.images.reading import BadImage, Framing, Photo, open_image

VARIANT_OF: dict[facts.Kind, str] = {"methods": "method", "metrics": "measure"}
KEPT_UPLOADS = 4
GONE = "The image in this address was uploaded and is not kept any more: upload it again."
BOARD, CONFUSION = "_board", "_confusion"
_KEPT, _PAGE, _ARRIVED, _UPLOADS = "_kept", "_page", "_arrived", "_uploads"
_LINK, _UPLOAD, _UNKNOWN = "_link", "upload-", "_unknown"
SETTLING_SECONDS = 3.0
"""How long a page is new: a run that another one ends at once may not reach the browser."""


@dataclass(frozen=True)
class Choices:
    """What the image pages show; `image` is the id of a sample or of an upload."""

    picture: str
    network: str
    methods: tuple[str, ...]
    classes: str
    named: tuple[str, ...]
    opacity: float
    view: str
    framing: Framing
    threshold: float
    segments: int
    compactness: float


def current() -> Choices:
    """The choices as they stand in this run."""
    state = st.session_state
    return Choices(
        picture=state["picture"],
        network=state["network"],
        methods=tuple(state["methods"]),
        classes=state["classes"],
        named=tuple(state["named"]),
        opacity=state["opacity"],
        view=state["view"],
        framing=state["framing"],
        threshold=state["threshold"],
        segments=state["segments"],
        compactness=state["compactness"],
    )


def read_address(page: str) -> list[str]:
    """Take over what the address says, then what earlier pages were set to, then the defaults.

    On a page that is new every choice is told to the browser, which else would begin with each
    control's own first value. The address counts where a link or a reload has led, and after Back
    and Forward. Else it is at most as new as the choices: a click may be faster than the browser,
    which has not been told the last address yet. Gives what the address names that is not known.
    """
    state = st.session_state
    kept: dict[str, Any] = state.setdefault(_KEPT, {})
    address = {name: text for name, text in st.query_params.items() if name in PARAMETERS}
    context = get_script_run_ctx()
    is_back = context is not None and context.is_history_navigation
    is_new = state.get(_PAGE) != page
    foreign = bool(address) if is_new else is_back
    if is_new:
        state[_PAGE], state[_ARRIVED] = page, time.monotonic()
    is_new = time.monotonic() - state[_ARRIVED] < SETTLING_SECONDS
    unknown: list[str] = [] if foreign or not is_new else state.get(_UNKNOWN, [])
    for name, parameter in PARAMETERS.items():
        if foreign:
            said = (parameter.default, []) if name not in address else read(name, address[name])
            kept[name] = state[name] = said[0]
            unknown += said[1]
        elif is_new or state.get(name) is None:
            told = state.get(name)
            state[name] = kept.get(name, parameter.default) if told is None else told
    state[_UNKNOWN] = unknown
    return unknown


def write_address() -> None:
    """Spell every choice that differs from its default in the address of the page.

    A link stays as it was followed until something else is chosen: else leaving the page again
    would take two steps back.
    """
    state = st.session_state
    kept = state[_KEPT]
    spelled = {}
    for name, parameter in PARAMETERS.items():
        kept[name] = state.get(name, kept.get(name, parameter.default))
        if kept[name] != parameter.default:
            spelled[name] = parameter.spell(kept[name])
    address = dict(st.query_params)
    written = (state[_PAGE], address, spelled)
    link = state.setdefault(_LINK, written if address.items() <= spelled.items() else None)
    if spelled != address and written != link:
        st.query_params.from_dict(spelled)


@contextmanager
def toolbar(widths: Sequence[float]) -> Iterator[list[DeltaGenerator]]:
    """A row of controls, aligned at their lower edges; at the window's end they wrap."""
    with st.container(key="toolbar"):
        yield list(st.columns(list(widths), vertical_alignment="bottom"))


def session(part: str = "") -> str:
    """A name for a part of the page in this browser tab, for work done in the background."""
    context = get_script_run_ctx()
    return f"{context.session_id if context else ''} {part}"


def is_open(session: str) -> bool:
    """Whether the browser tab with this `session` is connected; may be asked in any thread."""
    name, _, _ = session.partition(" ")
    try:
        return bool(get_instance().is_active_session(name))
    except RuntimeError:  # there is no server, as in tests
        return True


def uploads() -> dict[str, Photo]:
    """The images uploaded in this session, by id."""
    return cast(dict[str, Photo], st.session_state.setdefault(_UPLOADS, {}))


def ask_picture(
    thumbnails: Mapping[str, tuple[str, str]],
    others: Mapping[str, str],
    prepare: Callable[[], None],
) -> str:
    """The gallery, other samples and the uploader; returns the id of the chosen image.

    `thumbnails` maps ids to (title, data URI); `others` maps the remaining samples to titles;
    `prepare` is called when somebody is about to choose an image that must be computed.
    """
    state = st.session_state
    if state["picture"] not in {*thumbnails, *others}:
        if state["picture"].startswith(_UPLOAD):
            state["_problem"] = GONE
        state["picture"] = next(iter(thumbnails), "")
    shown = list(thumbnails)
    chosen = state["picture"]
    state["_thumbnail"] = chosen if chosen in thumbnails else None
    with st.container(horizontal=True, vertical_alignment="center", key="gallery"):
        st.pills(
            "Picture",
            shown,
            format_func=lambda name: f"![{thumbnails[name][0]}]({thumbnails[name][1]})",
            key="_thumbnail",
            on_change=_take_thumbnail,
            label_visibility="collapsed",
        )
        with st.popover("Your image", icon=":material/upload:", key="_yours", on_change=prepare):
            _ask_upload()
            if others:
                _ask_other(others)
    return str(state["picture"])


def _take_thumbnail() -> None:
    chosen = st.session_state["_thumbnail"]
    if chosen is not None:  # a second click on the chosen image does not unchoose it
        _take_picture(chosen)


def _take_picture(name: str) -> None:
    st.session_state["picture"], st.session_state["_problem"] = name, ""


def _ask_upload() -> None:
    st.file_uploader(
        "Upload an image",
        type=["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "gif"],
        key="_file",
        on_change=_take_upload,
        help="It stays on the computer that CAMpare runs on.",
    )


def _take_upload() -> None:
    state = st.session_state
    file = state["_file"]
    state["_problem"] = ""
    if file is None:
        return
    try:
        photo = open_image(file.getvalue(), file.name)
    except BadImage as error:
        state["_problem"] = str(error)
        return
    kept = uploads()
    name = f"{_UPLOAD}{photo.sha256[:12]}"
    kept[name] = photo
    while len(kept) > KEPT_UPLOADS:
        del kept[next(iter(kept))]
    state["picture"] = name


def problem() -> str:
    """What was wrong with the last upload, in one sentence; empty when it was fine."""
    return str(st.session_state.get("_problem", ""))


def _ask_other(others: Mapping[str, str]) -> None:
    state = st.session_state
    state["_other"] = state["picture"] if state["picture"] in others else None
    st.selectbox(
        "or another sample",
        list(others),
        format_func=lambda name: others[name],
        key="_other",
        on_change=_take_other,
        placeholder="Choose a sample",
    )


def _take_other() -> None:
    if st.session_state["_other"] is not None:
        _take_picture(st.session_state["_other"])


def ask_methods(label: str = "Methods") -> None:
    known = facts.facts("methods")
    chosen = st.session_state["methods"]
    options = [*known, *(spec for spec in chosen if spec not in known)]
    st.multiselect(
        label,
        options,
        format_func=facts.label_of,
        key="methods",
        placeholder="Choose methods",
        help="Type to search. Variants with other settings are made under Options.",
    )


def ask_network(names: Sequence[str]) -> None:
    chosen = st.session_state["network"]
    st.selectbox(
        "Model",
        list(dict.fromkeys([*names, chosen])),
        format_func=lambda spelled: Network.parse(spelled).label(),
        key="network",
        accept_new_options=True,
        help="An embedded model, a torchvision model such as resnet50, the folder of a "
        "model that you trained, or a checkpoint as architecture@file, for example "
        "resnet50@weights.pth. Type a name or a path.",
    )


def ask_checkpoint() -> Network:
    """A checkpoint file with what it needs beside it, as far as it is filled in."""
    return Network(
        st.text_input("Checkpoint (.safetensors or .pth)", key="_weights").strip(),
        st.text_input(
            "Architecture, as torchvision names it", key="_architecture", placeholder="resnet50"
        ).strip(),
        st.text_input(
            "Class names", key="_categories", help="A text file with one name per line."
        ).strip(),
    )


def take_network(spelled: str) -> None:
    st.session_state["network"] = spelled


def ask_classes() -> None:
    st.selectbox("Classes", list(CLASSES), format_func=CLASSES.__getitem__, key="classes")


def ask_named(categories: Sequence[str]) -> None:
    state = st.session_state
    state["named"] = [name for name in state["named"] if name in categories]
    st.multiselect("Class names", list(categories), key="named", placeholder="Choose classes")


def ask_opacity() -> None:
    st.slider("Opacity of the map", 0.0, 1.0, step=0.05, key="opacity")


def _tell(name: str) -> None:
    """Tell the browser a choice in every run: its control may be in a box that is opened later."""
    st.session_state[name] = st.session_state[name]


def ask_view() -> None:
    _tell("view")
    st.segmented_control(
        "Show", list(VIEWS), format_func=VIEWS.__getitem__, key="view", required=True
    )


def ask_threshold(*, boxed: bool = False) -> None:
    if boxed:
        _tell("threshold")
    st.slider(
        "Threshold (fraction of the maximum)",
        0.05,
        1.0,
        step=0.05,
        key="threshold",
    )


def ask_segments() -> None:
    st.slider("Number of superpixels", 10, 400, step=10, key="segments")


def ask_compactness() -> None:
    st.select_slider(
        "Compactness",
        COMPACTNESS,
        key="compactness",
        help="Low: superpixels follow colours. High: they are squarer.",
    )


def ask_framing() -> None:
    _tell("framing")
    st.segmented_control(
        "The model sees",
        list(FRAMINGS),
        format_func=FRAMINGS.__getitem__,
        key="framing",
        required=True,
        help="The whole photo resized to a square, or the central part as the weights were "
        "evaluated.",
    )


def ask_run(names: Mapping[str, str]) -> str:
    """The run folder whose results are shown, by its name."""
    _keep_valid("run", names)
    st.selectbox("Results", list(names), format_func=names.__getitem__, key="run")
    return str(st.session_state["run"])


def chosen_run(names: Sequence[str]) -> str:
    """The run that `ask_run` shows as chosen, for what must be known before it is drawn."""
    _keep_valid("run", {name: name for name in names})
    return str(st.session_state["run"])


def ask_other_run(names: Mapping[str, str]) -> str:
    """The run that is held against the one on the page."""
    return str(st.selectbox("Against", list(names), key="_other_run"))


def ask_measure(titles: Mapping[str, str], name: str = "measure") -> str:
    """The metric a page is about; pages that show different ones keep them under own names."""
    _keep_valid(name, titles)
    st.selectbox("Metric", list(titles), format_func=titles.__getitem__, key=name)
    return str(st.session_state[name])


def ask_shown(titles: Mapping[str, str], preferred: Sequence[str]) -> list[str]:
    """Which of a run's methods a chart shows."""
    state = st.session_state
    known = [m for m in state["shown"] if m in titles]
    state["shown"] = known or [m for m in preferred if m in titles] or list(titles)[:5]
    st.multiselect("Methods", list(titles), format_func=titles.__getitem__, key="shown")
    return list(state["shown"])


def ask_truth(names: Mapping[str, str]) -> str:
    """The ground-truth run that is shown, by its name."""
    _keep_valid("truth", names)
    st.selectbox("Results", list(names), format_func=names.__getitem__, key="truth")
    return str(st.session_state["truth"])


def ask_benchmark(titles: Mapping[str, str]) -> str:
    _keep_valid("benchmark", titles)
    st.selectbox("Benchmark", list(titles), format_func=titles.__getitem__, key="benchmark")
    return str(st.session_state["benchmark"])


def ask_scene(titles: Mapping[str, str]) -> str:
    """The scene whose parts are shown, by its name."""
    _keep_valid("scene", titles)
    st.selectbox("Scene", list(titles), format_func=titles.__getitem__, key="scene")
    return str(st.session_state["scene"])


def ask_part(titles: Mapping[str, str]) -> str:
    """What is left out of the scene, by its name."""
    _keep_valid("part", titles)
    st.selectbox("Draw it without", list(titles), format_func=titles.__getitem__, key="part")
    return str(st.session_state["part"])


def ask_checked(titles: Mapping[str, str]) -> str:
    """The metric whose loss of score is shown."""
    _keep_valid("checked", titles)
    st.selectbox("Metric", list(titles), format_func=titles.__getitem__, key="checked")
    return str(st.session_state["checked"])


def ask_labels(categories: Sequence[str]) -> tuple[int, ...]:
    """Indices of the classes that count; none means all."""
    state = st.session_state
    state["labels"] = [name for name in state["labels"] if name in categories]
    st.multiselect("Classes", list(categories), key="labels", placeholder="All classes")
    return tuple(sorted(list(categories).index(name) for name in state["labels"]))


def ask_levels(levels: Sequence[int]) -> tuple[int, ...]:
    state = st.session_state
    state["levels"] = [level for level in state["levels"] if level in levels]
    st.pills("Levels", list(levels), selection_mode="multi", key="levels")
    return tuple(sorted(state["levels"]))


def ask_outcome() -> str:
    st.segmented_control(
        "Predictions",
        list(OUTCOMES),
        format_func=OUTCOMES.__getitem__,
        key="outcome",
        required=True,
    )
    return str(st.session_state["outcome"])


def show_in_compare(picture: str, methods: Sequence[str]) -> None:
    """Go to the comparison of one image."""
    state = st.session_state
    kept = state[_KEPT]
    kept.update({"picture": picture, "methods": list(methods)})
    for name in ("picture", "methods"):
        state[name] = kept[name]
    st.switch_page(FILES["compare"], query_params={})


def _keep_valid(name: str, options: Mapping[str, str]) -> None:
    if st.session_state[name] not in options:
        st.session_state[name] = next(iter(options), "")


def ask_topic(label: str, known: Mapping[str, facts.Facts], name: str) -> str:
    """The recipe that the guide explains."""
    _keep_valid(name, {key: key for key in known})
    st.selectbox(label, list(known), format_func=lambda key: str(known[key].title), key=name)
    return str(st.session_state[name])


def tabs(names: Sequence[str], key: str = "_more") -> Sequence[TabContainer]:
    """Tabs of which only the open one computes anything."""
    return st.tabs(list(names), on_change="rerun", key=key)


def ask_confusion(pairs: Mapping[str, str]) -> str:
    """What the mistakes shown have in common: "true-predicted" class, or nothing."""
    _keep_valid("confusion", pairs)
    st.selectbox("Show", list(pairs), format_func=pairs.__getitem__, key="confusion")
    return str(st.session_state["confusion"])


def take_confusion(rows: Sequence[int]) -> None:
    """Take over the cell that was chosen in the matrix of these classes."""
    state = st.session_state
    points = state[CONFUSION]["selection"]["points"]
    if points:
        row, column = divmod(int(points[0]["point_index"]), len(rows))
        state["confusion"] = f"{rows[row]}-{rows[column]}"
    else:
        state["confusion"] = ""


def ask_mistake(pictures: Mapping[str, tuple[str, str]]) -> str:
    """One of some images, id -> (title, data URI); the first one unless another is chosen."""
    _keep_valid("mistake", {name: title for name, (title, _) in pictures.items()})
    with st.container(key="gallery"):
        st.pills(
            "Images",
            list(pictures),
            format_func=lambda name: f"![{_plain(pictures[name][0])}]({pictures[name][1]})",
            key="mistake",
            required=True,
            label_visibility="collapsed",
        )
    return str(st.session_state["mistake"])


def _plain(title: str) -> str:
    """A title without what Markdown would read: class names are the user's own."""
    return "".join(letter if letter.isalnum() or letter in " ,.()" else " " for letter in title)


def mistake() -> str:
    """The image that is looked at, by its name in the run."""
    return str(st.session_state["mistake"])


def take_mistake(name: str, confusion: str) -> None:
    """Look at one image of a confusion."""
    st.session_state["mistake"], st.session_state["confusion"] = name, confusion


def take_run(name: str) -> None:
    """Show the results of this run from now on."""
    st.session_state["run"] = name


def ask_channels() -> None:
    st.slider("Channels", 1, 12, key="channels")


def channels() -> int:
    """How many channels the page shows."""
    return int(st.session_state["channels"])


def ask_synthesis() -> None:
    st.toggle(
        "Also synthesise what each channel likes",
        key="synthesis",
        help="An optimised image takes some seconds each; they appear one by one.",
    )


def wants_synthesis() -> bool:
    return bool(st.session_state["synthesis"])


def ask_source() -> str:
    """Where the images of an evaluation come from."""
    st.segmented_control(
        "Images",
        list(SOURCES),
        format_func=SOURCES.__getitem__,
        key="source",
        required=True,
    )
    return str(st.session_state["source"])


def ask_folder() -> str:
    return str(
        st.text_input(
            "Folder on the computer that CAMpare runs on",
            key="folder",
            placeholder="/home/me/pictures",
            help="Images in it or in one folder per class; masks of the same names in masks/.",
        )
    ).strip()


def ask_files() -> list[UploadedFile]:
    return st.file_uploader(
        "Upload images",
        type=["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "gif"],
        accept_multiple_files=True,
        key="_files",
    )


def ask_limit(found: int) -> int:
    """How many of the images are used; they are dealt evenly over the classes."""
    state = st.session_state
    state["limit"] = max(1, min(int(state["limit"]), found))
    if found > 1:
        st.slider("How many of them", 1, found, key="limit")
    return int(state["limit"])


def ask_nulls() -> bool:
    """Whether the null baselines are evaluated, too, without which no result says anything."""
    st.checkbox("With the null baselines Random and Centre Gaussian", key="nulls")
    return bool(st.session_state["nulls"])


def ask_metrics(known: Mapping[str, facts.Facts]) -> list[str]:
    state = st.session_state
    state["metrics"] = [spec for spec in state["metrics"] if spec.partition("[")[0] in known]
    variants = [spec for spec in state["metrics"] if spec not in known]

    def title(spec: str) -> str:
        arrow = known[spec.partition("[")[0]].arrow
        return f"{facts.label_of(spec, 'metrics')} {arrow}".strip()

    st.multiselect("Metrics", [*known, *variants], format_func=title, key="metrics")
    return list(state["metrics"])


def ask_name(job: str) -> str:
    return str(st.text_input("New name", job, key=job_key(job, "name")))


def job_problem(job: str) -> str:
    """Why the last thing that was asked of a run could not be done; empty when it could."""
    return str(st.session_state.get(job_key(job, "problem"), ""))


def take_job_problem(job: str, problem: str) -> None:
    """Keep it: the list of runs is drawn again every few seconds."""
    st.session_state[job_key(job, "problem")] = problem


def job_key(job: str, part: str) -> str:
    """The widget key of one part of a run's box."""
    return f"_job.{job}.{part}"


def evaluate(metrics: Sequence[str]) -> None:
    """Go to the page that evaluates, with these metrics chosen."""
    state = st.session_state
    state["metrics"] = state[_KEPT]["metrics"] = list(metrics)
    st.switch_page(FILES["run"], query_params={})


def show_results(run: str, is_truth: bool) -> None:
    """Go to the page that ranks a run's methods; `is_truth`: by benchmarks with a known answer."""
    state = st.session_state
    key, page = ("truth", "ground_truth") if is_truth else ("run", "leaderboard")
    state[key] = state[_KEPT][key] = run
    st.switch_page(FILES[page], query_params={})


def ask_off_object(known: Mapping[str, str]) -> str:
    """The method whose attention is looked at."""
    return str(
        st.selectbox("Method", list(known), format_func=known.__getitem__, key="_off_object")
    )


def ask_mean_method(known: Mapping[str, str]) -> str:
    """The method whose maps are averaged."""
    return str(
        st.selectbox("Method", list(known), format_func=known.__getitem__, key="_mean_method")
    )


def off_object_key(number: int) -> str:
    """The widget key of one image's button."""
    return f"_off_object.{number}"


def example_key(number: int) -> str:
    """The widget key of one example's button."""
    return f"_example.{number}"


def setting_key(recipe: str, field: str) -> str:
    """The widget key of one setting in a form."""
    return f"_set.{recipe}.{field}"


def ask_variant(kind: facts.Kind = "methods") -> str:
    """The method or metric whose settings are to be changed."""
    names = [name for name, fact in facts.facts(kind).items() if fact.settings]
    return str(
        st.selectbox(
            f"Add a {VARIANT_OF[kind]} with other settings",
            names,
            format_func=lambda name: facts.label_of(name, kind),
            key=f"_variant.{kind}",
            index=names.index("secam") if "secam" in names else 0,
        )
    )


def add_variant(kind: facts.Kind, spec: str) -> None:
    """Put a method or metric with settings of its own beside the chosen ones."""
    if spec not in st.session_state[kind]:
        st.session_state[kind] = [*st.session_state[kind], spec]
