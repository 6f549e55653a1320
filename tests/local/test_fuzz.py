"""Bodies, paths and headers at random: the endpoint answers each with a status below 500, and goes on."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

KEYS = (
    "messages",
    "system",
    "role",
    "content",
    "text",
    "cachePoint",
    "type",
    "ttl",
    "toolConfig",
    "tools",
    "toolSpec",
    "name",
    "inputSchema",
    "json",
    "toolChoice",
    "any",
    "tool",
    "document",
    "image",
    "format",
    "source",
    "bytes",
    "toolUse",
    "toolUseId",
    "input",
    "toolResult",
    "reasoningContent",
    "reasoningText",
    "inferenceConfig",
    "maxTokens",
    "stopSequences",
    "additionalModelRequestFields",
    "thinking",
    "anthropic_version",
    "max_tokens",
    "cache_control",
    "tool_choice",
    "output_config",
    "tool_result",
    "title",
    "searchResult",
    "guardContent",
    "invokeModel",
    "converse",
    "body",
    "budget_tokens",
    "effort",
    "textFormat",
    "video",
    "audio",
    "citations",
)
VALUES = (
    "user",
    "assistant",
    "system",
    "text",
    "default",
    "5m",
    "1h",
    "ephemeral",
    "pdf",
    "txt",
    "png",
    "",
    "a",
    "bedrock-2023-05-31",
    "tool_use",
    "tool_result",
    "image",
    "document",
    "thinking",
    "enabled",
    "base64",
    "é\u2028",
)
_leaf = st.one_of(
    st.sampled_from(VALUES),
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
)
_json = st.recursive(
    _leaf,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)),
    max_leaves=25,
)
_body = st.dictionaries(st.sampled_from(KEYS), _json, max_size=6)

_text = st.fixed_dictionaries({"text": st.sampled_from(["hello", "a b", "x" * 3000])})
_point = st.fixed_dictionaries(
    {"cachePoint": st.fixed_dictionaries({"type": st.just("default")}, optional={"ttl": st.sampled_from(["5m", "1h"])})}
)
_tool_use = st.fixed_dictionaries(
    {
        "toolUse": st.fixed_dictionaries(
            {"toolUseId": st.sampled_from(["t1", "t2"]), "name": st.just("n"), "input": _json}
        )
    }
)
_result = st.fixed_dictionaries(
    {
        "toolResult": st.fixed_dictionaries(
            {"toolUseId": st.sampled_from(["t1", "t2"]), "content": st.lists(_text, max_size=2)}
        )
    }
)
_document = st.fixed_dictionaries(
    {
        "document": st.fixed_dictionaries(
            {
                "name": st.sampled_from(["a", "b c", "b  c", "d/e"]),
                "format": st.sampled_from(["txt", "pdf", "csv"]),
                "source": st.sampled_from(
                    [{"bytes": "aGVsbG8="}, {"bytes": "%%%"}, {"text": "hi"}, {"content": [{"text": "hi"}]}]
                ),
            }
        )
    }
)
_reasoning = st.just({"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}})
_block = st.one_of(_text, _point, _tool_use, _result, _document, _reasoning, _json)
_message = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system", "other"]), "content": st.lists(_block, max_size=4)}
)
_near = st.fixed_dictionaries(
    {"messages": st.lists(_message, max_size=4)},
    optional={
        "system": st.lists(st.one_of(_text, _point), max_size=3),
        "toolConfig": st.fixed_dictionaries(
            {
                "tools": st.lists(
                    st.one_of(
                        _point,
                        st.fixed_dictionaries(
                            {
                                "toolSpec": st.fixed_dictionaries(
                                    {"name": st.just("n"), "inputSchema": st.fixed_dictionaries({"json": _json})}
                                )
                            }
                        ),
                    ),
                    max_size=3,
                )
            },
            optional={
                "toolChoice": st.sampled_from(
                    [{"any": {}}, {"auto": {}}, {"tool": {"name": "n"}}, {"tool": {"name": "zz"}}]
                )
            },
        ),
        "inferenceConfig": st.fixed_dictionaries(
            {},
            optional={
                "maxTokens": st.sampled_from([1, 5, 0, 10**9]),
                "stopSequences": st.lists(st.text(max_size=3), max_size=3),
            },
        ),
        "anthropic_version": st.just("bedrock-2023-05-31"),
        "max_tokens": st.sampled_from([0, 1, 9, True, "9"]),
        "additionalModelRequestFields": _json,
        "outputConfig": _json,
        "requestMetadata": _json,
        "tools": st.lists(_json, max_size=2),
        "tool_choice": _json,
    },
)
_anthropic_block = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "image", "tool_use", "tool_result", "thinking", "document", "nope"])},
    optional={
        "text": st.sampled_from(["", "hello", 5]),
        "source": _json,
        "content": _json,
        "id": st.just("t"),
        "name": st.just("n"),
        "input": _json,
        "tool_use_id": _leaf,
        "cache_control": st.sampled_from([{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}, {}, 7, [7]]),
    },
)
_anthropic = st.fixed_dictionaries(
    {
        "anthropic_version": st.just("bedrock-2023-05-31"),
        "max_tokens": st.integers(0, 50),
        "messages": st.lists(
            st.fixed_dictionaries(
                {"role": st.sampled_from(["user", "assistant"]), "content": st.lists(_anthropic_block, max_size=3)}
            ),
            max_size=3,
        ),
    },
    optional={
        "system": st.one_of(st.text(max_size=4), st.lists(_anthropic_block, max_size=2)),
        "tools": st.lists(
            st.one_of(_json, st.fixed_dictionaries({"name": st.just("n"), "input_schema": _json})), max_size=2
        ),
        "tool_choice": st.sampled_from([{"type": "any"}, {"type": "tool", "name": "n"}, {"type": 3}]),
        "thinking": _json,
        "output_config": _json,
        "stop_sequences": _json,
    },
)

MODELS = (
    "us.anthropic.claude-sonnet-4-6",
    "us.amazon.nova-pro-v1:0",
    "openai.gpt-oss-120b-1:0",
    "nope",
    "anthropic.claude-sonnet-4-6",
    "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/zzzz",
)
OPERATIONS = ("converse", "converse-stream", "invoke", "invoke-with-response-stream", "count-tokens")
PROFILE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def survives(endpoint, kit, path, raw, method="POST"):
    """The call is answered below 500, and the endpoint answers the next one."""
    status, reply, _ = kit.http(endpoint, method, path, raw)
    assert status < 500, (status, reply)


@PROFILE
@given(st.sampled_from(MODELS), st.sampled_from(OPERATIONS), st.one_of(_body, _near, _anthropic))
def test_no_json_body_breaks_the_runtime(endpoint, kit, model, operation, body):
    """Bodies from wild to nearly right, in every dialect, on every operation."""
    survives(endpoint, kit, f"/model/{model.replace('/', '%2F')}/{operation}", json.dumps(body).encode())


@PROFILE
@given(st.sampled_from(MODELS[:2]), st.one_of(_near, _anthropic))
def test_no_nearly_right_body_breaks_count_tokens(endpoint, kit, model, body):
    """CountTokens around the same bodies."""
    import base64

    raw = base64.b64encode(json.dumps(body).encode()).decode()
    for given_input in ({"converse": body}, {"invokeModel": {"body": raw}}):
        survives(
            endpoint,
            kit,
            f"/model/{model.removeprefix('us.')}/count-tokens",
            json.dumps({"input": given_input}).encode(),
        )


@PROFILE
@given(st.sampled_from(OPERATIONS), st.binary(max_size=60))
def test_no_bytes_break_the_runtime(endpoint, kit, operation, raw):
    """Bytes that are no JSON."""
    survives(endpoint, kit, f"/model/us.anthropic.claude-sonnet-4-6/{operation}", raw)


@PROFILE
@given(
    st.text(st.characters(codec="ascii", exclude_characters=" ?#\\", exclude_categories=["Cc"]), max_size=40),
    st.sampled_from(["GET", "POST", "DELETE", "PUT", "PATCH"]),
    _json,
)
def test_no_path_breaks_the_endpoint(endpoint, kit, path, method, body):
    """Paths that mean nothing, and some that nearly do."""
    raw = json.dumps(body).encode()
    for start in ("/", "/model/", "/inference-profiles/", "/foundation-models/"):
        survives(endpoint, kit, start + path.replace("%", "%25"), raw, method)


@PROFILE
@given(
    st.sampled_from(["clock", "faults", "quotas", "latency", "routing", "switches", "replies"]),
    st.sampled_from(["POST", "PUT"]),
    st.one_of(
        _json,
        st.dictionaries(
            st.sampled_from(
                [
                    "kind",
                    "set",
                    "advance",
                    "code",
                    "count",
                    "probability",
                    "mode",
                    "models",
                    "policy",
                    "text",
                    "content",
                    "outputTokens",
                    "tokens_per_minute",
                    "after_events",
                    "seconds",
                ]
            ),
            _leaf,
            max_size=4,
        ),
    ),
)
def test_no_control_call_breaks_the_endpoint(endpoint, kit, name, method, body):
    """Nonsense to the control API is refused; afterwards everything is as before."""
    survives(endpoint, kit, f"/_rockbottom/{name}", json.dumps(body).encode(), method)
    kit.control(endpoint, "POST", "reset")
    kit.control(endpoint, "POST", "clock", {"kind": "manual", "set": kit.START})


def test_a_deeply_nested_body_is_refused(endpoint, kit):
    """Ten thousand brackets are a SerializationException."""
    status, _, headers = kit.http(
        endpoint,
        "POST",
        "/model/us.anthropic.claude-sonnet-4-6/converse",
        b'{"messages":' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    )
    assert (status, headers["x-amzn-errortype"]) == (400, "SerializationException")


def test_a_body_over_the_limit_is_refused(endpoint, kit):
    """More than 25,000,000 bytes: a ValidationException, after the body was read, and nothing is kept."""
    status, reply, _ = kit.http(endpoint, "POST", "/model/us.anthropic.claude-sonnet-4-6/invoke", b" " * 25_000_001)
    assert (status, "less than or equal to 25000000" in reply["message"]) == (400, True)
