"""A visitor: what a browser tab says to the server, in Streamlit's messages, with no browser."""

from __future__ import annotations

import base64
import re
import ssl
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

STREAM = "/_stcore/stream"
SECONDS = 300.0
LAYER = re.compile(r"<img[^>]* src='(media/[^']+)'[^>]* alt='([^']*)'")
"""An image that is mixed in the browser: its address and what it shows."""


class Visitor:
    """One tab at a page; `elements` is what it shows now, by place."""

    def __init__(
        self, address: str, socket: ClientConnection, fetch: urllib.request.OpenerDirector
    ) -> None:
        self._address, self._socket, self._fetch = address, socket, fetch
        self._page, self._query = "", ""
        self._values: dict[str, tuple[str, Any]] = {}
        self.elements: dict[tuple[int, ...], Any] = {}
        self.exceptions = 0

    def open(self, page: str = "", **choices: str) -> float:
        """Follow an address; the seconds until the page is drawn."""
        self._page, self._query = page, urlencode(choices)
        return self.draw()

    def draw(self, **trigger: str) -> float:
        """Have the page drawn again, perhaps by a click; the seconds until it is."""
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_name = self._query, self._page
        for name in trigger.values():
            state.widget_states.widgets.add(id=name, trigger_value=True)
        begin = time.perf_counter()
        self._socket.send(message.SerializeToString())
        while not self._has_ended(self._received()):
            pass
        return time.perf_counter() - begin

    def _received(self) -> ForwardMsg:
        message = ForwardMsg()
        content = self._socket.recv(timeout=SECONDS)
        message.ParseFromString(content if isinstance(content, bytes) else content.encode())
        return message

    def _has_ended(self, message: ForwardMsg) -> bool:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.elements.clear()
        elif kind == "delta":
            place = tuple(message.metadata.delta_path)
            if message.delta.WhichOneof("type") == "new_element":
                element = message.delta.new_element
                self.elements[place] = element
                self.exceptions += element.WhichOneof("type") == "exception"
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        return kind == "script_finished" and message.script_finished in (
            ForwardMsg.FINISHED_SUCCESSFULLY,
            ForwardMsg.FINISHED_WITH_COMPILE_ERROR,
        )

    def _of(self, kind: str) -> Iterator[Any]:
        for element in list(self.elements.values()):
            if element.WhichOneof("type") == kind:
                yield getattr(element, kind)

    def text(self) -> str:
        """All sentences of the page."""
        return " ".join(re.sub("<[^>]+>", " ", html.body) for html in self._of("html"))

    def pictures(self) -> list[tuple[str, str]]:
        """(what it shows, address) of every picture, in layers too."""
        plain = [
            (place.alt, place.url)
            for pictures in self._of("imgs")
            for place in pictures.imgs
            if place.url.startswith("/media")
        ]
        layered = [found for html in self._of("html") for found in LAYER.findall(html.body)]
        return plain + [(unescape(alt), f"/{url}") for url, alt in layered if alt]

    def buttons(self) -> dict[str, str]:
        """Label -> widget id of the buttons."""
        return {button.label: button.id for button in self._of("button") if not button.disabled}

    def click(self, label: str) -> float:
        return self.draw(button=self.buttons()[label])

    def read(self, path: str) -> bytes:
        with self._fetch.open(f"{self._address}{path}", timeout=SECONDS) as answer:
            content: bytes = answer.read()
            return content


@contextmanager
def visiting(
    address: str,
    login: tuple[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
    **headers: str,
) -> Iterator[Visitor]:
    """A tab at the server of that address, which is closed at the end."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    if login:
        told["Authorization"] = "Basic " + base64.b64encode(":".join(login).encode()).decode()
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=tls))
    opener.addheaders = list(told.items())
    with connect(
        address.replace("http", "ws", 1) + STREAM,
        origin=told.pop("Origin", address),  # type: ignore[arg-type]
        additional_headers=told,
        ssl=tls if address.startswith("https") else None,
        max_size=None,
        ping_interval=None,  # how long an answer takes is measured, not cut off
        proxy=None,
        open_timeout=SECONDS,
    ) as socket:
        yield Visitor(address, socket, opener)
