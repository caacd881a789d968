"""Model choice: a known model, or one that is added."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from state import choices, named_models
from state.named_models import NamedModel
from xai_core.files import is_there

UPLOAD_MB = 512
OUTPUTS = {
    "softmax": "one class of several",
    "sigmoid": "labels that can hold at once",
    "none": "values, no probabilities",
}
_ADDING = "_adding"
_TAKEN = "_taken_model"
"""The model before the last click that changed it, the new one, and when that was."""


def ask_model(names: Sequence[str]) -> None:
    chosen = st.session_state["model"]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "Model",
            list(dict.fromkeys([*names, *named_models.recent(), chosen])),
            format_func=named_models.label_of,
            key="model",
            accept_new_options=True,
            on_change=_take_typed,
            help="orchard ships with CAMpare: a small ResNet-50 that knows drawn fruits; "
            "orchard_control and orchard_shortcut are its likes for the benchmarks. The plus "
            "sign adds a model of your own; a name of torchvision such as resnet50 can be typed.",
        )
        offer_adding()


def ask_second(names: Sequence[str]) -> None:
    """Another model for the same image and methods, or none."""
    state = st.session_state
    choices.tell("beside")
    others = [name for name in (*names, *named_models.recent()) if name != state["model"]]
    st.selectbox(
        "Second model",
        list(dict.fromkeys(["", *others, state["beside"]])),
        format_func=lambda name: named_models.label_of(name) if name else "none",
        key="beside",
        accept_new_options=True,
        on_change=_take_second,
        help="Explains the same image by the same methods, one row below the first model's, and "
        "shows where the heatmaps differ. A name of torchvision can be typed.",
    )


def _take_second() -> None:
    st.session_state["beside"] = named_models.without_path(st.session_state["beside"] or "")


def _take_typed() -> None:
    """What was chosen, but the former model from a browser that has not heard of a new one yet.

    With a click elsewhere it tells what every control shows.
    """
    said = named_models.without_path(st.session_state["model"])
    former, new, when = st.session_state.get(_TAKEN, ("", "", 0.0))
    is_old_news = said == former and time.monotonic() - when < choices.SETTLING_SECONDS
    st.session_state["model"] = new if is_old_news else said


def take_model(spelled: str) -> None:
    """Take a model by something else than its control."""
    state, new = st.session_state, named_models.without_path(spelled)
    state[_TAKEN] = state["model"], new, time.monotonic()
    state["model"] = new


def ask_new_model() -> NamedModel:
    """A model of one's own as far as it is described."""
    place = str(st.text_input(
        "File, folder or name",
        key="_model.name",
        placeholder="/home/me/weights.pth, a folder written by train, resnet50, timm:resnet18",
        help="On the computer that CAMpare runs on: .pth or .safetensors weights, TorchScript, "
        "ONNX, a folder with a model card, hf:FOLDER; or a name of torchvision or timm.",
    )).strip()  # fmt: skip
    file = st.file_uploader("or upload the file", key="_model.file", max_upload_size=UPLOAD_MB)
    if file is not None:
        place = named_models.keep_file(file.name, file.getvalue())
    elif place:
        path = Path(place).expanduser()
        place = str(path.resolve()) if is_there(path) else place
    labels = str(st.text_input(
        "Class names (a text file, one name per line)",
        key="_model.labels",
        help="Without it: the names that the model brings, ImageNet's for 1,000 classes, or "
        "numbers.",
    )).strip()  # fmt: skip
    with st.expander("Preprocessing and outputs"):
        left, right = st.columns(2)
        size = left.number_input("Side of the input (px)", 0, 1024, key="_model.size")
        resize = right.number_input("Resized to (px)", 0, 1024, key="_model.resize")
        mean = left.text_input("Mean of each channel", key="_model.mean", placeholder="0.485 ...")
        std = right.text_input(
            "Standard deviation of each", key="_model.std", placeholder="0.229 ..."
        )
        outputs = st.selectbox(
            "Outputs", ["", *OUTPUTS], format_func=lambda name: OUTPUTS.get(name, "as recognised"),
            key="_model.outputs",
        )  # fmt: skip
        st.caption("0 and empty: what is usual for the model.")
    return NamedModel(
        place, "", labels, int(size), int(resize), _numbers(mean), _numbers(std), str(outputs)
    )


def ask_architecture(known: Sequence[str], guess: str) -> str:
    """The torchvision architecture of a checkpoint; `guess` is what its weights look like."""
    state = st.session_state
    if state.get("_model.architecture") not in known:
        state["_model.architecture"] = guess or None
    chosen = st.selectbox(
        "Architecture, as torchvision names it",
        list(known),
        key="_model.architecture",
        placeholder="Type to search, for example resnet50",
    )
    return str(chosen or "")


def use_model(model: NamedModel) -> None:
    """Take a model that was added, on every page, and remember it."""
    is_described = model != NamedModel(model.name) or is_there(model.name)
    take_model(named_models.remember(model) if is_described else model.name)
    stop_adding()


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.replace(",", " ").split())
    except ValueError:
        return ()


def offer_adding(label: str = "", key: str = "_add") -> None:
    """A button that opens the form for a model of one's own."""
    st.button(
        label,
        icon=":material/add:",
        key=f"{key}.{label}",
        on_click=_start_adding,
        help="Add a model: a file, a folder, a name of torchvision or timm",
    )


def _start_adding() -> None:
    st.session_state[_ADDING] = True


def stop_adding() -> None:
    st.session_state[_ADDING] = False


def is_adding() -> bool:
    """Whether the form for a model is open."""
    return bool(st.session_state.get(_ADDING))
