"""InvokeModel of models that write no text, or count it in words of their own: no call is left out of report()."""

import json
from collections.abc import Mapping
from typing import Any

import boto3
import pytest

import rockbottom
from tests.client.scripted import Answer, Kept, service

HEADER = "x-amzn-bedrock-input-token-count"
REPLIES: Mapping[str, tuple[Mapping[str, Any], Mapping[str, str], tuple[int, int] | None]] = {
    "amazon.titan-embed-text-v2:0": ({"embedding": [0.5], "inputTextTokenCount": 7}, {}, (7, 0)),
    "cohere.embed-english-v3": ({"embeddings": [[0.5]], "response_type": "embeddings_floats"}, {HEADER: "3"}, (3, 0)),
    "cohere.embed-multilingual-v3": ({"embeddings": [[0.5]]}, {}, None),
    "meta.llama3-8b-instruct-v1:0": (
        {"generation": "ok", "prompt_token_count": 11, "generation_token_count": 2}, {}, (11, 2)),
    "amazon.nova-canvas-v1:0": ({"images": ["aGk="]}, {}, None),
    "nobody.knows-v1:0": ({"usage": {"input_tokens": 13, "output_tokens": 5}}, {}, (13, 5)),
}  # fmt: skip
"""Bodies and headers as the service's pages on model parameters and recorded embeddings show them; tokens by hand."""


@pytest.mark.parametrize("model", REPLIES)
def test_every_call_is_in_a_figure(model: str) -> None:
    """With tokens where the reply counts any, else among those without usage, by the name of the model."""
    body, headers, tokens = REPLIES[model]
    kept = Kept()
    with service(lambda number: Answer(body, headers)) as url:
        made: Any = boto3.client(  # pyright: ignore[reportUnknownMemberType]
            "bedrock-runtime", endpoint_url=url, region_name="us-east-1", aws_access_key_id="a",
            aws_secret_access_key="b",
        )  # fmt: skip
        client: Any = rockbottom.attach(made, sinks=[kept])
        assert json.loads(client.invoke_model(modelId=model, body="{}")["body"].read()) == body
    told: dict[str, Any] = rockbottom.report(client).to_dict()
    total = told["total"]
    if tokens is not None:
        assert (total["calls"], total["tokens"]["input"], total["tokens"]["output"]) == (1, *tokens)
        assert told["calls_without_usage"] == 0
        if total["unpriced_calls"]:  # the first sentence is no bill of nothing
            first = str(rockbottom.report(client)).splitlines()[0]
            assert first == "1 call without a known price: what was spent is not known."
        return
    assert (total["calls"], told["calls_without_usage"]) == (0, 1)
    named = f"{model}, whose replies count no tokens"
    assert told["beside"]["not_counted"] == {named: 1}
    assert (kept.calls[0].status, kept.calls[0].uncounted) == ("no usage", (named,))
    assert f"{named} (1 call)" in str(rockbottom.report(client))
