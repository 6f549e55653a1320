"""A run that is killed with SIGKILL at any step and started again loses nothing and sends nothing twice."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

RECORDS = 200  # at 100 a job: two jobs; every second record fails once: a third job with 100 of them
JOBS = 3


@pytest.fixture
def mortal(repo):
    """The process that forks a run for each command."""
    environment = {**os.environ, "PYTHONPATH": str(repo / "src")}
    path = Path(__file__).with_name("mortal.py")
    process = subprocess.Popen(
        [sys.executable, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    yield process
    process.stdin.close()
    process.wait(30)


def start(mortal, place, kit, folder, die_at=None, **more):
    """One run; its exit status as the kernel says it."""
    records = folder / "tickets.jsonl"
    if not records.exists():
        folder.mkdir(parents=True)
        lines = (json.dumps({"recordId": name, "modelInput": body}) + "\n" for name, body in kit.pairs(RECORDS))
        records.write_text("".join(lines))
        place.reset()
        place.control("POST", "jobs/faults", {"kind": "records", "every": 2, "count": 2, "code": 503})
    command = {
        "die_at": die_at, "url": place.served.url, "s3_url": place.served.s3_url, "records": str(records),
        "folder": str(folder), "model": kit.MODEL, "bucket": kit.BUCKET, "role": kit.ROLE,
        "kind": "Converse", **more,
    }  # fmt: skip
    mortal.stdin.write(json.dumps(command) + "\n")
    mortal.stdin.flush()
    return int(mortal.stdout.readline())


def check(place, folder):
    """Every record answered once, no job made twice; the steps of the last process."""
    outcome = json.loads((folder / "outcome.json").read_text())
    summary = outcome["summary"]
    assert (summary["answered"], summary["left"], summary["attempts"]) == (RECORDS, 0, 2)
    jobs = place.jobs
    assert len(jobs) == JOBS
    assert sum(job["totalRecordCount"] for job in jobs) == RECORDS + 100
    assert sum(job["successRecordCount"] for job in jobs) == RECORDS
    rows = [json.loads(line) for line in Path(summary["results"]).read_text().splitlines()]
    assert [row["recordId"] for row in rows] == [f"T{number:05d}" for number in range(RECORDS)]
    assert all("modelOutput" in row for row in rows)
    return outcome["steps"]


@pytest.mark.parametrize(
    "every", [pytest.param(False, id="each kind of step"), pytest.param(True, id="each step", marks=pytest.mark.slow)]
)
def test_killed_at_every_step(mortal, place, kit, tmp_path, every):
    """For each step of a run: killed there, started again, and the outcome is that of a run that was left alone."""
    assert start(mortal, place, kit, tmp_path / "whole") == 0
    steps = check(place, tmp_path / "whole")
    assert steps.count("job made") == JOBS
    last = {name: number for number, name in enumerate(steps, 1)}
    for number in range(1, len(steps) + 1) if every else last.values():
        folder = tmp_path / str(number)
        assert start(mortal, place, kit, folder, number) == signal.SIGKILL, steps[number - 1]
        assert start(mortal, place, kit, folder) == 0, steps[number - 1]
        check(place, folder)


def test_batches_of_openai_killed_at_each_kind_of_step(mortal, place, kit, tmp_path):
    """No token keeps a batch from being made twice there: it is found again by its input and its metadata."""
    more = {"kind": "ChatCompletions", "model": "openai.gpt-oss-20b-1:0"}

    def started(folder, die_at=None):
        if not folder.exists():
            folder.mkdir()
            body = {"messages": [{"role": "user", "content": "Hello"}], "max_completion_tokens": 20}
            asked = [{"custom_id": f"T{number:05d}", "method": "POST", "url": "/v1/chat/completions", "body": body}
                     for number in range(RECORDS)]  # fmt: skip
            (folder / "tickets.jsonl").write_text("".join(json.dumps(line) + "\n" for line in asked))
            place.reset()
        return start(mortal, place, kit, folder, die_at, **more)

    def checked(folder):
        outcome = json.loads((folder / "outcome.json").read_text())
        assert (outcome["summary"]["answered"], outcome["summary"]["left"]) == (RECORDS, 0)
        with urllib.request.urlopen(f"{place.served.url}/openai/v1/batches", timeout=20) as reply:
            batches = json.loads(reply.read())["data"]
        assert [one["request_counts"]["completed"] for one in batches] == [100, 100]
        return outcome["steps"]

    assert started(tmp_path / "whole") == 0
    steps = checked(tmp_path / "whole")
    assert steps.count("job made") == 2
    for number in {name: number for number, name in enumerate(steps, 1)}.values():
        folder = tmp_path / str(number)
        assert started(folder, number) == signal.SIGKILL, steps[number - 1]
        assert started(folder) == 0, steps[number - 1]
        checked(folder)


def test_killed_again_and_again(mortal, place, kit, tmp_path):
    """Killed five steps after each start, a run still gets to its end."""
    folder = tmp_path / "often"
    deaths = 0
    while start(mortal, place, kit, folder, 5) == signal.SIGKILL:
        deaths += 1
        assert deaths < 100
    check(place, folder)
    assert deaths >= 8


def test_a_second_start_of_a_finished_run_sends_nothing(mortal, place, kit, tmp_path):
    """The same command again gives the same outcome from what is on disk: no upload, no job."""
    folder = tmp_path / "again"
    assert start(mortal, place, kit, folder) == 0
    assert start(mortal, place, kit, folder) == 0
    assert not {"before uploaded", "before submitting"} & set(check(place, folder))
