"""Killed in the middle, split at any place, followed by several at once: every call is counted once."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from rockbottom.ledger import CallRecord, LedgerWriter, found_in
from rockbottom.watch import PERIODS, View, period_named
from tests.watch.traffic import NOVA, SONNET, call, catalog, read, write

NOW = 1_795_000_000.0

_CALLS = st.lists(
    st.builds(
        lambda age, made, tenant, local: made(NOW - age, tags={"tenant": tenant}, endpoint="local" if local else "aws"),
        st.integers(0, 3400), st.sampled_from([read, write]), st.sampled_from("abc"), st.booleans(),
    ),
    max_size=25,
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(_CALLS, st.randoms(use_true_random=False))
def test_whoever_takes_calls_in_and_whenever_the_sums_are_those_of_all_calls(calls, chance):
    """Two views take turns at random places of the ledger; tokens and money are those of a plain loop."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        views = [View(folder, catalog(), lambda: NOW, lambda: 0.0) for _ in range(2)]
        writer = LedgerWriter(folder)
        for one in calls:
            writer.record(one)
            if chance.random() < 0.3:
                chance.choice(views).follow(1)
        writer.close()
        for view in views:
            while not view.follow(1):
                pass
        for side in ("aws", "local"):
            mine = [one for one in calls if one.simulated == (side == "local")]
            total = views[0].snapshot(period_named("24h"), side).total
            assert total.calls == len(mine)
            assert total.read == sum(one.cache_read for one in mine)
            assert total.write == sum(one.cache_write for one in mine)
            assert total.cost_usd == sum((Decimal(one.cost_usd) for one in mine), Decimal(0))
            assert total == views[1].snapshot(period_named("24h"), side).total
        for view in views:
            view.close()


_COUNT = st.one_of(st.integers(0, 9000), st.integers(-5, 10**20))
_TEXT = st.one_of(
    st.text(max_size=8), st.sampled_from(["a: , tokens, b", "a: 4,000 tokens, b", "b: 4,010 tokens, b", "١ tokens"])
)
_ODD = st.builds(
    CallRecord,
    at=st.one_of(st.floats(NOW - 4000, NOW), st.floats(), st.just(1e300)),
    model=st.one_of(_TEXT, st.just("anthropic.claude-sonnet-4-6")), operation=_TEXT,
    scope=st.sampled_from(["us", "", "?"]), region=_TEXT, tier=_TEXT,
    input=_COUNT, output=_COUNT, cache_read=_COUNT, cache_write_5m=_COUNT,
    cache_write_1h=_COUNT, cost_usd=st.none() | _TEXT | st.just("0.01"), uncached_usd=st.none() | st.just("0.02"),
    family=_TEXT, points=_COUNT, minimum=_COUNT, cacheable=_COUNT, tags=st.dictionaries(_TEXT, _TEXT, max_size=2),
    first_ms=st.none() | st.floats(), elapsed_ms=st.none() | st.floats(), status=st.sampled_from(["ok", "failed", "?"]),
    endpoint=st.sampled_from(["aws", "local", ""]), cause=st.sampled_from(["", "RB012", "no such rule"]),
    hashes=st.lists(st.sampled_from("abc"), max_size=3).map(tuple), depths=st.lists(_COUNT, max_size=3).map(tuple),
)  # fmt: skip

_SCRAPS = [
    b"", b"{}", b"5", b"null", b'{"at":1.0,"mo', b"\xff\xfe", b"\0\0\0",
    b'{"at":1.0,"model":"m","operation":"o","input":1.5}',
    b'{"at":1.0,"model":"m","operation":"o","news":{"a":[1]}}', b'{"at":7.0,"m{"at":1.0,"model":"m","operation":"o"}',
    b'{"at":1.0,"model":"m","operation":"o","cost_usd":"1E-7","uncached_usd":"0.1234567890123"}',
    b'{"at":1.0,"model":"m","operation":"o","tags":{"a":1}}', b'{"at":1.0,"model":"m","operation":"o"}}',
]  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.lists(_ODD, max_size=8), st.lists(st.sampled_from(_SCRAPS), max_size=3), st.randoms(use_true_random=False))
def test_no_line_however_odd_stops_a_view(calls, scraps, chance):
    """Whatever another program wrote: it is shown or counted as damage, and what follows it is taken in.

    What is a record is one thing, whether a volume is read whole or line by line.
    """
    with tempfile.TemporaryDirectory() as scratch:
        lines = [msgspec.json.encode(one) for one in calls] + scraps
        chance.shuffle(lines)
        data = b"".join(line + b"\n" for line in lines)
        (Path(scratch) / "calls-000001.ndjson").write_bytes(data)
        (Path(scratch) / "calls-000002.ndjson").write_bytes(msgspec.json.encode(read(NOW - 5)) + b"\n")
        found = list(found_in(data, 0))
        view = View(scratch, catalog(), lambda: NOW, lambda: 0.0)
        while not view.follow(1):
            pass
        for period in PERIODS:
            for side in ("aws", "local"):
                shot = view.snapshot(period, side)
                json.dumps(shot.to_dict(), allow_nan=False)
        view.close()
        assert shot.ledger.calls == 1 + sum(one.call is not None for one in found)
        assert shot.ledger.damaged == sum(one.call is None for one in found)


def test_killed_at_any_moment_every_call_is_counted_once(folder):
    """SIGKILL while a ledger is taken in, three times; then it is taken in to its end."""
    now = time.time()
    writer = LedgerWriter(folder)
    calls = [call(now - 900 + n / 100, (SONNET, NOVA)[n % 2], input=100, output=n % 7) for n in range(300)]
    for _ in range(100):
        for one in calls:
            writer.record(one)
    writer.close()
    argv = [sys.executable, "-m", "rockbottom", "watch", "--json", "--follow", "--ledger", str(folder)]
    for seed in range(3):
        with subprocess.Popen(argv, stdout=subprocess.PIPE, env=os.environ) as run:
            while not (folder / "tables").exists():
                time.sleep(0.01)
            time.sleep(random.Random(seed).uniform(0.0, 0.4))
            run.send_signal(signal.SIGKILL)
    view = View(folder, catalog(), time.time, time.monotonic)
    while not view.follow(1):
        pass
    total = view.snapshot(period_named("1h")).total
    view.close()
    assert (total.calls, total.output) == (30_000, 100 * sum(n % 7 for n in range(300)))


def test_a_ledger_that_ends_in_a_torn_line_is_read(tmp_path):
    """The piece that a kill left is not waited for; the calls before it are there."""
    writer = LedgerWriter(tmp_path)
    writer.record(read(NOW - 10))
    writer.close()
    (volume,) = tmp_path.glob("calls-*.ndjson")
    with volume.open("ab") as file:
        file.write(b'{"at":1795')
    view = View(tmp_path, catalog(), lambda: NOW, lambda: 0.0)
    while not view.follow(1):
        pass
    assert view.share_read() == 1.0
    assert view.snapshot(period_named("1h"), "aws").total.calls == 1
    view.close()
