"""`rockbottom bench` as a person uses it: screen, files, exit codes."""

import csv
import json
import re
from decimal import Decimal
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
    assert re.match(r"Small on Nova Pro: \$[\d.,]+ a month without caching, \$[\d.,]+ by cached-tail", out)
    assert "checks passed" in out
    assert " report: runs/small-1/report.html; every turn and lane: --verbose\n" in out
    assert main(["bench", "small.yaml", "--verbose"]) == Exit.OK
    out = capsys.readouterr().out
    assert "not offered by Nova (5 minutes only)" in out
    assert "✓ one write, then reads" in out
    assert out.endswith(" report  runs/small-2/report.html\n")
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
    """--json prints one document and nothing else; a run that goes well says nothing beside it when piped."""
    assert bench("--json") == Exit.OK
    captured = capsys.readouterr()
    document = json.loads(captured.out)
    assert document["schema"] == "rockbottom.bench/1"
    assert captured.err == ""


def test_csv_has_a_line_for_each_turn_and_each_lane(bench, tmp_path):
    """Three lanes of three turns and four rows of lanes."""
    bench("--csv", "out.csv")
    rows = list(csv.DictReader(StringIO((tmp_path / "out.csv").read_text())))
    assert [row["kind"] for row in rows].count("turn") == 9
    lanes = {row["lane"]: row for row in rows if row["kind"] == "lane"}
    assert lanes["cached-1h"]["why"].startswith("not offered")
    assert float(lanes["cached"]["usd_per_month"]) > 0


def test_a_check_that_does_not_pass_is_a_finding_and_a_failure_where_asked(bench, capsys):
    """A measurement that went well exits with 0; --fail-on makes a gate of it."""
    asked = ("--lane", "cached", "--lane", "baseline", "--model", "us.anthropic.claude-haiku-4-5-20251001-v1:0")
    assert bench(*asked) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert re.search(r"did not pass: .*[\d,]+ < 4,096 tokens: below the minimum nothing is cached", told)
    assert bench(*asked, "--fail-on", "checks", "--verbose") == 1
    assert re.search(r"✗ [\d,]+ < 4,096 tokens: below the minimum nothing is cached", capsys.readouterr().out)


def test_traffic_is_given_on_the_command_line(bench, capsys):
    """A tenth of the conversations costs a tenth."""
    bills = []
    for per_day in ("1000", "100"):
        bench("--json", "--per-day", per_day)
        bills.append(json.loads(capsys.readouterr().out)["models"][0]["lanes"][0]["cost"]["month"])
    assert Decimal(bills[0]) == 10 * Decimal(bills[1])


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        (["--model", "amazon.nova-por-v1:0"], 2, "amazon.nova-pro-v1:0"),
        (["--lane", "cahced"], 2, "did you mean cached?"),
        (["--max-usd", "-1"], 2, "the limit must be above zero"),
        (["--resume", "runs/none-1"], 2, "give a workload file, or --resume"),
        (["--max-usd", "0.0000001"], 2, "stopped before the limit"),
    ],
)
def test_mistakes_on_the_command_line(bench, capsys, args, code, says):
    """One message on stderr, a documented code, nothing on stdout."""
    found = bench(*args)
    captured = capsys.readouterr()
    assert says in captured.err
    assert (found, captured.out) == (code, "")


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


def test_a_run_on_aws_asks_before_it_spends(bench, capsys, monkeypatch, tmp_path):
    """Piped, without --yes: the estimate is said and nothing is sent."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "none")
    assert bench("--region", "us-east-1", place=("--endpoint", "aws")) == Exit.USAGE
    err = capsys.readouterr().err
    assert re.search(r"sends 9 requests to AWS with about [\d,]+ input tokens: about \$\d", err)
    assert "add --yes to agree" in err
    assert "unfinished" not in err
    assert not (tmp_path / "runs").exists()


def test_aws_without_credentials_is_exit_code_3(bench, capsys, monkeypatch, tmp_path):
    """No key anywhere: one message, and how to get one."""
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert bench("--region", "us-east-1", "--yes", place=("--endpoint", "aws")) == Exit.SERVICE
    assert capsys.readouterr().err == (
        "rockbottom: no AWS credentials: Unable to locate credentials\n"
        "  aws configure, or --profile NAME; --endpoint local needs none\n"
    )
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("where", [(), ("--region", "us-east-1")])
def test_an_unknown_profile_is_exit_code_2(bench, capsys, monkeypatch, tmp_path, where):
    """The name of the profile and how to list them."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    assert bench("--profile", "nobody", "--yes", *where, place=("--endpoint", "aws")) == Exit.USAGE
    assert capsys.readouterr().err == (
        "rockbottom: The config profile (nobody) could not be found\n  aws configure list-profiles\n"
    )
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("option", ["--html", "--csv"])
def test_a_file_that_cannot_be_written_is_refused_before_anything_runs(bench, capsys, tmp_path, option):
    """What should be its folder is a file: its name, exit code 2, and no run."""
    (tmp_path / "none").write_text("")
    assert bench(option, "none/out.file") == Exit.USAGE
    assert "none' is not a folder" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("option", ["--html", "--csv"])
def test_the_folder_of_a_file_to_write_is_made(bench, tmp_path, option):
    """As `make demo` asks for runs/demo.html where nothing ever ran."""
    assert bench(option, "runs/pages/out.file") == Exit.OK
    assert (tmp_path / "runs/pages/out.file").stat().st_size > 0


def test_a_folder_that_takes_no_file_is_refused_before_anything_runs(bench, capsys, tmp_path, monkeypatch):
    """Asked of the system, since root may write everywhere."""
    from rockbottom.cli import values

    (tmp_path / "shut").mkdir()
    monkeypatch.setattr(values.os, "access", lambda path, mode: False)
    assert bench("--html", "shut/out.html") == Exit.USAGE
    assert "the folder 'shut' is not writable" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_a_workload_that_is_no_text_is_one_clear_error(bench, tmp_path, capsys):
    """The place of the byte that is not UTF-8: the third of the second line."""
    (tmp_path / "bin.yaml").write_bytes(b"name: W\nab\xff\xfe")
    assert bench(workload=("bin.yaml",)) == Exit.USAGE
    assert capsys.readouterr().err.startswith("rockbottom: bin.yaml:2:3: not UTF-8 text (byte 0xff)\n")


def test_a_model_that_only_profiles_reach_is_refused_before_anything_runs(bench, tmp_path, capsys):
    """Claude Sonnet 5.5 by its bare id: the service would refuse each lane."""
    assert bench("--model", "sonnet-5-5") == Exit.USAGE
    said = " ".join(capsys.readouterr().err.split())
    assert "Claude Sonnet 5.5 is called through inference profiles only, so AWS would refuse sonnet-5-5" in said
    assert "us.anthropic.claude-sonnet-5-5" in said
    assert not (tmp_path / "runs").exists()


def test_a_temperature_that_a_model_does_not_take_is_told(bench, tmp_path, capsys):
    """It is not sent there, and the run goes on."""
    workload = next(tmp_path.glob("*.yaml"))
    workload.write_text(workload.read_text() + "inference: {temperature: 0.2}\n")
    assert (
        bench("--model", "us.anthropic.claude-sonnet-5-5", "--lane", "baseline", workload=(workload.name,)) == Exit.OK
    )
    said = " ".join(capsys.readouterr().err.split())
    assert "Claude Sonnet 5.5 takes no temperature, so that of the workload is not sent there" in said


@pytest.mark.parametrize("place", [("--endpoint", "aws"), ()])
def test_an_unknown_region_is_refused_with_the_nearest(bench, tmp_path, capsys, place):
    """Two letters changed places."""
    assert bench("--region", "us-esat-1", place=place) == Exit.USAGE
    assert capsys.readouterr().err.startswith("rockbottom: unknown Region 'us-esat-1'; the nearest are us-east-1")
    assert not (tmp_path / "runs").exists()


def test_a_profile_of_another_geography_is_warned_of(bench, capsys):
    """No source lists every source Region, so it is said and not refused."""
    model = "us.anthropic.claude-sonnet-5-5"
    bench("--region", "eu-central-1", "--model", model, "--lane", "cached")
    err = capsys.readouterr().err
    assert f"{model} is a profile of the Regions us-east-* and us-west-*" in err
    assert "a call from eu-central-1 may be refused" in err
    bench("--region", "us-west-2", "--model", model, "--lane", "cached")
    assert "is a profile of the Regions" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stop", "code"), [(KeyboardInterrupt(), Exit.INTERRUPTED), (EndpointDied("gone", finished=3), Exit.PARTIAL)]
)
def test_what_was_measured_is_shown_when_a_run_stops(bench, capsys, monkeypatch, stop, code):
    """Ctrl-C or a dead endpoint: the finished lanes are printed and kept, and the code says that it stopped."""
    from rockbottom.bench.notebook import Notebook

    real = Notebook.add

    def add(self, turn):
        real(self, turn)
        if len(self.turns) == 4:
            raise stop

    monkeypatch.setattr(Notebook, "add", add)
    assert bench() == code
    out = capsys.readouterr().out
    assert "stopped after 1 of 3 turns" in out
    assert re.match(r"Small on Nova Pro: \$[\d.,]+ a month without caching; no other lane was finished\.", out)
    monkeypatch.setattr(Notebook, "add", real)
    assert bench("--resume", "runs/small-1", workload=()) == Exit.OK
    assert "stopped after" not in capsys.readouterr().out
