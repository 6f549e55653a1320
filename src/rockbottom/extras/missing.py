"""An optional package that is not installed, told with the command that installs it."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from rockbottom.extras.commands import install_command
from rockbottom.quantities import RockbottomError

_EXTRAS: dict[str, tuple[str, ...]] = {
    "boto3": ("aws", "bench", "replay", "ray"),
    "botocore": ("aws", "local", "bench", "gateway", "local-s3", "replay", "ray"),
    "urllib3": ("local", "bench", "local-s3"),
    "uvicorn": ("local", "bench", "gateway", "local-s3"),
    "httptools": ("local", "bench", "gateway", "local-s3"),
    "h2": ("local", "bench", "gateway", "local-s3"),
    "cryptography": ("local", "bench", "local-s3"),
    "moto": ("local-s3",),
    "flask": ("local-s3",),
    "flask_cors": ("local-s3",),
    "yaml": ("bench", "gateway"),
    "rich": ("bench", "watch"),
    "duckdb": ("watch",),
    "jsonschema": ("grade",),
    "numpy": ("replay", "ray"),
    "numba": ("replay", "ray"),
    "pyarrow": ("parquet",),
    "prometheus_client": ("prometheus",),
    "opentelemetry": ("otel",),
    "ray": ("ray",),
    "mcp": ("mcp",),
    "redis": ("shared",),
}
"""Packages by the name under which they are imported, and the extras that bring them, the smallest first."""


class MissingExtra(RockbottomError, ModuleNotFoundError):
    """A package of an extra is not installed. ``fix`` is the command that adds the extra; ``name`` the module."""

    def __init__(self, message: str, *, fix: str | None = None, name: str | None = None) -> None:
        super().__init__(message, fix=fix)
        self.name = name


def extras_of(module: str, preferred: Sequence[str] = ()) -> tuple[str, ...]:
    """The extras to add for a module: all the ``preferred`` ones where one of them brings it, else the smallest.

    Empty for a module of no extra of ours.
    """
    extras = _EXTRAS.get(module.partition(".")[0], ())
    return tuple(preferred) if set(preferred) & set(extras) else extras[:1]


def missing(error: ModuleNotFoundError, purpose: str, preferred: Sequence[str] = ()) -> MissingExtra | None:
    """The error for a module that ``purpose`` needs and that is not installed; None: it is of no extra of ours."""
    package = (error.name or "").partition(".")[0]
    extras = extras_of(package, preferred)
    if not extras:
        return None
    return MissingExtra(
        f"{purpose} needs the package {package}, which is not installed",
        fix=install_command(*extras),
        name=error.name,
    )


@contextmanager
def needing(purpose: str, *preferred: str) -> Generator[None]:
    """Around imports of optional packages: raises MissingExtra, which says what ``purpose`` needs."""
    try:
        yield
    except MissingExtra:
        raise  # said already, by a room further down
    except ModuleNotFoundError as error:
        missing_extra = missing(error, purpose, preferred)
        if missing_extra is None:
            raise
        raise missing_extra from error
