"""Guarding: what the server tells browsers about itself, and which hosts it answers to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = (
    (b"content-security-policy", b"frame-ancestors 'self'; object-src 'none'; base-uri 'self'"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""No foreign page may frame the app, load from it, or have its files taken for another kind."""
REFUSED = b"This server does not answer to that name: server.allowedHosts lists those it does."


class Guard:
    """Adds the headers to every answer; Streamlit asks for the host at its websocket alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _is_known(scope):
            await self._app(scope, receive, guarded)
        else:
            kind = (b"content-type", b"text/plain; charset=utf-8")
            await guarded({"type": "http.response.start", "status": 421, "headers": [kind]})
            await guarded({"type": "http.response.body", "body": REFUSED})


def _is_known(scope: Scope) -> bool:
    hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
    return len(hosts) == 1 and is_host_allowed(hosts[0])
