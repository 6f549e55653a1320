"""What the tracked files must and must not hold."""

import configparser
import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from rockbottom.cli.exits import Exit

REPO = Path(__file__).resolve().parents[2]
_PUBLIC_INDEX = ("py" "pi.org", "python" "hosted.org", "npm" "js.org", "npm" "js.com", "yarn" "pkg.com")  # fmt: skip


def _tracked() -> list[Path]:
    if not (REPO / ".git").exists():
        pytest.skip("not a git checkout, so no list of tracked files")
    run = subprocess.run(["git", "ls-files", "-z"], cwd=REPO, capture_output=True, text=True, check=True)
    return [path for name in run.stdout.split("\0") if name and (path := REPO / name).is_file()]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="ignore")


def _index_hosts() -> set[str]:
    """Hosts that this machine fetches packages from: read from its settings, never written down here."""
    places = [
        value for name, value in os.environ.items() if re.match(r"(?i)(pip|uv|npm_config)_.*(index|registry)", name)
    ]
    for file in (Path("/etc/pip.conf"), Path.home() / ".pip/pip.conf", Path.home() / ".config/pip/pip.conf"):
        places += _pip_places(file)
    npmrc = Path.home() / ".npmrc"
    if npmrc.is_file():
        places += re.findall(r"(?m)^(?:\S+:)?registry\s*=\s*(\S+)", _text(npmrc))
    urls = " ".join(places).split()
    return {host for url in urls if (host := urlsplit(url).hostname) and host != "localhost"}


def _pip_places(file: Path) -> list[str]:
    config = configparser.RawConfigParser(strict=False)
    config.read(file)
    return [value for section in config.sections() for key, value in config[section].items() if "index" in key]


def test_nothing_but_the_projects_own_files_is_tracked_beside_its_folders():
    """What a test or a trial leaves where it was started is easily added with everything else."""
    own = {
        ".ci", ".github", ".gitignore", ".importlinter", ".pre-commit-config.yaml", "CHANGELOG.md",
        "CONTRIBUTING.md", "LICENSE", "Makefile", "NOTICE", "README.md", "SECURITY.md", "action.yml", "benchmarks",
        "constraints", "deploy", "docs", "examples", "pyproject.toml", "scripts", "src", "tests",
    }  # fmt: skip
    assert {path.relative_to(REPO).parts[0] for path in _tracked()} <= own


def test_no_tracked_file_names_a_package_index():
    """Where packages come from is the machine's setting; no file of the project names a host."""
    hosts = {*_PUBLIC_INDEX, *_index_hosts()}
    named = [f"{path.relative_to(REPO)}: {host}" for path in _tracked() for host in hosts if host in _text(path)]
    assert named == []


def test_no_lock_file_holds_an_address():
    """Pins say what, not where."""
    names = re.compile(r"(\.lock|package-lock\.json|(requirements|constraints).*\.txt)$")
    locks = [path for path in _tracked() if names.search(str(path.relative_to(REPO)))]
    assert locks, "there are pins"
    assert [path.name for path in locks if re.search(r"[a-z]+://", _text(path))] == []


def test_no_tracked_file_names_a_place_on_somebodys_machine():
    """No absolute path of a home or a workplace."""
    place = re.compile(r"(?<![\w.])/(?:home|Users|root|work)/[\w.-]+/")
    assert [str(path.relative_to(REPO)) for path in _tracked() if place.search(_text(path))] == []


def test_a_source_that_is_cited_is_a_source_of_the_project():
    """Sources have names in catalog/data/sources.toml; notes that lie elsewhere tell a reader nothing."""
    notes = re.compile("facts" r"/\w+\.md\b")
    assert [str(path.relative_to(REPO)) for path in _tracked() if notes.search(_text(path))] == []


@pytest.mark.parametrize("name", ["core", "all", "dev", "bench"])
def test_every_pin_is_exact_and_carries_hashes(name):
    """Each requirement is one version with at least one sha256."""
    text = re.sub(r"(?m)^\s*#.*\n", "", _text(REPO / "constraints" / f"{name}.txt"))
    pins = text.replace("\\\n", "").splitlines()
    assert pins
    assert [pin for pin in pins if not re.match(r"[\w.\[\]-]+==[^\s;]+ .*--hash=sha256:[0-9a-f]{64}", pin)] == []


def test_one_environment_can_hold_every_set():
    """The smaller sets pin what the largest pins."""
    pins = {
        name: set(re.findall(r"(?m)^[\w.-]+==[^\s;]+", _text(REPO / "constraints" / f"{name}.txt")))
        for name in ("core", "all", "dev", "bench")
    }
    assert pins["core"] < pins["all"] < pins["dev"] <= pins["bench"]


def test_the_licence_is_apache_2_and_complete():
    """The whole text, from its title to its appendix."""
    text = _text(REPO / "LICENSE")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "APPENDIX: How to apply the Apache License to your work." in text


def test_the_page_of_exit_codes_is_the_enum():
    """docs/reference/exit-codes.md lists every code under its name."""
    rows = re.findall(r"(?m)^\| (\d+) \| (\w+) \|", _text(REPO / "docs" / "reference" / "exit-codes.md"))
    assert [(int(code), name) for code, name in rows] == [(code.value, code.name) for code in Exit]
