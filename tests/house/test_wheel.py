"""What a user gets from the wheel."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory) -> list[str]:
    """The names of the files in a wheel that is built now, from this tree, fetching nothing."""
    pytest.importorskip("hatchling", reason="needs hatchling: make setup")
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys, hatchling.build; print(hatchling.build.build_wheel(sys.argv[1]))"
    run = subprocess.run(
        [sys.executable, "-c", build, str(folder)], cwd=REPO, capture_output=True, text=True, check=True
    )
    return zipfile.ZipFile(folder / run.stdout.split()[-1]).namelist()


def test_it_is_typed_and_licensed(names):
    """py.typed, the licence and the console script are inside."""
    assert "rockbottom/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("entry_points.txt") for name in names)


def test_it_holds_every_module_and_all_data_of_the_source(names):
    """Nothing that lies in src/rockbottom is left behind: no module, no row of the catalogue; and no example."""
    source = REPO / "src"
    files = {
        str(path.relative_to(source)) for path in (source / "rockbottom").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }  # fmt: skip
    examples = {
        f"rockbottom/{path.relative_to(REPO)}"
        for path in (REPO / "examples").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert files | examples == {name for name in names if name.startswith("rockbottom/")}


def test_it_holds_no_tests_and_no_scripts(names):
    """Only the package and its metadata."""
    assert {name.split("/")[0] for name in names} - {"rockbottom"} == {
        name.split("/")[0] for name in names if ".dist-info" in name
    }
