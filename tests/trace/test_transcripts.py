"""Transcripts and telemetry of other programs: usage, model, time and session of every request, counted once.

The lines are made after the shapes that the programs write, as named in each reader; figures are worked out by hand.
"""

import csv
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rockbottom.cli.explain import command as explain
from rockbottom.cli.replay import command as replay
from rockbottom.quantities import Ttl
from rockbottom.trace import ReaderSettings, Reading, read_trace, reader_of

NINE = datetime(2026, 10, 1, 9, tzinfo=UTC)
SONNET, OPUS = "claude-sonnet-4-5-20250929", "claude-opus-4-5-20251101"


def stamp(seconds: float) -> str:
    return (NINE + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def claude(
    seconds: float, identity: str, model: str, read: int, write: int, output: int = 300, *, fresh: int = 4,
    session: str = "s1", hour: int = 0, **members: Any,
) -> dict[str, Any]:  # fmt: skip
    """A line of a reply, as Claude Code writes it."""
    split = {"ephemeral_5m_input_tokens": write - hour, "ephemeral_1h_input_tokens": hour}
    usage = {
        "input_tokens": fresh, "cache_read_input_tokens": read, "cache_creation_input_tokens": write,
        "cache_creation": split, "output_tokens": output, "iterations": [{"input_tokens": fresh}],
    }  # fmt: skip
    message = {"id": identity, "role": "assistant", "model": model, "content": [{"type": "text"}], "usage": usage}
    return {
        "parentUuid": "u0", "isSidechain": False, "cwd": "/srv/shop", "sessionId": session, "type": "assistant",
        "timestamp": stamp(seconds), "message": message, **members,
    }  # fmt: skip


def asked(session: str = "s1") -> dict[str, Any]:
    return {"parentUuid": None, "sessionId": session, "type": "user", "message": {"role": "user", "content": "hi"}}


A_SESSION = [
    asked(),
    claude(10, "m1", SONNET, 15_000, 5_000, output=1),
    claude(11, "m1", SONNET, 15_000, 5_000, output=400),
    claude(60, "m2", SONNET, 20_000, 3_000),
    claude(700, "m3", SONNET, 15_000, 12_000),  # 640 s later: all but the front is gone
    claude(760, "m4", SONNET, 27_000, 1_000),
    claude(800, "m5", OPUS, 0, 29_000),  # another model
    claude(860, "m6", OPUS, 29_000, 1_000),
    claude(900, "m7", OPUS, 0, 18_000),  # compacted
    claude(950, "m8", OPUS, 18_000, 1_000),
    claude(960, "m9", "<synthetic>", 0, 0, fresh=0, isApiErrorMessage=True),
]


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def totals(reading: Reading) -> tuple[int, int, int, int, int, int]:
    """Requests, and their uncached, read, written (5 minutes, an hour) and output tokens."""
    requests = reading.trace.requests
    writes = requests.observed_writes[Ttl.FIVE_MINUTES], requests.observed_writes[Ttl.ONE_HOUR]
    columns = (requests.observed_input, requests.observed_read, *writes, requests.tokens_out)
    return (len(reading.trace), *(int(column.sum()) for column in columns))


def test_a_reply_of_claude_code_counts_once_with_its_last_counters(tmp_path: Path) -> None:
    """Eight replies: 32 uncached; read 15+20+15+27+0+29+0+18 = 124, written 5+3+12+1+29+1+18+1 = 70 thousand."""
    reading = read_trace(str(lines(tmp_path / "-home-me-shop" / "s1.jsonl", A_SESSION)))
    assert reading.reader == "claude-code"
    assert totals(reading) == (8, 32, 124_000, 70_000, 0, 400 + 7 * 300)
    assert (reading.damages.count, reading.damages.repeated, reading.damages.elsewhere) == (0, 1, 8)
    assert reading.trace.names["session"] == ("shop/s1",)
    assert reading.trace.requests.at[0] == (NINE + timedelta(seconds=10)).timestamp()


def test_lines_of_a_resumed_session_are_counted_once(tmp_path: Path) -> None:
    """The second file begins with the replies of the first, under its own session."""
    lines(tmp_path / "p" / "s1.jsonl", A_SESSION)
    copied = [{**line, "sessionId": "s2"} for line in A_SESSION]
    lines(tmp_path / "p" / "s2.jsonl", [*copied, claude(990, "m10", OPUS, 19_000, 1_000, session="s2")])
    reading = read_trace(str(tmp_path))
    assert (len(reading.trace), reading.duplicates) == (9, 8)


def test_the_hour_and_an_agent_of_claude_code(tmp_path: Path) -> None:
    """Writes for an hour stay apart; an agent's conversation is its own."""
    rows = [
        asked(),
        claude(1, "m1", SONNET, 0, 9_000, hour=9_000),
        claude(2, "a1", SONNET, 0, 2_000, agentId="a7", isSidechain=True),
    ]
    reading = read_trace(str(lines(tmp_path / "s1.jsonl", rows)))
    assert totals(reading)[3:5] == (2_000, 9_000)
    assert reading.trace.names["session"] == ("shop/s1", "shop/s1/a7")


def test_models_are_those_of_bedrock_where_the_catalogue_names_them(tmp_path: Path) -> None:
    """A model of Anthropic's API becomes the global profile; Bedrock's own id and an unknown name stay."""
    rows = [
        asked(),
        claude(1, "m1", SONNET, 0, 9_000),
        claude(2, "msg_bdrk_2", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", 0, 9_000),
        claude(3, "m3", "claude-nova-9", 0, 9_000),
    ]
    reading = read_trace(str(lines(tmp_path / "s1.jsonl", rows)))
    assert reading.trace.names["model"] == (
        "global.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "claude-nova-9",
    )  # fmt: skip
    assert reading.damages.elsewhere == 2


def test_rebuilds_are_told_by_counters_with_their_cost(tmp_path: Path) -> None:
    """A pause, a switch and a compaction, priced above a read.

    Sonnet 4.5 writes at $3.75 and reads at $0.30 a million: 8,000 tokens after the pause cost $0.0276 more. Opus 4.5,
    $6.25 and $0.50: 28,000 on the switch $0.161, 18,000 on the compaction $0.1035, and 4 uncached at $5 $0.000018.
    """
    path = lines(tmp_path / "s1.jsonl", A_SESSION)
    done = CliRunner().invoke(explain, [str(path), "--json"], catch_exceptions=False)
    causes = {
        one["rule"]: (one["misses"], one["tokens"], Decimal(one["usd"])) for one in json.loads(done.stdout)["causes"]
    }
    assert causes == {
        "RB012": (1, 8_000, Decimal("0.0276")),
        "RB016": (1, 28_000, Decimal("0.161")),
        "RB008": (1, 18_004, Decimal("0.103518")),
    }
    assert "prompts are not in it" in done.stderr


def test_counters_of_a_cache_that_the_model_is_not_known_to_have_are_no_miss(tmp_path: Path) -> None:
    """No rule of GPT-5.4 names a lifetime, so nothing is said of when what it wrote was gone."""
    used = spent(10_000, 0, 200, write=8_000)
    rows = [
        META,
        codex(1, "turn_context", {"model": "gpt-5.4"}),
        codex(5, "token_usage_record", {"response_id": "r1", "usage": used, "thread_token_usage": used}),
    ]
    done = CliRunner().invoke(explain, [str(lines(tmp_path / "rollout-1.jsonl", rows))], catch_exceptions=False)
    assert "no miss to explain" in done.stdout


def test_a_transcript_is_replayed_as_far_as_its_counters_go(tmp_path: Path) -> None:
    """What was paid is what the counters come to.

    Sonnet: 16 x $3 + 77,000 x $0.30 + 21,000 x $3.75 + 1,300 x $15 = $0.121398; Opus: 16 x $5 + 47,000 x $0.50 +
    49,000 x $6.25 + 1,200 x $25 = $0.35983, a million each.
    """
    path = lines(tmp_path / "s1.jsonl", A_SESSION)
    done = CliRunner().invoke(replay, [str(path), "--json"], catch_exceptions=False)
    answer = json.loads(done.stdout)
    assert float(answer["answer"]["paid_usd"]) == pytest.approx(0.121398 + 0.35983)
    assert any("inferred from counters" in assumed for assumed in answer["assumptions"])
    assert "1 line repeated a request" in done.stderr
    assert answer["elsewhere_requests"] == 8
    told = CliRunner().invoke(replay, [str(path)], catch_exceptions=False).stdout
    assert told.startswith("On Bedrock you would have paid $0.4812.")


def codex(seconds: float, kind: str, payload: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {"timestamp": stamp(seconds), "type": kind, "payload": payload, **members}


def spent(total: int, cached: int, output: int, write: int = 0) -> dict[str, int]:
    return {
        "input_tokens": total, "cached_input_tokens": cached, "cache_write_input_tokens": write,
        "output_tokens": output, "reasoning_output_tokens": 0, "total_tokens": total + output,
    }  # fmt: skip


def counted(seconds: float, last: dict[str, int], whole: dict[str, int]) -> dict[str, Any]:
    info = {"last_token_usage": last, "total_token_usage": whole, "model_context_window": 272_000}
    return codex(seconds, "event_msg", {"type": "token_count", "info": info, "rate_limits": None})


META = codex(0, "session_meta", {"id": "c1", "cwd": "/srv/shop", "model_provider": "openai"})


def test_a_codex_session_of_before_counts_repeated_totals_once(tmp_path: Path) -> None:
    """Input counts what was read: 10,000 and then 12,000 with 9,000 of them read."""
    rows = [
        META,
        codex(1, "turn_context", {"model": "gpt-5.4", "cwd": "/srv/shop"}),
        codex(2, "event_msg", {"type": "token_count", "info": None}),
        counted(5, spent(10_000, 0, 200), spent(10_000, 0, 200)),
        counted(9, spent(12_000, 9_000, 100), spent(22_000, 9_000, 300)),
        counted(12, spent(12_000, 9_000, 100), spent(22_000, 9_000, 300)),
    ]
    reading = read_trace(str(lines(tmp_path / "rollout-1.jsonl", rows)))
    assert reading.reader == "codex"
    assert totals(reading) == (2, 13_000, 9_000, 0, 0, 300)
    assert reading.trace.names["model"] == ("global.openai.gpt-5.4",)
    assert reading.trace.names["session"] == ("shop/c1",)


def test_a_codex_session_counts_its_records_and_not_their_snapshots(tmp_path: Path) -> None:
    """A record for each response; the event behind it tells the same."""
    one, two = spent(10_000, 0, 200, write=8_000), spent(12_000, 9_000, 100)
    rows = [
        META,
        codex(1, "turn_context", {"model": "gpt-9-unheard-of"}),
        codex(5, "token_usage_record", {"response_id": "r1", "usage": one, "thread_token_usage": one}),
        counted(5, one, one),
        codex(9, "token_usage_record", {"response_id": "r2", "usage": two, "thread_token_usage": two}),
        counted(9, two, spent(22_000, 9_000, 300)),
    ]
    reading = read_trace(str(lines(tmp_path / "rollout-1.jsonl", rows)))
    assert totals(reading) == (2, 2_000 + 3_000, 9_000, 8_000, 0, 300)
    assert reading.trace.names["model"] == ("gpt-9-unheard-of",)


def test_a_forked_codex_session_repeats_nothing(tmp_path: Path) -> None:
    """The fork begins with the lines of its parent, under its own instant."""
    first = counted(5, spent(10_000, 0, 200), spent(10_000, 0, 200))
    context = codex(1, "turn_context", {"model": "gpt-5.4"})
    lines(tmp_path / "rollout-1.jsonl", [META, context, first])
    fork = codex(50, "session_meta", {"id": "c2", "forked_from_id": "c1", "cwd": "/srv/shop"})
    own = counted(60, spent(15_000, 10_000, 100), spent(25_000, 10_000, 300))
    lines(tmp_path / "rollout-2.jsonl", [fork, META, context, {**first, "timestamp": stamp(50)}, own])
    reading = read_trace(str(tmp_path))
    assert (len(reading.trace), reading.duplicates) == (2, 1)


def otlp(kind: str, record: dict[str, Any], attributes: dict[str, Any]) -> dict[str, Any]:
    """An export of one span or event."""
    outer, middle, inner = {
        "span": ("resourceSpans", "scopeSpans", "spans"),
        "event": ("resourceLogs", "scopeLogs", "logRecords"),
    }[kind]
    values = [
        {"key": name, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for name, value in attributes.items()
    ]
    return {
        outer: [{"resource": {"attributes": []}, middle: [{"scope": {}, inner: [{**record, "attributes": values}]}]}]
    }


def span(number: int, **members: str) -> dict[str, Any]:
    at = str(int((NINE.timestamp() + number) * 1e9))
    return {"traceId": "t1", "spanId": f"s{number}", "startTimeUnixNano": at, "endTimeUnixNano": at, **members}


def test_spans_of_the_genai_conventions(tmp_path: Path) -> None:
    """New names count what was read into the input; old ones may not, which their total tells; agents only sum up."""
    usage = "gen_ai.usage."
    model = {"gen_ai.request.model": "us.anthropic.claude-sonnet-4-6", "gen_ai.provider.name": "aws.bedrock"}
    rows = [
        otlp("span", span(1, name="chat"), {
            **model, "gen_ai.operation.name": "chat", "gen_ai.conversation.id": "k1", usage + "input_tokens": 10_000,
            usage + "output_tokens": 100, usage + "cache_read.input_tokens": 7_000,
            usage + "cache_creation.input_tokens": 2_000,
        }),
        otlp("span", span(2, name="chat"), {
            **model, usage + "input_tokens": 1_000, usage + "output_tokens": 100,
            usage + "cache_read_input_tokens": 9_000, usage + "total_tokens": 10_100,
        }),
        otlp("span", span(3, name="chat"), {
            **model, usage + "prompt_tokens": 20_000, usage + "completion_tokens": 50,
            usage + "cache_read_input_tokens": 9_000, usage + "total_tokens": 29_050,
        }),
        otlp("span", span(4, name="invoke_agent"), {
            **model, "gen_ai.operation.name": "invoke_agent", usage + "input_tokens": 31_000,
        }),
    ]  # fmt: skip
    reading = read_trace(str(lines(tmp_path / "traces.jsonl", rows)))
    assert reading.reader == "otlp"
    assert totals(reading) == (3, 1_000 + 1_000 + 20_000, 7_000 + 9_000 + 9_000, 2_000, 0, 250)
    assert (reading.damages.elsewhere, reading.trace.names["session"]) == (0, ("k1",))


@pytest.mark.parametrize(
    ("read", "write"),
    [
        ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_write.input_tokens"),
        ("gen_ai.usage.cache_read_tokens", "gen_ai.usage.cache_write_tokens"),
        ("gen_ai.usage.details.cache_read_tokens", "gen_ai.usage.details.cache_write_tokens"),
        ("gen_ai.usage.input_cached_tokens", "gen_ai.usage.input_cache_creation"),
        ("ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.inputTokenDetails.cacheWriteTokens"),
    ],
)
def test_counters_of_the_cache_by_every_name_in_use(tmp_path: Path, read: str, write: str) -> None:
    """10,005 tokens, of which 9,000 were read and 1,000 written, leave 5. The names are those of langfuse/langfuse
    #17117, #14902 and #12306 and of the AI SDK's telemetry.
    """
    counters = {"gen_ai.usage.input_tokens": 10_005, "gen_ai.usage.output_tokens": 7, read: 9_000, write: 1_000}
    lines(
        tmp_path / "spans.jsonl", [otlp("span", span(1), {"gen_ai.request.model": "amazon.nova-pro-v1:0", **counters})]
    )
    requests = read_trace(str(tmp_path)).trace.requests
    assert (requests.observed_input.tolist(), requests.observed_read.tolist()) == ([5], [9_000])
    assert requests.observed_writes[Ttl.FIVE_MINUTES].tolist() == [1_000]


def test_spans_of_openinference_alone(tmp_path: Path) -> None:
    """Their counters have names of their own; the input counts what was read."""
    attributes = {
        "openinference.span.kind": "LLM", "llm.model_name": "amazon.nova-pro-v1:0", "llm.token_count.prompt": 10_005,
        "llm.token_count.completion": 7, "llm.token_count.prompt_details.cache_read": 9_000,
    }  # fmt: skip
    lines(tmp_path / "spans.jsonl", [otlp("span", span(1), attributes)])
    requests = read_trace(str(tmp_path)).trace.requests
    assert (requests.observed_input.tolist(), requests.observed_read.tolist()) == ([1_005], [9_000])


def test_events_tell_what_spans_tell_and_a_call_in_both_counts_once(tmp_path: Path) -> None:
    """The event of a GenAI call names the span it belongs to; Claude Code and Codex have events of their own."""
    usage = {"gen_ai.usage.input_tokens": 500, "gen_ai.usage.output_tokens": 5, "gen_ai.request.model": "nova-pro"}
    name = "gen_ai.client.inference.operation.details"
    ours = {
        "event.name": "api_request", "model": SONNET, "session.id": "s1", "input_tokens": "3", "output_tokens": "40",
        "cache_read_tokens": "900", "cache_creation_tokens": "100", "request_id": "req_1",
    }  # fmt: skip
    codexes = {
        "event.name": "codex.sse_event", "event.kind": "response.completed", "model": "gpt-5.4",
        "conversation.id": "c1", "input_token_count": "1000", "cached_token_count": "600", "output_token_count": "9",
    }  # fmt: skip
    at = {"timeUnixNano": str(int(NINE.timestamp() * 1e9))}
    rows = [
        otlp("span", span(1), usage),
        otlp("event", {**at, "traceId": "t1", "spanId": "s1", "eventName": name}, usage),
        otlp("event", {**at, "body": {"stringValue": "claude_code.api_request"}}, ours),
        otlp("event", at, codexes),
        otlp("event", at, {"event.name": "codex.sse_event", "event.kind": "response.created", "model": "gpt-5.4"}),
    ]
    reading = read_trace(str(lines(tmp_path / "telemetry.json", rows)))
    assert totals(reading) == (3, 500 + 3 + 400, 900 + 600, 100, 0, 5 + 40 + 9)
    assert reading.damages.repeated == 1


def test_counters_that_a_source_never_writes_are_not_known(tmp_path: Path) -> None:
    """Where no span names a counter of a cache, nobody knows whether something was read."""
    usage = {"gen_ai.usage.input_tokens": 500, "gen_ai.request.model": "amazon.nova-pro-v1:0"}
    reading = read_trace(str(lines(tmp_path / "t.jsonl", [otlp("span", span(1), usage)])))
    requests = reading.trace.requests
    assert (requests.tokens_in[0], requests.tokens_out[0], requests.observed_read[0]) == (500, -1, -1)


def spend(number: int, model: str, total: int, **members: Any) -> dict[str, Any]:
    return {
        "request_id": f"chatcmpl-{number}", "call_type": "acompletion", "model": model, "spend": 0.01,
        "prompt_tokens": total, "completion_tokens": 20, "total_tokens": total + 20, "startTime": stamp(number),
        "endTime": stamp(number + 1), "cache_hit": "False", "status": "success", "session_id": "k1", **members,
    }  # fmt: skip


READ = {"usage_object": {"prompt_tokens": 10_000, "prompt_tokens_details": {"cached_tokens": 7_000},
                         "cache_read_input_tokens": 7_000, "cache_creation_input_tokens": 2_000}}  # fmt: skip
SPENT = [
    spend(1, "bedrock/us.anthropic.claude-sonnet-4-6", 10_000, metadata=READ),
    spend(2, "bedrock/eu-west-1/amazon.nova-pro-v1:0", 400, metadata={}),
    spend(3, "anthropic/" + SONNET, 600, metadata={}),
    spend(4, "bedrock/us.anthropic.claude-sonnet-4-6", 600, cache_hit="True"),
    spend(5, "bedrock/us.anthropic.claude-sonnet-4-6", 600, status="failure"),
]


@pytest.mark.parametrize("shape", ["json", "jsonl", "page", "csv"])
def test_spend_logs_of_litellm(tmp_path: Path, shape: str) -> None:
    """Routes give model and Region; what the proxy's own cache answered cost nothing; failures are left out."""
    path = tmp_path / ("spend.csv" if shape == "csv" else "spend.json")
    if shape == "csv":
        with path.open("w", newline="") as file:
            rows = [{**row, "metadata": json.dumps(row.get("metadata", {}))} for row in SPENT]
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    elif shape == "jsonl":
        lines(path, SPENT)
    else:
        path.write_text(json.dumps(SPENT if shape == "json" else {"data": SPENT, "total": 5}, indent=1))
    reading = read_trace(str(path))
    assert reading.reader == "litellm"
    assert totals(reading) == (3, 1_000 + 400 + 600, 7_000, 2_000, 0, 60)
    assert (reading.damages.failed, reading.damages.elsewhere, reading.damages.count) == (1, 1, 0)
    assert reading.trace.names["region"] == ("eu-west-1",)


def observed(number: int, details: dict[str, int], **members: Any) -> dict[str, Any]:
    return {
        "id": f"o{number}", "traceId": "t1", "type": "GENERATION", "startTime": stamp(number),
        "model": "eu.anthropic.claude-sonnet-4-6", "usageDetails": details, "sessionId": "k1", **members,
    }  # fmt: skip


OBSERVED = [
    observed(1, {"input": 1_000, "cache_read_input_tokens": 7_000, "cache_creation_input_tokens": 2_000,
                 "output": 50, "total": 10_050}),
    observed(2, {"input": 8_000, "input_cached_tokens": 7_000, "output": 50, "total": 8_050}),
    observed(3, {}, type="SPAN", model=None),
]  # fmt: skip


@pytest.mark.parametrize("shape", ["json", "jsonl", "trace", "csv", "blob"])
def test_observations_of_langfuse(tmp_path: Path, shape: str) -> None:
    """Kinds of usage add up, but where the total says that the input holds the others too."""
    path = tmp_path / ("observations.csv" if shape == "csv" else "observations.json")
    if shape == "csv":
        with path.open("w", newline="") as file:
            rows = [{**row, "usageDetails": json.dumps(row["usageDetails"])} for row in OBSERVED]
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    elif shape == "blob":
        snake = {"traceId": "trace_id", "startTime": "start_time", "usageDetails": "usage_details",
                 "sessionId": "session_id", "model": "provided_model_name"}  # fmt: skip
        rows = [{snake.get(name, name): value for name, value in row.items()} for row in OBSERVED]
        lines(path, [{**row, "start_time": row["start_time"].replace("T", " ").rstrip("Z")} for row in rows])
    elif shape == "jsonl":
        lines(path, OBSERVED)
    else:
        without = [{name: value for name, value in row.items() if name != "sessionId"} for row in OBSERVED]
        whole = {"trace": {"id": "t1", "sessionId": "k1"}, "observations": without}
        path.write_text(json.dumps(OBSERVED if shape == "json" else whole))
    reading = read_trace(str(path))
    assert reading.reader == "langfuse"
    assert totals(reading) == (2, 1_000 + 1_000, 14_000, 2_000, 0, 100)
    assert reading.trace.names["session"] == ("k1",)
    assert reading.trace.requests.at[0] == (NINE + timedelta(seconds=1)).timestamp()


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({**claude(1, "m1", SONNET, 0, 10), "timestamp": "yesterday"}, "without its instant"),
        ({**claude(1, "m1", SONNET, 0, 10), "message": {"usage": {"output_tokens": 3}}}, "without counters"),
        (claude(1, "m1", SONNET, 0, 2**31), "a request of"),
    ],
)
def test_a_reply_that_cannot_be_counted_is_said(tmp_path: Path, row: dict[str, Any], why: str) -> None:
    reading = read_trace(str(lines(tmp_path / "s1.jsonl", [asked(), row, claude(2, "m2", SONNET, 0, 10)])))
    assert (len(reading.trace), reading.damages.count) == (1, 1)
    assert why in reading.damages.first[0].why


def test_requests_of_no_session_share_nothing(tmp_path: Path) -> None:
    """What they repeat is not known: they are priced, and no more."""
    rows = [{**row, "session_id": ""} for row in SPENT[:1]]
    reading = read_trace(str(lines(tmp_path / "spend.jsonl", rows)))
    assert reading.trace.block_offsets.tolist() == [0, 0]


def test_a_log_that_speaks_of_traces_is_still_a_log(tmp_path: Path) -> None:
    """The formats of logs are recognised as before."""
    record = {"schemaType": "ModelInvocationLog", "modelId": "m", "input": {"inputBodyJson": {"traceId": "usage"}}}
    assert reader_of(str(lines(tmp_path / "log.json", [record]))).name == "bedrock-logs"


@pytest.mark.parametrize(
    "usage", [spent(10, 2**40, 1), {**spent(10, 0, 1), "output_tokens": 2**33}, {"input_tokens": "many"}]
)
def test_counts_that_no_column_holds_are_damage(tmp_path: Path, usage: dict[str, Any]) -> None:
    """A damaged count stops nothing."""
    rows = [META, codex(1, "turn_context", {"model": "gpt-5.4"})]
    rows += [codex(5, "token_usage_record", {"response_id": "r1", "usage": usage})]
    rows += [codex(6, "token_usage_record", {"response_id": "r2", "usage": spent(100, 0, 1)})]
    reading = read_trace(str(lines(tmp_path / "rollout-1.jsonl", rows)))
    assert (len(reading.trace), reading.damages.count) == (1, 1)


def test_requests_are_told_apart_by_project_and_by_what_their_writer_says(tmp_path: Path) -> None:
    """The project of a transcript is its folder; rows and spans say more."""
    other = {**claude(2, "m2", SONNET, 0, 9_000), "cwd": "/srv/blog"}
    of_claude = lines(tmp_path / "s1.jsonl", [asked(), claude(1, "m1", SONNET, 0, 9_000), other])
    of_litellm = lines(tmp_path / "spend.jsonl", [{**row, "team_id": "support"} for row in SPENT])
    labels = [
        read_trace(str(source), ReaderSettings(by=key)).trace.names["label"]
        for source, key in ((of_claude, "project"), (of_litellm, "team_id"))
    ]
    assert labels == [("shop", "blog"), ("support",)]


@pytest.mark.parametrize(
    ("details", "fresh", "read", "written"),
    [
        ({"input": 1_005, "cache_read_input_tokens": 9_000, "cache_creation_input_tokens": 1_000, "total": 10_105}, 5,
         9_000, 1_000),
        ({"input": 250, "input_cached_tokens": 40, "cache_write.input_tokens": 25, "total": 390}, 225, 40, 25),
        ({"input": 5, "cacheReadInputTokens": 9_000, "cacheWriteInputTokens": 1_000, "total": 10_105}, 5, 9_000, 1_000),
    ],
    ids=["writes in the input", "as the generic extractor counts", "names of Converse"],
)  # fmt: skip
def test_what_langfuse_counts_twice_is_told_by_its_total(
    tmp_path: Path, details: dict[str, int], fresh: int, read: int, written: int
) -> None:
    """Each has 100 tokens of output. As in BerriAI/litellm#26919 and langfuse/langfuse#17117; of the second
    390 - 100 are the prompt where 250 + 40 + 25 were summed.
    """
    row = {
        "id": "o1", "traceId": "t", "type": "GENERATION", "model": "amazon.nova-pro-v1:0",
        "startTime": "2026-11-01T09:00:00.000Z", "usageDetails": {**details, "output": 100},
    }  # fmt: skip
    (tmp_path / "observations.json").write_text(json.dumps([row]))
    requests = read_trace(str(tmp_path)).trace.requests
    assert (requests.observed_input.tolist(), requests.observed_read.tolist()) == ([fresh], [read])
    assert requests.observed_writes[Ttl.FIVE_MINUTES].tolist() == [written]


@pytest.mark.parametrize(
    ("prompt_tokens", "total_tokens"), [(10_005, 10_105), (9_005, 10_105), (9_005, 9_105), (5, 105)]
)
def test_spend_logs_that_leave_what_was_written_or_read_out_of_the_prompt(
    tmp_path: Path, prompt_tokens: int, total_tokens: int
) -> None:
    """9,000 tokens read, 1,000 written and 5 besides, whatever prompt_tokens counts (BerriAI/litellm#15270)."""
    usage = {
        "prompt_tokens": prompt_tokens, "completion_tokens": 100, "total_tokens": total_tokens,
        "cache_read_input_tokens": 9_000, "cache_creation_input_tokens": 1_000,
    }  # fmt: skip
    row = {
        "request_id": "r1", "model": "bedrock/us.amazon.nova-pro-v1:0", "custom_llm_provider": "bedrock",
        "prompt_tokens": prompt_tokens, "completion_tokens": 100, "startTime": "2026-11-01T09:00:00.000Z",
        "metadata": {"usage_object": usage},
    }  # fmt: skip
    (tmp_path / "spend.json").write_text(json.dumps([row]))
    requests = read_trace(str(tmp_path)).trace.requests
    assert (requests.observed_input.tolist(), requests.observed_read.tolist()) == ([5], [9_000])
    assert (requests.observed_writes[Ttl.FIVE_MINUTES].tolist(), requests.tokens_in.tolist()) == ([1_000], [10_005])
