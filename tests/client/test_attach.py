"""An attached boto3 client against the local endpoint: same client, same calls, fewer dollars."""

import contextlib
import copy
import json
import logging
import os
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path
from unittest import mock

import boto3
import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, EventStreamError, ParamValidationError

import rockbottom.client as rb
from rockbottom.client import NotAttachable, NotAttached
from rockbottom.local import ClockKind, running
from rockbottom.plan import Planner
from rockbottom.plan.priors import load_priors
from rockbottom.quantities import Usage
from tests.client.client_doubles import KEYS, SONNET, MarkingPlanner, ask, native, runtime, words


def test_attach_gives_back_the_same_client(client):
    planner = MarkingPlanner()
    assert rb.attach(client, planner=planner) is client
    client.converse(**ask())
    assert len(planner.planned) == 1


def test_a_client_of_another_service_is_refused_with_the_line_that_works():
    with pytest.raises(NotAttachable, match="client of bedrock;") as caught:
        rb.attach(boto3.client("bedrock", **KEYS))
    assert 'boto3.client("bedrock-runtime")' in caught.value.fix


def test_an_object_that_is_no_client_is_refused():
    with pytest.raises(NotAttachable):
        rb.attach(object())


class _FailsWhenAsked:
    def __getattr__(self, name):
        raise ZeroDivisionError(name)


NO_CLIENTS = {
    "a class": (boto3.Session, "class boto3.session.Session", "client = Session"),
    "a class of botocore": (botocore.session.Session, "class botocore.session.Session", "client = Session"),
    "a function": (boto3.client, "function boto3.client", "bedrock-runtime"),
    "a module": (boto3, "module boto3", "bedrock-runtime"),
    "nothing": (None, "NoneType", "bedrock-runtime"),
    "a mock of anything": (mock.Mock(), "Mock", "bedrock-runtime"),
    "an asynchronous mock": (mock.AsyncMock(), "AsyncMock", "async with"),
    "a mock of a session": (mock.MagicMock(spec=botocore.session.Session), "MagicMock", "bedrock-runtime"),
    "what fails when it is asked": (_FailsWhenAsked(), r"_FailsWhenAsked cannot be inspected", "bedrock-runtime"),
}


@pytest.mark.parametrize("kind", NO_CLIENTS)
def test_what_is_no_client_is_refused_with_its_name_and_what_would_work(kind):
    """A mock has every member that a session has: attached to one, nothing would be planned, and nobody told."""
    candidate, name, fix = NO_CLIENTS[kind]
    with pytest.raises(NotAttachable, match=name) as caught:
        rb.attach(candidate)
    assert fix in (caught.value.fix or "")


def test_nothing_of_an_asynchronous_mock_is_called():
    """Each call would leave a coroutine that nobody awaits, with a warning for it."""
    candidate = mock.AsyncMock()
    with pytest.raises(NotAttachable):
        rb.attach(candidate)
    assert candidate.mock_calls == []


def test_report_of_a_stranger_says_how_to_attach(client):
    with pytest.raises(NotAttached, match="not attached"):
        rb.report(client)


def test_the_second_call_reads_what_the_first_wrote_and_the_callers_objects_stay(client):
    rb.attach(client, planner=MarkingPlanner())
    request = ask()
    before = copy.deepcopy(request)
    first, second = client.converse(**request)["usage"], client.converse(**request)["usage"]
    assert request == before
    assert first["cacheWriteInputTokens"] > 3000
    assert second["cacheReadInputTokens"] == first["cacheWriteInputTokens"]


def test_every_operation_tells_the_planner_its_usage(client):
    planner = MarkingPlanner()
    rb.attach(client, planner=planner)
    client.converse(**ask())
    for _ in client.converse_stream(**ask())["stream"]:
        pass
    client.invoke_model(**native())["body"].read()
    for _ in client.invoke_model_with_response_stream(**native())["body"]:
        pass
    usages = [usage for _, usage in planner.observed]
    assert [bool(usage.cache_write_5m) for usage in usages] == [True, False, True, False]
    assert [bool(usage.cache_read) for usage in usages] == [False, True, False, True]
    assert len({usage.cache_read + usage.cache_write for usage in usages}) == 1


def test_a_stream_is_the_same_object_type_with_the_same_events(endpoint):
    plain, attached = runtime(endpoint), rb.attach(runtime(endpoint), planner=MarkingPlanner())
    expected = list(plain.converse_stream(**ask("first"))["stream"])
    reply = attached.converse_stream(**ask("first"))
    found = list(reply["stream"])
    assert type(reply["stream"]).__name__ == "EventStream"
    assert [next(iter(event)) for event in found] == [next(iter(event)) for event in expected]
    assert found[:-1] == expected[:-1]


def test_a_stream_closed_early_counts_as_a_call_without_usage(client):
    rb.attach(client, planner=MarkingPlanner())
    stream = client.converse_stream(**ask())["stream"]
    next(iter(stream))
    stream.close()
    report = rb.report(client)
    assert (report.without_usage, report.total.calls) == (1, 0)


def test_an_invoke_body_is_read_in_pieces_as_ever(client):
    rb.attach(client, planner=MarkingPlanner(ttl="1h"))
    body = client.invoke_model(**native())["body"]
    pieces = b"".join(iter(lambda: body.read(64), b""))
    assert pieces.startswith(b"{")
    assert pieces.endswith(b"}")
    assert rb.report(client).total.usage.cache_write_1h > 3000


SURE_TO_COME_BACK = ((5.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0))  # a prior: five of five within the minute


@pytest.mark.parametrize(
    "broken",
    [
        {"messages": "no list"},
        {"messages": [{"role": "user", "content": [{"text": 5}]}]},
        {"inferenceConfig": {"maxTokens": "many"}},
        {"system": [{"unheard": {}}]},
        {"surprise": True},
        {"messages": [{"role": "user", "content": [{"text": "a"}, {"unheard": 1}]}]},
    ],
)
def test_a_body_that_boto3_refuses_is_refused_in_boto3s_own_words(endpoint, broken):
    plain, attached = runtime(endpoint), rb.attach(runtime(endpoint), planner=MarkingPlanner())
    with pytest.raises(ParamValidationError) as expected:
        plain.converse(**{**ask(), **broken})
    with pytest.raises(ParamValidationError) as found:
        attached.converse(**{**ask(), **broken})
    assert str(found.value) == str(expected.value)


@pytest.mark.parametrize("ttl", [None, 5, b"1h"], ids=str)
@pytest.mark.parametrize("place", ["system", "message"])
def test_a_point_of_the_callers_that_boto3_refuses_is_refused_also_where_a_plan_replaces_it(endpoint, ttl, place):
    point = {"cachePoint": {"type": "default", "ttl": ttl}}
    content = [{"text": words(2000, "a")}, *([point] if place == "message" else []), {"text": "What now?"}]
    system = [{"text": words(3000)}, *([point] if place == "system" else [])]
    request = ask(messages=[{"role": "user", "content": content}]) | {"system": system}
    planner = Planner(own_points="replace", priors=dict.fromkeys(load_priors(), SURE_TO_COME_BACK))
    plain, attached = runtime(endpoint), rb.attach(runtime(endpoint), planner=planner)
    errors = []
    for one in (plain, attached):
        with pytest.raises(ParamValidationError) as refused:
            one.converse(**request)
        errors.append(str(refused.value))
    assert errors[0] == errors[1]


def test_a_cyclic_tool_schema_raises_what_it_raises_without_us(endpoint):
    schema: dict = {"type": "object"}
    schema["properties"] = {"self": schema}
    tools = {"tools": [{"toolSpec": {"name": "t", "inputSchema": {"json": schema}}}]}
    errors = []
    for one in (runtime(endpoint), rb.attach(runtime(endpoint), planner=MarkingPlanner())):
        with pytest.raises((RecursionError, ValueError, ParamValidationError)) as caught:
            one.converse(**ask(), toolConfig=tools)
        errors.append(type(caught.value))
    assert errors[0] is errors[1]


@pytest.mark.parametrize("body", [b"\xff\xfe not utf-8", b"[]", b"nothing", b'{"messages": 3}'])
def test_a_native_body_that_is_no_body_goes_out_as_it_is(endpoint, body):
    attached = rb.attach(runtime(endpoint), planner=MarkingPlanner())
    errors = []
    for one in (runtime(endpoint), attached):
        with pytest.raises(ClientError) as caught:
            one.invoke_model(modelId=SONNET, body=body)
        errors.append(caught.value.response["Error"])
    assert errors[0] == errors[1]


@pytest.mark.parametrize("kind", [str, str.encode])
def test_half_of_an_emoji_in_a_native_body_is_sent_as_it_came(client, kind):
    """Text that was cut in two: JSON escapes it, no UTF-8 holds it, and boto3 fails where it has to encode it."""
    sent = []
    client.meta.events.register_last("before-send.bedrock-runtime", lambda request, **_: sent.append(request.body))
    rb.attach(client, planner=MarkingPlanner())
    with contextlib.suppress(ClientError):  # what the service says to it is between the two
        client.invoke_model(modelId=SONNET, body=kind(native("Ah \ud83d")["body"]))
    (body,) = sent
    assert b"cache_control" in body
    assert b'"Ah \\ud83d"' in body


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_a_native_body_that_is_not_plain_utf_8_goes_out_byte_for_byte(client, encoding):
    """JSON on the wire is UTF-8 without a mark (RFC 8259, 8.1): what else there is, is between caller and service."""
    sent = []
    client.meta.events.register_last("before-send.bedrock-runtime", lambda request, **_: sent.append(request.body))
    rb.attach(client, planner=MarkingPlanner())
    body = native()["body"].encode(encoding)
    with contextlib.suppress(ClientError):
        client.invoke_model(modelId=SONNET, body=body)
    assert sent == [body]


def test_a_refusal_that_names_an_index_names_the_callers(client):
    """With a point in front of the last block, that block is the third one sent, and the second one written."""

    def refuse(request, **_):
        place = next(i for i, one in enumerate(json.loads(request.body)["messages"][0]["content"]) if "image" in one)
        text = json.dumps({"message": f"messages.0.content.{place}.image: no such format"})
        headers = {"x-amzn-errortype": "ValidationException"}
        return AWSResponse(request.url, 400, headers, type("Raw", (), {"stream": lambda self: iter([text.encode()])})())

    class InFront(MarkingPlanner):
        def plan(self, request, *, now):
            plan = super().plan(request, now=now)
            first, image = request["messages"][0]["content"]
            content = [first, plan.point(), image]
            plan.apply = lambda given: {**given, "messages": [{"role": "user", "content": content}]}
            return plan

    client.meta.events.register("before-send.bedrock-runtime", refuse)
    rb.attach(client, planner=InFront())
    image = {"image": {"format": "png", "source": {"bytes": b"no image"}}}
    with pytest.raises(ClientError, match=r"messages\.0\.content\.1\.image"):
        client.converse(**ask(messages=[{"role": "user", "content": [{"text": "What is this?"}, image]}]))


class Failing(MarkingPlanner):
    def plan(self, request, *, now):
        raise ZeroDivisionError("secret prompt text")


def test_a_planner_that_fails_sends_the_request_unmodified_and_is_logged_once(client, caplog):
    rb.attach(client, planner=Failing())
    with caplog.at_level(logging.DEBUG, logger="rockbottom"):
        for _ in range(3):
            assert client.converse(**ask())["usage"]["cacheWriteInputTokens"] == 0
    warnings = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert "ZeroDivisionError at test_attach.py" in warnings[0]
    shown = str(rb.report(client))
    assert "their planner failed (ZeroDivisionError)" in shown
    assert "could not be read" not in shown
    assert "secret" not in caplog.text


class Illegal(MarkingPlanner):
    """Plans what the service refuses: a point as the first block of a message."""

    def plan(self, request, *, now):
        plan = super().plan(request, now=now)
        plan.apply = lambda given: {
            **given,
            "messages": [{"role": "user", "content": [plan.point(), *given["messages"][0]["content"]]}],
        }
        return plan


def test_a_refused_plan_is_taken_back_and_the_caller_gets_an_answer(client, caplog):
    rb.attach(client, planner=Illegal())
    reply = client.converse(**ask())
    assert reply["stopReason"] == "end_turn"
    assert reply["usage"]["cacheWriteInputTokens"] == 0
    assert "There is nothing available to cache" in caplog.text
    assert rb.report(client).total.calls == 1


def test_a_request_that_is_wrong_with_and_without_points_blames_nobody_here(client, caplog):
    rb.attach(client, planner=MarkingPlanner())
    request = ask()
    request["messages"][0]["content"].insert(0, {"cachePoint": {"type": "default"}})
    with pytest.raises(ClientError, match="nothing available to cache"):
        client.converse(**request)
    assert "refused" not in caplog.text


def test_a_refusal_of_the_callers_own_points_reaches_the_caller(client):
    class Silent(MarkingPlanner):
        def plan(self, request, *, now):
            plan = super().plan(request, now=now)
            plan.apply = lambda given: given
            return plan

    rb.attach(client, planner=Silent())
    request = ask()
    request["messages"][0]["content"].insert(0, {"cachePoint": {"type": "default"}})
    with pytest.raises(ClientError, match="nothing available to cache"):
        client.converse(**request)


def test_retries_of_botocore_plan_once_and_count_once(endpoint):
    endpoint.state.faults.add({"kind": "error", "code": "ThrottlingException", "count": 2})
    planner = MarkingPlanner()
    client = rb.attach(runtime(endpoint, retries={"total_max_attempts": 5, "mode": "standard"}), planner=planner)
    reply = client.converse(**ask())
    assert reply["ResponseMetadata"]["RetryAttempts"] == 2
    assert (len(planner.planned), len(planner.observed)) == (1, 1)


def test_a_failed_call_raises_as_ever_and_is_counted_without_usage(endpoint, client):
    rb.attach(client, planner=MarkingPlanner())
    endpoint.state.faults.add({"kind": "error", "code": "ThrottlingException", "count": 1})
    with pytest.raises(ClientError, match="ThrottlingException"):
        client.converse(**ask())
    assert rb.report(client).without_usage == 1


def test_a_stream_that_breaks_raises_as_ever(endpoint, client):
    rb.attach(client, planner=MarkingPlanner())
    endpoint.state.faults.add({"kind": "cut", "code": "ModelStreamErrorException", "count": 1})
    with pytest.raises(EventStreamError):
        list(client.converse_stream(**ask())["stream"])


def test_the_books_are_the_bill_worked_out_by_hand(client):
    rb.attach(client, planner=MarkingPlanner())
    for _ in range(2):
        client.converse(**ask())
    report = rb.report(client)
    usage = report.total.usage
    # Sonnet 4.6 through a geographic profile: 3.30 input, 0.33 read, 4.125 written for 5 minutes, 16.50 output.
    million = Decimal(1_000_000)
    expected = (
        usage.input * Decimal("3.3")
        + usage.cache_read * Decimal("0.33")
        + usage.cache_write_5m * Decimal("4.125")
        + usage.output * Decimal("16.5")
    ) / million
    plain = (usage.total_input * Decimal("3.3") + usage.output * Decimal("16.5")) / million
    assert report.total.cost_usd == expected
    assert report.total.saved_usd == plain - expected
    assert [line.name for line in report.models] == ["Claude Sonnet 4.6 (us)"]
    assert report.to_dict()["total"]["cost_usd"] == str(expected)
    assert all(len(line) <= 80 for line in str(report).splitlines())


def test_the_report_names_prefixes_without_their_text(client):
    rb.attach(client, planner=MarkingPlanner())
    client.converse(**ask(system=words(3000, "confidential")))
    assert "confidential" not in str(rb.report(client)) + str(rb.report(client).to_dict())


def test_an_application_profile_is_looked_up_once(endpoint):
    source = f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{SONNET}"
    made = runtime(endpoint, "bedrock").create_inference_profile(
        inferenceProfileName="team", modelSource={"copyFrom": source}
    )
    client = rb.attach(runtime(endpoint), planner=MarkingPlanner())
    for _ in range(2):
        reply = client.converse(**{**ask(), "modelId": made["inferenceProfileArn"]})
    assert reply["usage"]["cacheReadInputTokens"] > 3000
    assert [line.name for line in rb.report(client).models] == ["Claude Sonnet 4.6 (us)"]


def test_a_profile_that_cannot_be_looked_up_goes_out_unplanned_and_is_said_once(endpoint, caplog):
    planner = MarkingPlanner()
    client = rb.attach(runtime(endpoint), planner=planner)
    arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdefghijkl"
    for _ in range(3):
        with pytest.raises(ClientError):
            client.converse(**{**ask(), "modelId": arn})
    assert planner.planned == []
    assert caplog.text.count("could not be looked up") == 1


def test_parallel_first_requests_write_once(endpoint):
    with running(clock=ClockKind.REAL) as served:
        served.state.latency.change({"mode": "wait", "models": {"*": {"base_ms": 150, "per_output_token_ms": 0}}})
        usages = {hold: _fan_out(served, hold) for hold in (0.0, 5.0)}
    assert sum(usage["cacheWriteInputTokens"] > 0 for usage in usages[0.0]) == 6
    assert sum(usage["cacheWriteInputTokens"] > 0 for usage in usages[5.0]) == 1
    assert sum(usage["cacheReadInputTokens"] > 0 for usage in usages[5.0]) == 5


def _fan_out(served, hold):
    client = rb.attach(runtime(served, max_pool_connections=10), planner=MarkingPlanner(), hold_s=hold)
    usages, together = [], threading.Barrier(6)

    def one(number):
        together.wait()
        usages.append(client.converse(**ask(f"question {number}", words(3000, f"hold{hold}")))["usage"])

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return usages


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_of_a_fork_goes_on_planning(client):
    rb.attach(client, planner=MarkingPlanner())
    client.converse(**ask())
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            usage = client.converse(**ask())["usage"]
            os.write(write, b"read" if usage["cacheReadInputTokens"] else b"miss")
        finally:
            os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    assert os.read(read, 10) == b"read"


_FORKING = """
import os, sys, threading
import boto3, rockbottom
from rockbottom.ledger import CallRecord, LedgerWriter
sys.setswitchinterval(1e-6)  # threads meet at every step
writer = LedgerWriter(sys.argv[1])
keys = dict(region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
client = rockbottom.attach(boto3.client("bedrock-runtime", **keys))
def fork():
    for _ in range(40):
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
    writer.record(CallRecord(1.0, "m", "Converse"))
    rockbottom.report(client)
threads = [threading.Thread(target=fork, daemon=True) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(20)
print(sum(thread.is_alive() for thread in threads), flush=True)
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_threads_that_fork_at_once_do_not_lock_each_other_out(tmp_path):
    """Four threads fork forty times each, beside an attached client and a ledger; none is left waiting."""
    source = str(Path(rb.__file__).parents[2])
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _FORKING, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": source}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (run.stdout, run.returncode) == ("0\n", 0), run.stderr


def test_threads_share_one_client(client):
    planner = MarkingPlanner()
    rb.attach(client, planner=planner)
    client.converse(**ask())
    threads = [threading.Thread(target=lambda: client.converse(**ask())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rb.report(client).total.calls == 17
    assert sum((usage for _, usage in planner.observed), Usage()) == rb.report(client).total.usage


def test_handlers_of_others_keep_working(client):
    seen = []
    client.meta.events.register(
        "provide-client-params.bedrock-runtime.Converse",
        lambda params, **_: {**params, "messages": [{"role": "user", "content": [{"text": "theirs"}]}]},
    )
    client.meta.events.register("before-call.bedrock-runtime.Converse", lambda params, **_: seen.append(params["body"]))
    rb.attach(client, planner=MarkingPlanner())
    client.converse(**ask("mine"))
    assert b"theirs" in seen[0]
    assert b"mine" not in seen[0]
    assert b"cachePoint" in seen[0]


def test_a_stubbed_client_answers_as_stubbed(caplog):
    from botocore.stub import Stubber

    client = rb.attach(boto3.client("bedrock-runtime", **KEYS), planner=MarkingPlanner())
    with Stubber(client) as stub:
        stub.add_response(
            "converse",
            {
                "output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}},
                "stopReason": "end_turn",
                "metrics": {"latencyMs": 1},
                "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
            },
        )
        assert client.converse(**ask())["output"]["message"]["content"] == [{"text": "hi"}]
    assert caplog.text == ""


def test_requests_of_every_shape_pass_where_nothing_is_known_of_the_model(endpoint):
    planner = MarkingPlanner()
    client = rb.attach(runtime(endpoint), planner=planner)
    with pytest.raises(ClientError):
        client.converse(**{**ask(), "modelId": "nobody.knows-v1:0"})
    assert planner.planned == []
