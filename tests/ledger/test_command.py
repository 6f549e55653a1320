"""rockbottom ledger: what a person sees of it, and what other programs get."""

import csv
import json
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rockbottom.cli import main
from rockbottom.cli.ledger import command
from rockbottom.extras import install_command
from rockbottom.ledger import CallRecord, LedgerReader, LedgerWriter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    writer = LedgerWriter(tmp_path)
    for number in range(6):
        writer.record(
            CallRecord(
                1_790_000_000.0 + number * 60, "anthropic.claude-sonnet-4-6", "Converse", cache_read=900, input=100,
                cost_usd="0.25", uncached_usd="1", tags={"tenant": "ab"[number % 2]}, endpoint="local", hashes=("0a",),
            )
        )  # fmt: skip
    writer.record(CallRecord(1_790_000_400.0, "m", "Converse", status="failed"))
    return tmp_path


def asked(*arguments: str, code: int = 0) -> Any:
    done = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done


def test_info_says_what_is_there_and_what_was_lost(folder: Path) -> None:
    """Calls, models, damage, bytes and tables; in 80 columns."""
    with (folder / "calls-000001.ndjson").open("ab") as file:
        file.write(b'{"at":1.0,"mod\n')
    text = asked("info", "--ledger", str(folder)).stdout
    assert "7 calls from 2026-09-21 14:13:20 UTC to 2026-09-21 14:20:00 UTC" in text
    assert "1 torn line (" in text
    assert "6 calls went to a local endpoint" in text
    assert max(len(line) for line in text.splitlines()[1:]) <= 80
    found = json.loads(asked("info", "--ledger", str(folder), "--json").stdout)
    assert (found["calls"], found["failed"], found["priced"], found["damaged"]["lines"]) == (7, 1, 6, 1)


def test_sql_answers_with_exact_money(folder: Path) -> None:
    """As a table, as JSON and as CSV."""
    query = (
        "SELECT json_extract(tags, '$.tenant') AS tenant, sum(calls) AS calls, usd_sum(cost_picousd) AS usd "
        "FROM minutes WHERE failed = 0 GROUP BY tenant ORDER BY tenant"
    )
    assert asked("sql", query, "--ledger", str(folder)).stdout.splitlines() == [
        "tenant  calls  usd", "a           3  0.75", "b           3  0.75",
    ]  # fmt: skip
    rows = json.loads(asked("sql", query, "--ledger", str(folder), "--json").stdout)
    assert rows == [{"tenant": "a", "calls": 3, "usd": "0.75"}, {"tenant": "b", "calls": 3, "usd": "0.75"}]
    assert asked("sql", query, "--ledger", str(folder), "--csv").stdout.startswith("tenant,calls,usd\na,3,0.75\n")


def test_a_question_changes_nothing(folder: Path) -> None:
    """What is no question is refused in one message; no file is made, and none but the ledger's own tables is read."""
    secret, copy = folder.parent / "secret.csv", folder.parent / "copy.parquet"
    secret.write_text("a\n1\n")
    for query in (
        "DELETE FROM calls", "SELEKT 1", "DROP VIEW minutes", f"ATTACH '{copy}' AS other", f"COPY calls TO '{copy}'",
        f"COPY calls TO '{folder}/tables/copy.parquet'", "SELECT 1; DROP VIEW minutes",
        "SET enable_external_access = true", "INSTALL httpfs", "LOAD httpfs", "EXPORT DATABASE 'x'",
        f"SELECT * FROM read_csv('{secret}')", f"FROM '{secret}'",
        f"SELECT * FROM read_text('{secret}')", f"SELECT * FROM glob('{folder.parent}/*')",
        f"SELECT * FROM read_text('{folder}/key')", "SELECT getenv('HOME')", "CREATE TABLE t AS SELECT 1",
        "SELECT '\udce9'",
    ):  # fmt: skip
        assert main(["ledger", "sql", query, "--ledger", str(folder)]) == 2, query
    assert not copy.exists()
    assert not (folder / "tables" / "copy.parquet").exists()
    assert asked("sql", "SELECT count(*) AS n FROM calls", "--ledger", str(folder)).stdout.split() == ["n", "7"]


@pytest.mark.parametrize(
    ("query", "message", "fix"),
    [
        ("SELECT modle FROM calls", "The ledger has no column modle.", "did you mean model"),
        ("SELECT c.cost_pico FROM calls c", "The ledger has no column cost_pico.", "cost_picousd"),
        ("SELECT sum(calls) FROM hour", "The ledger has no table hour.", "did you mean hours?"),
        ("SELECT xyzzy FROM calls", "The ledger has no column xyzzy.", "rockbottom ledger info lists"),
    ],
)
def test_a_misspelt_column_gets_the_nearest_ones(folder: Path, query: str, message: str, fix: str, capsys) -> None:
    """Of the tables too; what is near nothing is sent to the list."""
    assert main(["ledger", "sql", query, "--ledger", str(folder)]) == 2
    told = capsys.readouterr().err
    assert message in told
    assert fix in told


def test_no_control_character_reaches_a_terminal(tmp_path: Path) -> None:
    """Escapes of 7 and of 8 bits (ESC and CSI) in a tag or a name: nothing that is printed holds them."""
    writer = LedgerWriter(tmp_path)
    model, tags = "m\x1b[31m\x9b2J", {"team": "a\x9b\x07"}
    writer.record(CallRecord(1_790_000_000.0, model, "Converse", tags=tags, family="f\x1b"))
    writer.close()
    where = ("--ledger", str(tmp_path))
    for command_line in (
        ("export", *where), ("export", "--json", *where), ("sql", "SELECT * FROM calls", *where),
        ("sql", "SELECT * FROM calls", "--csv", *where), ("sql", "SELECT * FROM calls", "--json", *where),
    ):  # fmt: skip
        printed = asked(*command_line).stdout
        assert not [sign for sign in printed if sign != "\n" and (sign < " " or "\x7f" <= sign < "\xa0")], command_line
    exported = json.loads(asked("export", "--json", *where).stdout)
    assert (exported["model"], exported["tags"]) == (model, tags)


def test_export_gives_every_call(folder: Path) -> None:
    """CSV for tables, JSON lines with everything; from and until an instant."""
    rows = list(csv.DictReader(StringIO(asked("export", "--ledger", str(folder)).stdout)))
    assert len(rows) == 7
    assert (rows[0]["cost_usd"], rows[0]["tags"], "hashes" in rows[0]) == ("0.25", '{"tenant": "a"}', False)
    lines = asked("export", "--ledger", str(folder), "--json", "--since", "2026-09-21 14:15:00").stdout.splitlines()
    assert [json.loads(line)["at"] for line in lines] == [1_790_000_000.0 + n for n in (120, 180, 240, 300, 400)]


def test_prune_asks_and_removes_the_oldest(tmp_path: Path) -> None:
    """Without --yes nothing goes; the sums of what went stay."""
    writer = LedgerWriter(tmp_path)
    writer.disk.volume_bytes = 1 << 12
    for number in range(200):
        writer.record(CallRecord(float(number), "m", "Converse", tags={"filler": "x" * 100}))
    assert "add --yes" in str(
        CliRunner().invoke(command, ["prune", "--ledger", str(tmp_path), "--keep-mb", "0"]).output
    )
    assert len(list(LedgerReader(tmp_path).calls())) == 200
    asked("prune", "--ledger", str(tmp_path), "--keep-mb", "0.01", "--yes")
    left = [int(call.at) for call in LedgerReader(tmp_path).calls()]
    assert 0 < len(left) < 100
    assert left[-1] == 199
    total = asked("sql", "SELECT sum(calls) AS n FROM hours", "--ledger", str(tmp_path)).stdout
    assert total.split() == ["n", "200"]


def test_where_there_is_no_ledger_it_says_how_to_get_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One message, exit code 2."""
    assert main(["ledger", "info", "--ledger", str(tmp_path / "none")]) == 2
    assert "ledger=True" in capsys.readouterr().err


def test_notes_that_are_none_are_passed_over(folder: Path) -> None:
    """A scrap of a note that happens to be JSON stops neither info nor a view."""
    (folder / "notes.ndjson").write_text('5\n[]\n"at"\n{"at":1.0,"dropped":3}\n')
    assert "3 calls could not be written" in asked("info", "--ledger", str(folder)).stdout


def test_prune_works_without_duckdb_and_says_what_is_not_summed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The calls go all the same; what their sums would have taken is named."""
    writer = LedgerWriter(tmp_path)
    writer.disk.volume_bytes = 1 << 12
    for number in range(200):
        writer.record(CallRecord(float(number), "m", "Converse", tags={"filler": "x" * 100}))
    writer.close()
    monkeypatch.setitem(sys.modules, "duckdb", None)
    done = CliRunner().invoke(command, ["prune", "--ledger", str(tmp_path), "--keep-mb", "0.01", "--yes"])
    assert done.exit_code == 0, done.output
    assert f"their sums were not kept, because that needs duckdb ({install_command('watch')})" in done.output
    assert 0 < len(list(LedgerReader(tmp_path).calls())) < 100
