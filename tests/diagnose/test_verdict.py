"""What a report begins with, and which fixes it advises: what saves on the same requests, never what does not."""

import json

import pytest
from click.testing import CliRunner

pytest.importorskip("numba", reason="needs the replay engine: pip install 'rockbottom[replay]'")

from rockbottom.catalog import load_catalog
from rockbottom.cli import root
from tests.replay.attached import SONNET, attached_usd, documents_with_questions, herd, support, write_log


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """A log of questions on documents, and one of parallel workers on reports."""
    folder, made = tmp_path_factory.mktemp("logs"), {}
    for name, traffic in (("rag", documents_with_questions(4)), ("herd", herd(3))):
        requests = list(traffic)
        counts, _ = attached_usd(requests, load_catalog())
        made[name] = write_log(folder / f"{name}.jsonl", requests, counts)
    return made


def told(path, *options):
    done = CliRunner().invoke(root, ["explain", str(path), *options], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_the_verdict_comes_first(logs):
    """What was paid, for nothing, and with the planner, in the first sentence."""
    first = " ".join(told(logs["rag"]).split("\n\n")[0].split())
    assert first.startswith("You paid $0.")
    assert "of it because what had been sent before was not read from the cache. With rockbottom attached" in first
    assert "attached it would have been $0." in first
    assert first.endswith("less).")


def test_an_id_and_the_arn_of_its_profile_are_one_model_in_every_report(tmp_path):
    """Twenty tickets, every other one by the ARN: explain and replay make one bill of them, that of ids alone."""
    tickets = list(support(20, SONNET))
    counts, _ = attached_usd(tickets, load_catalog())
    arn = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{SONNET}"
    mixed = [sent._replace(model=arn) if number % 2 else sent for number, sent in enumerate(tickets)]
    bills = []
    for name, requests in (("ids", tickets), ("mixed", mixed)):
        path = str(write_log(tmp_path / f"{name}.jsonl", requests, counts))
        replayed = json.loads(CliRunner().invoke(root, ["replay", path, "--json"], catch_exceptions=False).stdout)
        bills += [json.loads(told(path, "--json"))["attached_usd"], replayed["answer"]["attached_usd"]]
    assert len(set(map(float, bills))) == 1


def test_without_trials_there_is_no_word_of_the_planner(logs):
    """``--no-prove``: what was paid, and for nothing."""
    assert "attached" not in told(logs["rag"], "--no-prove")


def test_a_point_behind_the_document_is_the_fix(logs):
    """Points after the system prompt and the last message would write every question: dearer, and not advised."""
    text = " ".join(told(logs["rag"]).split())
    assert "a cachePoint behind every block that repeats, most often messages[0].content[0]: input" in text
    assert "dearer" not in text
    assert "leave it" not in text


def test_parallel_requests_are_held_where_a_point_alone_saves_nothing(logs):
    """All 24 workers would write the report: 1.25 times the price instead of once."""
    assert "and parallel requests held until the first begins to answer: input" in " ".join(told(logs["herd"]).split())


def test_what_saves_nothing_is_not_advised(tmp_path):
    """A prompt that comes again once after two hours: an hour's entries are dearer, and there is no other fix."""
    system = [
        {"text": " ".join(f"Rule {n}: be polite about matter {n}." for n in range(300))},
        {"cachePoint": {"type": "default"}},
    ]
    ask = [{"role": "user", "content": [{"text": "Where is it?"}]}]
    lines = [
        json.dumps({
            "schemaType": "ModelInvocationLog", "timestamp": f"2026-11-01T{hour:02}:00:00Z", "requestId": f"r{hour}",
            "operation": "Converse", "modelId": "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "region": "us-east-1",
            "input": {"inputBodyJson": {"system": system, "messages": ask}, "inputTokenCount": 20,
                      "cacheReadInputTokenCount": 0, "cacheWriteInputTokenCount": 3000},
            "output": {"outputTokenCount": 1},
        })
        for hour in (9, 11)
    ]  # fmt: skip
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    text = " ".join(told(tmp_path / "log.jsonl").split())
    assert "RB012 the entry had expired" in text
    assert "leave it: none of the fixes tried on this log saves anything (ttl 1h on every point: dearer by" in text
    assert "fix:" not in text


def test_repeated_request_ids_are_said(logs, tmp_path):
    """Every record twice: 64 requests, 64 repeats."""
    twice = tmp_path / "twice.jsonl"
    twice.write_text(logs["rag"].read_text() * 2)
    assert "64 records repeat the request id of an earlier one: counted once" in told(twice)
    found = json.loads(told(twice, "--json"))
    assert (found["requests"], found["repeated_requests"]) == (64, 64)
    assert "repeated_requests" not in json.loads(told(logs["rag"], "--json"))
