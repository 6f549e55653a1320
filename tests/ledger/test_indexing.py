"""The index says what the volumes say, however and by whomever it is caught up."""

import shutil
import sqlite3
import threading
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rockbottom.ledger import CallRecord, LedgerError, LedgerIndex, LedgerReader, LedgerWriter, NoLedger
from rockbottom.ledger.sums import MOST_FAMILIES, OTHER

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
    with LedgerIndex(tmp_path) as index:
        assert index.catch_up() == 4
        rows = index.rows("SELECT * FROM minutes ORDER BY minute, tags")
    assert [(row["minute"], row["tags"], row["calls"], row["failed"]) for row in rows] == [
        (1_780_000_020, '{"tenant":"a"}', 2, 0),
        (1_780_000_020, '{"tenant":"b"}', 1, 1),
        (1_780_000_080, '{"tenant":"a"}', 1, 0),
    ]
    first = rows[0]
    assert (first["input"], first["cache_read"], first["pointed"], first["silent"]) == (110, 90, 2, 1)
    assert (first["cost_picousd"], first["uncached_picousd"], first["unpriced"]) == (420_000_000, 600_000_000, 0)
    assert (rows[2]["unpriced"], rows[2]["first_calls"], rows[2]["first_us"]) == (1, 1, 250_000)


def test_calls_and_hours_say_the_same_as_minutes(tmp_path: Path) -> None:
    """Every roll-up sums to what the calls sum to."""
    written(tmp_path, *(call(NOON + 600 * n, input=n, cost_usd=f"0.0000{n:02}", family=f"f{n % 3}") for n in range(40)))
    with LedgerIndex(tmp_path) as index:
        index.catch_up()
        sums = {
            name: index.rows(f"SELECT sum(input) AS input, usd_sum(cost_picousd) AS usd FROM {name}")[0]
            for name in ("calls", "minutes", "hours", "families")
        }
    assert set(map(str, sums.values())) == {str({"input": 780, "usd": "0.00078"})}


def test_money_is_exact_beyond_what_a_float_holds(tmp_path: Path) -> None:
    """Pico-dollars beside thousands of dollars: nothing is rounded."""
    written(tmp_path, call(cost_usd="9999.000000000001"), call(cost_usd="0.000000000001"))
    with LedgerIndex(tmp_path) as index:
        index.catch_up()
        assert index.rows("SELECT usd_sum(cost_picousd) AS usd FROM minutes") == [{"usd": "9999.000000000002"}]
        assert index.rows("SELECT cost_usd FROM calls ORDER BY id") == [
            {"cost_usd": "9999.000000000001"}, {"cost_usd": "0.000000000001"},
        ]  # fmt: skip


def test_catching_up_takes_in_only_what_is_new(tmp_path: Path) -> None:
    """A second time adds nothing; a call recorded in between adds itself."""
    writer = written(tmp_path, call(), call())
    with LedgerIndex(tmp_path) as index:
        assert [index.catch_up(), index.catch_up()] == [2, 0]
        writer.record(call())
        assert index.catch_up() == 1
    with LedgerIndex(tmp_path) as again:
        assert again.catch_up() == 0
        assert again.rows("SELECT count(*) AS n FROM calls") == [{"n": 3}]


def test_looking_for_what_is_new_takes_no_lock(tmp_path: Path) -> None:
    """A page that asks every second does not stand in the way of one that is being caught up."""
    written(tmp_path, call(), call())
    with LedgerIndex(tmp_path) as index, LedgerIndex(tmp_path) as busy:
        index.catch_up()
        busy.connection.execute("BEGIN IMMEDIATE")
        assert index.catch_up() == 0
        busy.connection.execute("ROLLBACK")


def test_readers_that_catch_up_at_once_count_every_call_once(tmp_path: Path) -> None:
    """Four connections over one index while a writer goes on."""
    writer = written(tmp_path, *(call(NOON + n, input=1) for n in range(3000)))
    counts: list[int] = []

    def run() -> None:
        with LedgerIndex(tmp_path) as index:
            counts.extend(index.catch_up() for _ in range(5))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for n in range(500):
        writer.record(call(NOON + n, input=1))
    for thread in threads:
        thread.join()
    with LedgerIndex(tmp_path) as index:
        total = sum(counts) + index.catch_up()
        assert total == 3500
        assert index.rows("SELECT sum(calls) AS n, sum(input) AS i FROM minutes") == [{"n": 3500, "i": 3500}]


def test_calls_of_removed_volumes_stay_in_the_roll_ups(tmp_path: Path) -> None:
    """The bound of the ledger bounds the rows of the index; what was spent is still known."""
    writer = LedgerWriter(tmp_path, max_bytes=4 << 16)
    with LedgerIndex(tmp_path) as index:
        for n in range(2000):
            writer.record(call(NOON + n, input=1, tags={"filler": "x" * 300}))
            if n % 100 == 0:
                index.catch_up()
        index.catch_up()
        kept = len(list(LedgerReader(tmp_path).calls()))
        assert index.rows("SELECT count(*) AS n FROM calls") == [{"n": kept}]
        assert index.rows("SELECT sum(calls) AS n FROM minutes") == [{"n": 2000}]
        assert kept < 2000


def test_a_ledger_begun_anew_under_the_same_names_is_taken_in(tmp_path: Path) -> None:
    """Somebody removes the volumes and keeps the index: the new first volume is another one."""
    written(tmp_path, *(call(input=1) for _ in range(9)))
    with LedgerIndex(tmp_path) as index:
        index.catch_up()
        (tmp_path / "calls-000001.ndjson").unlink()
        written(tmp_path, call(input=5))
        index.catch_up()
        assert index.rows("SELECT input FROM calls") == [{"input": 5}]


def test_a_copy_with_its_index_is_not_counted_twice(tmp_path: Path) -> None:
    """A ledger copied, restored or moved to another disk: the volumes are the same, whatever their inodes."""
    written(tmp_path / "here", *(call(NOON + n, input=1) for n in range(9)))
    with LedgerIndex(tmp_path / "here") as index:
        index.catch_up()
    shutil.copytree(tmp_path / "here", tmp_path / "copy")
    written(tmp_path / "copy", call(input=5))
    with LedgerIndex(tmp_path / "copy") as index:
        assert index.catch_up() == 1
        assert index.rows("SELECT sum(calls) AS n FROM minutes") == [{"n": 10}]


def test_torn_lines_are_listed(tmp_path: Path) -> None:
    """Damage has a place in the index too, and what cannot be a cost is damage."""
    writer = written(tmp_path, call())
    with (tmp_path / "calls-000001.ndjson").open("ab") as file:
        file.write(b'{"at":1.0,"mo\n{"at":1.0,"model":"m","operation":"o","cost_usd":"much"}\n')
    writer.record(call())
    with LedgerIndex(tmp_path) as index:
        assert index.catch_up() == 2
        assert index.rows("SELECT count(*) AS n FROM damaged") == [{"n": 2}]


@pytest.mark.parametrize("absurd", ['"at":1e300', '"at":1.0,"first_ms":1e300', '"at":1.0,"elapsed_ms":-1e300'])
def test_a_line_with_numbers_that_nothing_can_have_costs_itself_only(tmp_path: Path, absurd: str) -> None:
    """What SQLite could not hold is damage, for the reader and the index alike; the calls around it are there."""
    writer = written(tmp_path, call())
    with (tmp_path / "calls-000001.ndjson").open("ab") as file:
        file.write(b'{%s,"model":"m","operation":"o"}\n' % absurd.encode())
    writer.record(call())
    reader = LedgerReader(tmp_path)
    assert len(list(reader.calls())) == 2
    assert reader.damaged_count == 1
    with LedgerIndex(tmp_path) as index:
        assert index.catch_up() == 2
        assert index.rows("SELECT count(*) AS n FROM damaged") == [{"n": 1}]


def test_a_damaged_index_is_made_anew(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The volumes are the truth: an index that is no database is put aside and built from them."""
    written(tmp_path, call(), call())
    (tmp_path / "index.sqlite").write_bytes(b"not a database at all" * 100)
    with LedgerIndex(tmp_path) as index:
        assert index.catch_up() == 2
    assert "damaged" in caplog.text


def test_an_index_of_another_version_is_made_anew(tmp_path: Path) -> None:
    """Tables of another version of rockbottom are replaced."""
    written(tmp_path, call())
    with LedgerIndex(tmp_path) as index:
        index.catch_up()
        index.connection.execute("PRAGMA user_version = 999")
    with LedgerIndex(tmp_path) as index:
        assert index.catch_up() == 1


def test_other_programs_read_the_index(tmp_path: Path) -> None:
    """The views need nothing but SQLite."""
    written(tmp_path, call(cost_usd="0.25"))
    with LedgerIndex(tmp_path) as index:
        index.catch_up()
    plain = sqlite3.connect(tmp_path / "index.sqlite")
    assert plain.execute("SELECT cost_usd, model FROM calls").fetchone() == (
        "0.250000000000",
        "anthropic.claude-x-v1:0",
    )
    plain.close()


def test_an_hour_tells_at_most_so_many_families_apart(tmp_path: Path) -> None:
    """A prefix that changes with every call does not fill the index."""
    written(tmp_path, *(call(NOON, family=f"f{n}", input=1) for n in range(MOST_FAMILIES + 50)))
    with LedgerIndex(tmp_path) as index:
        index.catch_up()
        assert index.rows("SELECT calls FROM families WHERE family = ?", [OTHER]) == [{"calls": 50}]
        assert index.rows("SELECT sum(input) AS n FROM families") == [{"n": MOST_FAMILIES + 50}]


def test_what_is_not_there_and_what_is_not_sql_are_one_message(tmp_path: Path) -> None:
    """Errors say what would work."""
    with pytest.raises(NoLedger, match="holds no ledger"):
        LedgerIndex(tmp_path / "nowhere")
    written(tmp_path, call())
    with LedgerIndex(tmp_path) as index, pytest.raises(LedgerError, match="no such column"):
        index.rows("SELECT nonesuch FROM calls")


def test_an_index_that_may_not_grow_says_so_and_goes_on_later(tmp_path: Path) -> None:
    """SQLite's own limit on pages stands for a full disk: nothing is half taken in."""
    written(tmp_path, *(call(NOON + 60 * n, tags={"n": str(n)}) for n in range(3000)))
    with LedgerIndex(tmp_path) as index:
        pages = index.connection.execute("PRAGMA page_count").fetchone()[0]
        index.connection.execute(f"PRAGMA max_page_count = {pages + 20}")
        with pytest.raises(LedgerError, match="full"):
            index.catch_up()
        assert index.rows("SELECT count(*) AS n FROM calls") == [{"n": 0}]
        index.connection.execute("PRAGMA max_page_count = 1000000")
        assert index.catch_up() == 3000
        assert index.rows("SELECT sum(calls) AS n FROM minutes") == [{"n": 3000}]


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
def test_the_index_sums_what_the_reader_reads(
    tmp_path_factory: pytest.TempPathFactory, calls: list[CallRecord], n: int
) -> None:
    """Whatever is recorded, in however many turns it is caught up."""
    folder = tmp_path_factory.mktemp("ledger")
    writer = LedgerWriter(folder)
    with LedgerIndex(folder) as index:
        for number, one in enumerate(calls):
            writer.record(one)
            if number % n == 0:
                index.catch_up()
        index.catch_up()
        [row] = index.rows(
            "SELECT coalesce(sum(calls), 0) AS n, coalesce(sum(input + output + cache_read), 0) AS tokens, "
            "coalesce(usd_sum(cost_picousd), '0') AS usd FROM hours"
        )
    assert list(LedgerReader(folder).calls()) == calls
    assert row["n"] == len(calls)
    assert row["tokens"] == sum(one.input + one.output + one.cache_read for one in calls)
    assert Decimal(row["usd"]) == sum((Decimal(one.cost_usd) for one in calls if one.cost_usd), Decimal(0))
    writer.close()
