"""Where this copy of rockbottom came from, and what keeps its environment."""

import json
import re
import sys
from dataclasses import dataclass
from enum import Enum, auto
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import Distribution

NAME = "rockbottom"


class Installer(Enum):
    """What put an environment together, and so what adds a package to it."""

    PIP = auto()
    UV = auto()
    UV_TOOL = auto()  # uv tool install
    UVX = auto()  # uvx: the environment is gone with the cache
    PIPX = auto()
    PIPX_RUN = auto()  # the same of pipx run


@dataclass(frozen=True, slots=True)
class Installation:
    """One copy of rockbottom, and the environment that it is in.

    ``direct_url`` is what its installer wrote down (PEP 610), None when it came from an index; ``extras`` are those
    whose packages are all there.
    """

    version: str
    direct_url: dict[str, Any] | None
    keeper: Installer
    executable: str
    extras: frozenset[str] = frozenset()

    def requirement(self, *extras: str) -> list[str]:
        """This very copy with these extras, as arguments of ``pip install``."""
        bracket = f"[{','.join(extras)}]" if extras else ""
        if self.direct_url is None:
            return [f"{NAME}{bracket}=={self.version}"]
        from urllib.parse import unquote, urlsplit  # only once something is missing
        from urllib.request import url2pathname

        url = str(self.direct_url.get("url", ""))
        version_control = self.direct_url.get("vcs_info")
        if version_control is not None:
            return [f"{NAME}{bracket} @ {version_control['vcs']}+{url}@{version_control['commit_id']}"]
        if urlsplit(url).scheme != "file":
            return [f"{NAME}{bracket} @ {url}"]
        path = url2pathname(unquote(urlsplit(url).path)) + bracket
        return ["-e", path] if self.direct_url.get("dir_info", {}).get("editable") else [path]


def this_installation() -> Installation:
    """The copy that runs. One that was never installed, its source on the path, is like an editable one."""
    from importlib.metadata import PackageNotFoundError, distribution  # costs a start; only once something is missing

    checkout = Path(__file__).resolve().parents[3]
    try:
        copy = distribution(NAME)
    except PackageNotFoundError:
        copy = None
    if (checkout / "pyproject.toml").is_file():
        direct_url: dict[str, Any] | None = {"url": checkout.as_uri(), "dir_info": {"editable": True}}
    else:
        direct_url = _direct_url(copy)
    version: str = sys.modules[NAME].__version__  # not imported: whoever asks stands below it
    return Installation(version, direct_url, keeper_of(Path(sys.prefix)), sys.executable, _whole_extras(copy))


def keeper_of(prefix: Path) -> Installer:
    """What keeps the environment in this folder, by the files and folders that each tool makes."""
    if (prefix / "uv-receipt.toml").is_file():
        return Installer.UV_TOOL
    if (prefix / "pipx_metadata.json").is_file():
        return Installer.PIPX if prefix.parent.name == "venvs" else Installer.PIPX_RUN
    if re.match(r"(archive|environments)-v\d", prefix.parent.name):  # folders of uv's cache
        return Installer.UVX
    return Installer.PIP if find_spec("pip") else Installer.UV


def _direct_url(copy: "Distribution | None") -> dict[str, Any] | None:
    text = copy.read_text("direct_url.json") if copy is not None else None
    try:
        origin: dict[str, Any] | None = json.loads(text) if text else None
    except ValueError:
        return None
    return origin if origin and origin.get("url") else None


def _whole_extras(copy: "Distribution | None") -> frozenset[str]:
    """The extras whose packages are all installed; packages for another system are not looked for."""
    needed: dict[str, list[str]] = {}
    for line in copy.requires or () if copy is not None else ():
        requirement, _, marker = line.partition(";")
        named = re.fullmatch(r"\s*extra\s*==\s*['\"]([\w-]+)['\"]\s*", marker)
        package = re.match(r"[\w.-]+", requirement)
        if named and package:
            needed.setdefault(named[1], []).append(package[0])
    return frozenset(extra for extra, packages in needed.items() if all(map(_is_installed, packages)))


def _is_installed(package: str) -> bool:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True
