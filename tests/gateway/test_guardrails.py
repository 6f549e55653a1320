"""Guardrails that callers of InvokeModel name in headers: they pass the gateway, and their fees are in its ledger."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.gateway.conftest import MODEL, records

_BODY = json.dumps(
    {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 50,
        "messages": [{"role": "user", "content": "y" * 3500}],
    }
)


@pytest.fixture
def guardrail(endpoint: Any) -> dict[str, str]:
    """Content filters and a denied word, made at the service itself."""
    control: Any = boto3.client("bedrock", endpoint_url=endpoint.url, region_name="us-east-1")
    made = control.create_guardrail(
        name="support", blockedInputMessaging="No.", blockedOutputsMessaging="Not that.",
        contentPolicyConfig={"filtersConfig": [{"type": "HATE", "inputStrength": "HIGH", "outputStrength": "HIGH"}]},
        wordPolicyConfig={"wordsConfig": [{"text": "lawsuit"}]},
    )  # fmt: skip
    version = control.create_guardrail_version(guardrailIdentifier=made["guardrailId"])["version"]
    return {"guardrailIdentifier": made["guardrailId"], "guardrailVersion": version}


def test_a_guardrail_on_invoke_model_is_traced_and_its_fee_is_booked(
    client: Any, guardrail: dict[str, str], gateway: Any, tmp_path: Any
) -> None:
    """3,500 characters are 4 content units in, and 1 comes out: 5 at 0.15 a thousand are 0.00075, streamed too."""
    reply = client.invoke_model(modelId=MODEL, body=_BODY, trace="ENABLED", **guardrail)
    assert "amazon-bedrock-trace" in json.loads(reply["body"].read())
    list(client.invoke_model_with_response_stream(modelId=MODEL, body=_BODY, trace="ENABLED", **guardrail)["body"])
    whole, streamed = records(gateway, tmp_path, 2)
    for record in (whole, streamed):
        assert record["charges"]["contentPolicyUnits"] == 5
        assert record["extra_usd"] == "0.00075"
        assert "uncounted" not in record


def test_a_guardrail_without_a_trace_is_named_as_not_counted(
    client: Any, guardrail: dict[str, str], gateway: Any, tmp_path: Any
) -> None:
    client.invoke_model(modelId=MODEL, body=_BODY, **guardrail)["body"].read()
    (record,) = records(gateway, tmp_path)
    assert record["uncounted"] == ["guardrail without a trace"]


def test_what_a_guardrail_blocks_costs_its_caller_no_tokens(
    client: Any, guardrail: dict[str, str], gateway: Any, tmp_path: Any
) -> None:
    blocked = _BODY.replace("y" * 3500, "A lawsuit")
    reply = json.loads(client.invoke_model(modelId=MODEL, body=blocked, trace="ENABLED", **guardrail)["body"].read())
    assert (reply["amazon-bedrock-guardrailAction"], reply["usage"]["input_tokens"]) == ("INTERVENED", 0)
    (record,) = records(gateway, tmp_path)
    assert (record.get("input", 0), record.get("output", 0)) == (0, 0)


def test_a_guardrail_that_does_not_exist_is_refused_in_the_words_of_the_service(
    client: Any, guardrail: dict[str, str]
) -> None:
    with pytest.raises(ClientError, match=r"ValidationException.*does not exist"):
        client.invoke_model(modelId=MODEL, body=_BODY, **{**guardrail, "guardrailIdentifier": "abcdefghijkl"})
