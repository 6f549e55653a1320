"""What can go wrong at the gateway.

RockbottomError
+-- GatewayError
    +-- BadConfiguration    a file that cannot be used: which line, which field
    +-- Refused             a request that goes no further: its status and its kind, in AWS's words
"""

import uuid

from rockbottom.extras import at_line
from rockbottom.quantities import RockbottomError


class GatewayError(RockbottomError):
    """Base of the errors of the gateway."""


class BadConfiguration(GatewayError):
    """A configuration or key table that cannot be used."""


class Refused(GatewayError):
    """A request that is answered by the gateway itself. ``kind`` is AWS's name of the error.

    ``request_id`` names the request in the reply, in the log and in the ledger, as the service's id does elsewhere.
    """

    def __init__(
        self, status: int, kind: str, message: str, *, retry_after_s: float | None = None, request_id: str = ""
    ) -> None:
        super().__init__(message)
        self.status, self.kind, self.retry_after_s = status, kind, retry_after_s
        self.request_id = request_id or str(uuid.uuid4())


def bad_field(
    file: str, line: int, column: int, field: str, problem: str, *, fix: str | None = None
) -> BadConfiguration:
    """The error that a field of a file is wrong."""
    return BadConfiguration(at_line(file, line, field, problem), fix=fix)
