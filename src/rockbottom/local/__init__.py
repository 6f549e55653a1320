"""The local Bedrock endpoint: an ASGI application with the semantics of ``cache``, a clock and injected faults.

``running()`` serves it from a thread, ``serve`` in the foreground; ``EndpointSettings`` says how. Needs the extra
``local``.
"""

from rockbottom.extras import needing

with needing("rockbottom.local", "local"):
    from rockbottom.local.clock import ClockKind
    from rockbottom.local.failures import LocalError
    from rockbottom.local.jobs_s3 import IN_PROCESS
    from rockbottom.local.server import Running, running, serve
    from rockbottom.local.settings import DEFAULT_ACCOUNT, EndpointSettings
    from rockbottom.serving import CannotListen

__all__ = [
    "DEFAULT_ACCOUNT",
    "IN_PROCESS",
    "CannotListen",
    "ClockKind",
    "EndpointSettings",
    "LocalError",
    "Running",
    "running",
    "serve",
]
