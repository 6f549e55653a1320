"""A call to a model that embeds or reranks, answered."""

import time
from dataclasses import dataclass

import msgspec

from rockbottom.local.bodies import object_of
from rockbottom.local.calls import RuntimeCall
from rockbottom.local.embeddings import Embedding, answer_embedding
from rockbottom.local.failures import invalid
from rockbottom.local.sending import Headers


@dataclass(frozen=True, slots=True)
class Embedded:
    """What goes back, and the input tokens that it is billed for."""

    body: bytes
    headers: Headers
    tokens: int


def embedded_by(call: RuntimeCall, model: Embedding) -> Embedded:
    """The reply of such a model. Raises ServiceFailure, also for an operation that it has no part in."""
    if call.operation == "InvokeModelWithResponseStream":
        raise invalid("The model is unsupported for streaming.")
    if call.operation != "InvokeModel":
        raise invalid(
            "This action doesn't support the model that you provided. Try again with a supported text or chat model."
        )
    reply, tokens = answer_embedding(model, object_of(call.body), call.request_id)
    took_ms = max(1, int((time.perf_counter() - call.began) * 1000))
    headers: Headers = [
        (b"x-amzn-bedrock-input-token-count", b"%d" % tokens),
        (b"x-amzn-bedrock-invocation-latency", b"%d" % took_ms),
    ]
    return Embedded(msgspec.json.encode(reply), headers, tokens)
