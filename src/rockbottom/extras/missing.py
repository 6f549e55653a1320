"""An optional package that is not installed, told with the command that installs it."""

import os
import shlex
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rockbottom.extras.installation import NAME, Installation, Installer, this_installation
from rockbottom.quantities import RockbottomError


def install_command(*extras: str, installation: Installation | None = None) -> str:
    """The command that adds these extras to this copy.

    Tools that make an environment anew (uv tool, uvx, pipx) are told the extras that are there already as well.
    """
    copy = installation or this_installation()
    if copy.keeper in (Installer.PIP, Installer.UV):
        return _line(_installer(copy), *copy.requirement(*extras))
    present = {"all"} if "all" in copy.extras else set(copy.extras)
    *_, requirement = copy.requirement(*sorted({*present, *extras}))
    editable = ["--editable"] if len(copy.requirement()) > 1 else []
    match copy.keeper:
        case Installer.UV_TOOL:
            return _line("uv tool install", *editable, requirement)
        case Installer.UVX:
            return f"{_line('uvx --from', requirement)} {NAME} ..."
        case Installer.PIPX:
            return _line("pipx install --force", *editable, requirement)
        case _:
            return f"{_line('pipx run --spec', requirement)} {NAME} ..."


def upgrade_command(requirement: str, installation: Installation | None = None) -> str:
    """The command that brings a newer package into the environment that runs: ``boto3>=1.42``."""
    copy = installation or this_installation()
    return _line(_installer(copy), "--upgrade", requirement)


def _installer(copy: Installation) -> str:
    """``pip install`` where that is the environment's own pip; else what reaches this environment from any shell."""
    folder = Path(copy.executable).parent
    python = _line(_near(copy.executable))
    if copy.keeper in (Installer.UV, Installer.UV_TOOL, Installer.UVX):
        active = os.environ.get("VIRTUAL_ENV")
        return "uv pip install" if active and Path(active) == folder.parent else f"uv pip install --python {python}"
    pip = shutil.which("pip")
    return "pip install" if pip is not None and Path(pip).parent == folder else f"{python} -m pip install"


def _near(path: str) -> str:
    """A path below the current folder, as seen from there; from the root, as services have it, nothing is near."""
    try:
        here = Path.cwd()
        return path if here == Path(here.anchor) else str(Path(path).relative_to(here))
    except (ValueError, OSError):
        return path


def _line(*words: str) -> str:
    """A command line: the first words as they are, every further one quoted where a shell needs it."""
    first, *others = words
    return " ".join([first, *map(shlex.quote, others)])


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
