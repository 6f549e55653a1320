"""The tables say what the volumes say, however and by whomever they are made."""

import errno
import os
import shutil
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rockbottom.extras import install_command
from rockbottom.ledger import CallRecord, LedgerError, LedgerReader, LedgerWriter, NoLedger
from rockbottom.tables import LedgerTables, NeedsDuckDB, cells, summing
from rockbottom.tables.cells import MOST_FAMILIES, OTHER, OTHER_TAGS

NOON = 1_780_000_020.0  # 29,666,667 minutes: one begins here


def call(at: float = NOON, **members: object) -> CallRecord:
    return CallRecord(at, "anthropic.claude-x-v1:0", "Converse", **members)  # type: ignore[arg-type]


def written(folder: Path, *calls: CallRecord) -> LedgerWriter:
    writer = LedgerWriter(folder)
    for one in calls:
        writer.record(one)
    return writer


def test_minutes_sum_calls_by_model_and_tags(tmp_path: Path) -> None:
    """Three calls of two tenants over two minutes are three rows, with exact money."""
    written(
        tmp_path,
        call(NOON, input=10, cache_read=90, cost_usd="0.00012", uncached_usd="0.0003", tags={"tenant": "a"}, points=1),
        call(NOON + 5, input=100, cost_usd="0.0003", uncached_usd="0.0003", tags={"tenant": "a"}, points=1),
        call(NOON + 5, status="failed", tags={"tenant": "b"}),
        call(NOON + 60, input=7, tags={"tenant": "a"}, first_ms=250.0),
    )
    with LedgerTables(tmp_path) as tables:
        assert tables.catch_up() == 4
        rows = tables.rows("SELECT * FROM minutes ORDER BY minute, tags")
    assert [(row["minute"], row["tags"], row["calls"], row["failed"]) for row in rows] == [
        (1_780_000_020, '{"tenant":"a"}', 2, 0),
        (1_780_000_020, '{"tenant":"b"}', 1, 1),
        (1_780_000_080, '{"tenant":"a"}', 1, 0),
    ]
    first = rows[0]
    assert (first["input"], first["cache_read"], first["pointed"], first["silent"]) == (110, 90, 2, 1)
    assert (first["cost_picousd"], first["uncached_picousd"], first["unpriced"]) == (420_000_000, 600_000_000, 0)
    assert (rows[2]["unpriced"], rows[2]["first_calls"], rows[2]["first_us"]) == (1, 1, 250_000)


def test_a_call_whose_own_price_is_not_known_saves_nothing(tmp_path: Path) -> None:
    """$0.30 for what costs $0.50 without caching saves $0.20; a write without a price, $9 uncached, adds nothing."""
    written(tmp_path, call(NOON, cost_usd="0.3", uncached_usd="0.5"), call(NOON, cache_write_5m=9, uncached_usd="9"))
    with LedgerTables(tmp_path) as tables:
        for table in ("minutes", "hours"):
            tables.catch_up()
            (row,) = tables.rows(f"SELECT sum(uncached_picousd - cost_picousd) AS s, sum(unpriced) AS u FROM {table}")
            assert (row["s"], row["u"]) == (200_000_000_000, 1)


def test_calls_and_hours_say_the_same_as_minutes(tmp_path: Path) -> None:
    """Every roll-up sums to what the calls sum to."""
    written(tmp_path, *(call(NOON + 600 * n, input=n, cost_usd=f"0.0000{n:02}", family=f"f{n % 3}") for n in range(40)))
    with LedgerTables(tmp_path) as tables:
        tables.catch_up()
        sums = {
            name: tables.rows(f"SELECT sum(input) AS input, usd_sum(cost_picousd) AS usd FROM {name}")[0]
            for name in ("calls", "minutes", "hours", "families")
        }
    assert set(map(str, sums.values())) == {str({"input": 780, "usd": "0.00078"})}


def test_money_is_exact_beyond_what_a_float_holds(tmp_path: Path) -> None:
    """Pico-dollars beside thousands of dollars: nothing is rounded."""
    written(tmp_path, call(cost_usd="9999.000000000001"), call(cost_usd="0.000000000001"))
    with LedgerTables(tmp_path) as tables:
        tables.catch_up()
        assert tables.rows("SELECT usd_sum(cost_picousd) AS usd FROM minutes") == [{"usd": "9999.000000000002"}]
        assert tables.rows("SELECT cost_usd FROM calls ORDER BY id") == [
            {"cost_usd": Decimal("9999.000000000001")}, {"cost_usd": Decimal("0.000000000001")},
        ]  # fmt: skip


def test_catching_up_takes_in_only_what_is_new(tmp_path: Path) -> None:
    """A second time adds nothing; a call recorded in between adds itself."""
    writer = written(tmp_path, call(), call())
    with LedgerTables(tmp_path) as tables:
        assert [tables.catch_up(), tables.catch_up()] == [2, 0]
        writer.record(call())
        assert tables.catch_up() == 1
    with LedgerTables(tmp_path) as again:
        again.catch_up()
        assert again.rows("SELECT count(*) AS n FROM calls") == [{"n": 3}]


def test_a_line_that_is_being_written_at_the_start_is_taken_in_when_it_is_whole(tmp_path: Path) -> None:
    """The newest volume may end in half a line: that is no damage, and later it is one call."""
    written(tmp_path, call(input=1), call(input=2))
    newest = tmp_path / "calls-000001.ndjson"
    whole = newest.read_bytes()
    newest.write_bytes(whole[:-10])
    with LedgerTables(tmp_path) as tables:
        assert tables.catch_up() == 1
        newest.write_bytes(whole)
        assert tables.catch_up() == 1
        assert tables.rows("SELECT sum(input)::BIGINT AS n FROM calls") == [{"n": 3}]
        assert tables.damaged == 0


def test_readers_that_catch_up_at_once_count_every_call_once(tmp_path: Path) -> None:
    """Four readers of one folder while a writer goes on; all of them write sums down."""
    writer = written(tmp_path, *(call(NOON + n, input=1) for n in range(3000)))
    writer.disk.volume_bytes = 20_000
    counts: list[list[dict[str, object]]] = []
    until = threading.Event()

    def run() -> None:
        with LedgerTables(tmp_path) as tables:
            while not until.is_set():
                tables.catch_up()
            tables.catch_up()
            counts.append(tables.rows("SELECT sum(calls) AS n, sum(input) AS i FROM hours"))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for n in range(500):
        writer.record(call(NOON + n, input=1))
    until.set()
    for thread in threads:
        thread.join()
    assert counts == [[{"n": 3500, "i": 3500}]] * 4


def test_calls_of_removed_volumes_stay_in_the_roll_ups(tmp_path: Path) -> None:
    """The bound of the ledger bounds the calls; what was spent is still known by the hour."""
    writer = LedgerWriter(tmp_path, max_bytes=4 << 16)
    with LedgerTables(tmp_path) as tables:
        for n in range(2000):
            writer.record(call(NOON + n, input=1, tags={"filler": "x" * 300}))
            if n % 100 == 0:
                tables.catch_up()
        tables.catch_up()
        kept = len(list(LedgerReader(tmp_path).calls()))
        assert tables.rows("SELECT count(*) AS n FROM calls") == [{"n": kept}]
        assert tables.rows("SELECT sum(calls) AS n FROM hours") == [{"n": 2000}]
        assert kept < 2000
    with LedgerTables(tmp_path) as again:
        again.catch_up()
        assert again.rows("SELECT sum(calls) AS n FROM hours")[0]["n"] >= 2000 - 200  # the last ones went unseen


def test_a_ledger_begun_anew_under_the_same_names_is_taken_in(tmp_path: Path) -> None:
    """Somebody removes the volumes and keeps the sums: the new first volume is another one."""
    written(tmp_path, *(call(input=1) for _ in range(9)))
    with LedgerTables(tmp_path) as tables:
        tables.catch_up()
        (tmp_path / "calls-000001.ndjson").unlink()
        written(tmp_path, call(input=5))
        tables.catch_up()
        assert tables.rows("SELECT input FROM calls") == [{"input": 5}]


def test_a_copy_with_its_tables_is_not_counted_twice(tmp_path: Path) -> None:
    """A ledger copied, restored or moved to another disk: the volumes are the same, whatever their inodes."""
    written(tmp_path / "here", *(call(NOON + n, input=1) for n in range(9)))
    with LedgerTables(tmp_path / "here") as tables:
        tables.catch_up()
    shutil.copytree(tmp_path / "here", tmp_path / "copy")
    written(tmp_path / "copy", call(input=5))
    with LedgerTables(tmp_path / "copy") as tables:
        assert tables.catch_up() == 10
        assert tables.rows("SELECT sum(calls) AS n FROM hours") == [{"n": 10}]


def test_torn_lines_are_listed(tmp_path: Path) -> None:
    """Damage has a place in the tables too, and what cannot be a cost is damage."""
    writer = written(tmp_path, call())
    with (tmp_path / "calls-000001.ndjson").open("ab") as file:
        file.write(b'{"at":1.0,"mo\n{"at":1.0,"model":"m","operation":"o","cost_usd":"much"}\n')
    writer.record(call())
    with LedgerTables(tmp_path) as tables:
        assert tables.catch_up() == 2
        assert tables.rows("SELECT count(*) AS n FROM damaged") == [{"n": 2}]


@pytest.mark.parametrize("absurd", ['"at":1e300', '"at":1.0,"first_ms":1e300', '"at":1.0,"elapsed_ms":-1e300'])
def test_a_line_with_numbers_that_nothing_can_have_costs_itself_only(tmp_path: Path, absurd: str) -> None:
    """It is damage, for the reader and the tables alike; the calls around it are there."""
    writer = written(tmp_path, call())
    with (tmp_path / "calls-000001.ndjson").open("ab") as file:
        file.write(b'{%s,"model":"m","operation":"o"}\n' % absurd.encode())
    writer.record(call())
    reader = LedgerReader(tmp_path)
    assert len(list(reader.calls())) == 2
    assert reader.damaged_count == 1
    with LedgerTables(tmp_path) as tables:
        assert tables.catch_up() == 2
        assert tables.rows("SELECT count(*) AS n FROM damaged") == [{"n": 1}]


def test_an_hour_tells_at_most_so_many_families_apart(tmp_path: Path) -> None:
    """A prefix that changes with every call does not fill the tables."""
    written(tmp_path, *(call(NOON, family=f"f{n}", input=1) for n in range(MOST_FAMILIES + 50)))
    with LedgerTables(tmp_path) as tables:
        tables.catch_up()
        assert tables.rows("SELECT calls FROM families WHERE family = $1", [OTHER]) == [{"calls": 50}]
        assert tables.rows("SELECT sum(input) AS n FROM families") == [{"n": MOST_FAMILIES + 50}]


def test_an_hour_tells_at_most_so_many_sets_of_tags_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tag that names each request does not fill the tables: those of most calls stay, the others are one sum."""
    monkeypatch.setattr(summing, "MOST_TAGS", 3)
    monkeypatch.setattr(cells, "MOST_TAGS", 3)
    often = [call(NOON, input=10, tags={"team": "a"}) for _ in range(5)]
    written(tmp_path, *often, *(call(NOON, input=1, tags={"id": f"{n:03}"}) for n in range(9)))
    with LedgerTables(tmp_path) as tables:
        tables.catch_up()
        rows = {row["tags"]: row["n"] for row in tables.rows("SELECT tags, sum(input) AS n FROM hours GROUP BY tags")}
    assert rows == {'{"team":"a"}': 50, '{"id":"000"}': 1, '{"id":"001"}': 1, OTHER_TAGS: 7}


def test_what_is_not_there_and_what_is_not_sql_are_one_message(tmp_path: Path) -> None:
    """Errors say what would work."""
    with pytest.raises(NoLedger, match="holds no ledger"):
        LedgerTables(tmp_path / "nowhere")
    written(tmp_path, call())
    with LedgerTables(tmp_path) as tables, pytest.raises(LedgerError, match="nonesuch"):
        tables.rows("SELECT nonesuch FROM calls")


def test_sums_that_cannot_be_written_say_so_and_nothing_is_half_taken_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk; when there is room again, everything is there once."""
    writer = LedgerWriter(tmp_path)
    writer.disk.volume_bytes = 20_000
    for n in range(3000):
        writer.record(call(NOON + 60 * n, tags={"n": str(n)}))
    real = os.replace

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with LedgerTables(tmp_path) as tables:
        monkeypatch.setattr(os, "replace", full)
        with pytest.raises(LedgerError, match="No space left"):
            tables.catch_up()
        monkeypatch.setattr(os, "replace", real)
        tables.catch_up()
        assert tables.rows("SELECT sum(calls) AS n FROM hours") == [{"n": 3000}]
        assert tables.rows("SELECT count(*) AS n FROM calls") == [{"n": 3000}]
    assert not list((tmp_path / "tables").glob(".*"))


def test_a_family_of_before_is_an_id_and_its_tokens(tmp_path: Path) -> None:
    """Lines that named it for people, with its size in the name, stand beside those of today, however they are read."""
    old, new = "3fa91c: 4,000 tokens, 12 tools, Claude Sonnet 4.6", {"family": "3fa91c", "family_tokens": 4000}
    written(tmp_path, call(family=old), call(**new), call(family="no tools, no system, Claude"), call(family="lane-1"))
    shutil.copy(tmp_path / "calls-000001.ndjson", tmp_path / "calls-000002.ndjson")
    expected = [("3fa91c", 4000)] * 2 + [("no tools, no system, Claude", 0), ("lane-1", 0)]
    assert [(one.family, one.family_tokens) for one in LedgerReader(tmp_path).calls()] == expected * 2
    with LedgerTables(tmp_path) as tables:
        tables.catch_up()
        rows = tables.rows("SELECT family, family_tokens FROM calls ORDER BY id")
    assert [tuple(row.values()) for row in rows] == expected * 2


def test_without_duckdb_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recording and exporting need none of it."""
    written(tmp_path, call())
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(NeedsDuckDB) as caught:
        LedgerTables(tmp_path)
    assert caught.value.fix == install_command("watch")


tokens = st.integers(0, 10_000_000)
records = st.builds(
    CallRecord,
    at=st.floats(0, 4e9),
    model=st.sampled_from(["a", "b"]),
    operation=st.sampled_from(["Converse", "InvokeModel"]),
    input=tokens,
    output=tokens,
    cache_read=tokens,
    cache_write_5m=tokens,
    cache_write_1h=tokens,
    cost_usd=st.none() | st.decimals(0, 1000, places=12).map(str),
    tags=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.just("v"), max_size=2),
    status=st.sampled_from(["ok", "failed", "no usage"]),
    points=st.integers(0, 4),
)


@given(st.lists(records, max_size=30), st.integers(1, 4))
@settings(max_examples=30, deadline=None)
def test_the_tables_sum_what_the_reader_reads(
    tmp_path_factory: pytest.TempPathFactory, calls: list[CallRecord], n: int
) -> None:
    """Whatever is recorded, in however many turns it is caught up."""
    folder = tmp_path_factory.mktemp("ledger")
    writer = LedgerWriter(folder)
    with LedgerTables(folder) as tables:
        for number, one in enumerate(calls):
            writer.record(one)
            if number % n == 0:
                tables.catch_up()
        tables.catch_up()
        [row] = tables.rows(
            "SELECT coalesce(sum(calls), 0) AS n, coalesce(sum(input + output + cache_read), 0) AS tokens, "
            "coalesce(usd_sum(cost_picousd), '0') AS usd FROM hours"
        )
    assert list(LedgerReader(folder).calls()) == calls
    assert row["n"] == len(calls)
    assert row["tokens"] == sum(one.input + one.output + one.cache_read for one in calls)
    assert Decimal(row["usd"]) == sum((Decimal(one.cost_usd) for one in calls if one.cost_usd), Decimal(0))
    writer.close()


def test_calls_added_to_many_sums_are_the_calls_summed_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many rows only what came behind them is summed: to the same hours, prefixes and misses, call by call."""
    monkeypatch.setattr(summing, "_MANY", 0)
    questions = [
        "SELECT * FROM hours ORDER BY ALL", "SELECT * FROM families ORDER BY ALL", "SELECT * FROM minutes ORDER BY ALL",
    ]  # fmt: skip
    shown = [
        "SELECT start, tags, rule, sum(calls), sum(lost_picousd) FROM shown_sums GROUP BY ALL ORDER BY ALL",
        "SELECT start, model, step, sum(calls) FROM shown_times GROUP BY ALL ORDER BY ALL",
    ]
    stream = [
        call(
            NOON + 5 * n, input=n, cache_read=9000 * (n % 3 > 0), cache_write_5m=9000 * (n % 3 == 0), points=1,
            minimum=1024, family=f"f{n % 2}", family_tokens=9000, tags={"team": f"t{n % 4}"}, first_ms=100.0 + n,
            scope="us", region="us-east-1", tier="default",
        )
        for n in range(30)
    ]  # fmt: skip
    writer = written(tmp_path, *stream[:10])
    with LedgerTables(tmp_path, clock=lambda: NOON + 200) as stepwise:
        for record in stream[10:]:
            stepwise.catch_up()
            stepwise.refresh()
            writer.record(record)
        stepwise.catch_up()
        with LedgerTables(tmp_path, clock=lambda: NOON + 200) as at_once:
            at_once.catch_up()
            for sql in questions:
                assert stepwise.rows(sql) == at_once.rows(sql)
            for sql in shown:
                answers = [tables.database.run(sql) for tables in (stepwise, at_once)]
                assert answers[0] == answers[1] != []


def test_a_call_that_comes_late_into_a_closed_volume_is_added_to_its_sums(tmp_path: Path) -> None:
    """A process that made no call for hours writes its next one behind its last, in a volume that others closed and
    that is summed: 1 + 69 + 1 calls in the first volume of 64 KB, 1 in the second.
    """
    now = [NOON]
    others, idle = LedgerWriter(tmp_path, max_bytes=8 << 16), LedgerWriter(tmp_path, max_bytes=8 << 16)
    missed = {"cache_write_5m": 9000, "points": 1, "minimum": 1024, "family": "f", "family_tokens": 9000}
    idle.record(call(NOON, input=1))
    while len(list(tmp_path.glob("calls-*.ndjson"))) < 2:
        others.record(call(NOON, input=100, endpoint="x" * 1000, **missed))
    count = 2 + sum(1 for path in tmp_path.glob("calls-*.ndjson") for _ in path.open()) - 1
    question = "SELECT sum(calls) AS calls, sum(input) AS input FROM hours"
    with LedgerTables(tmp_path, clock=lambda: now[0]) as watching:
        watching.catch_up()
        now[0] += 3 * 3600
        watching.catch_up()
        idle.record(call(now[0], input=1))
        for _ in range(2):  # taken in, and settled hours later
            watching.catch_up()
            sums = [{"calls": count, "input": 100 * (count - 2) + 2}]
            assert watching.rows(question) == sums
            assert sum(row.calls for row in watching.contents()) == count
            now[0] += 3 * 3600
        shown = watching.database.run("SELECT sum(calls) FROM shown_sums")[0]
        assert shown == (count,)
    with LedgerTables(tmp_path, clock=lambda: now[0]) as later:
        later.catch_up()
        assert later.rows(question) == sums
