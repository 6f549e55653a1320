"""A plugin of pytest for suites of others: what they fetch from the web while they are collected is a small page."""

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


httpx.get = get
