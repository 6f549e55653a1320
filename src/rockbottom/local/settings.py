"""How an endpoint is started."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rockbottom.catalog import limit
from rockbottom.local.clock import ClockKind

DEFAULT_ACCOUNT = "123456789012"


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """What ``rockbottom serve`` and ``running`` take; port 0 is any free one.

    ``account`` and ``region`` are for callers whose signature names none. ``start_at`` (seconds since the epoch) is
    where a manual clock stands at first; None: now. ``upstream`` is the base URL of an OpenAI-compatible server.
    ``s3`` is where batch jobs read and write: the URL of an S3 endpoint, ``moto`` (one in this process, on
    ``s3_port``), None (none). ``hosts`` and ``origins`` are names that the endpoint is called by and pages that may
    call it (``process.Visitors``); with a ``control_token`` the control API answers only who sends it.
    ``data_retention`` is the mode of accounts that choose none (``retention.Retention``).
    ``tls`` speaks TLS with a certificate that is made at the start. ``whole_texts``: tokens of long texts are estimated
    of the whole, so that one more word never counts less; False: of slices, as a planner estimates them.
    """

    host: str = "127.0.0.1"
    port: int = 0
    account: str = DEFAULT_ACCOUNT
    region: str = "us-east-1"
    clock: ClockKind = ClockKind.REAL
    start_at: float | None = None
    log_dir: Path | str | None = None
    upstream: str | None = None
    upstream_model: str | None = None
    seed: int = 0
    max_entries: int = 200_000
    max_body_bytes: int = field(default_factory=lambda: limit("body_bytes"))
    s3: str | None = None
    s3_port: int = 0
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    control_token: str | None = None
    data_retention: str = "inherit"
    tls: bool = False
    whole_texts: bool = True
    switches: Mapping[str, str] = field(default_factory=dict[str, str])
