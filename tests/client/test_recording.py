"""One record for each call, whatever the operation and however it ends; nothing that records can break a call."""

import asyncio
import gc
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from botocore.exceptions import ParamValidationError

import rockbottom
from rockbottom.client import attachment_of, notices
from rockbottom.client.calls import Call
from rockbottom.client.recording import Recorder
from rockbottom.diagnose import Cause
from rockbottom.ledger import CallRecord, LedgerReader
from rockbottom.quantities import RockbottomError
from tests.client.client_doubles import SONNET, MarkingPlanner, ask, native, runtime, words


class Kept:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.calls: list[CallRecord] = []
        self.closed = 0

    def record(self, call: CallRecord) -> None:
        self.calls.append(call)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def marked(client: Any, kept: Kept, endpoint: Any) -> Any:
    clock = endpoint.state.clock.now
    return rockbottom.attach(client, planner=MarkingPlanner(), sinks=[kept], tags={"app": "shop"}, clock=clock)


def made(client: Any, operation: str) -> None:
    if operation == "Converse":
        client.converse(**ask())
    elif operation == "ConverseStream":
        list(client.converse_stream(**ask())["stream"])
    elif operation == "InvokeModel":
        client.invoke_model(**native())["body"].read()
    else:
        list(client.invoke_model_with_response_stream(**native())["body"])


def test_the_project_that_a_call_names_is_recorded(kept: Kept) -> None:
    """boto3's ``projectIdentifier``; a tag of that name stands."""
    recorder = Recorder([kept], {}, None, lambda error: None)
    params = {**ask(), "projectIdentifier": "proj_search"}
    for tags in ({}, {"project": "by hand"}):
        recorder.record(Call(0.0, params, params, tags=tags), None, None, 0, 0.0, True)
    assert [call.tags for call in kept.calls] == [{"project": "proj_search"}, {"project": "by hand"}]


@pytest.mark.parametrize("operation", ["Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream"])
def test_every_operation_leaves_one_record(marked: Any, kept: Kept, operation: str) -> None:
    """The first call writes the system prompt and the second reads it; cost and tokens are those of the report."""
    made(marked, operation)
    made(marked, operation)
    first, second = kept.calls
    assert (first.operation, first.status, first.source, first.endpoint) == (operation, "ok", "client", "local")
    assert (first.model, first.scope, first.region) == ("anthropic.claude-sonnet-4-6", "us", "us-east-1")
    assert first.cache_write_5m > 3000
    assert second.cache_read == first.cache_write_5m
    assert (first.points, first.tags, first.tier) == (1, {"app": "shop"}, "default")
    assert first.minimum > 0
    assert first.cacheable > 3000
    assert first.request_id
    assert first.request_id != second.request_id
    assert second.first_ms is None or second.first_ms <= (second.elapsed_ms or 0)
    assert (first.first_ms is not None) == ("Stream" in operation)
    total = rockbottom.report(marked).total
    assert sum(Decimal(call.cost_usd or 0) for call in kept.calls) == total.cost_usd
    assert sum((call.saved_usd or Decimal(0)) for call in kept.calls) == total.saved_usd


def test_nothing_of_the_text_is_on_disk(client: Any, tmp_path: Path) -> None:
    """Neither prompt nor answer, nor what a tool is called."""
    tools = [{"toolSpec": {"name": "secret_tool", "inputSchema": {"json": {"type": "object"}}}}]
    rockbottom.attach(client, ledger=tmp_path)
    client.converse(**ask("a very private question"), toolConfig={"tools": tools})
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    for text in (b"private", b"stable rule", b"secret_tool"):
        assert text not in written
    [call] = LedgerReader(tmp_path).calls()
    assert call.hashes
    assert len(call.hashes) == len(call.depths)


def test_prefixes_are_keyed_and_repeat(client: Any, tmp_path: Path, endpoint: Any) -> None:
    """Turns of a conversation share hashes; another ledger names the same prefixes otherwise."""
    rockbottom.attach(client, ledger=tmp_path / "a", planner=MarkingPlanner(tail=True))
    other = rockbottom.attach(runtime(endpoint), ledger=tmp_path / "b", planner=MarkingPlanner())
    grown = ask()
    grown["messages"] += [
        {"role": "assistant", "content": [{"text": "That."}]},
        {"role": "user", "content": [{"text": "And?"}]},
    ]
    client.converse(**ask())
    client.converse(**grown)
    other.converse(**ask())
    first, second = LedgerReader(tmp_path / "a").calls()
    assert second.hashes[:2] == first.hashes
    assert first.sections == (0, 1)
    assert (first.marks, second.marks, second.ttls) == ((1, 2), (1, 4), ("", ""))
    [elsewhere] = LedgerReader(tmp_path / "b").calls()
    assert not set(elsewhere.hashes) & set(first.hashes)


def test_a_long_conversation_records_its_end_and_its_points(kept: Kept, client: Any, tmp_path: Path) -> None:
    """At most 96 blocks of messages, counted from the end; the weights say what lies between."""
    messages = [{"role": "user" if n % 2 == 0 else "assistant", "content": [{"text": f"turn {n}"}]} for n in range(301)]
    rockbottom.attach(client, planner=MarkingPlanner(), ledger=tmp_path, sinks=[kept])
    client.converse(**{**ask(), "messages": messages})
    [call] = kept.calls
    assert len(call.hashes) == 1 + 96
    assert sum(call.weights) == 302
    assert call.weights[1] == 301 - 96 + 1


def test_calls_of_a_model_nobody_knows_are_recorded_without_cost(marked: Any, kept: Kept) -> None:
    """The request passes as it is; tokens are known, a price is not."""
    with pytest.raises(Exception, match="model"):
        marked.converse(**{**ask(), "modelId": "acme.unheard-of-v1:0"})
    [call] = kept.calls
    assert (call.model, call.status, call.cost_usd, call.points) == ("acme.unheard-of-v1:0", "failed", None, 0)


def test_a_refused_call_is_recorded_as_failed(marked: Any, kept: Kept, endpoint: Any) -> None:
    """With its request id, and no tokens."""
    with pytest.raises(Exception, match="ValidationException"):
        marked.converse(**{**ask(), "messages": [{"role": "user", "content": []}]})
    [call] = kept.calls
    assert (call.status, call.total_input, call.cost_usd) == ("failed", 0, None)
    assert call.elapsed_ms is not None


def attach_beside(client: Any, kept: Kept, event: str, handler: Callable[..., None], when: str) -> None:
    """Attach to a client on which somebody else registers a handler ``when``: before, or after."""
    if when == "before":
        client.meta.events.register(event, handler)
    rockbottom.attach(client, planner=MarkingPlanner(), sinks=[kept])
    if when == "after":
        client.meta.events.register(event, handler)


@pytest.mark.parametrize("event", ["before-parse", "response-received", "needs-retry", "after-call"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_call_that_was_answered_is_counted_though_a_handler_of_others_fails(
    client: Any, endpoint: Any, kept: Kept, event: str, when: str
) -> None:
    """The service has counted and will bill it, whatever the program then does with the reply."""

    def fail(**_: Any) -> None:
        raise ZeroDivisionError(event)

    attach_beside(client, kept, f"{event}.bedrock-runtime.Converse", fail, when)
    with pytest.raises(ZeroDivisionError):
        client.converse(**ask())
    with urlopen(f"{endpoint.url}/_rockbottom/requests") as journal:
        (served,) = json.loads(journal.read())
    (record,) = kept.calls
    counted = {"outputTokens": record.output, "cacheWriteInputTokens": record.cache_write_5m}
    assert (record.status, counted) == ("ok", {name: served["usage"][name] for name in counted})
    assert record.cache_write_5m > 3000
    assert record.request_id


def test_what_a_handler_of_others_keeps_from_being_parsed_is_counted_as_far_as_it_is_known(
    client: Any, kept: Kept
) -> None:
    """InvokeModel counts in its headers, and of a stream that nobody will read nothing is known but that it came."""

    def fail(**_: Any) -> None:
        raise ZeroDivisionError

    attach_beside(client, kept, "before-parse.bedrock-runtime", fail, "before")
    for operation, request in (
        (client.invoke_model, native()),
        (client.converse_stream, ask()),
        (client.invoke_model_with_response_stream, native()),
    ):
        with pytest.raises(ZeroDivisionError):
            operation(**request)
    assert [call.status for call in kept.calls] == ["ok", "no usage", "no usage"]
    assert kept.calls[0].total_input > 3000
    assert all(call.request_id for call in kept.calls)


def test_a_reply_that_boto3_cannot_parse_is_counted_where_it_can_be_read(client: Any, kept: Kept) -> None:
    """Its usage may be there although another member is not what it should be."""
    usage = {"inputTokens": 5, "outputTokens": 2, "totalTokens": 7}
    bodies = [{"output": 7, "usage": usage}, {"output": 7}]

    def garble(response_dict: dict[str, Any], **_: Any) -> None:
        response_dict["body"] = json.dumps(bodies.pop(0)).encode()

    attach_beside(client, kept, "before-parse.bedrock-runtime.Converse", garble, "before")
    for _ in range(2):
        with pytest.raises(AttributeError):  # as without us: botocore's parser looks for members in a number
            client.converse(**ask())
    assert [(call.status, call.input, call.output) for call in kept.calls] == [("ok", 5, 2), ("no usage", 0, 0)]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_call_that_a_handler_of_others_stops_before_it_leaves_is_none(client: Any, kept: Kept, when: str) -> None:
    """A limit of the program's own, say: nothing was sent, so nothing is recorded that might be billed."""

    def stop(**_: Any) -> None:
        raise ZeroDivisionError

    attach_beside(client, kept, "before-call.bedrock-runtime", stop, when)
    with pytest.raises(ZeroDivisionError):
        client.converse(**ask())
    gc.collect()
    assert rockbottom.report(client).to_dict()["calls_without_usage"] == 0
    assert kept.calls == []
    client.meta.events.unregister("before-call.bedrock-runtime", stop)
    began = time.monotonic()
    client.converse(**ask())  # nobody waits for the one that never left
    assert time.monotonic() - began < 4
    assert [call.status for call in kept.calls] == ["ok"]


def test_what_a_handler_of_others_makes_of_a_reply_does_not_change_its_bill(client: Any, kept: Kept) -> None:
    client.meta.events.register("after-call.bedrock-runtime.Converse", lambda parsed, **_: parsed.clear())
    rockbottom.attach(client, planner=MarkingPlanner(), sinks=[kept])
    assert client.converse(**ask()) == {}
    assert (kept.calls[0].status, kept.calls[0].output > 0) == ("ok", True)


def test_a_stream_that_is_closed_early_has_no_usage(marked: Any, kept: Kept) -> None:
    """Closed by the caller, or simply let go."""
    stream = marked.converse_stream(**ask())["stream"]
    next(iter(stream))
    stream.close()
    assert [call.status for call in kept.calls] == ["no usage"]
    reply = marked.converse_stream(**ask())
    del reply, stream
    gc.collect()
    attachment_of(marked).settle()
    assert [call.status for call in kept.calls] == ["no usage", "no usage"]
    assert rockbottom.report(marked).without_usage == 2


def test_a_stream_that_breaks_is_recorded_as_failed(marked: Any, kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error reaches the caller as ever."""
    from botocore.eventstream import EventStream

    def broken(self: Any) -> Any:
        yield {"messageStart": {"role": "assistant"}}
        yield {"contentBlockDelta": {"delta": {"text": "a"}, "contentBlockIndex": 0}}
        raise ConnectionResetError("gone")

    monkeypatch.setattr(EventStream, "__iter__", broken)
    stream = marked.converse_stream(**ask())["stream"]
    with pytest.raises(ConnectionResetError):
        list(stream)
    [call] = kept.calls
    assert call.status == "failed"
    assert call.first_ms is not None


def test_a_call_that_is_cancelled_on_its_way_is_recorded(marked: Any, kept: Kept) -> None:
    """No event of botocore tells of an interrupt or a cancelled task; the next call finds it, without usage."""

    def cancel(**_: Any) -> None:
        raise KeyboardInterrupt

    marked.meta.events.register_first("before-send.bedrock-runtime.Converse", cancel, unique_id="cancel")
    with pytest.raises(KeyboardInterrupt):
        marked.converse(**ask())
    marked.meta.events.unregister("before-send.bedrock-runtime.Converse", unique_id="cancel")
    gc.collect()
    marked.converse(**ask())
    assert sorted(call.status for call in kept.calls) == ["no usage", "ok"]


def test_tags_follow_the_context(marked: Any, kept: Kept) -> None:
    """Inner tags lie on outer ones, outer ones on the client's; a thread has those that it sets itself."""
    with rockbottom.tagged(tenant="acme", feature="chat"):
        marked.converse(**ask())
        with rockbottom.tagged({"feature": "search"}, turn=3):
            marked.converse(**ask())
        thread = threading.Thread(target=lambda: _tagged_call(marked))
        thread.start()
        thread.join()
    marked.converse(**ask())
    assert [call.tags for call in kept.calls] == [
        {"app": "shop", "tenant": "acme", "feature": "chat"},
        {"app": "shop", "tenant": "acme", "feature": "search", "turn": "3"},
        {"app": "shop", "tenant": "thread"},
        {"app": "shop"},
    ]


def test_where_there_are_too_many_tags_those_set_around_the_call_stay(endpoint: Any, kept: Kept) -> None:
    """Sixteen tags of the client, `tenant` the first of them: two set around a call lie over and before them."""
    own = {"tenant": "nobody", **{f"tag{number}": "x" for number in range(15)}}
    one = rockbottom.attach(runtime(endpoint), sinks=[kept], tags=own)
    with rockbottom.tagged(tenant="acme", feature="chat"):
        one.converse(**ask())
    [call] = kept.calls
    assert (call.tags["tenant"], call.tags["feature"], len(call.tags)) == ("acme", "chat", 16)


def _tagged_call(client: Any) -> None:
    with rockbottom.tagged(tenant="thread"):
        client.converse(**ask())


def test_tags_follow_asyncio_tasks(marked: Any, kept: Kept) -> None:
    """Two tasks at once, each with its tenant, through worker threads."""

    async def one(tenant: str) -> None:
        with rockbottom.tagged(tenant=tenant):
            await asyncio.sleep(0)
            await asyncio.to_thread(marked.converse, **ask())

    async def both() -> None:
        await asyncio.gather(one("a"), one("b"))

    asyncio.run(both())
    assert sorted(call.tags["tenant"] for call in kept.calls) == ["a", "b"]


def test_tags_are_sent_as_request_metadata_only_if_asked(endpoint: Any, kept: Kept) -> None:
    """In the form that AWS takes: a map for Converse, JSON in a header for InvokeModel; the caller's own stay."""
    sent: list[Any] = []
    client = runtime(endpoint)
    client.meta.events.register(
        "before-send.bedrock-runtime", lambda request, **_: sent.append((request.body, dict(request.headers)))
    )
    rockbottom.attach(client, planner=MarkingPlanner(), request_metadata=True, tags={"tenant": "Zoë & Co"})
    before = ask(requestMetadata={"mine": "1"})
    client.converse(**before)
    client.invoke_model(**native())
    assert json.loads(sent[0][0])["requestMetadata"] == {"mine": "1", "tenant": "Zo_ _ Co"}
    assert before["requestMetadata"] == {"mine": "1"}
    assert json.loads(sent[1][1]["X-Amzn-Bedrock-Request-Metadata"]) == {"tenant": "Zo_ _ Co"}
    quiet = runtime(endpoint)
    quiet.meta.events.register("before-send.bedrock-runtime", lambda request, **_: sent.append((request.body, {})))
    rockbottom.attach(quiet, planner=MarkingPlanner(), sinks=[kept], tags={"tenant": "a"}).converse(**ask())
    assert b"requestMetadata" not in sent[2][0]


@pytest.mark.parametrize("wrong", [None, 5, []])
@pytest.mark.parametrize("operation", ["converse", "invoke_model"])
def test_request_metadata_that_boto3_refuses_is_refused_with_tags_too(
    endpoint: Any, operation: str, wrong: Any
) -> None:
    plain, attached = runtime(endpoint), rockbottom.attach(runtime(endpoint), request_metadata=True, tags={"a": "b"})
    request = {**(ask() if operation == "converse" else native()), "requestMetadata": wrong}
    errors: list[str] = []
    for each in (plain, attached):
        with pytest.raises(ParamValidationError) as refused:
            getattr(each, operation)(**request)
        errors.append(str(refused.value))
    assert errors[0] == errors[1]


class Spent(RockbottomError):
    """Nothing is left."""


class Purse:
    """A budget for so many calls, which also wants to know of them."""

    def __init__(self, calls: int, error: Exception | None = None) -> None:
        self.left, self.error = calls, error or Spent("the budget of acme is spent", fix="wait until tomorrow")
        self.asked: list[dict[str, str]] = []
        self.told: list[CallRecord] = []

    def check(self, tags: Any, now: float) -> None:
        self.asked.append(dict(tags))
        if not self.left:
            raise self.error
        self.left -= 1

    def record(self, call: CallRecord) -> None:
        self.told.append(call)

    def close(self) -> None:
        return


def test_a_budget_stops_a_call_with_its_own_error(client: Any, endpoint: Any) -> None:
    """Before anything is sent; what was spent is told to it."""
    purse = Purse(1)
    rockbottom.attach(client, planner=MarkingPlanner(), budget=purse)
    with rockbottom.tagged(tenant="acme"):
        client.converse(**ask())
        with pytest.raises(Spent, match="acme"):
            client.converse(**ask())
    assert purse.asked == [{"tenant": "acme"}] * 2
    assert len(purse.told) == 1
    assert len(endpoint.state.requests) == 1


def test_a_budget_that_is_broken_stops_nothing(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    """An error of its own making is logged once."""
    rockbottom.attach(client, planner=MarkingPlanner(), budget=Purse(0, ZeroDivisionError("bug")))
    client.converse(**ask())
    client.converse(**ask())
    assert caplog.text.count("asking the budget") == 1


def test_a_sink_that_raises_is_logged_once_and_the_others_go_on(
    client: Any, kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    """Calls go through, and the sinks behind it get their records."""

    class Broken(Kept):
        def record(self, call: CallRecord) -> None:
            raise RuntimeError("secret text")

    rockbottom.attach(client, planner=MarkingPlanner(), sinks=[Broken(), kept])
    for _ in range(3):
        client.converse(**ask())
    assert len(kept.calls) == 3
    assert caplog.text.count("while recording") == 1
    assert "secret" not in caplog.text


def test_the_environment_turns_the_ledger_on(
    client: Any, endpoint: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For clients whose code says nothing; False in the code wins."""
    monkeypatch.setenv("ROCKBOTTOM_LEDGER", str(tmp_path))
    rockbottom.attach(client).converse(**ask())
    rockbottom.attach(runtime(endpoint), ledger=False).converse(**ask())
    assert len(list(LedgerReader(tmp_path).calls())) == 1


def test_a_folder_that_cannot_be_written_stops_no_call(
    client: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Warnings once, answers as ever."""
    blocker = tmp_path / "file"
    blocker.write_text("")
    rockbottom.attach(client, ledger=blocker / "ledger")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert client.converse(**ask())["output"]
    assert caplog.text.count("cannot be recorded") == 1


def test_a_forked_child_is_recorded_too(client: Any, tmp_path: Path) -> None:
    """Its calls are in the same ledger beside its parent's."""
    rockbottom.attach(client, ledger=tmp_path)
    client.converse(**ask())
    child = os.fork()
    if child == 0:
        client.converse(**ask())
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert len(list(LedgerReader(tmp_path).calls())) == 2


def test_keep_alives_are_recorded_as_such(client: Any, kept: Kept, endpoint: Any) -> None:
    """What keeping a prefix alive costs is in the ledger beside what it serves."""
    clock = endpoint.state.clock
    rockbottom.attach(client, planner=MarkingPlanner(), keep_alive_usd=1, sinks=[kept], clock=clock.now)
    client.converse(**ask(system=words(30_000)))
    attachment = attachment_of(client)
    keep = attachment.keep_alive
    assert keep is not None
    keep.stop()
    clock.advance(290.0)
    assert keep.turn() == 1
    assert [call.source for call in kept.calls] == ["client", "keep-alive"]
    assert kept.calls[1].cache_read > 0
    assert Decimal(kept.calls[1].cost_usd or 0) == attachment.report().keep_alive_usd


@pytest.mark.parametrize(
    ("requests", "causes"),
    [
        ([ask(system="short"), ask(system="short")], ["RB002", "RB002"]),
        ([ask(system=words(3000) + f" now {n}") for n in range(2)], ["", "RB003"]),
        ([ask(), ask()], ["", ""]),
    ],
)
def test_a_miss_that_is_plain_to_see_has_its_cause(
    marked: Any, kept: Kept, requests: list[dict[str, Any]], causes: list[str]
) -> None:
    """Under the minimum, or a system text that changed since the call before."""
    for request in requests:
        marked.converse(**request)
    assert [call.cause for call in kept.calls] == causes


def test_an_entry_that_expired_is_the_cause(marked: Any, kept: Kept, endpoint: Any) -> None:
    """The same prefix six minutes later is written again."""
    marked.converse(**ask())
    endpoint.state.clock.advance(360.0)
    marked.converse(**ask())
    assert [call.cause for call in kept.calls] == ["", "RB012"]


def test_causes_are_rules_of_the_diagnosis() -> None:
    """The client names them by their ids without importing what explains them."""
    named = {name: getattr(notices, name) for name in (
        "UNDER_MINIMUM", "VOLATILE_TEXT", "TOOLS_CHANGED", "TOOLS_REORDERED", "TTL_EXPIRED")}  # fmt: skip
    assert named == {name: Cause[name].value for name in named}


def test_the_bedrock_client_of_anthropic_is_recorded(endpoint: Any, kept: Kept) -> None:
    """Whole replies and streams, with the Region of the client, and failures."""
    anthropic = pytest.importorskip("anthropic", reason="needs the group sdks: make sdks runs this")
    keys = {"aws_access_key": "AKIDEXAMPLE000000000", "aws_secret_key": "local", "aws_region": "eu-west-1"}
    client = anthropic.AnthropicBedrock(**keys, base_url=endpoint.url, max_retries=0)
    rockbottom.attach(client, planner=MarkingPlanner(), sinks=[kept])
    asked = {
        "model": SONNET, "max_tokens": 20, "system": words(3000), "messages": [{"role": "user", "content": "hello"}],
    }  # fmt: skip
    with rockbottom.tagged(tenant="acme"):
        client.messages.create(**asked)
    with client.messages.stream(**asked) as stream:
        list(stream.text_stream)
    with pytest.raises(anthropic.APIStatusError):
        client.messages.create(**{**asked, "messages": []})
    assert [(call.operation, call.status) for call in kept.calls] == [
        ("InvokeModel", "ok"), ("InvokeModelWithResponseStream", "ok"), ("InvokeModel", "failed"),
    ]  # fmt: skip
    first, second, _ = kept.calls
    assert (first.tags, first.region, first.endpoint) == ({"tenant": "acme"}, "eu-west-1", "local")
    assert second.first_ms is not None
    assert all(call.request_id for call in kept.calls)


def test_a_budget_stops_the_bedrock_client_of_anthropic_at_once(endpoint: Any) -> None:
    """As an error reply that says so and is not tried again."""
    anthropic = pytest.importorskip("anthropic", reason="needs the group sdks: make sdks runs this")
    keys = {"aws_access_key": "AKIDEXAMPLE000000000", "aws_secret_key": "local", "aws_region": "us-east-1"}
    client = anthropic.AnthropicBedrock(**keys, base_url=endpoint.url, max_retries=3)
    purse = Purse(0)
    rockbottom.attach(client, planner=MarkingPlanner(), budget=purse)
    with pytest.raises(anthropic.APIStatusError, match="budget of acme is spent"):
        client.messages.create(model=SONNET, max_tokens=5, messages=[{"role": "user", "content": "hello"}])
    assert len(purse.asked) == 1
    assert len(endpoint.state.requests) == 0


def test_a_stream_let_go_at_the_end_of_the_process_is_recorded(endpoint: Any, tmp_path: Path) -> None:
    """Or still held: nothing else is called before the process ends."""
    script = f"""
import boto3, rockbottom
from tests.client.client_doubles import KEYS, ask
client = boto3.client("bedrock-runtime", endpoint_url={endpoint.url!r}, **KEYS)
rockbottom.attach(client, ledger={str(tmp_path)!r})
held = client.converse_stream(**ask())
client.converse_stream(**ask())
"""
    subprocess.run(
        [sys.executable, "-c", script], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert [call.status for call in LedgerReader(tmp_path).calls()] == ["no usage"] * 2
