"""Chargeback from ledgers: exact sums by tag, month and column, of one folder, of many, and of S3."""

import csv
import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="needs the tables of a ledger: pip install 'rockbottom[watch]'")

from rockbottom.cli import main
from rockbottom.ledger import CallRecord, LedgerWriter, s3_client
from rockbottom.local import running
from rockbottom.tables import month_of

MODEL = "anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC).timestamp()


def record(folder: Path, at: float, **members: object) -> None:
    with_usage = {"input": 100, "cost_usd": "0.0003", "uncached_usd": "0.0005", **members}
    writer = LedgerWriter(folder)
    writer.record(CallRecord(at, str(with_usage.pop("model", MODEL)), "Converse", **with_usage))  # type: ignore[arg-type]
    writer.close()


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """Two machines' ledgers in one folder; ``search`` on both, one call of it in October."""
    one, other = tmp_path / "one", tmp_path / "other"
    record(one, NOVEMBER - 1, tags={"team": "search"})
    record(one, NOVEMBER, tags={"team": "search", "app": "x"}, cache_read=300, output=7)
    record(one, NOVEMBER + 86_400, tags={"team": "build"}, cost_usd="0.1", uncached_usd="0.05")
    record(other, NOVEMBER + 5, tags={"team": "search"}, cost_usd="0.000000000001", uncached_usd="0.000000000001")
    record(other, NOVEMBER + 6, model="acme.new-v1", cost_usd=None, uncached_usd=None)
    record(other, NOVEMBER + 7, tags={"team": "build"}, endpoint="local")
    return tmp_path


def answered(capsys, *arguments):
    assert main(["ledger", "summary", *map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_month_by_team_over_two_ledgers(two, capsys):
    """0.0003 + 10^-12 for search, 0.1 for build, which saved -0.05; October and the simulated call are left out."""
    found = answered(capsys, two, "--by", "team", "--month", "2026-11")
    rows = {row["label"]: row for row in found["rows"]}
    assert [row["label"] for row in found["rows"]] == ["build", "search", None]
    assert Decimal(rows["search"]["cost_usd"]) == Decimal("0.000300000001")
    assert (rows["search"]["calls"], rows["search"]["read_tokens"], rows["search"]["output_tokens"]) == (2, 300, 7)
    assert Decimal(rows["build"]["saved_usd"]) == Decimal("-0.05")
    assert (found["ledgers"], found["simulated"], found["total"]["calls"]) == (2, 1, 4)
    assert Decimal(found["total"]["cost_usd"]) == Decimal("0.100300000001")


def test_strict_fails_where_a_model_has_no_price(two, capsys):
    assert main(["ledger", "summary", str(two), "--strict"]) == 2
    assert "1 request to" in capsys.readouterr().err
    assert main(["ledger", "summary", str(two / "one"), "--strict"]) == 0


def test_models_without_a_price_are_set_apart(two, capsys):
    """Counted and named, in no sum of money."""
    found = answered(capsys, two, "--by", "team", "--month", "2026-11")
    assert [(part["model"], part["requests"], part["tokens"]) for part in found["set_apart"]] == [
        ("acme.new-v1", 1, 100)
    ]
    assert found["rows"][2]["unpriced"] == 1
    assert main(["ledger", "summary", str(two), "--by", "team"]) == 0
    text = capsys.readouterr().out
    assert "no price" in next(line for line in text.splitlines() if line.startswith("(not recorded)"))
    assert "1 request to 1 model set apart" in text
    assert "not counted here: 1 call to a local endpoint" in text


def test_tokens_of_priced_calls_are_not_set_apart(tmp_path, capsys):
    """Two calls that differ in nothing else, one recorded before its price was known: its 100 and 7 tokens alone."""
    record(tmp_path, NOVEMBER, cost_usd=None, uncached_usd=None, output=7)
    record(tmp_path, NOVEMBER + 1, cache_read=4_000)
    (apart,) = answered(capsys, tmp_path)["set_apart"]
    assert (apart["requests"], apart["tokens"]) == (1, 107)


def test_dropped_streams_are_named_with_the_bounds_of_what_their_prompts_cost(tmp_path, capsys):
    """0.002 to 0.015 twice, and one of which nothing is known; none of it in the cost."""
    bare = {"status": "no usage", "input": 0, "cost_usd": None, "uncached_usd": None}
    record(tmp_path, NOVEMBER)
    record(tmp_path, NOVEMBER + 1, **bare)
    for second in (2, 3):
        record(tmp_path, NOVEMBER + second, **bare, least_usd="0.002", most_usd="0.015")
    total = answered(capsys, tmp_path)["total"]
    assert (total["no_usage"], total["unmetered"], Decimal(total["cost_usd"])) == (3, 2, Decimal("0.0003"))
    assert Decimal(total["unmetered_least_usd"]) == Decimal("0.004")
    assert Decimal(total["unmetered_most_usd"]) == Decimal("0.03")
    assert main(["ledger", "summary", str(tmp_path)]) == 0
    assert (
        "3 calls ended without usage, 2 of them answered: their prompts cost $0.0040 (if what is marked was read) to "
        "$0.0300 (if written), estimated and in no sum; answers come on top"
    ) in " ".join(capsys.readouterr().out.split())


def test_simulated_calls_are_summed_where_they_are_asked_for(two, capsys):
    """The one call to a local endpoint, and nothing beside it."""
    found = answered(capsys, two, "--side", "local")
    assert (found["side"], found["total"]["calls"], found["simulated"]) == ("local", 1, 0)
    assert main(["ledger", "summary", str(two), "--side", "local"]) == 0
    assert "nothing here was billed by AWS" in capsys.readouterr().out


def test_a_tag_that_no_call_carries_leads_to_those_that_they_carry(two, capsys):
    """A key that was mistyped is no team without calls."""
    assert main(["ledger", "summary", str(two), "--by", "tema"]) == 0
    assert "no call carries the tag tema; their tags are app, team" in capsys.readouterr().out


def test_without_a_month_everything_is_summed_by_model(two, capsys):
    """October's call as well."""
    found = answered(capsys, two)
    assert [(row["label"], row["calls"]) for row in found["rows"]] == [(MODEL, 4), ("acme.new-v1", 1)]


def test_csv_is_exact_and_names_the_key(two, capsys):
    """A line for each team with its month."""
    assert main(["ledger", "summary", str(two), "--by", "team", "--month", "2026-11", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["month"], row["team"]) for row in rows] == [
        ("2026-11", "build"),
        ("2026-11", "search"),
        ("2026-11", ""),
    ]
    assert (rows[1]["cost_usd"], rows[1]["unmetered_most_usd"]) == ("0.000300000001", "0")


def test_a_tag_may_have_any_signs_in_its_name(tmp_path, capsys):
    """A quote, a dot, a backslash."""
    for name in ('a"b', "a.b", "a\\b"):
        record(tmp_path, NOVEMBER, tags={name: "x"})
        (first, *_) = [row for row in answered(capsys, tmp_path, "--by", name)["rows"] if row["label"]]
        assert (first["label"], first["calls"]) == ("x", 1)


def test_what_is_no_month_and_what_is_no_ledger(two, tmp_path, capsys):
    """One message each."""
    assert main(["ledger", "summary", str(two), "--month", "2026-13"]) == 2
    assert "a month is written 2026-11" in capsys.readouterr().err
    empty = tmp_path / "empty"
    empty.mkdir()
    assert main(["ledger", "summary", str(empty)]) == 2
    assert "holds no ledger" in capsys.readouterr().err


def test_a_month_ends_where_the_next_begins():
    """December's following month is January."""
    assert month_of("2026-12")[1] == month_of("2027-01")[0] == datetime(2027, 1, 1, tzinfo=UTC).timestamp()


def test_ledgers_under_a_prefix_of_s3(two, capsys, monkeypatch):
    """Each folder of volumes is a ledger; other objects, and folders whose names begin so, are left alone."""
    pytest.importorskip("moto.server", reason="needs moto and flask: make setup")
    with running(s3="moto") as endpoint:
        for name, value in (
            ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL_S3", str(endpoint.s3_url)),
        ):  # fmt: skip
            monkeypatch.setenv(name, value)
        client = s3_client("us-east-1")
        client.create_bucket(Bucket="summaries")
        for path in sorted(path for name in ("one", "other") for path in (two / name).rglob("*") if path.is_file()):
            client.put_object(Bucket="summaries", Key=f"ledgers/{path.relative_to(two)}", Body=path.read_bytes())
            client.put_object(Bucket="summaries", Key=f"ledgers-old/{path.relative_to(two)}", Body=path.read_bytes())
        found = answered(capsys, "s3://summaries/ledgers", "--by", "team", "--month", "2026-11")
    assert (found["ledgers"], Decimal(found["total"]["cost_usd"])) == (2, Decimal("0.100300000001"))


def test_damaged_and_unfinished_lines_are_counted(two, capsys):
    """A line that is no record in one ledger, a last line without an end in the other; strict refuses the first."""
    with (two / "one" / "calls-000001.ndjson").open("ab") as file:
        file.write(b"not a record\n")
    with (two / "other" / "calls-000001.ndjson").open("ab") as file:
        file.write(b'{"at":17')
    found = answered(capsys, two)
    assert (found["damaged"], found["unfinished"]) == (1, 1)
    assert main(["ledger", "summary", str(two)]) == 0
    text = capsys.readouterr().out
    assert "1 damaged line left out" in text
    assert "1 last line without an end left out: being written now, or cut off" in text
    assert main(["ledger", "summary", str(two / "one"), "--strict"]) == 2
    assert "--strict: 1 damaged line, 0 requests" in capsys.readouterr().err


def test_a_ledger_of_eleven_million_dollars_is_still_summed(tmp_path, capsys):
    """110 hours with a call of 100,000 dollars each: more pico-dollars than 64 bits hold, in the text and in JSON."""
    writer = LedgerWriter(tmp_path)
    for hour in range(110):
        writer.record(
            CallRecord(NOVEMBER + 3600 * hour, MODEL, "Converse", input=1, cost_usd="100000", uncached_usd="100000")
        )
    writer.close()
    assert main(["ledger", "summary", str(tmp_path), "--json"]) == 0
    assert Decimal(json.loads(capsys.readouterr().out)["total"]["cost_usd"]) == 11_000_000


def test_what_was_only_observed_is_said_with_what_it_would_have_cost(tmp_path, capsys):
    """Of two ledgers: 0.03 and 0.01 paid, 0.012 and 0.008 with the planner: 0.02 of 0.04 saved."""
    for name, cost, planned in (("one", "0.03", "0.012"), ("other", "0.01", "0.008")):
        record(tmp_path / name, NOVEMBER, cost_usd=cost, uncached_usd=cost, planned_usd=planned)
    record(tmp_path / "other", NOVEMBER, endpoint="local", cost_usd="1", uncached_usd="1", planned_usd="0.5")
    observed = answered(capsys, tmp_path)["observed"]
    assert observed["calls"] == 2
    assert [Decimal(observed[name]) for name in ("cost_usd", "planned_usd", "would_save_usd")] == [
        Decimal("0.04"), Decimal("0.02"), Decimal("0.02"),
    ]  # fmt: skip
    assert main(["ledger", "summary", str(tmp_path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "with rockbottom attached 2 calls would have cost $0.0200 instead of $0.0400, saving $0.0200 (50%)" in said


def test_conversations_that_were_held_out_are_set_beside_the_others(tmp_path, capsys):
    """Twenty groups of each side, ten in each ledger: the held-out paid all, the planned 40%: planning saved 60%."""
    for name, first in (("one", 0), ("other", 10)):
        writer = LedgerWriter(tmp_path / name)
        for group in range(first, first + 10):
            for side, cost in (("held out", "0.01"), ("planned", "0.004")):
                priced = {"cost_usd": cost, "uncached_usd": "0.01", "arm": f"{side}:{group}"}
                writer.record(CallRecord(NOVEMBER, MODEL, "Converse", input=100, **priced))
        writer.close()
    found = answered(capsys, tmp_path)
    assert found["holdout"]["saved"] == {"value": 0.6, "low": 0.6, "high": 0.6}
    assert found["measured"][0] == "held out: 20 calls left unplanned for comparison, 20 planned"
    few = answered(capsys, tmp_path / "one")
    assert few["holdout"]["saved"] is None
    assert few["measured"][1].startswith("not enough to say what planning saves")
