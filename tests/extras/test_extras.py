"""The table of extras is pyproject.toml's; rooms whose packages are missing say so."""

import os
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from rockbottom.cli.commands import COMMANDS
from rockbottom.extras.missing import _EXTRAS

_ROOT = Path(__file__).resolve().parents[2]
_PROJECT = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]


def _packages(extra: str) -> set[str]:
    """What an extra names, extras that it includes resolved; without versions and markers."""
    named: set[str] = set()
    for line in _PROJECT["optional-dependencies"][extra]:
        if line.startswith("rockbottom["):
            for inner in line[len("rockbottom[") : -1].split(","):
                named |= _packages(inner)
        else:
            named.add(line.split(">")[0].split("[")[0].split(";")[0].strip())
    return named


def test_every_extra_that_the_table_names_for_a_module_brings_it():
    """By the distributions that are installed here; one that is not installed has the module's name."""
    distributions = packages_distributions()
    brought_along = {"botocore": "boto3"}  # whose package needs it
    for module, extras in _EXTRAS.items():
        names = {module.replace("_", "-"), brought_along.get(module, module)}
        names |= {name.lower().replace("_", "-") for name in distributions.get(module, ())}
        for extra in extras:
            assert names & _packages(extra), (module, extra)


@pytest.mark.parametrize(
    ("extra", "packages"),
    [
        ("replay", {"numpy", "numba", "isal", "boto3"}),  # a month of logs lies in S3
        ("bench", {"uvicorn", "httptools", "h2", "cryptography", "botocore", "urllib3", "pyyaml", "rich", "boto3"}),
        (
            "local-s3",
            {"uvicorn", "httptools", "h2", "cryptography", "botocore", "urllib3", "moto", "flask", "flask-cors"},
        ),
    ],
)
def test_an_extra_that_a_command_needs_is_whole(extra: str, packages: set[str]):
    """No second one has to be added for what the command is for."""
    assert packages <= _packages(extra)


def test_what_needs_two_extras_names_both_at_once(tmp_path):
    """A page for Prometheus of a ledger: its library, and the tables."""
    script = (
        "import sys\nsys.modules['prometheus_client'] = None\nfrom rockbottom.cli import main\n"
        f"sys.exit(main(['monitor', 'serve', '--ledger', {str(tmp_path)!r}]))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert run.returncode == 2
    assert "[prometheus,watch]" in run.stderr


@pytest.mark.parametrize(
    ("absent", "arguments", "extras"),
    [
        (("uvicorn", "moto"), ["serve", "--s3", "moto"], "[local-s3]"),
        (("uvicorn",), ["serve"], "[local]"),
        (("boto3", "duckdb"), ["monitor", "plan", "--model", "nova-pro", "--region", "us-east-1"], "[aws,watch]"),
        (("boto3", "duckdb"), ["monitor", "plan", "--region", "us-east-1"], "[aws,watch]"),
        (("duckdb", "pyarrow"), ["reconcile", "--cur", "bill.parquet"], "[watch,parquet]"),
    ],
)
def test_one_line_brings_all_that_a_command_needs(tmp_path, absent, arguments, extras):
    """No second line is asked for once the first was followed."""
    (tmp_path / "bill.parquet").touch()
    (tmp_path / "calls").mkdir()
    hidden = "".join(f"sys.modules[{package!r}] = None\n" for package in absent)
    script = f"import sys\n{hidden}from rockbottom.cli import main\nsys.exit(main({arguments!r}))"
    environment = {**os.environ, "ROCKBOTTOM_LEDGER": str(tmp_path / "calls")}
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=60
    )
    assert run.returncode == 2
    assert extras in run.stderr


def test_every_extra_of_a_command_exists():
    """The hint would not work otherwise."""
    extras = set(_PROJECT["optional-dependencies"])
    assert {extra for entry in COMMANDS.values() for extra in entry.extras} <= extras


def test_whoever_reads_yaml_without_its_package_is_told_how_to_get_it():
    """Whatever the file is for."""
    script = "import sys\nsys.modules['yaml'] = None\nfrom rockbottom import bench\nbench.read_workload('name: a')"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "MissingExtra: reading YAML needs the package yaml, which is not installed" in run.stderr
    assert "[bench]" in run.stderr


@pytest.mark.parametrize(("room", "package"), [("local", "uvicorn"), ("gateway", "uvicorn"), ("trace", "numpy")])
def test_a_room_whose_packages_are_missing_says_how_to_get_them(room, package):
    """From a program as well, in the last lines of its traceback."""
    asked = "from rockbottom.trace import read_trace" if room == "trace" else f"from rockbottom import {room}"
    script = f"import sys\nsys.modules[{package!r}] = None\n{asked}"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert f"MissingExtra: rockbottom.{room} needs the package {package}, which is not installed" in run.stderr
    assert "Fix: " in run.stderr.splitlines()[-1]


def test_the_page_on_installing_lists_every_extra():
    """With what it weighs and what it is for."""
    page = (_ROOT / "docs" / "reference" / "install.md").read_text()
    assert [extra for extra in _PROJECT["optional-dependencies"] if f"| `{extra}` | " not in page] == []
