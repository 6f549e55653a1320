"""AWS's own examples of Bedrock Runtime, fetched beforehand below $ROCKBOTTOM_PEERS, run as they are on the endpoint.

The folder ``awsdocs`` holds ``example_code/bedrock-runtime`` of python and of javascriptv3, of
the repository of AWS's code examples. Each file is run as a program; which may fail, and why, is in examples.toml.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from rockbottom.local import running
from tests.peers.running_suites import FOLDER, HERE, environment

EXPECTED = tomllib.loads((HERE / "examples.toml").read_text(encoding="utf-8"))["expected"]
SDK = HERE.parent / "sdk_js" / "node_modules"


def folder_of(language: str) -> Path:
    given = os.environ.get(FOLDER)
    folder = Path(given or "") / "awsdocs" / language / "example_code" / "bedrock-runtime"
    if not given or not folder.is_dir():
        pytest.skip(f"AWS's examples are not here: {FOLDER} names a folder that has them below awsdocs, make peers")
    return folder


def run_all(language: str, files: list[Path], command: list[str], folder: Path) -> dict[str, str]:
    """The last line of each program that failed, by its place."""
    failed: dict[str, str] = {}
    with running() as endpoint:
        for file in files:
            place = file.relative_to(folder).as_posix()
            ended = subprocess.run(
                [*command, place], cwd=folder, env=environment(endpoint.url), stdin=subprocess.DEVNULL,
                capture_output=True, text=True, timeout=120, check=False,
            )  # fmt: skip
            said = (ended.stdout + ended.stderr).strip()
            if ended.returncode or "Exception" in said:
                failed[f"{language}/{place}"] = said[-300:]
    return failed


def judged(language: str, files: list[Path], failed: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    patterns = [row["files"] for row in EXPECTED]
    new = {place: why for place, why in failed.items() if not any(fnmatchcase(place, one) for one in patterns)}
    with capsys.disabled():
        print(f"\nawsdocs {language}: {len(files) - len(failed)} passed, {len(failed)} failed ({len(new)} new)")
    assert len(files) > len(failed)
    assert new == {}


@pytest.mark.slow
def test_python_examples(capsys):
    folder = folder_of("python")
    files = sorted(file for file in folder.glob("models/**/*.py") if "scenarios" not in file.parts)
    judged("python", files, run_all("python", files, [sys.executable], folder), capsys)


@pytest.mark.slow
def test_javascript_examples(tmp_path, capsys, node):
    folder = folder_of("javascriptv3")
    if not SDK.is_dir():
        pytest.skip("needs the JavaScript SDK beside the examples: make sdk-js, then make peers")
    here = tmp_path / "bedrock-runtime"
    shutil.copytree(folder, here)
    (here / "node_modules").symlink_to(SDK)
    files = sorted(here.glob("models/**/*.js"))
    judged("javascriptv3", files, run_all("javascriptv3", files, [node], here), capsys)


def test_every_expected_failure_has_its_reason():
    assert [row for row in EXPECTED if not row.get("reason") or not row.get("files")] == []
