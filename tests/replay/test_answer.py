"""The sentence that a replay begins with, and what stands for a month and for cheaper and dearer."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace

pytest.importorskip("numba", reason="needs the replay engine: pip install 'rockbottom[replay]'")

from rockbottom.catalog import Tier
from rockbottom.documents import LeastResult, PolicyResult, ReplayAnswer, ReplayResult, SwitchResult
from rockbottom.quantities import Ttl
from rockbottom.rendering import replay_csv, replay_text

_BILL = {"read_tokens": 0, "written_5m_tokens": 0, "written_1h_tokens": 0, "uncached_tokens": 1000, "output_tokens": 0}


def policy(name: str, relative: float) -> PolicyResult:
    """A policy at a share of the bill without caching, which is 4 dollars."""
    usd = Decimal(4) * Decimal(str(relative))
    return PolicyResult(policy=name, input_usd=usd, usd=usd, relative_input_cost=relative, captured=None, **_BILL)


ANSWER = ReplayAnswer(
    paid_usd=Decimal("4.19"), counted=True, attached_usd=Decimal("1.19"), instead=False, least_usd=Decimal("1.1")
)
REPLAY = ReplayResult(
    on=date(2026, 11, 1), tier=Tier.DEFAULT, models=(), requests=192, span_seconds=180.0, answer=ANSWER,
    reconciliation=None, policies=(policy("none", 1.0), policy("system", 1.0), policy("tail", 1.997)),
    clairvoyant=LeastResult(
        policy="bound", input_usd=Decimal(1), usd=Decimal(1), relative_input_cost=0.25, means="exact", **_BILL
    ),
    switch=SwitchResult("none", "planner", Decimal("3"), None), details={}, assumptions=(),
)  # fmt: skip


def told(result: ReplayResult) -> str:
    """The text in one line, without its wrapping."""
    return " ".join(" ".join(replay_text(result)).split())


def answered(**changes: object) -> str:
    """The text with another answer."""
    return told(replace(REPLAY, answer=replace(ANSWER, **changes)))


def test_it_begins_with_what_was_paid_would_have_been_paid_and_the_least() -> None:
    """1 - 1.19 / 4.19 = 0.716."""
    assert told(REPLAY).startswith(
        "You paid $4.19. With rockbottom attached it would have been $1.19 (72% less). The least possible was $1.10. "
    )


def test_a_dearer_bill_is_said_to_be_more() -> None:
    """5.03 / 4.19 = 1.2005."""
    assert "it would have been $5.03 (20% more)." in answered(attached_usd=Decimal("5.03"))
    assert "it would have been $4.19 (the same)." in answered(attached_usd=Decimal("4.19"))


def test_cachepoints_of_their_own_are_said_to_be_replaced() -> None:
    """The planner keeps them unless it is told otherwise, so the bill is not that of attach as it is by default."""
    assert "With rockbottom attached and its cachePoints instead of yours it would have been" in answered(instead=True)


def test_what_was_not_counted_was_not_paid() -> None:
    """By the rules alone, under another model, or on a local endpoint: what it costs."""
    start = "As it was sent it costs $4.19 by the rules. With rockbottom attached it costs $1.19 (72% less). The least "
    assert answered(counted=False).startswith(f"{start}possible is $1.10. ")
    assert told(replace(REPLAY, simulated_requests=3)).startswith(start)


def test_without_the_planner_the_other_two_are_said() -> None:
    """Where its policy was not asked for."""
    assert answered(attached_usd=None).startswith("You paid $4.19. The least possible was $1.10. ")


def test_a_bill_below_what_the_rules_allow_is_no_proof_of_a_least() -> None:
    """Reads that the rules do not know of."""
    sentence = "By the rules it could not have cost less than $4.50: the service read more than they predict."
    assert sentence in answered(least_usd=Decimal("4.5"))


def test_a_lower_bound_is_not_said_to_be_possible() -> None:
    """It passes over the shortest prefix that a model caches, so no placement need reach it."""
    bound = replace(REPLAY.clairvoyant, means="lower bound")
    assert "No way of caching could have cost less than $1.10." in told(replace(REPLAY, clairvoyant=bound))
    uncounted = replace(ANSWER, counted=False)
    assert "could cost less than $1.10." in told(replace(REPLAY, clairvoyant=bound, answer=uncounted))


def test_amounts_of_cents_have_their_digits() -> None:
    """All three alike."""
    small = answered(paid_usd=Decimal("0.0419"), attached_usd=Decimal("0.0119"), least_usd=Decimal("0.011"))
    assert small.startswith("You paid $0.0419. With rockbottom attached it would have been $0.0119 (72% less). The")


def test_a_table_says_cheaper_and_dearer() -> None:
    """A relative cost of 1.997 is 99.7% dearer, of 0.25 is 75% cheaper; no caching is compared with nothing."""
    lines = list(replay_text(REPLAY))
    names = ("none ", "system ", "tail ", "least ")
    rows = {line.split()[0]: line.split("  ")[-1] for line in lines if line.startswith(names)}
    assert rows["tail"] == "99.7% dearer"
    assert rows["least"] == "75% cheaper"
    assert rows["system"] == "the same"
    assert rows["none"].strip() == "4.00"


def test_no_month_is_made_of_less_than_a_day() -> None:
    """Three minutes stand alone; a month that there is, is said."""
    assert "rockbottom attached instead of no caching saves $3.00 in 3 min; too short for a month" in told(REPLAY)
    month = replace(REPLAY, span_seconds=172_800.0, switch=SwitchResult("none", "planner", Decimal(3), Decimal(45)))
    assert "instead of no caching saves $45.00 in 30 days, at the rate of these 2 days" in told(month)


def test_a_lifetime_that_was_written_is_a_column_of_csv() -> None:
    """Lifetimes that have no member of their own stand behind the others; where none was written there is no column."""
    assert "written_30m_tokens" not in replay_csv([REPLAY])
    bill = replace(REPLAY.policies[0], written_at={Ttl.THIRTY_MINUTES: 7})
    rows = list(csv.DictReader(io.StringIO(replay_csv([replace(REPLAY, policies=(bill,))]))))
    assert rows[0]["written_30m_tokens"] == "7"
