"""AWS's own metrics of Amazon Bedrock in CloudWatch: their namespace and their names."""

from collections.abc import Mapping

NATIVE = "AWS/Bedrock"
NATIVE_TOKENS: Mapping[str, str] = {
    "input": "InputTokenCount",
    "read": "CacheReadInputTokens",
    "write": "CacheWriteInputTokens",
    "output": "OutputTokenCount",
}
"""AWS's own token metrics (Amazon Bedrock user guide, CloudWatch metrics).

``input`` leaves cached tokens out: AWS's formula for quotas adds CacheWriteInputTokens to InputTokenCount
(https://docs.aws.amazon.com/bedrock/latest/userguide/quotas-token-burndown.html).
"""

MANTLE_NATIVE = "AWS/BedrockMantle"
MANTLE_DIMENSIONS = ("Project", "Model")
MANTLE_CALLS = "Inferences"
MANTLE_ERRORS = "InferenceClientErrors"
MANTLE_TOKENS: Mapping[str, str] = {"input": "InputTokens", "output": "OutputTokens"}
"""The metrics of bedrock-mantle by project and model (Amazon Bedrock user guide, monitoring of bedrock-mantle).

There is none of tokens read from or written to a cache, of latency, throttling or errors of the server, and AWS does
not say whether cached tokens are in the input.
"""
