"""rockbottom.toml: found upwards, read by every command, behind flags and the environment, before defaults."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from rockbottom.cli import main, root
from rockbottom.cli.settings import SETTINGS, defaults_of, ledger_folder, set_ledger


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    for setting in SETTINGS:
        for name in setting.variables:
            monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A folder two above the current one, for a rockbottom.toml."""
    below = tmp_path / "src" / "app"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    return tmp_path


def _set(project: Path, text: str) -> None:
    (project / "rockbottom.toml").write_text(text)


def _regions(capsys, *arguments: str) -> str:
    """The line of Nova Pro's own Region in `prices show`: us-east-1 by default, as its help says."""
    assert main(["prices", "show", "nova-pro", *arguments]) == 0
    return next(line for line in capsys.readouterr().out.splitlines() if line.startswith("in_region  default"))


def test_a_flag_comes_before_the_environment_that_before_the_file_and_that_before_the_default(
    project, monkeypatch, capsys
):
    """The order of `rockbottom config --help`."""
    assert "us-east-1" in _regions(capsys)
    _set(project, 'region = "eu-central-1"\n')
    assert "eu-central-1" in _regions(capsys)
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert "us-west-2" in _regions(capsys)
    assert "ap-northeast-1" in _regions(capsys, "--region", "ap-northeast-1")


def test_without_a_file_the_environment_is_left_to_whoever_reads_it(project, monkeypatch, capsys):
    """AWS_REGION on somebody's machine changes no figure of a command that never looked at it."""
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert "us-east-1" in _regions(capsys)


def _defaults(name: str, *arguments: str) -> dict:
    command = root.get_command(click.Context(root), name)
    assert command is not None
    return defaults_of(command, [name], list(arguments))


def test_every_command_with_the_flag_takes_the_setting(project):
    """But replay and route, where --region asks what another Region would have cost, and --profile ARN=ID."""
    _set(project, 'region = "eu-central-1"\nprofile = "team"\n')

    def takers(command: click.Command, path: list[str]) -> set[tuple[str, str]]:
        if isinstance(command, click.Group):
            context = click.Context(command)
            names = command.list_commands(context)
            return set().union(*(takers(command.get_command(context, name), [*path, name]) for name in names))
        values = {"eu-central-1": "region", "team": "profile"}
        found = defaults_of(command, path, []).values()
        return {(" ".join(path), values[value[0] if isinstance(value, list) else value]) for value in found}

    took = takers(root, [])
    assert {("bench", "region"), ("bench", "profile"), ("monitor apply", "profile"), ("batch run", "region")} <= took
    assert {("profiles list", "profile"), ("reconcile", "region"), ("prices pull", "region")} <= took
    assert not {("replay", "region"), ("route", "region"), ("explain", "profile"), ("watch", "profile")} & took


def test_traffic_gives_way_to_a_flag_that_says_the_same_otherwise(project, capsys):
    """--requests and --per-hour exclude each other; a month of 50 an hour has 36,000."""
    _set(project, "[traffic]\nper_hour = 50\n")
    assert main(["estimate", "nova-pro", "--preset", "support-chatbot", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["shape"]["requests"] == "36000"
    assert main(["estimate", "nova-pro", "--preset", "support-chatbot", "--requests", "700", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["shape"]["requests"] == "700"


def test_recorded_traffic_keeps_its_own_region_and_volume(project):
    """advise takes them for a model and numbers alone."""
    _set(project, 'region = "eu-central-1"\n[traffic]\ndays = 20\n')
    assert _defaults("advise", "nova-pro") == {"region": "eu-central-1", "days": "20"}
    assert _defaults("advise", str(project)) == {}
    assert _defaults("advise", "s3://logs/here") == {}


def test_paths_are_seen_from_the_files_folder(project, monkeypatch):
    """The ledger for whoever looks and for `rockbottom run`; ROCKBOTTOM_LEDGER comes first."""
    _set(project, 'ledger = ".calls"\nprices = "rows.csv"\n')
    assert ledger_folder() == set_ledger() == project / ".calls"
    monkeypatch.setenv("ROCKBOTTOM_LEDGER", str(project / "elsewhere"))
    assert ledger_folder() == project / "elsewhere"
    assert set_ledger() is None


def test_a_program_that_is_run_records_where_the_file_says(project):
    """As if --ledger had been given."""
    _set(project, 'ledger = ".calls"\n')
    argv = [sys.executable, "-m", "rockbottom", "run", "--quiet", "--"]
    program = [sys.executable, "-c", "import os; print(os.environ['ROCKBOTTOM_LEDGER'])"]
    run = subprocess.run([*argv, *program], capture_output=True, text=True, check=True, env=os.environ)
    assert run.stdout.strip() == str(project / ".calls")


def test_keys_in_the_environment_come_before_a_profile_of_the_file(project, monkeypatch):
    """boto3 with a profile's name would pass them by."""
    _set(project, 'profile = "team"\n')
    assert _defaults("bench") == {"profile": "team"}
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    assert _defaults("bench") == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('region = "eu-central-1"\n\nregoin = "x"\n', "line 3: 'regoin' is not a setting; did you mean region?"),
        ("[traffic]\n# a month\nper_hor = 5\n", "line 3: 'traffic.per_hor' is not a setting; did you mean traffic.per"),
        ("[team]\nname = 1\n", "line 1: 'team' is not a setting; known are region, profile"),
        ("region = 5\n", "line 1: region is a text in quotes, not 5"),
        ("[traffic]\nper_day = true\n", "line 2: traffic.per_day is a number, not True"),
        ('prices = "rows.csv"\n', "line 1: prices: there is no "),
        ("region = eu\n", "is not TOML: "),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_file_is_said_with_its_line(project, capsys, text, says):
    """One message, exit code 2; --help is answered all the same."""
    _set(project, text)
    assert main(["prices", "show", "nova-pro"]) == 2
    error = capsys.readouterr().err
    assert "rockbottom.toml" in error
    assert says in error
    assert main(["prices", "show", "--help"]) == 0
    assert main(["--help"]) == 0


def test_config_shows_what_is_in_force_and_where_it_is_from(project, monkeypatch, capsys):
    """As a table, and as JSON."""
    _set(project, 'region = "eu-central-1"\n\n[traffic]\nper_day = 400\n')
    monkeypatch.setenv("AWS_PROFILE", "team")
    assert main(["config"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["region", "eu-central-1", "rockbottom.toml,", "line", "1"] in lines
    assert ["profile", "team", "AWS_PROFILE"] in lines
    assert ["traffic.per_day", "400", "rockbottom.toml,", "line", "4"] in lines
    assert main(["config", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["file"] == str(project / "rockbottom.toml")
    assert document["settings"]["region"] == {"value": "eu-central-1", "from": "rockbottom.toml, line 1"}
    assert document["settings"]["alarms"] == {"value": None, "from": "default of each command"}
