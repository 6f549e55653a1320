"""`rockbottom bench` as a person uses it: screen, files, exit codes."""

import csv
import json
import re
from io import StringIO

import pytest

from rockbottom.bench import EndpointDied
from rockbottom.cli import main
from rockbottom.cli.exits import Exit


@pytest.fixture
def bench(endpoint_url, small, tmp_path, monkeypatch):
    """Runs the command on the small workload in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(small)

    def run(*args: str, place=("--endpoint-url", endpoint_url), workload=("small.yaml",)) -> int:
        return main(["bench", *workload, *place, *args])

    return run


def test_one_command_is_enough(tmp_path, small, monkeypatch, capsys):
    """Without any option it starts its own endpoint, prints the table, and writes results and report."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(small)
    assert main(["bench", "small.yaml"]) == Exit.OK
    out = capsys.readouterr().out
    assert "not offered by Nova (5 minutes only)" in out
    assert "✓ one write, then reads" in out
    assert out.endswith(" report  runs/small-1/report.html\n")
    assert {file.name for file in (tmp_path / "runs/small-1").iterdir()} == {
        "run.json",
        "turns.jsonl",
        "results.json",
        "report.html",
    }


def test_lines_fit_80_columns_and_carry_no_colour_when_piped(bench, capsys):
    """What is piped is plain."""
    bench("--model", "amazon.nova-pro-v1:0", "--model", "us.anthropic.claude-sonnet-5-5", "--turns", "all")
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "\x1b" not in out


def test_data_goes_to_stdout_and_talk_to_stderr(bench, capsys):
    """--json prints one document and nothing else; progress is on the other side."""
    assert bench("--json") == Exit.OK
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["schema"] == "rockbottom.bench/1"
    assert "amazon.nova-pro-v1:0 cached: 3 turns, done" in captured.err


def test_csv_has_a_line_for_each_turn_and_each_lane(bench, tmp_path):
    """Three lanes of three turns and four rows of lanes."""
    bench("--csv", "out.csv")
    rows = list(csv.DictReader(StringIO((tmp_path / "out.csv").read_text())))
    assert [row["kind"] for row in rows].count("turn") == 9
    lanes = {row["lane"]: row for row in rows if row["kind"] == "lane"}
    assert lanes["cached-1h"]["why"].startswith("not offered")
    assert float(lanes["cached"]["usd_per_month"]) > 0


def test_a_failed_verdict_is_exit_code_1(bench, capsys):
    """The bench itself worked; what it measured did not pass."""
    assert (
        bench("--lane", "cached", "--lane", "baseline", "--model", "us.anthropic.claude-haiku-4-5-20251001-v1:0") == 1
    )
    assert re.search(r"✗ [\d,]+ < 4,096 tokens: below the minimum nothing is cached", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["--model", "amazon.nova-por-v1:0"], 2, "amazon.nova-pro-v1:0"),
        (["--lane", "cahced"], 2, "did you mean cached?"),
        (["--max-usd", "-1"], 2, "the limit must be above zero"),
        (["--resume", "runs/none-1"], 2, "give a workload file, or --resume"),
        (["--max-usd", "0.0000001"], 3, "stopped before the limit"),
    ],
)
def test_mistakes_on_the_command_line(bench, capsys, args, code, says):
    """One message on stderr, a documented code, nothing on stdout."""
    found = bench(*args)
    captured = capsys.readouterr()
    assert says in captured.err
    assert (found, captured.out) == (code if code != 3 else Exit.PARTIAL, "")


def test_a_malformed_workload_names_line_and_field(bench, tmp_path, capsys):
    """The place in the file, the field, and what would work."""
    (tmp_path / "bad.yaml").write_text("name: W\nconversatons: []\n")
    assert bench(workload=("bad.yaml",)) == Exit.USAGE
    assert capsys.readouterr().err == (
        "rockbottom: bad.yaml:2:1: conversatons: unknown field; did you mean 'conversations'?\n"
    )


def test_a_file_that_is_not_there(bench, capsys):
    """Its name and why."""
    assert bench(workload=("none.yaml",)) == Exit.USAGE
    assert capsys.readouterr().err == "rockbottom: none.yaml: No such file or directory\n"


def test_a_run_on_aws_asks_before_it_spends(bench, capsys, monkeypatch):
    """Piped, without --yes: the estimate is said and nothing is sent."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    assert bench("--region", "us-east-1", place=("--endpoint", "aws")) == Exit.USAGE
    err = capsys.readouterr().err
    assert re.search(r"sends 9 requests to AWS with about [\d,]+ input tokens: about \$\d", err)
    assert "add --yes to agree" in err


def test_aws_without_credentials_is_exit_code_3(bench, capsys, monkeypatch, tmp_path):
    """No key anywhere: one message, and how to get one."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert bench("--region", "us-east-1", "--yes", place=("--endpoint", "aws")) == Exit.SERVICE
    assert "no AWS credentials" in capsys.readouterr().err


def test_an_unknown_profile_is_exit_code_3(bench, capsys, monkeypatch, tmp_path):
    """The name of the profile and how to list them."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    assert bench("--profile", "nobody", "--yes", place=("--endpoint", "aws")) == Exit.SERVICE
    assert "nobody" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stop", "code"), [(KeyboardInterrupt(), Exit.INTERRUPTED), (EndpointDied("gone", finished=3), Exit.PARTIAL)]
)
def test_what_was_measured_is_shown_when_a_run_stops(bench, capsys, monkeypatch, stop, code):
    """Ctrl-C or a dead endpoint: the finished lanes are printed and kept, and the code says that it stopped."""
    from rockbottom.bench.ledger import Ledger

    real = Ledger.add

    def add(self, turn):
        real(self, turn)
        if len(self.turns) == 4:
            raise stop

    monkeypatch.setattr(Ledger, "add", add)
    assert bench() == code
    out = capsys.readouterr().out
    assert "stopped after 1 of 3 turns" in out
    assert re.search(r"^ baseline +[\d,]+ +0 +0 ", out, re.MULTILINE)
    monkeypatch.setattr(Ledger, "add", real)
    assert bench("--resume", "runs/small-1", workload=()) == Exit.OK
    assert "stopped after" not in capsys.readouterr().out
