"""Failures on purpose, quotas, latency, routing, scripts and the rest of the control API."""

import http.client
import json
import socket
import threading
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError, EventStreamError, ReadTimeoutError
from urllib3.exceptions import ProtocolError

from rockbottom.local import EndpointSettings, running
from rockbottom.local.failures import STATUSES


def call(runtime, kit, **more):
    """A small Converse call."""
    return runtime.converse(modelId=kit.SONNET, messages=[kit.user("hi")], **more)


@pytest.mark.parametrize(
    "code",
    [
        "ThrottlingException",
        "InternalServerException",
        "ServiceUnavailableException",
        "ModelTimeoutException",
        "ModelErrorException",
        "ModelNotReadyException",
    ],
)
def test_an_error_on_purpose_has_awss_code_and_status(endpoint, runtime, kit, code):
    """It takes as many calls as it was told to, then the endpoint is well again."""
    kit.control(endpoint, "POST", "faults", {"kind": "error", "code": code, "count": 1})
    with pytest.raises(ClientError) as caught:
        call(runtime, kit)
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == STATUSES[code]
    assert call(runtime, kit)["stopReason"] == "end_turn"


def test_faults_may_be_limited_to_operations_and_models(endpoint, runtime, kit):
    """Other operations and models are left alone."""
    kit.control(
        endpoint,
        "POST",
        "faults",
        [
            {"kind": "error", "code": "ThrottlingException", "operations": ["InvokeModel"]},
            {"kind": "error", "code": "ThrottlingException", "model": "nova"},
        ],
    )
    assert call(runtime, kit)
    with pytest.raises(runtime.exceptions.ThrottlingException):
        runtime.converse(modelId=kit.NOVA, messages=[kit.user("hi")])


def test_a_probable_fault_falls_the_same_way_for_the_same_seed(kit):
    """Half the calls fail, and the same ones again after a reset."""
    with running(seed=7) as one:
        client = kit.client_of("bedrock-runtime", one.url)

        def failed():
            kit.control(one, "POST", "faults", {"kind": "error", "code": "ThrottlingException", "probability": 0.5})
            found = []
            for _ in range(20):
                try:
                    call(client, kit)
                    found.append(False)
                except client.exceptions.ThrottlingException:
                    found.append(True)
            kit.control(one, "POST", "reset")
            return found

        first = failed()
        assert first == failed()
        assert 3 < sum(first) < 17


def test_a_cut_connection_leaves_a_broken_stream(endpoint, runtime, kit):
    """Without a code the connection closes in the middle: the SDK sees a broken body, never a usage."""
    kit.control(endpoint, "POST", "faults", {"kind": "cut", "after_events": 2, "count": 1})
    seen = []
    with pytest.raises(ProtocolError, match="ended prematurely"):
        for event in runtime.converse_stream(modelId=kit.SONNET, messages=[kit.user("hi")])["stream"]:
            seen.append(event)
    assert len(seen) <= 2
    assert not any("metadata" in event for event in seen)
    assert call(runtime, kit)


def test_what_a_cut_stream_wrote_stays_written(endpoint, runtime, kit):
    """The entry of a stream that broke is there for the retry, as tokens may be billed for it too."""
    kit.control(
        endpoint, "POST", "faults", {"kind": "cut", "after_events": 1, "code": "ModelStreamErrorException", "count": 1}
    )
    body = {"modelId": kit.SONNET, "system": [{"text": kit.RULES}, kit.POINT], "messages": [kit.user("hi")]}
    with pytest.raises(EventStreamError):
        list(runtime.converse_stream(**body)["stream"])
    assert runtime.converse(**body)["usage"]["cacheReadInputTokens"] > 0


def test_a_hanging_call_times_out_at_the_client_and_does_not_keep_the_server(kit):
    """The client gives up; the server still stops at once."""
    with running() as one:
        kit.control(one, "POST", "faults", {"kind": "hang", "count": 1})
        import boto3
        from botocore.config import Config

        client = boto3.client(
            "bedrock-runtime",
            endpoint_url=one.url,
            **kit.CREDENTIALS,
            config=Config(read_timeout=1, retries={"max_attempts": 0}),
        )
        with pytest.raises(ReadTimeoutError):
            call(client, kit)
        assert call(client, kit)


def test_a_timeout_answers_408(endpoint, runtime, kit):
    """ModelTimeoutException after the time given (none here)."""
    kit.control(endpoint, "POST", "faults", {"kind": "timeout", "seconds": 0, "count": 1})
    with pytest.raises(runtime.exceptions.ModelTimeoutException):
        call(runtime, kit)


def test_quota_counts_input_writes_and_output_but_not_reads(endpoint, runtime, kit):
    """A write of the system text fills the quota; reads of it do not; after a minute the quota is free again.

    By hand: the write takes its w + 8 input tokens or so; with a limit of w + 200 a second write of the same size is
    refused, and many reads (about 8 tokens and a short answer each) are not.
    """
    body = {
        "modelId": kit.SONNET,
        "system": [{"text": kit.RULES}, kit.POINT],
        "messages": [kit.user("zzz")],
        "inferenceConfig": {"maxTokens": 1},
    }
    size = runtime.converse(**body)["usage"]["cacheWriteInputTokens"]
    kit.control(endpoint, "POST", "reset")
    kit.control(endpoint, "PUT", "quotas", [{"tokens_per_minute": size + 200, "output_burndown": 1}])
    assert runtime.converse(**body)["usage"]["cacheWriteInputTokens"] == size
    for _ in range(5):
        assert runtime.converse(**body)["usage"]["cacheReadInputTokens"] == size
    other = {**body, "system": [{"text": "other " + kit.RULES}, kit.POINT]}
    with pytest.raises(runtime.exceptions.ThrottlingException, match="Too many tokens"):
        runtime.converse(**other)
    kit.control(endpoint, "POST", "clock", {"advance": 61})
    assert runtime.converse(**other)["usage"]["cacheWriteInputTokens"] > 1024


def test_requests_per_minute_are_counted_by_model_and_region(endpoint, runtime, kit):
    """Two requests pass, the third does not, another model does."""
    kit.control(endpoint, "PUT", "quotas", [{"requests_per_minute": 2}])
    call(runtime, kit)
    call(runtime, kit)
    with pytest.raises(runtime.exceptions.ThrottlingException, match="Too many requests"):
        call(runtime, kit)
    assert runtime.converse(modelId=kit.NOVA, messages=[kit.user("hi")])


def test_a_throttled_call_leaves_its_scripted_reply_to_the_retry(endpoint, runtime, kit):
    """Scripts are taken by answers, not by refusals."""
    kit.control(endpoint, "PUT", "quotas", [{"requests_per_minute": 1}])
    call(runtime, kit)
    kit.control(endpoint, "POST", "replies", {"text": "scripted", "outputTokens": 42})
    with pytest.raises(runtime.exceptions.ThrottlingException):
        call(runtime, kit)
    kit.control(endpoint, "POST", "clock", {"advance": 61})
    reply = call(runtime, kit)
    assert (reply["output"]["message"]["content"], reply["usage"]["outputTokens"]) == ([{"text": "scripted"}], 42)


def test_a_header_scripts_one_reply(endpoint, kit):
    """x-rockbottom-reply fixes text and tokens of the call that carries it."""
    _, reply, _ = kit.http(
        endpoint,
        "POST",
        f"/model/{kit.SONNET}/converse",
        {"messages": [kit.user("hi")]},
        {"x-rockbottom-reply": json.dumps({"text": "fixed", "outputTokens": 7})},
    )
    assert (reply["output"]["message"]["content"][0]["text"], reply["usage"]["outputTokens"]) == ("fixed", 7)


def test_reported_latency_is_that_of_the_profile(endpoint, runtime, kit):
    """base 100 ms and 10 ms per output token: 42 tokens take 520 ms, and nobody waits for them."""
    kit.control(
        endpoint, "PUT", "latency", {"mode": "report", "models": {"*": {"base_ms": 100, "per_output_token_ms": 10}}}
    )
    kit.control(endpoint, "POST", "replies", {"text": "x", "outputTokens": 42})
    assert call(runtime, kit)["metrics"]["latencyMs"] == 520


def test_latency_of_a_model_that_was_not_measured_is_never_invented(endpoint, runtime, kit):
    """Without numbers for the model the call is refused and says what to set."""
    kit.control(endpoint, "PUT", "latency", {"mode": "report"})
    with pytest.raises(ClientError, match="no latency is known for anthropic"):
        call(runtime, kit)


def test_a_waiting_profile_makes_an_entry_readable_only_when_the_reply_starts(kit):
    """Two calls at once: both write, because the first reply had not started; a third one reads."""
    with running() as one:
        client = kit.client_of("bedrock-runtime", one.url)
        kit.control(
            one, "PUT", "latency", {"mode": "wait", "models": {"*": {"base_ms": 300, "per_output_token_ms": 0}}}
        )
        body = {"modelId": kit.SONNET, "system": [{"text": kit.RULES}, kit.POINT], "messages": [kit.user("hi")]}
        found = []
        threads = [threading.Thread(target=lambda: found.append(client.converse(**body)["usage"])) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [usage["cacheReadInputTokens"] for usage in found] == [0, 0]
        assert client.converse(**body)["usage"]["cacheReadInputTokens"] > 0


def test_round_robin_serves_from_one_region_after_another(endpoint, runtime, kit):
    """us. has three Regions here: three writes, then reads; pinned again, the first Region's entry is read."""
    kit.control(endpoint, "PUT", "routing", {"policy": "round_robin"})
    body = {"modelId": kit.SONNET, "system": [{"text": kit.RULES}, kit.POINT], "messages": [kit.user("hi")]}
    reads = [runtime.converse(**body)["usage"]["cacheReadInputTokens"] > 0 for _ in range(6)]
    assert reads == [False, False, False, True, True, True]
    served = {line["servedBy"] for line in kit.control(endpoint, "GET", "requests")}
    assert served == {"us-east-1", "us-east-2", "us-west-2"}


def test_switches_change_the_semantics(endpoint, runtime, kit):
    """unsupported_ttl downgrade accepts 1h where reject refuses it; an unknown side is refused."""
    body = {
        "modelId": "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
        "messages": [kit.user("x", {"cachePoint": {"type": "default", "ttl": "1h"}})],
    }
    with pytest.raises(ClientError, match="Extra inputs are not permitted"):
        runtime.converse(**body)
    kit.control(endpoint, "PUT", "switches", {"unsupported_ttl": "downgrade"})
    assert runtime.converse(**body)
    status, reply, _ = kit.http(endpoint, "PUT", "/_rockbottom/switches", {"unsupported_ttl": "maybe"})
    assert (status, "reject, downgrade" in reply["message"]) == (400, True)


def test_the_state_lists_live_entries(endpoint, runtime, kit):
    """Entries with owner, tokens and the time left."""
    call(runtime, kit, system=[{"text": kit.RULES}, kit.POINT])
    (entry,) = kit.control(endpoint, "GET", "state")["first"]
    assert (entry["model"], entry["region"], entry["ttl"], entry["expiresInSeconds"], entry["visible"]) == (
        "anthropic.claude-sonnet-4-6",
        "us-east-1",
        "5m",
        300,
        True,
    )


def test_memory_is_bounded_and_the_entries_that_expire_first_go_first(kit):
    """Room for five entries: after ten prompts five are left, the latest ones."""
    with running(max_entries=5) as one:
        client = kit.client_of("bedrock-runtime", one.url)

        def reads(number):
            return (
                client.converse(
                    modelId=kit.SONNET, system=[{"text": f"{number} {kit.RULES}"}, kit.POINT], messages=[kit.user("hi")]
                )["usage"]["cacheReadInputTokens"]
                > 0
            )

        assert not any(reads(number) for number in range(10))
        assert kit.control(one, "GET", "state")["entries"] == 5
        assert reads(9)
        assert not reads(0)


def test_the_clock_refuses_to_run_backwards_but_can_be_set(endpoint, kit):
    """advance takes no negative seconds; set moves anywhere."""
    status, reply, _ = kit.http(endpoint, "POST", "/_rockbottom/clock", {"advance": -1})
    assert (status, "cannot advance" in reply["message"]) == (400, True)
    assert kit.control(endpoint, "POST", "clock", {"set": 1_800_000_000})["iso"] == "2027-01-15T08:00:00+00:00"


def test_many_connections_cut_in_the_middle_do_no_harm(endpoint, runtime, kit):
    """Requests abandoned half-way through head or body; the endpoint goes on."""
    place = urlsplit(endpoint.url)
    whole = f"POST /model/{kit.SONNET}/converse HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\n{{".encode()
    for length in range(1, len(whole), 7):
        with socket.create_connection((place.hostname, place.port), 5) as raw:
            raw.sendall(whole[:length])
    assert call(runtime, kit)


def test_one_connection_serves_many_requests(endpoint, kit):
    """Keep-alive, and a connection survives an error."""
    place = urlsplit(endpoint.url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=10)
    for body, status in ((b"{}", 400), (json.dumps({"messages": [kit.user("hi")]}).encode(), 200), (b"x", 400)):
        connection.request("POST", f"/model/{kit.SONNET}/converse", body)
        reply = connection.getresponse()
        reply.read()
        assert reply.status == status
    connection.close()


def test_a_port_that_is_taken_is_said_in_one_message(endpoint):
    """CannotListen names the address and what would work."""
    from rockbottom.local import CannotListen

    port = urlsplit(endpoint.url).port
    with pytest.raises(CannotListen, match=str(port)) as caught, running(EndpointSettings(port=port)):
        pass
    assert "--port" in caught.value.fix


def test_scripted_replies_wait_for_calls_of_their_model_and_operation(endpoint, runtime, kit):
    """Each call takes the first that is meant for it; the others stay in their order."""
    replies = [
        {"text": "for nova", "model": "nova"},
        {"text": "for streams", "operations": ["ConverseStream"]},
        {"text": "for whoever comes"},
    ]
    assert kit.control(endpoint, "POST", "replies", replies) == {"waiting": 3}

    def said(model):
        return runtime.converse(modelId=model, messages=[kit.user("hi")])["output"]["message"]["content"][0]["text"]

    assert said(kit.SONNET) == "for whoever comes"
    assert kit.control(endpoint, "GET", "replies") == {"waiting": 2}
    assert said(kit.SONNET) not in ("for nova", "for streams")
    assert said(kit.NOVA) == "for nova"
    events = runtime.converse_stream(modelId=kit.SONNET, messages=[kit.user("hi")])["stream"]
    texts = [event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event]
    assert "".join(texts) == "for streams"
    assert kit.control(endpoint, "GET", "replies") == {"waiting": 0}


def test_a_scripted_reply_for_an_operation_that_no_call_has_is_refused(endpoint, kit):
    """It would wait for ever; what there is, is named."""
    status, told, _ = kit.http(endpoint, "POST", "/_rockbottom/replies", {"text": "a", "operations": ["Convers"]})
    assert (status, "no operation 'Convers'" in told["message"], "ConverseStream" in told["message"]) == (
        400,
        True,
        True,
    )
