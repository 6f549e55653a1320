"""The floor plan is enforced on every package that exists."""

import configparser
import re
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
_PURE = {
    "quantities",
    "figures",
    "catalog",
    "prompt",
    "wire",
    "cloudwatch",
    "changes",
    "dialects",
    "documents",
    "cache",
    "cost",
    "replay",
    "diagnose",
    "plan",
    "advise",
    "grading",
}


def test_every_pure_package_is_listed_as_pure():
    """A package that must be pure is named in the contract that forbids clocks and networks."""
    config = configparser.ConfigParser()
    config.read(REPO / ".importlinter")
    listed = set(config["importlinter:contract:pure"]["source_modules"].split())
    exist = {path.parent.name for path in (REPO / "src" / "rockbottom").glob("*/__init__.py")}
    assert listed == {f"rockbottom.{name}" for name in _PURE & exist}


def test_every_room_has_its_line_in_the_explanation():
    """A newcomer finds each room, and what it is for, on one page."""
    page = (REPO / "docs" / "explanation" / "how-a-call-flows.md").read_text(encoding="utf-8")
    listed = {
        name for row in page.splitlines() if row.startswith("| `") for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    exist = {path.parent.name for path in (REPO / "src" / "rockbottom").glob("*/__init__.py")}
    assert listed == exist | {"files", "faces"}


def test_no_name_that_is_looked_up_late_is_that_of_a_module():
    """Python puts a module on its package once it is imported: then the face gives that for the name."""
    for face in (REPO / "src" / "rockbottom").rglob("__init__.py"):
        text = face.read_text(encoding="utf-8")
        if "= late(" in text:
            modules = {path.stem for path in face.parent.glob("*.py")}
            late = text.partition("_HOMES = {")[2] or text.partition("late(__name__, {")[2]
            names = modules & {name for names in re.findall(r'"([\w ]+)"[,}\n]', late) for name in names.split()}
            assert not names, f"{face.parent.name} has a module and a name {names}"
