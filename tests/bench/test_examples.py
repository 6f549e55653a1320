"""The workloads that are shipped: their sizes, and that each of them runs and passes."""

from datetime import date

import pytest
from msgspec import to_builtins

from rockbottom.bench import LocalEndpoint, load_workload, prepare
from rockbottom.catalog import load_catalog
from rockbottom.prompt import Meter

NAMES = ["support-agent", "document-qa", "agent-tools"]


@pytest.fixture(scope="module")
def meter():
    """The estimate for the tokenizer of Claude 4."""
    return Meter(load_catalog().token_weights["claude-4"])


def test_the_support_agent_has_short_rules_and_a_handbook(repo, meter):
    """About 200 tokens of rules, about 1,900 of documentation, five turns with fixed answers."""
    found = load_workload(repo / "examples/support-agent.yaml")
    assert meter.tokens_of_text(found.system) == pytest.approx(200, rel=0.25)
    assert meter.tokens_of_text(found.documents[0].text) == pytest.approx(1_900, rel=0.1)
    (conversation,) = found.conversations
    assert len(conversation.turns) == 5
    assert all(turn.answer for turn in conversation.turns)


def test_the_document_is_long_and_has_two_layers(repo, meter):
    """About 7,800 tokens over InvokeModel, the instructions a layer of their own that clears 512 tokens."""
    found = load_workload(repo / "examples/document-qa.yaml")
    assert (found.api, found.layers) == ("invoke", ("system", "documents"))
    assert meter.tokens_of_text(found.documents[0].text) == pytest.approx(7_800, rel=0.1)
    assert meter.tokens_of_text(found.system) > 512


def test_the_agents_tools_clear_the_minimum_alone(repo, meter):
    """Its tool definitions are most of its prefix, and turns use them."""
    found = load_workload(repo / "examples/agent-tools.yaml")
    assert len(found.tools) == 8
    assert meter.tokens_of_text(str(found.tools)) > 1_024
    uses = [block for turn in found.conversations[0].turns for block in turn.answer or () if "toolUse" in block]
    assert len(uses) >= 4


@pytest.mark.parametrize("name", NAMES)
def test_every_example_runs_and_passes(repo, endpoint_url, name):
    """On the first and the last of its models, down all its lanes, every verdict passes."""
    found = load_workload(repo / "examples" / f"{name}.yaml")
    models = [found.models[0], found.models[-1]]
    bench = prepare(found, LocalEndpoint(endpoint_url), models=models, on=date(2026, 11, 21))
    bench.run()
    document = bench.document()
    assert document.passed, [lane for model in document.models for lane in model.lanes]
    assert all(float(lane["saved"]) > 0.25 for lane in _cached(document))


def _cached(document):
    lanes = [lane for model in to_builtins(document)["models"] for lane in model["lanes"] if lane["status"] == "ran"]
    return [lane for lane in lanes if lane["name"] != "baseline"]
