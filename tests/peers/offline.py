"""A plugin of pytest for suites of others: nothing of theirs leaves this machine.

What they fetch from the web while they are collected is a small page. Requests to bedrock-mantle, whose address their
clients make up themselves, go to the local endpoint (``ROCKBOTTOM_ENDPOINT``), which knows them by their Host header.
"""

import os
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import httpx

PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj "
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"
)
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


httpx.get = get
for name in ("httpx", "httpx2"):
    if find_spec(name):
        at_home(import_module(name))
