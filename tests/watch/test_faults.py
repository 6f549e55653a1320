"""Killed in the middle, split at any place, followed by several at once: every call is counted once."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from traffic import NOVA, SONNET, call, catalog, read, write

from rockbottom.ledger import LedgerWriter
from rockbottom.watch import View, period_named

NOW = 1_795_000_000.0

_CALLS = st.lists(
    st.builds(
        lambda age, made, tenant, local: made(NOW - age, tags={"tenant": tenant}, endpoint="local" if local else "aws"),
        st.integers(0, 3400), st.sampled_from([read, write]), st.sampled_from("abc"), st.booleans(),
    ),
    max_size=25,
)  # fmt: skip


@settings(max_examples=25)
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
            while not (folder / "watch.sqlite").exists():
                time.sleep(0.01)
            time.sleep(random.Random(seed).uniform(0.0, 0.4))
            run.send_signal(signal.SIGKILL)
    view = View(folder, catalog(), time.time, time.monotonic)
    while not view.follow(1):
        pass
    total = view.snapshot(period_named("1h")).total
    view.close()
    assert (total.calls, total.output) == (30_000, 100 * sum(n % 7 for n in range(300)))
