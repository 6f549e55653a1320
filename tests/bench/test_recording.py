"""What a run leaves in the ledger of calls."""

from decimal import Decimal

import pytest
from click.testing import CliRunner
from msgspec import to_builtins

from rockbottom.bench import WrongSetting
from rockbottom.cli.bench import command
from rockbottom.ledger import LedgerReader


def test_every_measured_turn_is_a_record(bench_of, small, tmp_path):
    """Three turns of three lanes, marked as simulated, with the tokens and the bill of the results."""
    bench = bench_of(small)
    bench.run(record=tmp_path / "ledger")
    calls = list(LedgerReader(tmp_path / "ledger").calls())
    lanes = {lane["name"]: lane for lane in to_builtins(bench.document())["models"][0]["lanes"] if lane.get("usage")}
    assert {call.tags["lane"] for call in calls} == set(lanes)
    for name, lane in lanes.items():
        of_lane = [call for call in calls if call.tags["lane"] == name]
        assert sum(call.cache_read for call in of_lane) == lane["usage"]["read"]
        assert sum(Decimal(call.cost_usd) for call in of_lane) == Decimal(lane["cost"]["conversation"])
        assert [call.simulated for call in of_lane] == [True] * 3
    first, second = [call for call in calls if call.tags["lane"] == "cached"][:2]
    assert (first.source, first.model, first.points) == ("bench", "amazon.nova-pro-v1:0", 1)
    assert first.minimum == bench.plan.rows[0].subject.rules.minimum_tokens
    assert 20 <= second.at - first.at < 30  # the clock of the endpoint was moved by 20 seconds
    assert second.hashes[: len(first.hashes)] == first.hashes  # the same system and first question


def test_a_ledger_that_cannot_be_kept_stops_the_run_before_it_begins(bench_of, small, tmp_path):
    """The folder is named, and what would work."""
    (tmp_path / "file").write_text("")
    with pytest.raises(WrongSetting, match="no ledger can be kept"):
        bench_of(small).run(record=tmp_path / "file" / "ledger")


def test_the_command_records_where_it_is_told(small, tmp_path, endpoint_url):
    """With a folder there, without one in the folder that the environment names."""
    file = tmp_path / "small.yaml"
    file.write_text(small, encoding="utf-8")
    given = [str(file), "--runs", str(tmp_path / "runs"), "--endpoint-url", endpoint_url, "--lane", "cached"]
    for more, folder in ((["--ledger", str(tmp_path / "one")], "one"), (["--ledger"], "two")):
        done = CliRunner().invoke(command, [*given, *more], env={"ROCKBOTTOM_LEDGER": str(tmp_path / "two")})
        assert done.exit_code in (0, 1), done.output
        assert len(list(LedgerReader(tmp_path / folder).calls())) == 6
