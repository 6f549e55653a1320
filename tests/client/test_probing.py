"""`probe` finds every switch of the local endpoint as it was set, and says beforehand what it will cost."""

import itertools
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rockbottom.catalog import InvalidCatalogue, Tier, load_catalog
from rockbottom.client import attach, attachment_of
from rockbottom.cost import bill
from rockbottom.local import ClockKind, running
from rockbottom.probe import (
    Experiment,
    LocalService,
    ProbedModel,
    RealService,
    estimate,
    findings_of,
    run,
    write_facts,
)
from rockbottom.probe.minimum import minimum
from rockbottom.probe.questions import QUESTIONS
from tests.client.client_doubles import SONNET, runtime

ON = date(2026, 11, 21)
OLD_CLAUDE = "us.anthropic.claude-3-7-sonnet-20250219-v1:0"
NOVA = "us.amazon.nova-pro-v1:0"
GPT_OSS = "openai.gpt-oss-120b-1:0"

_numbers = itertools.count()


def _subject(model_id, words=0):
    catalog = load_catalog()
    model = catalog.model(model_id)
    return ProbedModel(model_id, model, catalog.rules(model, ON), f"test-{next(_numbers)}", words)


def _answers(endpoint, model_id, *names):
    subject = _subject(model_id)
    first, rest = findings_of(subject, frozenset(names))
    service = LocalService(runtime(endpoint), endpoint.url)
    experiments = [Experiment(one.__name__, one(subject)) for one in ([first] if first else []) + rest]
    return {finding.question: finding.answer for finding in run(experiments, service)}


@pytest.fixture
def chosen(endpoint):
    """Sets switches of the endpoint, and puts them back."""
    kept = endpoint.state.sides, dict(endpoint.state.switches)
    yield endpoint.state.choose
    endpoint.state.sides, endpoint.state.switches = kept


SIDES = [
    (SONNET, name, side)
    for name in (
        "ttl_in_key",
        "refresh_on_hit",
        "point_below_hit",
        "api_in_key",
        "thinking_scope",
        "trailing_text_document",
    )
    for side in load_catalog().switches[name].sides
] + [(OLD_CLAUDE, "unsupported_ttl", side) for side in ("reject", "downgrade")]


@pytest.mark.parametrize("model_id, name, side", SIDES)
def test_a_switch_is_found_as_it_was_set(endpoint, chosen, model_id, name, side):
    chosen({name: side})
    assert _answers(endpoint, model_id, name) == {name: side}


@pytest.mark.parametrize("ttl_in_key", ["yes", "no"])
@pytest.mark.parametrize("refresh", ["prefix", "entry"])
@pytest.mark.parametrize("lifetime", ["per_block", "whole_prefix"])
def test_whether_a_tail_keeps_its_prefix_alive_is_found_wherever_it_can_be_seen(
    endpoint, chosen, ttl_in_key, refresh, lifetime
):
    chosen({"ttl_in_key": ttl_in_key, "refresh_on_hit": refresh, "entry_lifetime": lifetime})
    found = _answers(endpoint, SONNET, "entry_lifetime", "refresh_on_hit", "ttl_in_key")
    # Where a 1h point does not see 5m entries and reads renew what is below, no request can tell the two apart.
    visible = ttl_in_key == "no" or refresh == "entry"
    assert found == {
        "entry_lifetime": lifetime if visible else None,
        "refresh_on_hit": refresh,
        "ttl_in_key": ttl_in_key,
    }


WHOLE = ("ttl_in_key", "entry_lifetime", "refresh_on_hit", "point_below_hit", "api_in_key", "thinking_scope",
         "trailing_text_document")  # fmt: skip


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.tuples(*(st.sampled_from(sorted(load_catalog().switches[name].sides)) for name in WHOLE)))
def test_a_whole_probe_finds_any_combination_of_switches(endpoint, chosen, sides):
    """All questions side by side, sharing their texts: each answer is the side that was set, or stays empty."""
    asked = dict(zip(WHOLE, sides, strict=True))
    chosen(asked)
    found = _answers(endpoint, SONNET)
    if asked["ttl_in_key"] == "yes" and asked["refresh_on_hit"] == "prefix":
        asked["entry_lifetime"] = None  # no request can tell
    assert {name: found[name] for name in WHOLE} == asked
    assert (found["minimum_tokens"], found["lookback_blocks"], found["cache_hop_rate"]) == ("1024", "21", "0")


@pytest.mark.parametrize("side", ["access_denied", "validation"])
def test_the_error_of_a_model_without_caching_is_found(endpoint, chosen, side):
    chosen({"unsupported_model_error": side})
    assert _answers(endpoint, GPT_OSS) == {"unsupported_model_error": side}


@pytest.mark.parametrize(
    "model_id, documented",
    [
        (SONNET, "1024"),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "4096"),
        (NOVA, "0"),
        ("global.anthropic.claude-opus-5-5", "512"),
    ],
)
def test_the_minimum_is_found_by_bisection(endpoint, model_id, documented):
    assert _answers(endpoint, model_id, "minimum_tokens") == {"minimum_tokens": documented}


def test_the_lookback_is_found_to_the_block(endpoint):
    assert _answers(endpoint, SONNET, "lookback_blocks") == {"lookback_blocks": "21"}


@pytest.mark.parametrize("policy, side", [({"policy": "pinned"}, "0"), ({"policy": "round_robin"}, "0.1")])
def test_regions_behind_a_profile_are_noticed(endpoint, policy, side):
    endpoint.state.router.change(policy)
    try:
        assert _answers(endpoint, SONNET, "cache_hop_rate") == {"cache_hop_rate": side}
    finally:
        endpoint.state.router.change({"policy": "pinned"})


def test_nova_answers_what_concerns_it(endpoint):
    found = _answers(endpoint, NOVA)
    assert found["minimum_tokens"] == "0"
    assert found["implicit_reads"] == "off"
    assert found["nova_propagation_lag"] == "none"
    assert found["refresh_on_hit"] == "prefix"
    assert "lookback_blocks" not in found


def test_the_estimate_is_about_what_the_local_endpoint_then_bills(endpoint):
    catalog = load_catalog()
    subject = _subject(SONNET)
    said = estimate(subject, catalog, ON)
    usages = []

    class Counting(LocalService):
        def send(self, request):
            reply = super().send(request)
            usages.append(reply.usage)
            return reply

    service = Counting(runtime(endpoint), endpoint.url)
    first, rest = findings_of(subject)
    assert first is minimum
    run([Experiment("first", first(subject))], service)
    run([Experiment(one.__name__, one(subject)) for one in rest], service)
    bills = [bill(usage, subject.model, Tier.DEFAULT, ON, catalog.price_book).usd for usage in usages]
    # Other texts, so other counts: within a tenth.
    assert abs(sum(bills) - said.expected_usd) < said.expected_usd / 10
    assert said.expected_usd < Decimal("0.05")
    assert said.expected_usd < said.worst_usd < Decimal("0.20")


def test_waits_of_experiments_overlap(endpoint):
    said = estimate(_subject(SONNET), load_catalog(), ON)
    # 400 for two entries, one above the other; the other question that rests on them asks a second later. Had the
    # one-hour point seen the five-minute entry, its tail would be waited for from 20 s on, beside them.
    assert said.seconds == 401


def test_a_throttled_probe_tries_again(endpoint):
    endpoint.state.faults.add({"kind": "error", "code": "ThrottlingException", "count": 2})
    naps = []
    service = RealService(runtime(endpoint), sleep=naps.append)
    subject = _subject(SONNET)
    found = run([Experiment("api", QUESTIONS["api_in_key"](subject))], service)
    assert found[0].answer == "yes"
    assert naps == [1.0, 2.0]


def test_what_was_measured_overlays_the_catalogue(tmp_path, endpoint):
    subject = _subject(SONNET)
    service = LocalService(runtime(endpoint), endpoint.url)
    first, rest = findings_of(subject, frozenset({"minimum_tokens", "ttl_in_key", "lookback_blocks"}))
    found = run([Experiment(one.__name__, one(subject)) for one in [first, *rest]], service)
    path = tmp_path / "facts" / "measured.toml"
    write_facts(path, subject, found, ON, "the local endpoint")
    write_facts(path, subject, found, date(2026, 11, 22), "the local endpoint")
    catalog = load_catalog().overlaid(path)
    row = catalog.rules(subject.model, date(2026, 11, 23))
    assert (row.minimum_tokens, row.lookback_blocks, row.valid_from) == (1024, 21, date(2026, 11, 22))
    assert row.source.title == "Measured on the local endpoint"
    day = date(2026, 11, 23)
    assert catalog.measured_switches(subject.model, day)["ttl_in_key"].default == "yes"
    assert "measured" in catalog.switches_of(subject.model, day)["ttl_in_key"].why_default.lower()
    assert catalog.rules(subject.model, date(2026, 11, 20)) == load_catalog().rules(subject.model, ON)


@pytest.mark.parametrize(
    "table, said",
    [
        ('model = "no.such"\nmeasured_on = 2026-11-21', "unknown model"),
        ('model = "anthropic.claude-sonnet-4-6"', "needs a model and a date"),
        ('model = "anthropic.claude-sonnet-4-6"\nmeasured_on = 2026-11-21\nminimum = 3', "unknown minimum;"),
        ('model = "anthropic.claude-sonnet-4-6"\nmeasured_on = 2026-11-21\nminimum_tokens = "3"', "whole number"),
        ('model = "anthropic.claude-sonnet-4-6"\nmeasured_on = 2026-11-21\n[measured.switches]\na = "b"', "switch a"),
    ],
)
def test_a_file_of_facts_with_a_mistake_is_refused_with_its_place(tmp_path, table, said):
    path = tmp_path / "measured.toml"
    path.write_text(f"[[measured]]\n{table}\n")
    with pytest.raises(InvalidCatalogue, match="line 1: table 1") as caught:
        load_catalog().overlaid(path)
    assert said in str(caught.value)


def test_an_attached_client_uses_what_was_measured(tmp_path, endpoint, monkeypatch, caplog):
    path = tmp_path / "measured.toml"
    monkeypatch.setenv("ROCKBOTTOM_FACTS", str(path))
    path.write_text(
        '[[measured]]\nmodel = "anthropic.claude-sonnet-4-6"\nmeasured_on = 2026-01-01\nminimum_tokens = 777'
    )
    catalog = attachment_of(attach(runtime(endpoint))).catalog
    assert catalog.rules(catalog.model(SONNET), ON).minimum_tokens == 777
    path.write_text("nonsense")
    attach(runtime(endpoint))
    assert "measured facts are left out" in caplog.text


def test_a_probe_moves_the_clock_of_an_endpoint_that_runs_on_real_time():
    with running(clock=ClockKind.REAL) as served:
        assert _answers(served, SONNET, "refresh_on_hit") == {"refresh_on_hit": "prefix"}
