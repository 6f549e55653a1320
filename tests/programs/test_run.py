"""``rockbottom run``: a program as it is, planned, counted, and ended as it ended."""

import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import structs

from rockbottom.cli.run import _tell
from rockbottom.ledger import CallRecord, LedgerReader, LedgerWriter
from tests.programs.conftest import RUN, UNMODIFIED
from tests.programs.totals import total_in

PYTHON = sys.executable


def test_a_program_is_planned_and_what_it_saved_is_said_on_stderr(run):
    ran = run("--", PYTHON, "boto3_program.py")
    assert ran.returncode == 0, ran.stderr
    first, *later = map(int, ran.stdout.split())
    assert first < 100  # the rest of 6,400 tokens was written; in the later calls it was read
    assert max(later) < 100
    total = total_in(ran.stderr)
    assert (total.calls, total.read_percent) == (4, 75)  # three of four calls read what the first one wrote
    assert total.saved_usd > 0


def test_a_dry_run_sends_what_the_program_wrote(run):
    ran = run("--dry-run", "--", PYTHON, "boto3_program.py")
    assert min(map(int, ran.stdout.split())) > 6000
    assert total_in(ran.stderr).read_percent == 0
    assert "With rockbottom attached 4 calls would have cost $" in ran.stderr
    assert f"next: rockbottom run -- {PYTHON} boto3_program.py plans its calls" in " ".join(ran.stderr.split())


def test_calls_that_cannot_be_planned_lead_to_no_run_that_would_plan_them(tmp_path, capsys):
    """As those of an old botocore: the report says what they cost, and there is no next step."""
    call = CallRecord(1.0, "anthropic.claude-sonnet-4-6", "Converse", input=10, cost_usd="0.1", uncached_usd="0.1")
    for planned_usd, is_led_on in ((None, False), ("0.05", True)):
        folder = tmp_path / str(planned_usd)
        LedgerWriter(folder).record(structs.replace(call, planned_usd=planned_usd))
        _tell(folder, 0.0, "python app.py")
        said = capsys.readouterr().err
        assert "what this program used" in said
        assert ("next: rockbottom run -- python app.py plans its calls" in said) is is_led_on


def test_a_ledger_keeps_every_call_and_no_other_folder_is_left(run, tmp_path):
    tags = ("--tag", "team=search", "--tag", "env=prod")
    ledger = ("--ledger", str(tmp_path / "calls"))
    ran = run("--dry-run", *ledger, *tags, "--", PYTHON, "boto3_program.py", TMPDIR=str(tmp_path))
    assert ran.returncode == 0
    calls = list(LedgerReader(tmp_path / "calls").calls())
    assert [call.tags for call in calls] == [{"team": "search", "env": "prod"}] * 4
    assert sum(Decimal(call.planned_usd) for call in calls) < sum(Decimal(call.cost_usd) for call in calls)
    assert [path.name for path in tmp_path.iterdir()] == ["calls"]


def test_what_is_learned_is_kept_in_a_file(run, tmp_path):
    assert run("--state", str(tmp_path / "learned.db"), "--", PYTHON, "boto3_program.py").returncode == 0
    assert (tmp_path / "learned.db").stat().st_size > 0


def test_a_program_runs_where_no_temporary_file_can_be_written(run, tmp_path):
    """As in a container whose file system is read-only: its clients are attached, only the end has nothing to say."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, tempfile\n"
        "def refuse(*args, **more): raise OSError(30, 'Read-only file system')\n"
        "if 'rockbottom' in ' '.join(sys.orig_argv): tempfile.mkdtemp = refuse\n"
    )
    ran = run("--", PYTHON, "boto3_program.py", PYTHONPATH=f"{tmp_path}{os.pathsep}{UNMODIFIED}")
    assert ran.returncode == 0
    assert ran.stderr.count("rockbottom: ") == 1
    assert "no place for temporary files (Read-only file system)" in ran.stderr
    assert max(map(int, ran.stdout.split())) < 6000  # what was not cached of some 6,400 tokens


def test_every_kind_of_child_is_reached(run):
    """The program itself, spawned, forked and served by multiprocessing, a subprocess, a bare fork: six calls."""
    ran = run("--", PYTHON, "children_program.py")
    assert ran.returncode == 0, ran.stderr
    assert total_in(ran.stderr).calls == 6


def test_every_way_of_starting_python_is_reached(run, tmp_path):
    script = tmp_path / "ask"
    script.write_text(f"#!{PYTHON}\nimport boto3_program\n")
    script.chmod(0o755)
    for started in ([PYTHON, "-m", "boto3_program"], [PYTHON, "-c", "import boto3_program"], [str(script)]):
        assert total_in(run("--", *started).stderr).calls == 4, started
    shell = run("--quiet", "--", "sh", "-c", f"{PYTHON} boto3_program.py; exit 7")
    assert (shell.returncode, shell.stderr) == (7, "")


@pytest.mark.parametrize("code", [0, 3, 255])
def test_the_exit_code_is_the_programs(run, code):
    assert run("--", PYTHON, "-c", f"raise SystemExit({code})").returncode == code


def test_arguments_reach_the_program_as_they_are(run):
    given = ["--dry-run", "-h", "a b", "--", "--version"]
    assert run("--", PYTHON, "-c", "import sys; print(sys.argv[1:])", *given).stdout.strip() == str(given)
    assert run(PYTHON, "-c", "import sys; print(sys.argv[1:])", *given).stdout.strip() == str(given)


def test_what_cannot_be_started_is_said_with_the_codes_of_a_shell(run, tmp_path):
    (tmp_path / "file").write_text("")
    absent, refused = run("--", "no-such-program"), run("--", str(tmp_path / "file"))
    assert (absent.returncode, refused.returncode) == (127, 126)
    assert "no-such-program: No such file or directory" in absent.stderr
    assert run().returncode == 2


def test_without_a_call_it_says_what_is_reached(run):
    ran = run("--", PYTHON, "-I", "-c", "pass")
    assert "no Bedrock call was made through a client that could be attached" in ran.stderr
    for name in ("boto3", "aiobotocore", "AnthropicBedrock,", "AnthropicBedrockMantle", "OpenAI", "LiteLLM"):
        assert name in ran.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGABRT])
def test_a_program_that_a_signal_ended_ends_us_alike(run, number):
    ran = run("--quiet", "--", PYTHON, "-c", f"import os; os.kill(os.getpid(), {int(number)})")
    assert ran.returncode == -number


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1])
def test_a_signal_reaches_the_program_which_ends_as_it_likes(environment, number, tmp_path):
    ready = tmp_path / "ready"
    program = (
        "import pathlib, signal, sys, time\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(41))\n"
        f"pathlib.Path({str(ready)!r}).touch()\n"
        "time.sleep(60)"
    )
    started = subprocess.Popen(
        [*RUN, "--quiet", "--", PYTHON, "-c", program], env=environment, cwd=UNMODIFIED, start_new_session=True
    )
    give_up = time.monotonic() + 30
    while not ready.exists() and time.monotonic() < give_up:
        time.sleep(0.02)
    started.send_signal(number)
    assert started.wait(30) == 41


def test_what_a_program_ignores_is_still_ignored(environment):
    """Started by nohup, which ignores SIGHUP for all that it starts."""
    shown = "import signal; print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)"
    ran = subprocess.run(
        ["sh", "-c", f"trap '' HUP; exec {' '.join(RUN)} --quiet -- {PYTHON} -c '{shown}'"],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.strip() == "True"


def test_help_names_the_first_thing_to_try(run):
    assert "rockbottom run --dry-run -- python app.py" in run("--help").stdout


def test_a_client_that_the_program_attaches_itself_is_its_own(run, tmp_path):
    """Other arguments than ours would be an error of a client attached twice; here the program's own count."""
    program = tmp_path / "own.py"
    program.write_text(
        "import boto3, rockbottom\n"
        f"bedrock = rockbottom.attach(boto3.client('bedrock-runtime'), hold_s=0, ledger={str(tmp_path / 'own')!r})\n"
        "import prompt\n"
        "for question in prompt.QUESTIONS:\n"
        "    bedrock.converse(modelId=prompt.MODEL, system=[{'text': prompt.SYSTEM}],\n"
        "                     messages=[{'role': 'user', 'content': [{'text': question}]}])\n"
        "print(rockbottom.report(bedrock).total.calls)\n"
    )
    ran = run("--dry-run", "--", PYTHON, str(program))
    assert ran.stdout.strip() == "4", ran.stderr
    assert len(list(LedgerReader(Path(tmp_path / "own")).calls())) == 4
    assert "no Bedrock call" in ran.stderr


SHARING_PROGRAM = """
import time, boto3
from prompt import MODEL, QUESTIONS, SYSTEM
bedrock = boto3.client("bedrock-runtime")
time.sleep({seconds})  # as a service that has begun and waits for its first request
for question in QUESTIONS[:2]:
    messages = [{{"role": "user", "content": [{{"text": question}}]}}]
    usage = bedrock.converse(modelId=MODEL, system=[{{"text": SYSTEM}}], messages=messages)["usage"]
    print(usage["cacheReadInputTokens"] > 5000, usage["cacheWriteInputTokens"] > 5000)
"""


@pytest.mark.parametrize("chosen", ["option", "variable"])
def test_programs_that_share_read_what_another_wrote(run, tmp_path, chosen):
    """The first program writes and reads; the second reads with its first call, which no program alone can."""
    share = f"sqlite://{tmp_path}/share.db"
    options, variables = (["--share", share], {}) if chosen == "option" else ([], {"ROCKBOTTOM_SHARE": share})
    program = SHARING_PROGRAM.format(seconds=4)
    first, second = (run(*options, "--", PYTHON, "-c", program, **variables) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stdout.splitlines() == ["False True", "True False"]
    assert second.stdout.splitlines() == ["True False", "True False"]


def test_a_program_that_imports_auto_shares_where_its_environment_says_so(environment, tmp_path):
    """The same without the command: one import in the program, one variable."""
    program = "import rockbottom.auto\n" + SHARING_PROGRAM.format(seconds=4)
    told = {**environment, "ROCKBOTTOM_SHARE": f"sqlite://{tmp_path}/share.db"}
    ran = [
        subprocess.run([PYTHON, "-c", program], env=told, cwd=UNMODIFIED, capture_output=True, text=True, timeout=120)
        for _ in range(2)
    ]
    assert [one.returncode for one in ran] == [0, 0], ran
    assert ran[1].stdout.splitlines() == ["True False", "True False"]


def test_a_store_that_is_away_is_no_reason_to_fail(run):
    """Nobody listens there: the calls pass, and stderr says once that nothing is shared."""
    program = SHARING_PROGRAM.format(seconds=4)
    ran = run("--share", "redis://127.0.0.1:1/0?name=test", "--", PYTHON, "-c", program)
    assert ran.returncode == 0, ran.stderr
    assert len(ran.stdout.splitlines()) == 2
    assert ran.stderr.count("share=redis://127.0.0.1:1/0") == 1


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--share", "http://host"], "is not the address"),
        (["--share", "sqlite:///a.db", "--dry-run"], "--dry-run"),
        (["--share", "sqlite:///a.db", "--state", "b.db"], "--state"),
    ],
)
def test_what_cannot_share_is_refused_before_the_program_begins(run, tmp_path, options, named):
    ran = run(*options, "--", PYTHON, "-c", f"open({str(tmp_path / 'begun')!r}, 'w')")
    assert ran.returncode == 2
    assert named in ran.stderr
    assert not (tmp_path / "begun").exists()
