"""The examples of examples/frameworks run as they are, with the packages as installed, and save money."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from rockbottom.local import ClockKind, running

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "frameworks"

# Example, the module whose package it shows, and how many calls it makes.
NEEDS = {
    "boto3_calls": ("boto3", 24),
    "langchain_aws_chat": ("langchain_aws", 18),
    "strands_agent": ("strands", 6),
    "llamaindex_chat": ("llama_index.llms.bedrock_converse", 18),
    "pydantic_ai_agent": ("pydantic_ai.models.bedrock", 6),
    "anthropic_bedrock": ("anthropic", 12),
    "litellm_completion": ("litellm", 12),
    "aiobotocore_calls": ("aiobotocore", 18),
}


@pytest.fixture(scope="module")
def url():
    with running(clock=ClockKind.REAL) as one:
        yield one.url


def _installed(module):
    try:
        return find_spec(module) is not None
    except ImportError:
        return False


def _environment(url):
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(EXAMPLES), str(EXAMPLES.parents[1] / "src")]),
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE000000000",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": url,
        "AWS_ENDPOINT_URL_BEDROCK": url,
        "ANTHROPIC_BEDROCK_BASE_URL": url,
        "AWS_BEDROCK_RUNTIME_ENDPOINT": url,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "ROCKBOTTOM_FACTS": "",
    }


def test_every_example_is_in_the_table():
    assert {path.stem for path in EXAMPLES.glob("*.py")} - {"workload"} == set(NEEDS)


@pytest.mark.parametrize(
    "name", [name if name == "boto3_calls" else pytest.param(name, marks=pytest.mark.slow) for name in NEEDS]
)
def test_an_example_runs_unmodified_and_saves(name, url):
    module, calls = NEEDS[name]
    if not _installed(module):
        pytest.skip(f"{module} is not installed here: make sdks runs this")
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py")],
        env=_environment(url),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    total = re.search(r"^total +(\d+) +[\d,.k]+ +>?(\d+)(?:\.\d)?% +[\d.]+ +(-?[\d.]+) ", done.stdout, re.MULTILINE)
    assert total, done.stdout[-2000:]
    assert int(total[1]) == calls
    assert int(total[2]) > 40
    assert float(total[3]) > 0
