"""The operations of bedrock-runtime for native bodies, which are the same for every vendor."""

from collections.abc import Mapping

INVOKE = ("InvokeModel", "InvokeModelWithResponseStream")
INVOKE_PATHS: Mapping[str, str] = dict(
    zip(("/model/{model}/invoke", "/model/{model}/invoke-with-response-stream"), INVOKE, strict=True)
)
