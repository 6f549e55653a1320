"""A local endpoint, and a program run as a person runs it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rockbottom.local import ClockKind, Running, running

UNMODIFIED = Path(__file__).parent / "unmodified"
RUN = [sys.executable, "-m", "rockbottom", "run"]
Ran = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(clock=ClockKind.REAL) as one:
        yield one


@pytest.fixture
def environment(server: Running) -> dict[str, str]:
    """The environment of somebody who points every SDK at the local endpoint."""
    server.state.reset()
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ROCKBOTTOM_", "PYTHON"))}
    return {
        **ours,
        "PYTHONPATH": str(UNMODIFIED),
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE000000000",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": server.url,
        "AWS_ENDPOINT_URL_BEDROCK": server.url,
        "ANTHROPIC_BEDROCK_BASE_URL": server.url,
        "AWS_BEDROCK_RUNTIME_ENDPOINT": server.url,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "ROCKBOTTOM_FACTS": "",
    }


@pytest.fixture
def run(environment: dict[str, str]) -> Callable[..., Ran]:
    """``run("--dry-run", "--", "python", "app.py")``: the command to its end, with the variables given beside ours."""

    def ran(*arguments: str, **variables: str) -> Ran:
        return subprocess.run(
            [*RUN, *arguments], env={**environment, **variables}, cwd=UNMODIFIED, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip

    return ran
