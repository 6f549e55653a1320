"""A first folder: a workload that can be measured, settings, and the examples that the how-tos name."""

from pathlib import Path

import pytest

from rockbottom.cli import main
from rockbottom.cli.settings import read_settings

_EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_written_can_be_measured_at_once(here, capsys):
    """The workload is one that bench takes, and every check of it passes."""
    pytest.importorskip("uvicorn", reason="needs the local endpoint: make setup")
    assert main(["init"]) == 0
    assert "rockbottom bench workload.yaml" in capsys.readouterr().out
    assert main(["bench", "workload.yaml", "--fail-on", "checks"]) == 0
    assert "My assistant on Claude Sonnet 5.5" in capsys.readouterr().out


def test_the_examples_are_those_of_the_project(here):
    """All of them, byte for byte."""
    assert main(["init"]) == 0
    written = {str(path.relative_to(here / "examples")) for path in (here / "examples").rglob("*") if path.is_file()}
    theirs = {
        str(path.relative_to(_EXAMPLES)) for path in _EXAMPLES.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }  # fmt: skip
    assert written == theirs
    assert (here / "examples" / "support-agent.yaml").read_bytes() == (_EXAMPLES / "support-agent.yaml").read_bytes()


def test_the_settings_change_nothing_until_a_line_is_uncommented(here):
    """And every line that is commented out is one that would be taken."""
    assert main(["init"]) == 0
    file = here / "rockbottom.toml"
    assert read_settings(file).values == {}
    text = "\n".join(line.removeprefix("# ") for line in file.read_text().splitlines() if " = " in line or "[" in line)
    file.write_text(text)
    assert len(read_settings(file).values) == 10


def test_nothing_of_yours_is_overwritten(here, capsys):
    """Where one file differs none is written; what is there already as it would be written is left."""
    (here / "workload.yaml").write_text("name: mine\n")
    assert main(["init"]) == 2
    assert "workload.yaml: exists already with other content" in capsys.readouterr().err
    assert [path.name for path in here.iterdir()] == ["workload.yaml"]
    (here / "workload.yaml").unlink()
    assert main(["init"]) == 0
    assert main(["init"]) == 0
