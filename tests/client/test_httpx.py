"""Clients built on httpx: AnthropicBedrock, synchronous and not, against the local endpoint."""

import asyncio

import pytest

from tests.client.client_doubles import SONNET, MarkingPlanner, words

anthropic = pytest.importorskip("anthropic", reason="needs the group sdks: make sdks runs this")
pytest.importorskip("botocore", reason="needs the extra aws")

import rockbottom.client as rb  # noqa: E402

OURS = {"aws_access_key": "AKIDEXAMPLE000000000", "aws_secret_key": "local", "aws_region": "us-east-1"}


def _request(**more):
    return {
        "model": SONNET,
        "max_tokens": 20,
        "system": words(3000),
        "messages": [{"role": "user", "content": "hello"}],
        **more,
    }


@pytest.fixture
def bedrock(endpoint):
    return anthropic.AnthropicBedrock(**OURS, base_url=endpoint.url, max_retries=0)


def test_the_same_client_writes_once_and_then_reads(bedrock):
    planner = MarkingPlanner()
    assert rb.attach(bedrock, planner=planner) is bedrock
    first, second = bedrock.messages.create(**_request()).usage, bedrock.messages.create(**_request()).usage
    assert first.cache_creation_input_tokens > 3000
    assert second.cache_read_input_tokens == first.cache_creation_input_tokens
    assert [usage.cache_read for _, usage in planner.observed] == [0, second.cache_read_input_tokens]


def test_a_stream_is_read_as_ever_and_its_usage_is_seen(bedrock):
    rb.attach(bedrock, planner=MarkingPlanner(ttl="1h"))
    with bedrock.messages.stream(**_request()) as stream:
        text = "".join(stream.text_stream)
    assert text
    assert rb.report(bedrock).total.usage.cache_write_1h > 3000


def test_the_changed_request_is_signed_by_the_same_key(bedrock, endpoint):
    rb.attach(bedrock, planner=MarkingPlanner())
    seen = []
    inner = bedrock._client
    handle = inner._transport.__class__.__mro__[1].handle_request

    def spy(self, request):
        seen.append(request)
        return handle(self, request)

    inner._transport.__class__.__mro__[1].handle_request, kept = spy, handle
    try:
        bedrock.messages.create(**_request())
    finally:
        inner._transport.__class__.__mro__[1].handle_request = kept
    assert b"cache_control" in seen[0].content
    assert "Credential=AKIDEXAMPLE000000000/" in seen[0].headers["authorization"]
    assert int(seen[0].headers["content-length"]) == len(seen[0].content)
    assert _is_signature_of(seen[0])


def _is_signature_of(request):
    """The signature, worked out once more with botocore from what travels."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    authorization = request.headers["authorization"]
    signed = authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    again = AWSRequest(request.method, str(request.url), data=request.content)
    for name in signed:
        if name != "host":
            again.headers[name] = request.headers[name]
    again.context["timestamp"] = request.headers["x-amz-date"]
    signer = SigV4Auth(Credentials(OURS["aws_access_key"], "local"), "bedrock", "us-east-1")
    string = signer.string_to_sign(again, signer.canonical_request(again))
    return authorization.endswith(signer.signature(string, again))


class Illegal(MarkingPlanner):
    """Five points: one more than the service takes."""

    def plan(self, request, *, now):
        plan = super().plan(request, now=now)
        plan.native = _five_points
        return plan


def _five_points(request):
    import json

    body = json.loads(request["body"])
    marked = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
    body["system"] = [marked] * 5
    return {**request, "body": json.dumps(body).encode()}


def test_a_refused_plan_is_taken_back(bedrock, caplog):
    rb.attach(bedrock, planner=Illegal())
    assert bedrock.messages.create(**_request()).stop_reason == "end_turn"
    assert "sent again without them" in caplog.text


def test_errors_reach_the_caller_as_ever(endpoint, bedrock):
    rb.attach(bedrock, planner=MarkingPlanner())
    endpoint.state.faults.add({"kind": "error", "code": "ThrottlingException", "count": 1})
    with pytest.raises(anthropic.RateLimitError):
        bedrock.messages.create(**_request())


def test_an_attempt_that_the_sdk_repeats_keeps_its_plan(endpoint):
    bedrock = anthropic.AnthropicBedrock(**OURS, base_url=endpoint.url, max_retries=2)
    rb.attach(bedrock, planner=MarkingPlanner())
    endpoint.state.faults.add({"kind": "error", "code": "ServiceUnavailableException", "count": 1})
    assert bedrock.messages.create(**_request()).usage.cache_creation_input_tokens > 3000


def test_a_request_signed_with_a_strange_key_passes_unmodified(bedrock, caplog):
    rb.attach(bedrock, planner=MarkingPlanner())
    bedrock.messages.create(**_request())
    bedrock.aws_access_key = "AKIDOTHER00000000000"
    usage = bedrock.messages.create(**_request(system=words(3000, "other"))).usage
    bedrock.messages.create(**_request())
    assert (usage.cache_creation_input_tokens, usage.cache_read_input_tokens) == (0, 0)
    assert caplog.text.count("signed with a key that rockbottom does not hold") == 1


def test_credentials_given_to_attach_sign_what_another_key_had_signed(bedrock):
    """As LiteLLM does with ``aws_access_key_id=`` in a call: the key is not the client's, but it is at hand."""
    import boto3

    rb.attach(bedrock, planner=MarkingPlanner(), credentials=boto3.Session("AKIDOTHER00000000000", "local"))
    bedrock.aws_access_key = "AKIDOTHER00000000000"
    assert bedrock.messages.create(**_request(system=words(3000, "its own"))).usage.cache_creation_input_tokens > 3000


def test_the_asynchronous_client(endpoint):
    async def scene():
        async with anthropic.AsyncAnthropicBedrock(**OURS, base_url=endpoint.url) as bedrock:
            rb.attach(bedrock, planner=MarkingPlanner())
            first = (await bedrock.messages.create(**_request())).usage
            async with bedrock.messages.stream(**_request()) as stream:
                second = (await stream.get_final_message()).usage
            return first, second, rb.report(bedrock).total.calls

    first, second, calls = asyncio.run(scene())
    assert second.cache_read_input_tokens == first.cache_creation_input_tokens > 3000
    assert calls == 2


def test_keep_alive_is_refused_here(bedrock):
    with pytest.raises(rb.NotAttachable, match="keep-alive"):
        rb.attach(bedrock, planner=MarkingPlanner(), keep_alive_usd=1)
