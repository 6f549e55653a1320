"""`probe` finds the contested sides of GPT models as the local endpoint was set, and prices it first."""

import itertools
import json
from datetime import date
from decimal import Decimal

import pytest

from rockbottom.catalog import load_catalog
from rockbottom.cli import main
from rockbottom.probe import Experiment, LocalService, ProbedModel, estimate, findings_of, run, write_facts
from tests.client.client_doubles import runtime

ON = date(2026, 11, 21)
LUNA, BARE, OLD = "us.openai.gpt-5.6-luna", "openai.gpt-5.6-luna", "openai.gpt-5.5"
CONTESTED = ("thirty_minutes_slide", "host_in_key", "cache_key_in_key", "cache_key_needed", "implicit_lookback")

_numbers = itertools.count()


def subject_of(model_id):
    catalog = load_catalog()
    model = catalog.model(model_id)
    return ProbedModel(model_id, model, catalog.rules(model, ON), f"surface-{next(_numbers)}")


def answers(endpoint, model_id, *names):
    subject = subject_of(model_id)
    first, rest = findings_of(subject, frozenset(names))
    service = LocalService(runtime(endpoint), endpoint.url)
    found = run([Experiment("first", first(subject))], service) if first else []
    found += run([Experiment(one.__name__, one(subject)) for one in rest], service)
    return {finding.question: finding.answer for finding in found}


@pytest.fixture
def chosen(endpoint):
    """Sets switches of the endpoint, and puts them back."""
    kept = endpoint.state.sides, dict(endpoint.state.switches)
    yield endpoint.state.choose
    endpoint.state.sides, endpoint.state.switches = kept


SIDES = [(name, side) for name in CONTESTED for side in load_catalog().switches[name].sides]


@pytest.mark.parametrize("name, side", SIDES)
def test_a_contested_side_is_found_as_it_was_set(endpoint, chosen, name, side):
    chosen({name: side})
    assert answers(endpoint, LUNA, name) == {name: side}


@pytest.mark.parametrize("sides", [dict.fromkeys(CONTESTED[:4], side) for side in ("yes", "no")])
def test_all_are_found_together(endpoint, chosen, sides):
    chosen(sides)
    found = answers(endpoint, LUNA)
    assert found == {"minimum_tokens": "1024", "implicit_lookback": "message_ends", **sides}


def test_every_combination_of_key_and_host_is_told_apart(endpoint, chosen):
    names = ("host_in_key", "cache_key_in_key", "cache_key_needed")
    for sides in itertools.product(("yes", "no"), repeat=3):
        asked = dict(zip(names, sides, strict=True))
        chosen(asked)
        assert answers(endpoint, LUNA, *names) == asked


@pytest.mark.parametrize("side", ["never", "always"])
def test_the_free_cache_of_older_models_is_asked_for(endpoint, chosen, side):
    chosen({"best_effort_reads": side})
    assert answers(endpoint, OLD) == {"best_effort_reads": side}


def test_a_bare_id_has_no_other_host_and_says_which_id_has(endpoint):
    subject = subject_of(BARE)
    (question,) = findings_of(subject, frozenset({"host_in_key"}))[1]
    (found,) = run([Experiment("host", question(subject))], LocalService(runtime(endpoint), endpoint.url))
    assert (found.answer, "id of a profile" in found.evidence) == (None, True)


def test_the_estimate_says_requests_and_waits_and_the_endpoint_then_bills_about_that(endpoint):
    """By hand: 3 requests for sliding, 3 for hosts and keys each, 2 without a key, 2 of a talk, 2 for the minimum.

    About 1,100 to 1,600 tokens each at .22 a million, written at .275: below a cent. 1,200 and 900 s are waited.
    """
    said = estimate(subject_of(LUNA), load_catalog(), ON)
    assert said.requests == 15
    assert said.seconds == 2100
    assert Decimal("0.002") < said.expected_usd < said.worst_usd < Decimal("0.01")
    before = endpoint.state.served
    answers(endpoint, LUNA)
    controls = 3  # the clock, set to manual and moved twice
    assert endpoint.state.served - before == said.requests + controls


def test_what_was_measured_is_a_side_of_the_catalogue(tmp_path, endpoint, chosen):
    chosen({"thirty_minutes_slide": "no", "cache_key_needed": "yes"})
    subject = subject_of(LUNA)
    names = frozenset({"thirty_minutes_slide", "cache_key_needed"})
    experiments = [Experiment(one.__name__, one(subject)) for one in findings_of(subject, names)[1]]
    path = tmp_path / "measured.toml"
    write_facts(path, subject, run(experiments, LocalService(runtime(endpoint), endpoint.url)), ON, "a test")
    measured = load_catalog().overlaid(path).measured_switches(subject.model, ON)
    assert measured["thirty_minutes_slide"].default == "no"
    assert measured["cache_key_needed"].default == "yes"


def test_the_command_says_the_price_and_the_wait_before_it_sends(endpoint, capsys):
    assert main(["probe", "--model", LUNA, "--estimate", "--json"]) == 0
    said = capsys.readouterr()
    assert "15 requests to AWS, 35 minutes of waiting" in said.err
    assert json.loads(said.out)["seconds"] == 2100
    assert main(["probe", "--model", LUNA, "--endpoint", endpoint.url, "--only", "cache_key_needed", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"][0]["answer"] == "no"
