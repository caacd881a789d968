"""Image choice: the gallery, other samples and uploads of this session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

import streamlit as st

from state import choices, start
from state.byte_store import MB
from state.uploads import Upload

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

from xai_core.images.reading import BadImage, Photo

KEPT_UPLOADS = 4
KEPT_UPLOADS_MB = 40
GONE = "The image in this address was uploaded and is not kept any more: upload it again."
Prepare = Callable[[Photo | None], None]
_UPLOADS = "_uploads"
_UPLOAD = "upload-"
_THUMBNAIL, _OTHER = "_thumbnail", "_other"


def uploads() -> dict[str, Upload]:
    """The images uploaded in this session, by id."""
    return cast(dict[str, Upload], st.session_state.setdefault(_UPLOADS, {}))


def ask_image(
    thumbnails: Mapping[str, tuple[str, str]],
    others: Mapping[str, str],
    prepare: Prepare,
) -> str:
    """The gallery, other samples and the uploader; returns the id of the chosen image.

    `thumbnails` maps ids to (title, data URI); `others` maps the remaining samples to titles;
    `prepare` is called when somebody is about to bring an image, and with the one that is brought.
    """
    state = st.session_state
    if state["image"] not in {*thumbnails, *others}:
        wanted, state["image"] = state["image"], next(iter(thumbnails), "")
        if wanted.startswith(_UPLOAD):
            state["_problem"] = GONE
        elif wanted:
            name = f"image {wanted}" if wanted.replace("-", "_").isidentifier() else "the image"
            choices.say_missing(name, thumbnails.get(state["image"], ("nothing",))[0])
    shown = list(thumbnails)
    chosen = state["image"]
    key = _key(_THUMBNAIL)
    state[key] = chosen if chosen in thumbnails else None
    with st.container(horizontal=True, vertical_alignment="center", key="gallery"):
        with st.popover(
            "Your image", icon=":material/upload:", key="_yours", on_change=prepare, args=(None,)
        ):
            _ask_upload(prepare)
            if others:
                _ask_other(others)
        st.pills(
            "Image",
            shown,
            format_func=lambda name: f"![{thumbnails[name][0]}]({thumbnails[name][1]})",
            key=key,
            on_change=_take_chosen,
            args=(_THUMBNAIL, key),
            label_visibility="collapsed",
        )
    return str(state["image"])


def _key(way: str) -> str:
    """The widget key of one way to choose an image; another one once another way was taken.

    A browser that has not heard of that yet still tells what its control showed before.
    """
    return f"{way}.{st.session_state.get(f'{way}s', 0)}"


def _take_chosen(way: str, key: str) -> None:
    chosen = st.session_state[key] if key == _key(way) else None
    if chosen is not None:  # a second click on the chosen image does not unchoose it
        _take_image(chosen, way)


def _take_image(name: str, by: str = "") -> None:
    state = st.session_state
    state["image"], state["_problem"] = name, ""
    for way in {_THUMBNAIL, _OTHER} - {by}:
        state[f"{way}s"] = state.get(f"{way}s", 0) + 1


def _ask_upload(prepare: Prepare) -> None:
    st.file_uploader(
        "Upload an image",
        type=["png", "jpg", "jpeg", "webp", "bmp", "tif", "tiff", "gif"],
        key="_file",
        on_change=_take_upload,
        args=(prepare,),
        help="It stays on the computer that CAMpare runs on.",
    )


def _take_upload(prepare: Prepare) -> None:
    state = st.session_state
    file = state["_file"]
    state["_problem"] = ""
    if file is None:
        return
    photo = Upload(file.getvalue(), file.name)
    prepare(photo)  # what computes reads it at the same time
    try:
        photo.read()
    except BadImage as error:
        state["_problem"] = str(error)
        return
    kept = uploads()
    name = f"{_UPLOAD}{photo.sha256[:12]}"
    kept[name] = photo
    while len(kept) > 1 and (len(kept) > KEPT_UPLOADS or _bytes(kept) > KEPT_UPLOADS_MB * MB):
        del kept[next(iter(kept))]
    start.end_start()
    state["_yours"] = False
    _take_image(name)


def _bytes(kept: Mapping[str, Upload]) -> int:
    return sum(len(photo.content) for photo in kept.values())


def problems() -> list[str]:
    """What was wrong with the last upload, in one sentence; none when it was fine."""
    said = str(st.session_state.get("_problem", ""))
    return [said] if said else []


def _ask_other(others: Mapping[str, str]) -> None:
    state = st.session_state
    key = _key(_OTHER)
    state[key] = state["image"] if state["image"] in others else None
    st.selectbox(
        "or another sample",
        list(others),
        format_func=lambda name: others[name],
        key=key,
        on_change=_take_chosen,
        args=(_OTHER, key),
        placeholder="Choose a sample",
    )


def ask_folder(example: str) -> str:
    return str(
        st.text_input(
            "Folder on the computer that CAMpare runs on",
            key="folder",
            placeholder=example,
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
