"""One virtual environment for each peer, made once and kept in a folder outside the repository's files."""

import os
import shutil
import subprocess
import sys
import tomllib
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
_SECONDS_TO_INSTALL = 900


class CannotInstall(Exception):
    """A peer's environment could not be made; the message says why."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One way to switch a peer's automatic caching on."""

    name: str
    what: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Peer:
    """A package as installed from the index, its driver, and its settings (the first is the one shown)."""

    name: str
    driver: str
    install: tuple[str, ...]
    override: tuple[str, ...]
    pip_install: tuple[str, ...]
    settings: tuple[Setting, ...]

    @property
    def package(self) -> str:
        """The pinned requirement of the peer itself."""
        return self.install[0]


def peers_of(path: Path = HERE / "peers.toml") -> list[Peer]:
    """The peers of the file."""
    told = tomllib.loads(path.read_text())
    return [
        Peer(
            name,
            peer["driver"],
            tuple(peer["install"]),
            tuple(peer.get("override", ())),
            tuple(peer.get("pip_install", peer["install"])),
            tuple(Setting(setting["name"], setting["what"], setting["options"]) for setting in peer["settings"]),
        )
        for name, peer in told.items()
    ]


def python_of(peer: Peer, cache: Path) -> Path:
    """The interpreter of the peer's environment, made where it is missing. Raises CannotInstall."""
    key = blake2b(repr((sys.version_info[:2], peer.install, peer.override)).encode(), digest_size=6).hexdigest()
    folder = cache / "environments" / f"{peer.name}-{key}"
    python = folder / "bin" / "python"
    done = folder / "done"
    if done.exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    print(f"installing {' '.join(peer.install)} ...", file=sys.stderr)
    errors: list[str] = []
    for way in (_with_uv, _with_pip):
        try:
            way(peer, folder, python)
        except (OSError, subprocess.SubprocessError) as error:
            errors.append(_told(error))
            shutil.rmtree(folder, ignore_errors=True)
            continue
        done.touch()
        return python
    raise CannotInstall(f"{peer.package}: " + " / ".join(errors))


def version_of(peer: Peer, python: Path) -> str:
    """The version of the peer's own package that is installed."""
    name = peer.package.split("==")[0].split("[")[0]
    asked = f"import importlib.metadata as m; print(m.version({name!r}))"
    return _run([str(python), "-c", asked]).strip()


def _with_uv(peer: Peer, folder: Path, python: Path) -> None:
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv is None:
        raise OSError("no uv")
    _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
    overrides = folder / "overrides.txt"
    overrides.write_text("\n".join(peer.override))
    asked = ["--override", str(overrides)] if peer.override else []
    _run([uv, "pip", "install", "--quiet", "--python", str(python), *asked, *peer.install])


def _with_pip(peer: Peer, folder: Path, python: Path) -> None:
    venv.create(folder, with_pip=True)
    _run([str(python), "-m", "pip", "install", "--quiet", *peer.pip_install])


def _run(command: Sequence[str]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=_SECONDS_TO_INSTALL, env=clean_environment()
    )
    return done.stdout


def clean_environment() -> dict[str, str]:
    """The environment without this process's Python settings and without anybody's AWS account."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "PYTHON", "VIRTUAL_ENV"))}
    return {
        **kept,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }


def _told(error: Exception) -> str:
    said = getattr(error, "stderr", None) or str(error)
    lines = [line for line in str(said).splitlines() if line.strip() and "WARNING" not in line]
    return lines[-1][:200] if lines else type(error).__name__
