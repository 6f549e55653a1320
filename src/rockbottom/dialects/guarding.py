"""How a guardrail is named beside a native body, by headers, and what its reply then tells of it.

AWS, "Test your guardrail" (https://docs.aws.amazon.com/bedrock/latest/userguide/guardrails-test.html), and the API
reference of InvokeModel. Converse names its guardrail in the body, and tells of it in ``trace``.
"""

from collections.abc import Mapping

from rockbottom.catalog import MANTLE
from rockbottom.dialects.registry import api_of
from rockbottom.prompt import Api

GUARDRAIL_HEADER = "x-amzn-bedrock-guardrailidentifier"
GUARDRAIL_CONFIG = "amazon-bedrock-guardrailConfig"
"""The member of a request that says how the guardrail is applied: the suffix of the tags around what it evaluates."""

GUARDRAIL_ACTION = "amazon-bedrock-guardrailAction"
GUARDRAIL_TRACE = "amazon-bedrock-trace"
"""Members of the reply, or of the chunks of its stream; the trace stands on the last chunk alone."""


def is_guarded(operation: str, host: str, headers: Mapping[str, str]) -> bool:
    """Whether headers name a guardrail where the service enforces it; names of headers in lower case.

    sample-per-model-bedrock recorded that Responses, and every path of bedrock-mantle, pass such headers over.
    """
    return GUARDRAIL_HEADER in headers and enforces_guardrails(api_of(operation), host)


def enforces_guardrails(api: Api, host: str) -> bool:
    """Whether a guardrail that headers name is applied there; Converse takes none from headers."""
    return api.wrapped or (api in (Api.CHAT, Api.MESSAGES) and not host.startswith(MANTLE))
