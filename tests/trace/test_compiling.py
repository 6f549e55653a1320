"""Compiled code is kept where it may be, and where it may be nowhere the program runs all the same."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba", reason="needs the extra replay: make setup")

REPO = Path(__file__).resolve().parents[2]
_DOUBLED = """
from rockbottom.trace.compiling import compiled
from tests.trace.doubling import doubled
print(compiled(doubled)(21))
"""


def _run(tmp_path, locators, before=""):
    """A process in which numba knows these places only, as where source and home cannot be written."""
    tmp_path.mkdir(exist_ok=True)
    env = {**os.environ, "PYTHONPATH": f"{REPO / 'src'}{os.pathsep}{REPO}", "TMPDIR": str(tmp_path)}
    env |= {"NUMBA_CACHE_LOCATOR_CLASSES": locators}
    env.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", before + _DOUBLED], env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_a_place_of_its_own_it_goes_to_the_temporary_files(tmp_path):
    assert _run(tmp_path, "UserProvidedCacheLocator") == "42\n"
    (folder,) = tmp_path.glob("rockbottom-numba-*")
    assert folder.stat().st_mode & 0o077 == 0
    assert list(folder.rglob("*.nbi"))


def test_a_temporary_folder_that_others_may_write_to_is_not_trusted(tmp_path):
    folder = tmp_path / f"rockbottom-numba-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    assert _run(tmp_path, "UserProvidedCacheLocator") == "42\n"
    assert not list(folder.rglob("*"))


def test_without_any_place_it_is_compiled_anew(tmp_path):
    assert _run(tmp_path, "IPythonCacheLocator") == "42\n"


def test_where_no_temporary_file_can_be_written_it_is_compiled_anew(tmp_path):
    refuse = "import tempfile\ndef refuse(): raise FileNotFoundError('nowhere')\ntempfile.gettempdir = refuse\n"
    assert _run(tmp_path, "UserProvidedCacheLocator", before=refuse) == "42\n"
