"""The local page: files of this package and one JSON answer, over the standard library's HTTP server.

Nothing here needs an extra package. It listens on loopback and answers no page of another site. GET only, no cookies,
no state, nothing loaded from anywhere else.
"""

import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http.server import ThreadingHTTPServer
from importlib import resources
from typing import Any
from urllib.parse import parse_qs, urlsplit

from rockbottom.figures import page_colours
from rockbottom.process import Visitors, is_loopback
from rockbottom.quantities import RockbottomError, reason_of
from rockbottom.serving import CannotListen, LimitedHead, LimitedThreads
from rockbottom.watch.asking import AUTO, SIDES
from rockbottom.watch.errors import WatchError
from rockbottom.watch.following import View
from rockbottom.watch.periods import PERIODS, period_named

_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_FRESH_S = 0.5  # an answer is given again for so long: ten open pages cost what one costs
_WATCHED_S = 30.0  # the ledger is followed while somebody looks, and so long after
_READ_S = 0.25
_IDLE_S = 0.5

_Kept = dict[tuple[str, str], tuple[float, str, bytes]]  # period and side: when it was made, its tag, the JSON


@dataclass(slots=True)
class Answers:
    """Snapshots as JSON with their tags, made at most twice a second for each period and side."""

    view: View
    timer: Callable[[], float] = time.monotonic
    _kept: _Kept = field(default_factory=_Kept)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    asked_at: float = float("-inf")

    def snapshot(self, period: str, side: str) -> tuple[str, bytes]:
        """The tag and the body. The tag changes only with what is shown. Raises WatchError."""
        chosen = period_named(period)
        if side not in (AUTO, *SIDES):
            raise WatchError(f"There is no side {side!r}.", fix=f"known are: {AUTO}, {', '.join(SIDES)}")
        with self._lock:
            self.asked_at = now = self.timer()
            cached = self._kept.get((period, side))
            if cached is None or now - cached[0] >= _FRESH_S:
                snapshot = self.view.snapshot(chosen, side).to_dict()
                shown = {name: value for name, value in snapshot.items() if name != "at"}
                tag = hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()[:20]
                cached = self.timer(), f'"{tag}"', json.dumps(snapshot, ensure_ascii=False).encode()
                self._kept[period, side] = cached
        return cached[1], cached[2]

    def forget(self) -> None:
        """Drop the cached answers, so that the next ones are made anew."""
        with self._lock:
            self._kept.clear()


class _Handler(LimitedHead):
    protocol_version = "HTTP/1.1"
    server: "Dash"  # pyright: ignore[reportIncompatibleVariableOverride]  # only a Dash makes handlers
    wbufsize = -1  # head and body leave in one packet: two would wait for each other

    def do_GET(self) -> None:
        """A file of the page, or the snapshot."""
        place = urlsplit(self.path)
        if self.server.stopped:  # a connection that was kept open
            self.close_connection = True
        elif refusal := self.server.visitors.refusal(self.command, self.headers.get):
            self._error(403, refusal, "open it as http://127.0.0.1:PORT")
        elif place.path == "/api/snapshot":
            self._snapshot(parse_qs(place.query))
        elif place.path in _FILES:
            name, kind = _FILES[place.path]
            self._send(200, kind, _file(name))
        else:
            self._error(
                404, f"There is nothing at {place.path[:80]}.", f"known are: {', '.join([*_FILES, '/api/snapshot'])}"
            )

    do_HEAD = do_GET

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return lambda: self._error(405, f"{name[3:][:20]} is not answered.", "only GET is answered")
        raise AttributeError(name)

    def _snapshot(self, query: dict[str, list[str]]) -> None:
        period = query.get("period", [PERIODS[1].name])[0]
        try:
            tag, body = self.server.answers.snapshot(period, query.get("side", [AUTO])[0])
        except RockbottomError as error:
            self._error(400, str(error), error.fix or "")
            return
        if tag in self.headers.get("If-None-Match", ""):
            self._send(304, "", b"", tag)
        else:
            self._send(200, "application/json", body, tag)

    def _error(self, status: int, message: str, fix: str) -> None:
        self.close_connection = True
        body = json.dumps({"error": message, "fix": fix}, ensure_ascii=False).encode()
        self._send(status, "application/json", body)

    def _send(self, status: int, kind: str, body: bytes, tag: str = "") -> None:
        self.send_response_only(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        if kind:
            self.send_header("Content-Type", kind)
        if tag:
            self.send_header("ETag", tag)
        if status != 304:
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Logs nothing: what a person looks at is nobody's business."""


class Dash(LimitedThreads, ThreadingHTTPServer):
    """Serves the page of a ledger.

    ``expose`` allows an address that other machines can reach, ``hosts`` are names that it may be opened by besides
    its address. Raises CannotListen.
    """

    allow_reuse_address = True

    def __init__(self, view: View, host: str, port: int, *, expose: bool = False, hosts: tuple[str, ...] = ()) -> None:
        self._stopped = threading.Event()
        self.host = host
        self.visitors = Visitors(host, hosts)
        if not expose and not is_loopback(host):
            raise CannotListen(
                f"Other machines can reach {host}, and the page has no password.",
                fix="leave out --host, or add --expose and control who can reach the port",
            )
        self.answers = Answers(view)
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), _Handler)
        except (OSError, OverflowError, UnicodeError) as error:
            raise CannotListen(
                f"Cannot listen on {host}:{port}: {reason_of(error)}.", fix="choose another --port (0: any free one)"
            ) from error

    @property
    def stopped(self) -> bool:
        """Whether ``stop`` was called."""
        return self._stopped.is_set()

    @property
    def url(self) -> str:
        host = "127.0.0.1" if self.host in ("0.0.0.0", "") else f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.server_address[1]}/"

    def serve(self) -> None:
        """Serve until ``stop``, which stops the view; the ledger is followed while somebody looks."""
        follower = threading.Thread(target=self._follow, name="rockbottom-dash", daemon=True)
        follower.start()
        try:
            self.serve_forever(poll_interval=0.1)
        finally:
            self._stopped.set()
            self.answers.view.stop()
            follower.join(2)  # it may wait for S3
            self.server_close()

    def stop(self) -> None:
        """End ``serve``; from another thread."""
        self._stopped.set()
        self.shutdown()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle is no error."""

    def _follow(self) -> None:
        first = True
        while not self._stopped.is_set():
            if first or self.answers.timer() - self.answers.asked_at < _WATCHED_S:
                all_taken = self.answers.view.follow(_READ_S)
                first = first and not all_taken
                self._stopped.wait(_IDLE_S if all_taken else 0.01)
            else:
                self._stopped.wait(_IDLE_S)


@cache
def _file(name: str) -> bytes:
    content = (resources.files("rockbottom.watch") / "page" / name).read_bytes()
    return page_colours().encode() + content if name == "page.css" else content
