"""Sources of a suite, and what came of running it against a local endpoint."""

import os
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as Xml
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
FETCHED = HERE.parents[1] / ".peers"
FOLDER = "ROCKBOTTOM_PEERS"
_LONGEST_S = 7200  # each test has a bound of its own; on a busy machine a whole suite takes its time


@dataclass
class Outcome:
    """How the tests of a suite ended; failures with the first line of why."""

    passed: int = 0
    skipped: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def sources_of(suite: Mapping[str, Any]) -> Path:
    """The folder of a suite's sources: below $ROCKBOTTOM_PEERS, else its source distribution as installed."""
    name, package = suite["sources"], suite.get("package", suite["sources"])
    try:
        wanted = f"{package}=={version(package)}"
    except PackageNotFoundError:
        pytest.skip(f"{package} is not installed here: make peers runs this")
    given = os.environ.get(FOLDER)
    if given and (Path(given) / name).is_dir():
        return Path(given) / name
    if package != name:
        pytest.skip(f"the tests of {name} are in no distribution: {FOLDER} names a folder of sources, make peers")
    FETCHED.mkdir(exist_ok=True)
    folder = FETCHED / wanted.replace("-", "_").replace("==", "-")
    if not folder.is_dir():
        _fetch(wanted)
    return folder


def _fetch(wanted: str) -> None:
    """The source distribution, from wherever this machine's pip gets packages."""
    pip = [getattr(sys, "_base_executable", sys.executable), "-m", "pip"]  # an environment of uv's has none
    command = [*pip, "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(FETCHED)]
    fetched = subprocess.run([*command, wanted], capture_output=True, text=True, check=False)
    archives = list(FETCHED.glob(f"{wanted.replace('-', '_').replace('==', '-')}*.tar.gz"))
    if not archives:
        why = fetched.stderr[-200:]
        pytest.skip(f"{wanted} cannot be fetched here ({why}): {FOLDER} names a folder of sources, make peers")
    with tarfile.open(archives[0]) as archive:
        archive.extractall(FETCHED, filter="data")


def run(suite: dict[str, Any], url: str, report: Path) -> Outcome:
    """Run the suite's tests in their own folder, as they are."""
    folder = sources_of(suite)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "offline", "--timeout", "180"]
    ended = subprocess.run(
        [*command, "--continue-on-collection-errors", f"--junit-xml={report}", *suite["arguments"], *suite["paths"]],
        cwd=folder, env=environment(url), capture_output=True, text=True, timeout=_LONGEST_S, check=False,
    )  # fmt: skip
    assert report.exists(), ended.stdout[-2000:] + ended.stderr[-2000:]
    return _outcome(report)


def environment(url: str) -> dict[str, str]:
    """Variables that lead every client of AWS to an endpoint, and nothing of this machine's own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ROCKBOTTOM_"))}
    return {
        **kept,
        "PYTHONPATH": str(HERE),
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE000000000",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",  # of every other service: nothing listens there
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": url,
        "AWS_ENDPOINT_URL_BEDROCK": url,
        "ANTHROPIC_BEDROCK_BASE_URL": url,
        "ROCKBOTTOM_ENDPOINT": url,  # of the plugin
    }


def _outcome(report: Path) -> Outcome:
    outcome = Outcome()
    for case in Xml.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname', '').replace('.', '/')}::{case.get('name')}"
        ended = [element for element in case if element.tag in ("failure", "error", "skipped")]
        if not ended:
            outcome.passed += 1
        elif ended[0].tag == "skipped":
            outcome.skipped += 1
        else:
            outcome.failed[name] = (ended[0].get("message") or "").partition("\n")[0][:200]
    return outcome


def unexpected(failed: dict[str, str], expected: list[dict[str, str]]) -> dict[str, str]:
    """Failures that no pattern expects."""
    return {
        name: why
        for name, why in failed.items()
        if not any(fnmatchcase(name, pattern["tests"]) for pattern in expected)
    }


def mended(failed: dict[str, str], expected: list[dict[str, str]]) -> list[str]:
    """Patterns that match no failure any more."""
    return [row["tests"] for row in expected if not any(fnmatchcase(name, row["tests"]) for name in failed)]
