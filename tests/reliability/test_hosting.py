"""The README's recipe for hosting, word by word but for names and ports, behind Debian's nginx."""

from __future__ import annotations

import http.client
import re
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from tests.reliability.serving import ROOT, Served, free_port, serving
from tests.reliability.visitor import STREAM, Visitor, visiting

NGINX, HTPASSWD, OPENSSL = map(shutil.which, ("nginx", "htpasswd", "openssl"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (NGINX and HTPASSWD and OPENSSL),
        reason="nginx, htpasswd or openssl is not here: apt-get install nginx-light apache2-utils",
    ),
]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NAME = "campare.example.org"
ORDER = {"methods": "cam random", "metrics": "sparseness", "limit": "2", "nulls": "false"}


def block(kind: str) -> str:
    """The one code block of that kind in the README."""
    (found,) = re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)
    return str(found)


@dataclass(frozen=True)
class Hosted:
    """The server, the port of the proxy, and what a browser trusts."""

    served: Served
    port: int
    tls: ssl.SSLContext

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def visit(self, name: str, **headers: str):  # type: ignore[no-untyped-def]
        return visiting(self.address, (name, f"{name}'s word"), self.tls, **headers)

    def ask(self, path: str = "/", name: str = "", **headers: str) -> http.client.HTTPResponse:
        """What the proxy answers; its body is read."""
        import base64

        told = {key.replace("_", "-"): value for key, value in headers.items()}
        if name:
            word = base64.b64encode(f"{name}:{name}'s word".encode()).decode()
            told["Authorization"] = f"Basic {word}"
        way = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.tls, timeout=30)
        way.request("GET", path, headers=told)
        answer = way.getresponse()
        answer.read()
        way.close()
        return answer


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosted]:
    folder = tmp_path_factory.mktemp("hosting")
    port, behind = free_port(), free_port()
    (folder / "images").mkdir()
    _make_certificate(folder)
    for number, name in enumerate(("ann", "bob")):
        options = ["-cb", "-b"][number]
        users, word = folder / "campare.users", f"{name}'s word"
        subprocess.run([HTPASSWD, options, users, name, word], check=True, capture_output=True)
    service = dict(
        line.removeprefix("Environment=").split("=", 1)
        for line in block("ini").splitlines()
        if line.startswith("Environment=")
    )
    service |= {"CAMPARE_DATA": str(folder / "images"), "CAMPARE_RUNS": str(folder / "runs")}
    (started,) = re.findall(r"^ExecStart=.*campare dashboard -- (.*)$", block("ini"), re.MULTILINE)
    options = started.replace(NAME, "127.0.0.1").split()
    with (
        serving(folder / "server", *options, port=behind, **service) as served,
        _proxy(folder, port, behind),
    ):
        trusted = ssl.create_default_context(cafile=str(folder / "campare.pem"))
        yield Hosted(served, port, trusted)


def _make_certificate(folder: Path) -> None:
    subprocess.run(
        [
            *(OPENSSL, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", folder / "campare.key", "-out", folder / "campare.pem"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )


def _proxy(folder: Path, port: int, behind: int):  # type: ignore[no-untyped-def]
    from contextlib import contextmanager

    @contextmanager
    def running() -> Iterator[None]:
        recipe = block("nginx").replace("listen 443", f"listen 127.0.0.1:{port}")
        recipe = recipe.replace(NAME, "127.0.0.1").replace("127.0.0.1:8501", f"127.0.0.1:{behind}")
        for place in ("/etc/ssl/certs/", "/etc/ssl/private/", "/etc/nginx/"):
            recipe = recipe.replace(place, f"{folder}/")
        (folder / "recipe.conf").write_text(recipe)
        temporary = "\n".join(
            f"{kind}_temp_path {folder}/{kind};"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (folder / "nginx.conf").write_text(
            f"user root;\npid {folder}/nginx.pid;\ndaemon off;\nevents {{}}\n"
            f"http {{\naccess_log {folder}/access.log;\n{temporary}\n"
            f"include {folder}/recipe.conf;\n}}\n"
        )
        command = [NGINX, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
        with (folder / "nginx.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait_for(port, process, folder)
            yield
        finally:
            process.terminate()
            process.wait(30)

    return running()


def _wait_for(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    import socket

    for _ in range(100):
        if process.poll() is not None:
            raise RuntimeError((folder / "nginx.log").read_text())
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("nginx does not answer")


@pytest.mark.parametrize("path", ["/", "/run", "/_stcore/health", STREAM, "/media/x.jpg"])
def test_without_login_nothing_is_told(hosted: Hosted, path: str) -> None:
    answer = hosted.ask(path)
    assert answer.status == 401
    assert answer.getheader("WWW-Authenticate") == 'Basic realm="CAMpare"'
    assert hosted.ask(path, Authorization="Basic YW5uOndyb25n").status == 401


def test_the_websocket_asks_for_the_login_too(hosted: Hosted) -> None:
    with pytest.raises(InvalidStatus) as refused, visiting(hosted.address, tls=hosted.tls):
        pass
    assert refused.value.response.status_code == 401


def test_pages_and_images_come_through(hosted: Hosted) -> None:
    with hosted.visit("ann") as ann:
        ann.open("compare")
        assert ann.exceptions == 0
        shown = ann.pictures()
        assert len(shown) > 3
        kinds = {ann.read(address)[:4] for _, address in shown}
        assert kinds == {b"\xff\xd8\xff\xe0", b"\x89PNG"}  # of the photo, and of the maps


def test_answers_say_who_may_frame_them(hosted: Hosted) -> None:
    for path in ("/", "/_stcore/health", "/static/x.js"):
        answer = hosted.ask(path, "ann")
        assert "frame-ancestors 'self'" in str(answer.getheader("Content-Security-Policy"))
        assert answer.getheader("X-Frame-Options") == "SAMEORIGIN"
        assert answer.getheader("X-Content-Type-Options") == "nosniff"


def test_foreign_hosts_and_origins_are_refused(hosted: Hosted) -> None:
    assert hosted.ask("/", "ann").status == 200
    assert hosted.ask("/", "ann", Host="evil.example").status == 421
    with (
        pytest.raises(InvalidStatus) as refused,
        hosted.visit("ann", Origin="https://evil.example"),
    ):
        pass
    assert refused.value.response.status_code == 403
    way = http.client.HTTPConnection(hosted.served.address.removeprefix("http://"), timeout=30)
    way.request("GET", "/", headers={"Host": "evil.example"})  # who gets past the proxy
    answer = way.getresponse()
    answer.read()
    way.close()
    assert answer.status == 421


def test_who_gets_past_the_proxy_is_nobody(hosted: Hosted) -> None:
    with visiting(hosted.served.address) as stranger:
        stranger.open("compare")
        assert "did not say who you are" in stranger.text()
        assert stranger.pictures() == []


def _evaluated(visitor: Visitor, **order: str) -> str:
    """The name of the visitor's run, once it is finished."""
    visitor.open("run", **{**ORDER, **order})
    visitor.click("Evaluate")
    end = time.monotonic() + 180
    while time.monotonic() < end:
        visitor.draw()
        found = re.search(r"(orchard-orchard-\w{6})\s+finished", visitor.text())
        if found:
            return found[1]
        time.sleep(0.5)
    raise TimeoutError(visitor.text()[-600:])


def test_no_visitor_sees_or_deletes_anothers_runs(hosted: Hosted) -> None:
    runs = hosted.served.log.parent.parent / "runs" / ".visitors"
    with hosted.visit("ann") as ann, hosted.visit("bob") as bob:
        run = _evaluated(ann)
        assert {"Delete", "Rename"} <= set(ann.buttons())
        # what a browser says of itself is not believed
        with hosted.visit("bob", X_Forwarded_User="ann") as mallory:
            for other in (bob, mallory):
                other.open("run")
                assert run not in other.text()
                assert not {"Delete", "Rename", "Undo"} & set(other.buttons())
                other.open("leaderboard", run=run)
                assert f"Not found: run {run}. Shown instead: shipped." in other.text()
                assert other.text().count(run) == 1
                forged = ann.buttons()["Delete"]
                other.open("run")
                other.draw(button=forged)  # the click that ann's own button would send
        (folder,) = runs.glob(f"*/{run}")
        assert (folder / "manifest.json").is_file()
        ann.open("run")
        ann.click("Delete")
        assert not folder.is_dir()
        assert "Undo" not in (bob.open("run"), bob.buttons())[1]
        ann.click("Undo")
        assert (folder / "manifest.json").is_file()


def test_folders_of_the_server_are_not_shown(hosted: Hosted) -> None:
    with hosted.visit("ann") as ann:
        for folder in ("/", "/etc", "\0"):
            ann.open("run", source="folder", folder=folder)
            assert ann.exceptions == 0
            assert any(word in ann.text() for word in ("not in the folders", "cannot hold"))


CHROMIUM = shutil.which("chromium")
LOCAL_TOO = "--disable-features=LocalNetworkAccessChecks"
"""Else the browser would not even ask."""


@pytest.mark.skipif(not CHROMIUM, reason="no browser here: apt-get install chromium")
def test_a_browser_logs_in_once_and_no_foreign_page_may_frame_it(hosted: Hosted) -> None:
    with ThreadPoolExecutor(1) as aside:  # another test's browser may be open in this thread
        aside.submit(_log_in_and_frame, hosted).result()


def _log_in_and_frame(hosted: Hosted) -> None:
    from playwright.sync_api import sync_playwright

    login = {"username": "ann", "password": "ann's word"}
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", LOCAL_TOO]
        )
        context = chromium.new_context(ignore_https_errors=True, http_credentials=login)  # type: ignore[arg-type]
        page = context.new_page()
        page.goto(hosted.address)
        page.wait_for_selector("h1.title", timeout=120_000)  # came by the websocket
        assert "did not say who you are" not in page.inner_text("body")
        behind = hosted.served.address  # through the proxy a frame is not even logged in
        framing = "<iframe src='{}/run'></iframe>"
        foreign, told = context.new_page(), dict[str, int]()
        foreign.on("response", lambda answer: told.update({answer.url: answer.status}))
        foreign.route("http://foreign.example/", lambda route: route.fulfill(
            content_type="text/html", body=framing.format(behind)
        ))  # fmt: skip
        foreign.goto("http://foreign.example/")
        foreign.wait_for_timeout(3000)
        assert told[f"{behind}/run"] == 200  # it came, and is not shown
        assert foreign.frames[1].url.startswith("chrome-error:")
        put = "html => document.body.insertAdjacentHTML('beforeend', html)"
        page.evaluate(put, framing.format(hosted.address))
        page.frame_locator("iframe").locator("#root").wait_for(state="attached")  # its own may
        chromium.close()
