"""A plugin of pytest for suites of others: nothing of theirs leaves this machine.

What they fetch from the web while they are collected is a small page. A test that looks into the recording of an
exchange (``vcr`` of pytest-recording) looks at what was really sent. Requests to bedrock-mantle, whose address their
clients make up themselves, go to the local endpoint (``ROCKBOTTOM_ENDPOINT``), which knows them by their Host header.
"""

import os
import zlib
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import httpx
import pytest

_WORDS = zlib.compress(b"BT /F1 12 Tf 20 100 Td (The title of this document is A page of text.) Tj ET")
PDF = (
    b"%%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R>>endobj "
    b"4 0 obj<</Filter/FlateDecode/Length %d>>stream\n%b\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%%%EOF"
) % (len(_WORDS), _WORDS)
_get = httpx.get


def get(url: Any, *arguments: Any, **more: Any) -> httpx.Response:
    if httpx.URL(url).host in ("127.0.0.1", "localhost"):
        return _get(url, *arguments, **more)
    return httpx.Response(200, content=PDF, request=httpx.Request("GET", url))


def at_home(library: Any) -> None:
    """Send what a library's transports are given for bedrock-mantle to the local endpoint."""
    sync, asynchronous = library.HTTPTransport.handle_request, library.AsyncHTTPTransport.handle_async_request

    def turn(request: Any) -> None:
        endpoint = os.environ.get("ROCKBOTTOM_ENDPOINT")
        if endpoint and request.url.host.startswith("bedrock-mantle."):
            there = library.URL(endpoint)
            request.url = request.url.copy_with(scheme=there.scheme, host=there.host, port=there.port)

    def handle_request(self: Any, request: Any) -> Any:
        turn(request)
        return sync(self, request)

    async def handle_async_request(self: Any, request: Any) -> Any:
        turn(request)
        return await asynchronous(self, request)

    library.HTTPTransport.handle_request = handle_request
    library.AsyncHTTPTransport.handle_async_request = handle_async_request


class Sent:
    """What one test's botocore clients sent, as the cassette of a recording that is being made shows it."""

    record_mode = "all"

    def __init__(self) -> None:
        self.requests: list[Any] = []


class InsteadOfCassettes:
    """Fixtures of pytest-recording, which is switched off: nothing is played, and nothing written."""

    @pytest.fixture(autouse=True)
    def vcr(self, monkeypatch: pytest.MonkeyPatch, vcr_markers: list[Any]) -> Iterator[Sent | None]:
        if not vcr_markers:
            yield None
            return
        session, sent = import_module("botocore.httpsession").URLLib3Session, Sent()
        send = session.send

        def noted(self: Any, request: Any) -> Any:
            sent.requests.append(request)
            return send(self, request)

        monkeypatch.setattr(session, "send", noted)
        yield sent


def pytest_configure(config: pytest.Config) -> None:
    if config.pluginmanager.hasplugin("recording"):
        config.pluginmanager.register(InsteadOfCassettes(), "instead-of-cassettes")


httpx.get = get
for name in ("httpx", "httpx2"):
    if find_spec(name):
        at_home(import_module(name))
