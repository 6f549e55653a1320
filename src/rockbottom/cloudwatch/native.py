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
