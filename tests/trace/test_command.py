"""``rockbottom trace`` and ``rockbottom replay`` from the command line."""

import gzip
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rockbottom.cli import main
from rockbottom.trace.parquet import read_parquet

MODEL = "global.anthropic.claude-sonnet-4-6"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Three log files; the second has a damaged line, the third repeats a request of the first."""
    folder = tmp_path / "logs"
    folder.mkdir()
    for number, seconds in enumerate([(0, 10), (20,), (10, 30)]):
        lines = [json.dumps(_record(second)) for second in seconds]
        if number == 1:
            lines.append('{"modelId": ')
        (folder / f"{number}.json.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return folder


def _record(second: int) -> dict:
    body = {"system": [{"text": "rules " * 900}, {"cachePoint": {"type": "default"}}],
            "messages": [{"role": "user", "content": [{"text": f"question {second}"}]}]}  # fmt: skip
    first = second == 0
    return {
        "schemaType": "ModelInvocationLog", "timestamp": f"2026-09-01T10:00:{second:02d}Z", "requestId": f"r{second}",
        "operation": "Converse", "modelId": MODEL, "accountId": "1", "region": "us-east-1",
        "input": {"inputBodyJson": body, "inputTokenCount": 20, "cacheReadInputTokenCount": 0 if first else 2000,
                  "cacheWriteInputTokenCount": 2000 if first else 0},
        "output": {"outputTokenCount": 10, "outputBodyJson": {}},
    }  # fmt: skip


def test_import_then_replay(logs, tmp_path, capfd):
    """Four requests remain; the prediction agrees with what the log says, and the table is on stdout as JSON."""
    out = tmp_path / "trace.parquet"
    assert main(["trace", "import", str(logs), "--out", str(out)]) == 0
    said = capfd.readouterr().err
    assert "1 damaged line skipped" in said
    assert "1 request seen twice" in said
    assert not out.with_name("trace.parquet.parts").exists()
    page = tmp_path / "page.html"
    assert main(["replay", str(out), "--on", "2026-09-01", "--json", "--html", str(page)]) == 0
    assert "as sent" in page.read_text()
    assert "http" not in page.read_text()
    document = json.loads(capfd.readouterr().out)
    assert document["requests"] == 4
    assert [row["cause"] for row in document["reconciliation"]["causes"]] == ["as predicted"]
    assert {row["policy"] for row in document["policies"]} >= {"none", "as_recorded", "system_tail_5m"}


def test_an_import_takes_up_where_it_stopped(logs, tmp_path, monkeypatch):
    """What was read is not read again: the parts that are done are kept, with the secret of their hashes."""
    out = tmp_path / "trace.parquet"
    whole = Path.read_bytes
    from rockbottom.cli import trace_import

    done: list[str] = []
    real = trace_import.reader_of("x", "bedrock-logs").read

    def stopping(part, settings):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(part)
        return real(part, settings)

    reader = replace(trace_import.reader_of("x", "bedrock-logs"), read=stopping)
    monkeypatch.setattr(trace_import, "reader_of", lambda source, name: reader)
    assert main(["trace", "import", str(logs), "--out", str(out)]) == 130
    assert len(done) == 2
    done.pop()  # room for one more
    assert main(["trace", "import", str(logs), "--out", str(out)]) == 0
    assert [Path(part).name for part in done] == ["0.json.gz", "2.json.gz"]
    assert whole(out)[:4] == b"PAR1"


def test_what_was_left_out_is_counted_alike_where_an_import_was_taken_up(logs, tmp_path, monkeypatch):
    """One request that the service refused, one damaged line, in parts that were read before the stop: both count."""
    from rockbottom.cli import trace_import
    from rockbottom.trace import ReaderSettings

    refused = {**_record(5), "errorCode": "ThrottlingException"}
    del refused["output"]
    with gzip.open(logs / "1.json.gz", "at") as file:
        file.write("\n" + json.dumps(refused))
    real, names = trace_import.reader_of("x", "bedrock-logs"), []

    def stopping(part, settings):
        names.append(Path(part).name)
        if names == ["0.json.gz", "1.json.gz", "2.json.gz"]:
            raise KeyboardInterrupt
        return real.read(part, settings)

    monkeypatch.setattr(trace_import, "reader_of", lambda source, name: replace(real, read=stopping))
    with pytest.raises(KeyboardInterrupt):
        trace_import.imported(str(logs), tmp_path / "taken-up.parquet", ReaderSettings(), None)
    reading = trace_import.imported(str(logs), tmp_path / "taken-up.parquet", ReaderSettings(), None)
    assert names[3:] == ["2.json.gz"]
    assert (reading.damages.failed, reading.damages.count, reading.duplicates) == (1, 1, 1)


def test_an_import_killed_outright_is_taken_up(logs, tmp_path):
    """SIGKILL while a part is being read: what was done is kept with its secret, and the whole is as from one run."""
    out, program = tmp_path / "trace.parquet", (
        "import os, signal, sys; from dataclasses import replace; from rockbottom.cli import main, trace_import as t; "
        "reader = t.reader_of('x', 'bedrock-logs'); "
        "read = lambda part, s: os.kill(os.getpid(), signal.SIGKILL) if '2.json' in part else reader.read(part, s); "
        "t.reader_of = lambda source, name: replace(reader, read=read); main(sys.argv[1:])"
    )  # fmt: skip
    arguments = ["trace", "import", str(logs), "--out", str(out)]
    source = str(Path(__file__).resolve().parents[2] / "src")
    done = subprocess.run([sys.executable, "-c", program, *arguments], env={**os.environ, "PYTHONPATH": source})
    assert done.returncode == -signal.SIGKILL
    parts = out.with_name("trace.parquet.parts")
    before = {file.name: file.read_bytes() for file in parts.iterdir()}
    assert len(before) == 3  # two parts and the secret
    assert main(arguments) == 0
    assert not parts.exists()
    assert len(read_parquet(out)) == 4


def test_an_unknown_policy_is_one_message(logs, capfd):
    """What was asked and what there is; exit code 2."""
    assert main(["replay", str(logs), "--policy", "magic"]) == 2
    assert "no policy 'magic'" in capfd.readouterr().err


def _counts_only(path: Path, blocks: list[list[list[int]]]) -> Path:
    """A trace of the project's own kind; each request has these runs of blocks."""
    path.write_text("\n".join(json.dumps(
        {"kind": "trace", "input_tokens": 3000, "output_tokens": 10, "block_tokens": 512, "session_id": "s",
         "model": MODEL, "t_seconds": float(number), "block_runs": runs}
    ) for number, runs in enumerate(blocks)))  # fmt: skip
    return path


def test_a_source_without_block_hashes_cannot_be_replayed(tmp_path, capfd):
    """Nothing says what repeats: one message and exit code 2, no table of zeros; prices alone are still told."""
    source = _counts_only(tmp_path / "counts.jsonl", [[], []])
    assert main(["replay", str(source)]) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert "none of its 2 requests carries text to compare" in said.err
    assert "--policy none" in said.err
    assert main(["replay", str(source), "--policy", "none"]) == 0
    assert "none" in capfd.readouterr().out


def test_requests_without_blocks_among_others_are_counted(tmp_path, capfd):
    """They are named, the rest is replayed, and no line is wider than 80 columns; without counters their cost is not
    known."""
    source = _counts_only(tmp_path / "some.jsonl", [[[0, 5]], [], [[0, 5]]])
    assert main(["replay", str(source)]) == 0
    said = capfd.readouterr()
    shown = " ".join(said.out.split())
    assert "An unknown part of it went to 1 request whose prompt could not be read whole" in shown
    assert max(map(len, said.out.splitlines())) <= 80
