"""The floor plan is enforced on every package that exists."""

import configparser
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
