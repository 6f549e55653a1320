"""Frameworks that nobody changed, as installed, below ``rockbottom run``."""

import sys
from importlib.util import find_spec

import pytest

from tests.programs.conftest import UNMODIFIED
from tests.programs.totals import total_in

NEEDS = {
    "haystack": "haystack_integrations.components.generators.amazon_bedrock",
    "agno": "agno.models.aws",
    "dspy": "dspy",
    "litellm": "litellm",
    "strands": "strands",
    "langchain": "langchain_aws",
    "llama_index": "llama_index.llms.bedrock_converse",
    "pydantic_ai": "pydantic_ai.models.bedrock",
    "anthropic": "anthropic.lib.bedrock",
    "aiobotocore": "aiobotocore",
    "crewai": "crewai",  # with all that it needs it is too much for an environment of ours: run where it is installed
}


def installed(module):
    try:
        return find_spec(module) is not None
    except ImportError:
        return False


def test_every_program_is_in_the_table():
    ours = {"boto3", "children", "gunicorn", "gevent"}
    programs = {path.stem.removesuffix("_program") for path in UNMODIFIED.glob("*_program.py")}
    assert {name for name in programs if not name.endswith("_surfaces")} - ours == set(NEEDS)


@pytest.mark.slow
@pytest.mark.parametrize("name", NEEDS)
def test_a_program_of_a_framework_is_planned(run, name):
    """Three of four calls read what the first one wrote."""
    if not installed(NEEDS[name]):
        pytest.skip(f"{NEEDS[name]} is not installed here: make sdks runs this")
    ran = run("--", sys.executable, f"{name}_program.py")
    assert ran.returncode == 0, ran.stdout[-1000:] + ran.stderr[-3000:]
    total = total_in(ran.stderr)
    assert total.calls == 4
    assert total.read_percent >= 70
    assert total.saved_usd > 0
