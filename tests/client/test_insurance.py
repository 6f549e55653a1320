"""From the switches of an endpoint to a smaller bill: a probe finds them, an attached client uses what was found."""

import itertools
from datetime import UTC, datetime

import pytest

import rockbottom
from rockbottom import Planner
from rockbottom.catalog import load_catalog
from rockbottom.client import attachment_of
from rockbottom.plan.priors import load_priors
from rockbottom.probe import Experiment, LocalService, ProbedModel, findings_of, run, write_facts
from tests.client.client_doubles import SONNET, ask, runtime, words

# Three of five come back within a minute, one in ten after five to twenty, the others not within the hour.
SLOW = dict.fromkeys(load_priors(), ((30.0, 0.0, 5.0, 0.0), (20.0, 20.0, 15.0, 15.0)))
_runs = itertools.count()


@pytest.fixture
def chosen(endpoint):
    """Sets switches of the endpoint, and puts them back."""
    kept = endpoint.state.sides, dict(endpoint.state.switches)
    yield endpoint.state.choose
    endpoint.state.sides, endpoint.state.switches = kept


def _probed(endpoint, path):
    """Ask the endpoint, and keep what it answers as facts of its Region."""
    catalog, day = load_catalog(), datetime.fromtimestamp(endpoint.state.clock.now(), UTC).date()
    model = catalog.model(SONNET)
    subject = ProbedModel(SONNET, model, catalog.rules(model, day), f"insured-{next(_runs)}")
    _, rest = findings_of(subject, frozenset({"ttl_in_key", "entry_lifetime", "refresh_on_hit"}))
    service = LocalService(runtime(endpoint), endpoint.url)
    found = run([Experiment(one.__name__, one(subject)) for one in rest], service)
    write_facts(path, subject, found, day, "a local endpoint", "us-east-1")


def _bill(endpoint):
    """The usages of three turns, 20 s and seven minutes apart."""
    client = rockbottom.attach(runtime(endpoint), planner=Planner(priors=SLOW), clock=endpoint.state.clock.now)
    return _conversation(client, endpoint)


def _conversation(client, endpoint):
    messages, usages, run_name = [], [], f"conversation {next(_runs)}"
    for gap in (0, 20, 420):
        endpoint.state.clock.advance(gap)
        messages.append({"role": "user", "content": [{"text": words(300, f"{run_name} {gap}")}]})
        reply = client.converse(**ask(system=words(5_000, run_name), messages=messages))
        messages.append(reply["output"]["message"])
        usages.append(reply["usage"])
    return usages


def _hour(usage):
    return sum(one["inputTokens"] for one in usage.get("cacheDetails", []) if one["ttl"] == "1h")


def test_a_tail_for_an_hour_is_used_where_a_probe_found_that_it_keeps_its_prefix(
    endpoint, chosen, tmp_path, monkeypatch
):
    """The third turn comes seven minutes after the second and reads all that the second read and wrote."""
    chosen({"ttl_in_key": "no", "entry_lifetime": "whole_prefix"})
    monkeypatch.setenv("ROCKBOTTOM_FACTS", str(tmp_path / "measured.toml"))
    before = _bill(endpoint)
    assert before[2]["cacheReadInputTokens"] == 0
    _probed(endpoint, tmp_path / "measured.toml")
    first, second, third = _bill(endpoint)
    assert (first["cacheReadInputTokens"], _hour(first)) == (0, 0)
    assert _hour(second) == second["cacheWriteInputTokens"] > 0
    assert third["cacheReadInputTokens"] == second["cacheReadInputTokens"] + second["cacheWriteInputTokens"]


@pytest.mark.parametrize(
    "sides",
    [
        {"ttl_in_key": "yes", "entry_lifetime": "per_block"},
        {"ttl_in_key": "no", "entry_lifetime": "per_block"},
        {"ttl_in_key": "yes", "entry_lifetime": "whole_prefix", "refresh_on_hit": "entry"},
    ],
)
def test_nothing_changes_where_the_probe_found_otherwise(endpoint, chosen, tmp_path, monkeypatch, sides):
    """With the switches set any other way the usage of every turn is that of a planner without facts."""
    chosen(sides)
    monkeypatch.setenv("ROCKBOTTOM_FACTS", str(tmp_path / "measured.toml"))
    before = _bill(endpoint)
    _probed(endpoint, tmp_path / "measured.toml")
    assert "whole_prefix" not in (tmp_path / "measured.toml").read_text() or sides["ttl_in_key"] == "yes"
    assert [_counts(usage) for usage in _bill(endpoint)] == [_counts(usage) for usage in before]


def _counts(usage):
    return usage["cacheReadInputTokens"] > 0, usage["cacheWriteInputTokens"] > 1000, _hour(usage) > 0


def test_facts_of_another_region_or_model_are_not_used(endpoint, tmp_path, monkeypatch):
    """What holds in Frankfurt, or for Haiku, says nothing of Sonnet in Virginia."""
    path = tmp_path / "measured.toml"
    monkeypatch.setenv("ROCKBOTTOM_FACTS", str(path))
    sides = '[measured.switches]\nttl_in_key = "no"\nentry_lifetime = "whole_prefix"\n'
    path.write_text(
        '[[measured]]\nmodel = "anthropic.claude-sonnet-4-6"\nregion = "eu-central-1"\n'
        f"measured_on = 2026-01-01\n{sides}"
        '[[measured]]\nmodel = "anthropic.claude-haiku-4-5-20251001-v1:0"\nregion = "us-east-1"\n'
        f"measured_on = 2026-01-01\n{sides}"
    )
    client = rockbottom.attach(runtime(endpoint), planner=Planner())
    catalog, day = attachment_of(client).catalog, datetime(2026, 11, 21, tzinfo=UTC).date()
    assert catalog.switches_of(catalog.model(SONNET), day)["ttl_in_key"].default == "yes"
    haiku = catalog.model("us.anthropic.claude-haiku-4-5-20251001-v1:0")
    assert catalog.switches_of(haiku, day)["ttl_in_key"].default == "no"
    assert catalog.measured_switches(haiku, datetime(2025, 12, 31, tzinfo=UTC).date()) == {}


def test_the_log_says_once_when_the_reads_do_not_come(endpoint, chosen, tmp_path, monkeypatch, caplog):
    """The facts say that it works, the service has changed since: one warning, and the report keeps it."""
    chosen({"ttl_in_key": "no", "entry_lifetime": "whole_prefix"})
    monkeypatch.setenv("ROCKBOTTOM_FACTS", str(tmp_path / "measured.toml"))
    _probed(endpoint, tmp_path / "measured.toml")
    chosen({"ttl_in_key": "yes", "entry_lifetime": "per_block"})
    client = rockbottom.attach(runtime(endpoint), planner=Planner(priors=SLOW), clock=endpoint.state.clock.now)
    for _ in range(12):
        _conversation(client, endpoint)
    said = [record.message for record in caplog.records if "tail insurance is switched off" in record.message]
    assert len(said) == 1
    assert any("tail insurance" in notice for notice in rockbottom.report(client).notices)
