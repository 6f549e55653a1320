"""Partitions add up to the whole, to the last token."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rockbottom.cli import main
from rockbottom.engine import EngineFailed, NotPartitionable, answered, columns_of, tallies_of
from rockbottom.engine.processes import Processes
from rockbottom.extras import install_command
from rockbottom.replay import DEFAULT_POLICIES, document_of

SOURCES = str(Path(__file__).resolve().parents[2] / "src")


class Serial:
    """Every partition in this process, one after another: the arithmetic without the machinery."""

    def columns(self, job):
        """Every file, the last first."""
        self.rows = {}
        for number in reversed(range(len(job.parts))):
            known, self.rows[number] = columns_of(number, job.parts[number], job.reader, job.settings, job.buckets)
            yield known

    def tallies(self, job, groups):
        """Every group, the last first."""
        for bucket in reversed(range(job.buckets)):
            pieces = [(number, pieces[bucket]) for number, pieces in self.rows.items()]
            yield tallies_of(pieces, groups.names, groups.repeated, job.questions, job.catalog, exact=groups.exact)


def documents(answer):
    return [document_of(one, found) for one, found in zip(answer.questions, answer.tallies, strict=True)]


def test_the_documents_are_the_same(logs, job_of, whole):
    """Bills, waste, gaps, families, quota, reconciliation: all of both documents, from five groups of eight files."""
    job = job_of(logs)
    answer = answered(job, Serial())
    assert documents(answer) == whole(logs, job)
    assert (answer.damages.count, answer.duplicates) == (1, 12)
    assert len(documents(answer)[0].models) == 2
    assert documents(answer)[0].reconciliation is not None


LINES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 5), st.integers(1, 6), st.sampled_from([1.0, 200.0, 301.0, 3_700.0])),
    min_size=1,
    max_size=30,
)


@settings(max_examples=40)
@given(lines=LINES, files=st.integers(1, 4), buckets=st.integers(1, 7))
def test_any_traffic_in_any_partition(tmp_path_factory, job_of, whole, lines, files, buckets):
    """Block traces of a few sessions that share beginnings, cut into any files and any groups."""
    folder = tmp_path_factory.mktemp("any")
    now, made = 0.0, []
    for session, start, count, wait in lines:
        now += wait
        made.append({"t_seconds": now, "input_tokens": 700 * count, "output_tokens": 7, "block_tokens": 700,
                     "session_id": f"s{session}", "model": "global.anthropic.claude-opus-4-8",
                     "block_runs": [[10 * start, count]], "system_tokens": 700})  # fmt: skip
    for file in range(files):
        mine = made[file::files] or made[:1]
        (folder / f"{file}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in mine))
    job = job_of(folder, buckets)
    assert documents(answered(job, Serial())) == whole(folder, job)


def test_processes(logs, job_of, whole, tmp_path):
    """Two processes, the rows between the steps on disk."""
    job = job_of(logs)
    with Processes(2, tmp_path) as engine:
        assert documents(answered(job, engine)) == whole(logs, job)


def test_a_process_that_dies(logs, job_of, whole, tmp_path):
    """Killed after half of the files: what is left is done by others, and no token is lost."""
    job, killed = job_of(logs), []

    def said(step, done, of):
        if step == "files" and done == of // 2:
            killed.extend(process.pid for process in multiprocessing.active_children())
            os.kill(killed[0], signal.SIGKILL)

    with Processes(1, tmp_path) as engine:
        assert documents(answered(job, engine, said)) == whole(logs, job)
    assert killed


def test_the_command_gives_the_same_with_processes(logs, capsys):
    """The same JSON of every policy that partitions can replay, damage and duplicates said alike."""
    policies = ("none", "as_recorded", *DEFAULT_POLICIES, "keep_alive")
    named = [f"--policy={name}" for name in policies]
    arguments = ["replay", str(logs), "--on", "2026-11-01", "--json", *named]
    assert main(arguments) == 0
    one = capsys.readouterr()
    assert main([*arguments, "--engine", "processes", "--jobs", "2"]) == 0
    other = capsys.readouterr()
    assert json.loads(one.out) == json.loads(other.out)
    assert "12 requests seen twice" in other.err
    assert "1 damaged line " in other.err


def test_a_policy_that_learns_is_refused(logs, job_of):
    """The planner must see all traffic in turn."""
    from dataclasses import replace

    job = job_of(logs)
    question = replace(job.questions[0], policies=("planner",))
    with pytest.raises(NotPartitionable, match="planner"):
        answered(replace(job, questions=[question]), Serial())


def test_one_process_does_not_import_ray(logs):
    """Where the package cannot be imported at all, the default engine works; the other says what to install."""
    environment = {**os.environ, "PYTHONPATH": SOURCES}
    program = (
        "import sys; sys.modules['ray'] = None; from rockbottom.cli import main; "
        f"code = main(['replay', {str(logs)!r}, '--policy', 'none', '--json', *sys.argv[1:]]); sys.exit(code)"
    )

    def run(*more: str):
        argv = [sys.executable, "-c", program, *more]
        return subprocess.run(argv, capture_output=True, text=True, check=False, env=environment)

    done, asked = run(), run("--engine", "ray")
    assert done.returncode == 0, done.stderr
    assert asked.returncode == 2
    assert install_command("ray") in asked.stderr


def test_crossed_over_models_scopes_tiers_and_days(logs, capsys):
    """Two models by two scopes by two days: eight rows, each what the same question alone gives; no price is said."""
    arguments = ["replay", str(logs), "--policy", "none", "--policy", "system_tail_5m"]
    models = ["anthropic.claude-sonnet-4-6", "anthropic.claude-haiku-4-5-20251001-v1:0"]
    crossing = ["--model", ",".join(models), "--scope", "us,global", "--on", "2026-10-01,2026-11-01"]
    assert main([*arguments, *crossing, "--json"]) == 0
    runs = json.loads(capsys.readouterr().out)["runs"]
    assert len(runs) == 8
    alone = ["--model", models[1], "--scope", "us", "--on", "2026-11-01", "--json"]
    assert main([*arguments, *alone]) == 0
    single = json.loads(capsys.readouterr().out)
    found = [run for run in runs if run["asked"] == {"model": models[1], "scope": "us", "tier": None,
                                                     "on": "2026-11-01"}]  # fmt: skip
    assert [{name: value for name, value in run.items() if name != "asked"} for run in found] == [single]
    assert main([*arguments, "--model", models[0], "--scope", "us,global", "--tier", "default,flex"]) == 0
    table = capsys.readouterr().out
    assert "No price in force" in table
    assert "cheapest: " in table
    assert max(map(len, table.splitlines())) <= 80


@pytest.mark.parametrize(
    "error",
    [OSError(30, "Read-only file system"), OSError(38, "Function not implemented"), ImportError("no sem_open")],
)
def test_where_there_is_no_shared_memory_it_says_what_works(tmp_path, monkeypatch, error):
    """As on AWS Lambda, and in a container whose /dev/shm may not be written."""

    def refusing(*_: object):
        raise error

    monkeypatch.setattr("rockbottom.engine.processes.ProcessPoolExecutor", refusing)
    with pytest.raises(EngineFailed, match="no other processes can be started here") as caught:
        Processes(2, tmp_path)
    assert caught.value.fix == "leave out --engine processes"
