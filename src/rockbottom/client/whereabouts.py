"""Where a client's requests go: which Region, and whether that is AWS or an endpoint on this machine."""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from rockbottom.catalog import MANTLE

_AWS = re.compile(r"(^|\.)(amazonaws\.com(\.cn)?|api\.aws)$")
_REGION = re.compile(r"(?:^|\.)bedrock-(?:runtime|mantle)(?:-fips)?\.([a-z0-9-]+)\.")


class Whereabouts(NamedTuple):
    """``endpoint`` is "aws", or "local" for an address that is plain HTTP or this machine; "": not known.

    ``host`` is "bedrock-mantle" where they go there; "": to bedrock-runtime.
    """

    region: str = ""
    endpoint: str = ""
    host: str = ""

    def at(self, host: str | None) -> "Whereabouts":
        """The whereabouts on one of the two hosts of Bedrock; ``host`` None leaves them as they are."""
        return self if host is None else self._replace(host=MANTLE if host == MANTLE else "")


NOWHERE = Whereabouts()


@lru_cache(maxsize=256)
def whereabouts_of(url: str, region: str | None = None) -> Whereabouts:
    """From the URL that requests go to; the host of AWS names the Region where the client does not."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    named = _REGION.search(host)
    where = region or (named[1] if named else "")
    of_mantle = MANTLE if host.startswith(MANTLE) else ""
    if _AWS.search(host):
        return Whereabouts(where, "aws", of_mantle)
    here = host in ("localhost", "::1") or host.startswith("127.")
    return Whereabouts(where, "local" if here or parts.scheme == "http" else "aws", of_mantle)
