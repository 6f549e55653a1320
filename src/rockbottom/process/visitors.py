"""Who may speak to a listener of this machine: programs on it, and no page of another site.

A browser lets any page send requests to 127.0.0.1, and a name that its owner points there (DNS rebinding) makes them
requests to the page's own site. Both show in headers that a page cannot choose: Host, Origin and Sec-Fetch-Site
(https://fetch.spec.whatwg.org/#origin-header, https://www.w3.org/TR/fetch-metadata/). Programs send no Origin.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

Header = Callable[[str], str | None]
"""The value of a request's header by its name in lower case."""

# The service's own names, for who sends them here by a proxy or a hosts file; nobody else can point them anywhere.
_SERVICE = re.compile(r"(?:bedrock(?:-[a-z-]+)?|s3)\.[a-z0-9-]+\.(?:amazonaws\.com(?:\.cn)?|api\.aws)")
_READING = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class Visitors:
    """The policy of one listener that is bound to ``host``.

    A Host header is taken that is an IP address, localhost or a name below it, ``host`` itself, a name of the service,
    or one of ``hosts`` (``.example.com``: all below it). Where ``host`` is no loopback address, a name without a dot
    is taken too: other machines of the network use those. ``origins`` are the pages (``https://app.example.com``)
    that may call besides those of the listener itself.
    """

    host: str = "127.0.0.1"
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()

    def refusal(self, method: str, header: Header) -> str | None:
        """Why a request is not answered, and what would make it so; None: it is answered."""
        authority = header("host") or ""
        if not _known(self, authority):
            return (
                f"The Host header {authority[:200]!r} is not an address of this listener (--allow-host NAME allows it)."
            )
        origin = header("origin")
        if origin is not None:
            if origin in self.origins or urlsplit(origin).netloc.lower() == authority.lower() != "":
                return None
            return f"The page {origin[:200]!r} may not call this listener (--allow-origin ORIGIN allows one)."
        site = header("sec-fetch-site")
        opened = method in _READING and header("sec-fetch-mode") == "navigate"  # a link that somebody followed
        if site in (None, "none", "same-origin") or opened:
            return None
        return "A page of another site may not call this listener (--allow-origin ORIGIN allows one)."


@lru_cache(maxsize=1024)
def _known(visitors: Visitors, authority: str) -> bool:
    try:
        name = urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return False
    if name == "localhost" or name.endswith(".localhost") or name == visitors.host.lower() or _is_address(name):
        return True
    if name and "." not in name and not is_loopback(visitors.host):
        return True
    allowed = any(name == host or (host.startswith(".") and name.endswith(host)) for host in visitors.hosts)
    return allowed or _SERVICE.fullmatch(name) is not None


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def guarded(application: Callable[..., Iterable[bytes]], visitors: Visitors) -> Callable[..., Iterable[bytes]]:
    """A WSGI application that answers only those whom ``visitors`` lets in; 403 to all others."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def header(name: str) -> str | None:
            return environ.get("HTTP_" + name.upper().replace("-", "_"))

        refusal = visitors.refusal(environ.get("REQUEST_METHOD", "GET"), header)
        if refusal is None:
            return application(environ, start_response)
        body = refusal.encode()
        start_response(
            "403 Forbidden",
            [
                ("Content-Type", "text/plain; charset=utf-8"),
                ("Content-Length", str(len(body))),
            ],
        )
        return [body]

    return answer
