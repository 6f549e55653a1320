"""Advice from runs that measured more than caching: lanes elsewhere, grades, and recorded prompt lengths.

Sonnet 4.5 in the us geography: input 3.30, read 0.33, write 4.125; globally 3.00, 0.30, 3.75; batch 1.65.
"""

import json
from decimal import Decimal as D

import pytest

from rockbottom.advise import (
    AnswerWait,
    Layer,
    Lever,
    MonthlyTraffic,
    Rival,
    Wishes,
    WorkloadShape,
    advise,
    bench_results,
    of_bench,
    of_replays,
    replay_results,
)
from rockbottom.cli import main
from rockbottom.rendering.advice import advice_text
from rockbottom.rendering.levers import advice_document, evidence_text

SONNET, LITE, PRO = "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.nova-lite-v1:0", "amazon.nova-pro-v1:0"


def _turn(number, counts):
    tokens = dict(zip(("input", "read", "write"), counts, strict=True)) | {"write_1h": 0, "output": 0}
    return tokens | {
        "conversation": 1, "turn": number, "label": "", "measured_output": 0, "usd": "1", "measured_usd": "1",
        "saved": None, "cache": "", "latency_ms": None, "elapsed_ms": None, "first_ms": None, "at": "",
    }  # fmt: skip


def _lane(name, *turns, tier="default", scope="us"):
    rows = [_turn(number, counts) for number, counts in enumerate(turns, 1)]
    sums = {key: sum(row[key] for row in rows) for key in ("input", "read", "write", "write_1h", "output")}
    cost = dict.fromkeys(("run", "request", "conversation", "requests_1000", "day", "month"), "1")
    return {
        "name": name, "about": "", "tier": tier, "scope": scope, "status": "ran", "why": "", "prefix_tokens": 0,
        "verdicts": [], "turns": rows, "usage": sums | {"measured_output": 0}, "cost": cost, "measured_cost": cost,
        "saved": None, "repeats": None,
    }  # fmt: skip


def _model(name, scope, lanes):
    return {
        "id": name, "name": name, "scope": scope, "minimum_tokens": 0, "prefix_tokens": 0, "token_error": None,
        "contested_rules": [], "best": None, "lanes": lanes,
    }  # fmt: skip


def _document(*models, grading=None, endpoint="aws", tokens="counted"):
    found = {
        "schema": "rockbottom.bench/1",
        "workload": {
            "name": "w", "about": "", "file": "w.yaml", "digest": "0", "api": "converse", "stream": False,
            "conversations": 1, "turns": 2, "seconds_between_turns": 0, "conversations_per_day": 10, "days": 30,
        },
        "provenance": {
            "endpoint": endpoint, "region": "us-east-1", "started_at": "", "first_turn_at": None, "last_turn_at": None,
            "tokens": tokens, "latency": "measured", "outputs": "equal", "repeats": 1,
            "repeats_finished": {"least": 1, "most": 1}, "priced_on": "2026-11-21", "prices": [], "note": "",
        },
        "models": [_model(*model) for model in models],
        "combined": None, "contested": [], "folder": None,
    }  # fmt: skip
    return bench_results(json.dumps(found | ({"grading": grading} if grading else {})).encode(), "results.json")


def _tariff(ask, model):
    return ask(model, WorkloadShape((Layer(2000),), 1, 1, MonthlyTraffic(D(1)))).tariff


def _advise(ask, document, wishes):
    (evidence,) = of_bench(document)
    return advise(evidence, _tariff(ask, evidence.model), wishes)


def _row(found, lever):
    return next(row for row in found.rows if row.lever is lever)


BASE, CACHED = _lane("baseline", *[(10_000, 0, 0)] * 2), _lane("cached", (1000, 0, 9000), (1000, 9000, 0))


def test_a_bench_run_is_scaled_to_its_month(ask):
    """Two turns of 10,000, ten conversations a day for 30 days: 300 x 20,000 x 3.30 = 19.80; then 0.0467 a time."""
    document = _document((SONNET, "us", [BASE, CACHED]), endpoint="local", tokens="estimated")
    (evidence,) = of_bench(document)
    found = advise(evidence, _tariff(ask, SONNET), Wishes())
    assert found.before.usd == D("19.8")
    assert found.best.bill.usd == 300 * (2000 * D("3.3") + 9000 * D("4.125") + 9000 * D("0.33")) / 1_000_000
    assert evidence.requests == 600
    assert "simulates" in evidence.says


def test_misses_that_were_measured_elsewhere_are_not_assumed_away(ask):
    """The lane global wrote twice and read nothing: 20,000 x 3.00 is less than 2,000 x 3.00 + 18,000 x 3.75 = 73,500.

    So caching stays in the us geography, 2,000 x 3.30 + 9,000 x 4.125 + 9,000 x 0.33 = 46,695, against 60,000.
    """
    missed = _lane("global", (1000, 0, 9000), (1000, 0, 9000), scope="global")
    found = _advise(ask, _document((SONNET, "us", [BASE, CACHED, missed])), Wishes(residency="none"))
    assert found.best.tariff.model.given == SONNET
    assert found.best.bill.usd == 300 * D(46_695) / 1_000_000
    assert _row(found, Lever.GLOBAL).status == "excluded"
    assert "lane global of the run" in evidence_text(found, _row(found, Lever.GLOBAL))


def test_reads_that_were_measured_elsewhere_count(ask):
    """With the same reads the lane global is an eleventh cheaper, and pulled."""
    same = _lane("global", (1000, 0, 9000), (1000, 9000, 0), scope="global")
    found = _advise(ask, _document((SONNET, "us", [BASE, CACHED, same])), Wishes(residency="none"))
    assert found.best.bill.usd == 300 * D(46_695) / D("1.1") / 1_000_000
    assert found.best.sent.name == "lane global"


def test_a_batch_lane_is_evidence_of_its_own(ask):
    """20,000 x 1.65 = 33,000 is less than 46,695."""
    batch = _lane("batch", *[(10_000, 0, 0)] * 2, tier="batch")
    found = _advise(ask, _document((SONNET, "us", [BASE, CACHED, batch])), Wishes(wait=AnswerWait.DAY))
    assert found.best.sent.name == "lane batch"
    assert found.best.bill.usd == 300 * D(33_000) / 1_000_000
    assert max(map(len, advice_text(advice_document(found)).splitlines())) <= 80


def _graded(**standing):
    models = [
        {
            "id": model, "name": model, "lane": None, "usd_month": None, "share": 0.9, "passed": 54.0,
            "conversations": 60, "low": 0.8, "high": 0.95, "undecided": 0, "standing": stands, "frontier": False,
            "checks": {}, "votes": {},
        }
        for model, stands in standing.items()
    ]  # fmt: skip
    about = {"unit": "conversations", "interval": "Wilson, 95%", "judge": None, "verdict": None}
    return {"simulated": False, "bar": "0.9", "models": models, **about}


SIMULATED = {"simulated": True, "says": "", "checks_run": 1, "votes_had": 0}


@pytest.mark.parametrize(
    ("grading", "status", "says"),
    [
        (None, "ask", f"{LITE}: "),
        (None, "ask", "quality unknown"),
        (SIMULATED, "ask", "quality unknown: the run was simulated"),
        ({LITE: "over", PRO: "over"}, "ask", "54 of 60 graded conversations passed (80% to 95% with 95% confidence)"),
        ({LITE: "under", PRO: "not enough to say"}, "ask", f"{PRO}: "),
        ({LITE: "not enough to say", PRO: "over"}, "ask", "over the bar of 90%"),
        ({LITE: "under", PRO: "under"}, "not now", "under the bar in the graded run"),
    ],
)
def test_the_smaller_model_comes_with_its_grades(ask, grading, status, says):
    """The cheapest that is not under the bar; one that is surely over it goes before one that is not."""
    if grading and "simulated" not in grading:
        grading = _graded(**grading)
    lanes = [_lane("baseline", *[(10_000, 0, 0)] * 2, scope="in_region")]
    document = _document((SONNET, "us", [BASE]), (LITE, "in_region", lanes), (PRO, "in_region", lanes), grading=grading)
    evidence, *others = of_bench(document)
    rivals = tuple(Rival(one, _tariff(ask, one.model)) for one in others)
    found = advise(evidence, _tariff(ask, SONNET), Wishes(rivals=rivals))
    row = _row(found, Lever.RIGHT_SIZE)
    assert row.status == status
    assert says in evidence_text(found, row)


def _policy(name, *, uncached, read=0, **more):
    tokens = {"read_tokens": read, "written_5m_tokens": 0, "written_1h_tokens": 0, "uncached_tokens": uncached}
    money = {"output_tokens": 0, "input_usd": "1", "usd": "1", "relative_input_cost": None}
    return {"policy": name, **tokens, **money, "captured": None, **more}


def _replay(model, *policies, tier="default"):
    given = {"given": model, "id": model, "name": model, "scope": "us", "requests": 10}
    least = _policy("clairvoyant", uncached=0) | {"is": "a bound"}
    return {
        "on": "2026-11-21", "tier": tier, "models": [given], "requests": 10, "span_seconds": 86400,
        "reconciliation": None, "policies": policies or [_policy("none", uncached=2_000_000)], "clairvoyant": least,
        "switch": None, "details": {}, "assumptions": [],
    }  # fmt: skip


def _of_replays(document):
    return of_replays(replay_results(json.dumps(document).encode(), "replay.json"))


def test_a_replay_is_scaled_from_its_span(ask):
    """A day of 1M uncached tokens is 30M in a month: 99.00."""
    policies = (
        _policy("system", uncached=400_000, read=600_000),
        _policy("none", uncached=1_000_000),
        _policy("batch", uncached=1_000_000),
    )
    (evidence,) = _of_replays(_replay(SONNET, *policies))
    assert [sent.name for sent in evidence.ways] == ["policy none", "policy system"]
    found = advise(evidence, _tariff(ask, SONNET), Wishes())
    assert (found.before.usd, found.best.bill.usd) == (D(99), D("45.54"))


def test_long_prompts_of_a_replay_are_priced_as_such(ask):
    """Claude Sonnet 4.5 above 200,000 tokens costs twice the input: a million tokens of each are 3.30 + 6.60 a day."""
    bands = [{"above_tokens": above, "uncached_tokens": 1_000_000} for above in (0, 200_000)]
    (plain,) = _of_replays(_replay(SONNET))
    (long,) = _of_replays(_replay(SONNET, _policy("none", uncached=2_000_000, by_length=bands)))
    tariff = _tariff(ask, SONNET)
    assert advise(plain, tariff, Wishes()).before.usd == 30 * 2 * D("3.3")
    assert advise(long, tariff, Wishes()).before.usd == 30 * (D("3.3") + D("6.6"))


def test_a_replay_of_several_models_is_advised_on_one_by_one():
    """What lacks a price, or was replayed at another tier, is left out."""
    runs = [_replay(SONNET), {"lacks": "no price"}, _replay(LITE), _replay(PRO, tier="flex")]
    assert [evidence.model for evidence in _of_replays({"runs": runs})] == [SONNET, LITE]


def test_several_models_are_candidates_for_each_other(capsys):
    """Each gets its own advice."""
    assert main(["advise", "nova-pro", "nova-lite", "--preset", "support-chatbot", "--on", "2026-11-21"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("a month (assumed) without any lever") == 2
    assert "smaller model: nova-lite" in said
