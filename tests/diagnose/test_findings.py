"""What a finding is worth, and what a fix saves, worked out by hand."""

from dataclasses import replace
from decimal import Decimal

import pytest

from rockbottom.diagnose import (
    Archive,
    Cause,
    CauseTotal,
    Findings,
    LoggedRequest,
    Stream,
    explain,
    read_all,
    with_savings,
)
from rockbottom.diagnose.prices import with_read
from rockbottom.prompt import Api
from rockbottom.quantities import Usage
from rockbottom.rendering import explanation_text

MODEL = "us.anthropic.claude-sonnet-4-6"  # 3.30 in, 0.33 read, 4.125 written for 5 minutes, USD per million tokens
AT = 1_790_000_000.0
POINT = {"cachePoint": {"type": "default"}}
RULES = " ".join(f"Rule {number}: be polite about matter {number}." for number in range(400))


def body(system, *questions, point=True):
    marker = [POINT] if point else []
    return {
        "system": [{"text": system}, *marker],
        "messages": [{"role": "user", "content": [{"text": question}]} for question in questions],
    }


def records(*given):
    return [
        LoggedRequest(AT + at, MODEL, Api.CONVERSE, asked, usage, "us-east-1", "us-east-1", "1", f"r{number}", 0.5)
        for number, (at, asked, usage) in enumerate(given)
    ]


def test_tokens_are_taken_from_what_was_written_first():
    """7 tokens read instead: 5 had been written, 2 were not cached."""
    assert with_read(Usage(10, 3, 1, 5), 7) == Usage(8, 3, 8, 0)


def test_an_expired_entry_costs_what_its_write_cost_above_a_read(catalog):
    """4,000 tokens written again after 301 s: 4,000 x (4.125 - 0.33) / 1e6 = 0.01518 USD."""
    given = records((0, body(RULES, "One"), Usage(50, 9, 0, 4000)), (301, body(RULES, "Two"), Usage(50, 9, 0, 4000)))
    findings = explain(given, catalog)
    (finding,) = findings
    assert (finding.cause, finding.tokens, finding.usd) == (Cause.TTL_EXPIRED, 4000, Decimal("0.01518"))
    assert finding.evidence == "5 min 1 s since its last use, ttl 5m"
    assert findings.spent == Decimal("0.03333")  # 2 x (50 x 3.30 + 4,000 x 4.125) / 1e6
    assert findings.a_month(finding.usd) is None  # of five minutes no month is made


def test_a_month_is_made_of_a_day_and_more(catalog):
    """The same miss after 25 hours: 30 days are 2,592,000 s / 90,000 s = 28.8 times as much."""
    given = records((0, body(RULES, "One"), Usage(50, 9, 0, 4000)), (90_000, body(RULES, "Two"), Usage(50, 9, 0, 4000)))
    findings = explain(given, catalog)
    assert findings.a_month(findings.usd) == Decimal("0.01518") * Decimal("28.8")


def test_a_read_before_it_expires_keeps_an_entry(catalog):
    """Read at 200 s, so alive at 450 s: reading it then is no miss, and a write then is unexplained."""
    given = records(
        (0, body(RULES, "One"), Usage(50, 9, 0, 4000)),
        (200, body(RULES, "Two"), Usage(50, 9, 4000, 0)),
        (450, body(RULES, "Three"), Usage(50, 9, 0, 4000)),
    )
    (finding,) = explain(given, catalog)
    assert (finding.cause, finding.number, finding.expected) == (Cause.UNEXPLAINED, 2, 4000)


def test_the_observed_read_decides_not_the_rules(catalog):
    """Six minutes later, yet the service says it read: there is nothing to explain."""
    given = records((0, body(RULES, "One"), Usage(50, 9, 0, 4000)), (360, body(RULES, "Two"), Usage(50, 9, 4000, 0)))
    assert list(explain(given, catalog)) == []


def test_a_hop_away_and_back_is_told_from_an_expiry(catalog):
    """The entry of the other Region is live and of no use; the gap is 60 seconds."""
    one, two = records((0, body(RULES, "One"), Usage(50, 9, 0, 4000)), (60, body(RULES, "Two"), Usage(50, 9, 0, 4000)))
    hopped = LoggedRequest(two.at, MODEL, Api.CONVERSE, two.body, two.usage, "us-west-2", "us-east-1", "1", "r1", 0.5)
    (finding,) = explain([one, hopped], catalog)
    assert (finding.cause, finding.evidence) == (Cause.REGION_HOP, "written in us-east-1, served by us-west-2")


def test_duplicates_and_disorder_change_nothing(catalog):
    """The same records twice and backwards."""
    given = records((0, body(RULES, "One"), Usage(50, 9, 0, 4000)), (400, body(RULES, "Two"), Usage(50, 9, 0, 4000)))
    findings = explain([*reversed(given), *given], catalog)
    assert (findings.requests, [finding.cause for finding in findings]) == (2, [Cause.TTL_EXPIRED])


def test_other_accounts_share_nothing(catalog):
    """The same prompt sent from another account is cold, not a miss."""
    one, two = records((0, body(RULES, "One"), Usage(50, 9, 0, 4000)), (60, body(RULES, "Two"), Usage(50, 9, 0, 4000)))
    other = LoggedRequest(two.at, MODEL, Api.CONVERSE, two.body, two.usage, "us-east-1", "us-east-1", "2", "r1", 0.5)
    assert list(explain([one, other], catalog)) == []


def test_requests_without_counters_are_judged_by_the_rules(catalog):
    """No counters at all: the rules write 5 minutes, and the second request comes after six."""
    given = records((0, body(RULES, "One"), None), (360, body(RULES, "Two"), None))
    findings = explain(given, catalog)
    assert (findings.uncounted, [finding.cause for finding in findings]) == (2, [Cause.TTL_EXPIRED])


def test_a_record_that_cannot_be_read_is_listed(catalog):
    """An unknown model stops nothing."""
    bad = LoggedRequest(AT, "nobody.knows-v1", Api.CONVERSE, body(RULES, "One"), where="log:7")
    findings = explain([bad, *records((0, body(RULES, "One"), Usage(50, 9, 0, 4000)))], catalog)
    assert findings.requests == 1
    assert findings.unreadable[0][0] == "log:7"


def test_an_hour_instead_of_two_writes_saves_what_the_prices_say(catalog):
    """One pause in two requests."""
    given = records((0, body(RULES, "One"), Usage(50, 9, 0, 4000)), (360, body(RULES, "Two"), Usage(50, 9, 0, 4000)))
    archive = Archive(catalog)
    requests, *_ = read_all(given, archive)
    (total,) = with_savings(Stream(catalog).run(archive, requests), requests, archive, catalog).totals
    # By the rules: 2 writes of 5 minutes (4.125) against 1 write of an hour (6.60) and 1 read (0.33) of the same
    # tokens: 8.25 against 6.93 per million, so here it pays.
    assert total.saving.usd > 0
    single = total.saving.before - total.saving.after
    assert abs(single / total.saving.before - (Decimal("8.25") - Decimal("6.93")) / Decimal("8.25")) < Decimal("0.02")


def test_a_fix_starts_from_what_was_paid_where_parallel_requests_were_seen_to_read(catalog):
    """The second request leaves .1 s after the first, whose reply began after .5 s, and reads all the same: the trial
    has one write, one read, one write after six minutes: (3 x 50 x 3.30 + 8,000 x 4.125 + 4,000 x 0.33) / 1e6."""
    given = records(
        (0, body(RULES, "One"), Usage(50, 9, 0, 4000)),
        (0.1, body(RULES, "Two"), Usage(50, 9, 4000, 0)),
        (360, body(RULES, "Six"), Usage(50, 9, 0, 4000)),
    )
    archive = Archive(catalog)
    requests, *_ = read_all(given, archive)
    (total,) = with_savings(Stream(catalog).run(archive, requests), requests, archive, catalog).totals
    assert abs(total.saving.before - Decimal("0.034815")) < Decimal("0.034815") / 50


def test_nova_reads_only_where_a_point_stands(catalog):
    """A growing chat whose only point moves along: the entry is one block behind it, and Nova does not look back."""
    first = {"role": "user", "content": [{"text": RULES}, POINT]}
    more = [
        {"role": "assistant", "content": [{"text": "Yes."}]},
        {"role": "user", "content": [{"text": "And?"}, POINT]},
    ]
    plain = {"role": "user", "content": [{"text": RULES}]}
    nova = "us.amazon.nova-pro-v1:0"
    given = [
        LoggedRequest(
            AT, nova, Api.CONVERSE, {"messages": [first]}, Usage(0, 9, 0, 4000), "r", "us-east-1", "1", "a", 0.5
        ),
        LoggedRequest(
            AT + 9, nova, Api.CONVERSE, {"messages": [plain, *more]}, Usage(0, 9, 0, 4020), "r", "us-east-1", "1", "b"
        ),
    ]
    (finding,) = explain(given, catalog)
    assert finding.cause is Cause.LOOKBACK_EXCEEDED
    assert finding.evidence == "2 blocks added; this model reads only where a point stands"


def test_thinking_that_the_model_drops_is_named(catalog):
    """Haiku 4.5 drops earlier thinking once the user speaks again, so everything behind it is written anew."""
    haiku = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
    thought = {"reasoningContent": {"reasoningText": {"text": "Hm. " * 30, "signature": "abc"}}}
    use = {"toolUse": {"toolUseId": "t1", "name": "look", "input": {}}}
    result = {"toolResult": {"toolUseId": "t1", "content": [{"text": RULES}]}}
    begin = [{"role": "user", "content": [{"text": RULES}]}, {"role": "assistant", "content": [thought, use]}]
    one = {"messages": [*begin, {"role": "user", "content": [result, POINT]}]}
    more = [{"role": "assistant", "content": [{"text": "Done."}]}, {"role": "user", "content": [{"text": "Go"}, POINT]}]
    two = {"messages": [*begin, {"role": "user", "content": [result]}, *more]}
    given = [
        LoggedRequest(AT, haiku, Api.CONVERSE, one, Usage(3, 9, 0, 10_100), "r", "us-east-1", "1", "a", 0.5),
        LoggedRequest(AT + 30, haiku, Api.CONVERSE, two, Usage(3, 9, 0, 10_020), "r", "us-east-1", "1", "b", 0.5),
    ]
    (finding,) = explain(given, catalog)
    assert (finding.cause, finding.place) == (Cause.HISTORY_REWRITTEN, "messages[1].content[0]")
    assert finding.evidence == "the model drops earlier thinking when the user speaks again"


def test_an_image_added_later_is_a_changed_parameter(catalog):
    """Images anywhere are part of the key of messages; the system prompt is still read."""
    image = {"image": {"format": "png", "source": {"bytes": "AAAA"}}}
    first = {"role": "user", "content": [{"text": RULES}]}
    rest = [{"role": "assistant", "content": [{"text": "Yes."}]}, {"role": "user", "content": [{"text": "See"}, image]}]
    system = [{"text": RULES}, POINT]
    one = {"system": system, "messages": [{"role": "user", "content": [{"text": RULES}, POINT]}]}
    two = {"system": system, "messages": [first, *rest[:1], {"role": "user", "content": [*rest[1]["content"], POINT]}]}
    (finding,) = explain(records((0, one, Usage(3, 9, 0, 8000)), (30, two, Usage(3, 9, 4000, 5700))), catalog)
    assert (finding.cause, finding.evidence) == (Cause.PARAMETER_CHANGED, "images added")


def test_a_point_that_is_there_but_void_is_called_so(catalog):
    """A point behind the question closes what never comes again; one behind a short text is too shallow."""
    ask = [{"text": RULES}, {"text": "One"}]
    bodies = [{"messages": [{"role": "user", "content": [ask[0], {"text": f"Question {n}"}, POINT]}]} for n in range(2)]
    (finding,) = explain(records(*((at, one, Usage(0, 9, 0, 4000)) for at, one in enumerate(bodies))), catalog)
    assert finding.cause is Cause.NO_POINT
    assert finding.evidence.endswith(
        "; the cachePoint at messages[0].content[2] has no effect: what precedes it is not sent again"
    )


def test_prompts_too_short_for_any_point_are_counted(catalog):
    """Claude Sonnet 4.6 caches from 1,024 tokens: 1,023 are too few, whether or not a point stands."""
    sizes = (1_023, 1_024, 1_023)
    findings = explain(
        records(*((at, body(RULES, "One", point=False), Usage(n, 9)) for at, n in enumerate(sizes))), catalog
    )
    assert findings.too_short == {("Claude Sonnet 4.6", 1_024): 2}
    said = (
        "2 requests are shorter than the 1,024 tokens from which Claude Sonnet 4.6\ncaches: no cachePoint helps there"
    )
    assert said in "\n".join(explanation_text(findings, every=False))


@pytest.mark.parametrize("cause", Cause)
def test_a_row_of_the_table_keeps_to_80_columns(traffic, catalog, cause):
    """Whatever its cause is called, at 273,700,000 tokens and a month of $1,014,378."""
    (total,) = explain(traffic.planted("no-point", 3, catalog).records, catalog).totals
    dear = [replace(total.example, cause=cause, tokens=273_700_000, usd=Decimal(1690))]
    findings = Findings([CauseTotal(cause, dear)], 3_656, 273_700_000, 0, 0, 4_320 * 30.0, Decimal(1911))
    shown = list(explanation_text(findings, every=False))
    assert not [line for line in shown if len(line) > 80]
    assert any(line.startswith(f"{cause.value}  {cause.title}") and "273,700,000" in line for line in shown)
