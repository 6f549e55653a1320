"""Policies, bounds and what is told about them, on traffic small enough to work out by hand."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import Phase, assume, example, given, settings
from hypothesis import strategies as st

from rockbottom.cache import behaviour_of
from rockbottom.catalog import Price, PriceBook, Tier, load_catalog
from rockbottom.quantities import Source, Unit
from rockbottom.replay import FIXED, Rates, Stage, bill_of, exact_usage, keep_alive_bill, nodes_of, relaxed
from rockbottom.replay.analysis import gaps_of, minutes_of, waste_of
from rockbottom.replay.policies import bill_of_outcomes, run
from rockbottom.trace import Blocks, Points, RequestColumns, Trace
from rockbottom.trace.columns import NAME_TABLES, offsets_of, table_of

ON = date(2026, 11, 1)
USD = {Unit.INPUT: "1", Unit.OUTPUT: "5", Unit.CACHE_READ: "0.1", Unit.CACHE_WRITE_5M: "1.25",
       Unit.CACHE_WRITE_1H: "2"}  # fmt: skip


def stage_of(*requests: tuple[float, str], size: int = 2000) -> Stage:
    """Requests as (instant, blocks): each letter a block of ``size`` tokens; capitals are system blocks."""
    catalog = load_catalog()
    model = catalog.model("global.anthropic.claude-opus-4-8")
    source = Source("made-up", "made up", "", ON)
    rows = [
        Price(model.model.id, model.scope, Tier.DEFAULT, unit, Decimal(usd), ON, None, None, 0, False, source, "", "")
        for unit, usd in USD.items()
    ]
    prefixes = [text[: n + 1] for _, text in requests for n in range(len(text))]
    known = {prefix: number for number, prefix in enumerate(dict.fromkeys(prefixes), 1)}
    blocks = {
        "prefix": [known[prefix] for prefix in prefixes],
        "depth": [len(prefix) * size for prefix in prefixes],
        "section": [1 if prefix[-1].isupper() else 2 for prefix in prefixes],
        "kind": np.ones(len(prefixes)),
        "weight": np.ones(len(prefixes)),
    }
    columns = {
        "at": [at for at, _ in requests],
        "tokens_in": [len(text) * size for _, text in requests],
        "tokens_out": [0 for _ in requests],
    }
    trace = Trace(
        table_of(RequestColumns, columns, len(requests)),
        table_of(Blocks, blocks, len(prefixes)),
        table_of(Points, {}, 0),
        offsets_of([len(text) for _, text in requests]),
        np.zeros(len(requests) + 1, np.int64),
        dict.fromkeys(NAME_TABLES, ()),
    )
    rates = Rates(model, Tier.DEFAULT, ON, PriceBook.of(rows))
    return Stage.of(trace, catalog.rules(model, ON), behaviour_of(catalog.switches), rates)


def tokens(usage) -> tuple[int, int, int, int]:
    """Uncached, read, written for 5 minutes, written for an hour."""
    return usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("none", (12000, 0, 0, 0)),
        ("system", (6000, 2000, 4000, 0)),  # S is written, read, and written again; a, b and a are uncached
        ("system_tail_5m", (0, 2000, 10000, 0)),  # Sa written; S read, b written; Sa written again
        ("system_tail_1h", (0, 6000, 0, 6000)),  # Sa written; S read, b written; Sa read
    ],
)
def test_fixed_policies(policy, expected):
    """Three requests Sa, Sb (10 s later), Sa (400 s later), 2,000 tokens a block."""
    stage = stage_of((0, "Sa"), (10, "Sb"), (410, "Sa"))
    assert tokens(bill_of(stage, policy, FIXED[policy]).usage) == expected


def test_the_exact_optimum_writes_what_comes_back():
    """The prefix returns after 100 s, its tail never: 4,000 written once and read once, the tails left alone."""
    stage = stage_of((0, "Sax"), (100, "Say"))
    usage = exact_usage(stage)
    assert usage is not None
    assert tokens(usage) == (4000, 4000, 4000, 0)


def test_the_exact_optimum_pays_for_an_hour_where_it_must():
    """Every 20 minutes, three times: an hour's write (2.0) and two reads (0.2) beat three times 1.0."""
    usage = exact_usage(stage_of((0, "S"), (1200, "S"), (2400, "S")))
    assert usage is not None
    assert tokens(usage) == (0, 4000, 0, 2000)


WAITS = st.sampled_from([5.0, 200.0, 310.0, 2000.0])


@given(st.lists(st.tuples(WAITS, st.text("ab", max_size=1)), min_size=1, max_size=4))
@settings(max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate])
@example([(5.0, "bb"), (5.0, "b"), (5.0, "a"), (310.0, "a")])
def test_bound_exact_and_fixed_stand_in_order(requests):
    """The relaxation costs at most the optimum, the optimum at most any fixed policy, on any small traffic."""
    instants = np.cumsum([wait for wait, _ in requests])
    stage = stage_of(*zip(instants.tolist(), ["S" + text for _, text in requests], strict=True))
    usage = exact_usage(stage)
    assume(usage is not None)
    exact = stage.rates.cost(usage).usd
    assert bool(bill_of_outcomes(stage, "bound", relaxed(stage)).cost.usd <= exact)
    assert all(exact <= bill_of(stage, name, place).cost.usd for name, place in FIXED.items())


def test_keep_alive_pays_for_its_pings():
    """Used at 0 and 500 s: one ping between, two after; written once, read at 270, 500, 770 and 1,040 s."""
    bill = keep_alive_bill(stage_of((0, "S"), (500, "S")), pings=2)
    assert tokens(bill.usage) == (0, 8000, 2000, 0)
    assert bill.usage.output == 3


def test_waste():
    """Sa, Sb, Sa within five minutes: S, a and b are written, b is never read."""
    stage = stage_of((0, "Sa"), (10, "Sb"), (20, "Sa"))
    waste = waste_of(stage, run(stage, FIXED["system_tail_5m"]))
    assert (waste.written, waste.never_read) == (6000, 2000)


def test_gaps_and_quota():
    """The second request repeats 2,000 tokens after 10 s, the third 4,000 after 400 s, too late to read a."""
    stage = stage_of((0, "Sa"), (10, "Sb"), (409, "Sa"))
    found = run(stage, FIXED["system_tail_5m"])
    rows = {row.gap: (row.requests, row.repeated, row.read) for row in gaps_of(stage, found)}
    assert rows["new"] == (1, 0, 0)
    assert rows["under 1 min"] == (1, 2000, 2000)
    assert rows["5 min to 1 h"] == (1, 4000, 0)
    assert minutes_of(stage, found) == {0: (8000, 6000), 6: (4000, 4000)}


@pytest.mark.parametrize("step", [1, 2**12, 2**21, 2**32])
def test_prefixes_of_any_pattern_are_numbered_in_order(step):
    """Dense numbers, and multiples of large powers of two, which would fall on one another in a table by low bits."""
    count = 100_000
    blocks = {"prefix": np.tile(np.arange(count, dtype=np.uint64) * np.uint64(step), 2)}
    offsets = np.array([0, count, 2 * count])
    trace = Trace(
        table_of(RequestColumns, {"at": [0.0, 1.0]}, 2), table_of(Blocks, blocks, 2 * count), table_of(Points, {}, 0),
        offsets, np.zeros(3, np.int64), dict.fromkeys(NAME_TABLES, ()),
    )  # fmt: skip
    nodes = nodes_of(trace)
    assert nodes.count == count
    assert nodes.known.tolist() == [0, count]
    assert bool((nodes.of_block == np.tile(np.arange(count), 2)).all())
