"""Who calls, as far as an unverified SigV4 header says: access key, Region, service.

The endpoint accepts any signature; it needs the header only to keep accounts and Regions apart.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_SCOPE = re.compile(r"Credential=([^/,\s]+)/(\d{8})/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
_ACCOUNT = re.compile(r"\d{12}")


@dataclass(frozen=True, slots=True)
class Caller:
    """An access key and the Region it signed for; the account is the key when that is 12 digits."""

    access_key: str
    account: str
    region: str

    @property
    def arn(self) -> str:
        """The identity written into invocation logs."""
        return f"arn:aws:iam::{self.account}:user/{self.access_key}"


@lru_cache(maxsize=1024)
def _scope(authorization: str) -> tuple[str, str] | None:
    match = _SCOPE.search(authorization)
    return (match[1], match[3]) if match else None


def caller_from(authorization: str, *, account: str, region: str) -> Caller:
    """The caller named by an Authorization header; ``account`` and ``region`` where it names none."""
    scope = _scope(authorization.partition(", SignedHeaders")[0])
    if scope is None:
        return Caller("anonymous", account, region)
    key, named_region = scope
    return Caller(key, key if _ACCOUNT.fullmatch(key) else account, named_region)
