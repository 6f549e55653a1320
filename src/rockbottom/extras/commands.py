"""The commands that add an extra, or a newer package, to the environment that runs."""

import os
import shlex
import shutil
from pathlib import Path

from rockbottom.extras.installation import NAME, Installation, Installer, this_installation


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
