"""Benchmarks run on the house as it is; `make bench` itself is too long to be run with the tests."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_SMALL = {"CALLS": "20", "ROWS": "2000"}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("batch", []),
        ("ledger", ["--rows", "300", "--calls", "50", "--seconds", "0.1"]),
        ("monitor", []),
        ("mutations", ["--files", "16"]),
        ("semantics", []),
        pytest.param("dash", ["--calls", "300", "--times", "1"], marks=pytest.mark.slow),
        pytest.param("summary", ["--rows", "300"], marks=pytest.mark.slow),
    ],
)
def test_a_benchmark_runs_through_on_a_few_calls(name, arguments):
    """What it prints is nobody's business here; those that install peers or need a quiet machine are left out."""
    environment = {**os.environ, **_SMALL, "PYTHONPATH": str(_ROOT / "src")}
    command = [sys.executable, str(_ROOT / "benchmarks" / f"bench_{name}.py"), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
