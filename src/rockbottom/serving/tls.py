"""TLS of a listener: HTTP/2 or HTTP/1.1, as the client chooses by ALPN."""

import ssl
from pathlib import Path

PROTOCOLS = ("h2", "http/1.1")


def context_of(chain: Path, key: Path | None = None) -> ssl.SSLContext:
    """A context from files in PEM; ``key`` None: it stands in the file of the chain. Raises OSError, ssl.SSLError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(list(PROTOCOLS))
    context.load_cert_chain(chain, key)
    return context
