"""Choices: what pages show, in the session and in the address."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import streamlit as st
from menu import FILES
from streamlit.delta_generator import DeltaGenerator
from streamlit.runtime import get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

from state import named_models, start
from state.parameters import (
    FORMER,
    PARAMETERS,
    not_found,
    read,
)

if TYPE_CHECKING:
    from streamlit.elements.lib.mutable_tab_container import TabContainer

from xai_core.images.reading import Framing

KEPT = "_kept"
_PAGE = "_page"
ARRIVED = "_arrived"
_LINK = "_link"
_UNKNOWN = "_unknown"
_FOREIGN = "_foreign"
_READING = "_reading"
ADDRESS = "_address"
LED = "_led"
NAMES_OF_RUNS = ("run", "truth")
SETTLING_SECONDS = 3.0
"""How long a page is new: a run that another one ends at once may not reach the browser."""


@dataclass(frozen=True)
class Choices:
    """What the image pages show; `image` is the id of a sample or of an upload.

    `beside`: a second model on the same image, or nothing.
    """

    image: str
    model: str
    methods: tuple[str, ...]
    classes: str
    named: tuple[str, ...]
    opacity: float
    view: str
    framing: Framing
    threshold: float
    segments: int
    compactness: float
    beside: str = ""


def as_looked_at(chosen: Choices) -> Choices:
    """The same with the opacity that the browser told last."""
    return replace(chosen, opacity=st.session_state["opacity"])


def current() -> Choices:
    """The choices as they stand in this run."""
    state = st.session_state
    return Choices(
        image=state["image"],
        model=named_models.resolved(state["model"]),
        methods=tuple(state["methods"]),
        classes=state["classes"],
        named=tuple(state["named"]),
        opacity=state["opacity"],
        view=state["view"],
        framing=state["framing"],
        threshold=state["threshold"],
        segments=state["segments"],
        compactness=state["compactness"],
        beside=named_models.resolved(state["beside"]),
    )


def read_address(page: str) -> None:
    """Take over what the address says, then what earlier pages were set to, then the defaults.

    On a page that is new every choice is told to the browser, which else would begin with each
    control's own first value. The address counts where a link or a reload has led, and after Back
    and Forward. Else it is at most as new as the choices: a click may be faster than the browser,
    which has not been told the last address yet. `unknown()` has what it names and nobody knows.
    """
    state = st.session_state
    kept: dict[str, Any] = state.setdefault(KEPT, {})
    spelled = {FORMER.get(name, name): text for name, text in st.query_params.items()}
    address = {name: text for name, text in spelled.items() if name in PARAMETERS}
    context = get_script_run_ctx()
    is_back = context is not None and context.is_history_navigation
    is_new = state.get(_PAGE) != page
    foreign = bool(address) if is_new else is_back
    is_left = is_new
    if is_new:
        state.pop(LED, None)
        state.setdefault(start._START, not address)
        state[_PAGE], state[ARRIVED] = page, time.monotonic()
    is_new = time.monotonic() - state[ARRIVED] < SETTLING_SECONDS
    if foreign:
        state[ADDRESS] = set(address)
    # a control of the browser's own: only the address knows where it stands
    is_led = page == "compare" and state.get(_PAGE) == page and not foreign and LED in state
    # what was not found is said until something else is chosen, however often parts are drawn
    is_moved = any(state.get(name, value) != value for name, value in kept.items())
    is_over = foreign or is_left or (is_moved and not is_new)
    unknown: list[str] = [] if is_over else state.get(_UNKNOWN, [])
    for name, parameter in PARAMETERS.items():
        if name == "opacity" and is_led and name in address:
            state[name] = read(name, address[name])[0]
        elif foreign and (parameter.in_address or name in address):
            said = (parameter.default, []) if name not in address else read(name, address[name])
            state[name] = said[0]
            unknown += said[1]
        elif is_left or state.get(name) is None:
            # not what the session says: where no control asks for it, that is an older value
            state[name] = kept.get(name, parameter.default)
        elif is_new:
            state[name] = state[name]
        kept[name] = state[name]
    state[_UNKNOWN] = unknown
    state[_FOREIGN] = foreign or (state.get(_FOREIGN, False) and is_new)
    state[_READING] = foreign


def write_address() -> None:
    """Spell every choice that differs from its default in the address of the page.

    A link stays as it was followed until something else is chosen: else leaving the page again
    would take two steps back.
    """
    state = st.session_state
    state[_READING] = False
    kept = state[KEPT]
    for name, parameter in PARAMETERS.items():
        kept[name] = state.get(name, kept.get(name, parameter.default))
    told = {n: p.spell(kept[n]) for n, p in PARAMETERS.items() if kept[n] != p.default}
    spelled = {name: text for name, text in told.items() if text and PARAMETERS[name].in_address}
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


def tell(name: str) -> None:
    """Tell the browser a choice in every run: its control may be in a box that is opened later."""
    st.session_state[name] = st.session_state[name]


def show_in_compare(image: str, methods: Sequence[str]) -> None:
    """Go to the comparison of one image."""
    state = st.session_state
    kept = state[KEPT]
    kept.update({"image": image, "methods": list(methods)})
    for name in ("image", "methods"):
        state[name] = kept[name]
    st.switch_page(FILES["compare"], query_params={})


def keep_valid(name: str, options: Mapping[str, str] | Sequence[str]) -> None:
    """The first option where the choice is none of them; what an address asked for is named."""
    state = st.session_state
    asked, default = state[name], PARAMETERS[name].default if name in PARAMETERS else ""
    if asked in options:
        return
    state[name] = next(iter(options), "")
    if asked not in ("", default) and (name in NAMES_OF_RUNS or _is_asked_by_address()):
        say_missing(f"{name} {asked}", _title_of(state[name], options))


def keep_known(name: str, known: Collection[Any], noun: str, otherwise: str) -> None:
    """Of a list only what is known; what an address asked for in vain is named."""
    state = st.session_state
    missing = [one for one in state[name] if one not in known]
    state[name] = [one for one in state[name] if one in known]
    if missing and _is_asked_by_address():
        shown = ", ".join(map(str, state[name])) or otherwise
        say_missing(f"{noun} {', '.join(map(str, missing))}", shown)


def _is_asked_by_address() -> bool:
    """Whether a link may be what chose: while its page is first drawn, however long that takes."""
    state = st.session_state
    is_new = time.monotonic() - state[ARRIVED] < SETTLING_SECONDS
    return bool(state[_READING] or (is_new and state[_FOREIGN]))


def say_missing(asked: str, shown: str) -> None:
    """What the address names and is not here is said at the head of the page."""
    said = not_found(asked, shown)
    state = st.session_state
    state[_UNKNOWN] = list(dict.fromkeys([*state.get(_UNKNOWN, []), said]))


def _title_of(name: str, options: Mapping[str, str] | Sequence[str]) -> str:
    return (options.get(name, name) if isinstance(options, Mapping) else name) or "nothing"


def unknown() -> list[str]:
    """What the address names and nobody knows, one sentence each."""
    return list(st.session_state.get(_UNKNOWN, []))


def ask_one(
    name: str, label: str, titles: Mapping[str, str] | Sequence[str], hint: str | None = None
) -> str:
    """One of some options, spelled `name` in the address; the first where it is none of them."""
    keep_valid(name, titles)
    shown = dict(titles) if isinstance(titles, Mapping) else {title: title for title in titles}
    st.selectbox(label, list(shown), format_func=shown.__getitem__, key=name, help=hint)
    return str(st.session_state[name])


def tabs(names: Sequence[str], key: str = "_more") -> Sequence[TabContainer]:
    """Tabs of which only the open one computes anything."""
    return st.tabs(list(names), on_change="rerun", key=key)


def open_first(key: str, name: str) -> None:
    """Open one of the tabs of this key, unless one was opened before."""
    st.session_state.setdefault(key, name)


def evaluate(metrics: Sequence[str]) -> None:
    """Go to the page that evaluates, with these metrics chosen."""
    state = st.session_state
    state["metrics"] = state[KEPT]["metrics"] = list(metrics)
    st.switch_page(FILES["run"], query_params={})


def show_results(run: str, is_truth: bool) -> None:
    """Go to the page that ranks a run's methods; `is_truth`: by benchmarks with a known answer."""
    state = st.session_state
    key, page = ("truth", "ground_truth") if is_truth else ("run", "leaderboard")
    state[key] = state[KEPT][key] = run
    st.switch_page(FILES[page], query_params={})
