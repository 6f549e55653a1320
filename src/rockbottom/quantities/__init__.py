"""Usage vectors, money, durations, sources and the root of the errors; knows nothing of Bedrock."""

from rockbottom.quantities.aws_names import PARTITIONS, is_account, is_bucket, is_key, is_key_arn, is_role, is_role_arn
from rockbottom.quantities.decoding import (
    AwsAnswer,
    Undecodable,
    UnexpectedAnswer,
    decoded,
    decoder_of,
    error_code,
    is_list,
    is_object,
    reason_of,
    toml_line,
    toml_of,
)
from rockbottom.quantities.durations import LONGEST_FIRST, UNNAMED, Ttl
from rockbottom.quantities.encoding import json_bytes, json_text
from rockbottom.quantities.errors import Fault, RockbottomError
from rockbottom.quantities.money import (
    LEAST_SPAN_S,
    SECONDS_A_MONTH,
    ZERO_USD,
    Usd,
    digits_of,
    per_month,
    usd_of_tokens,
)
from rockbottom.quantities.sources import Source
from rockbottom.quantities.usage import NO_USAGE, WRITES, Unit, Usage
from rockbottom.quantities.weights import DocumentWeights, FormWeights, MediaWeights, TokenWeights

__all__ = [
    "LEAST_SPAN_S",
    "LONGEST_FIRST",
    "NO_USAGE",
    "PARTITIONS",
    "SECONDS_A_MONTH",
    "UNNAMED",
    "WRITES",
    "ZERO_USD",
    "AwsAnswer",
    "DocumentWeights",
    "Fault",
    "FormWeights",
    "MediaWeights",
    "RockbottomError",
    "Source",
    "TokenWeights",
    "Ttl",
    "Undecodable",
    "UnexpectedAnswer",
    "Unit",
    "Usage",
    "Usd",
    "decoded",
    "decoder_of",
    "digits_of",
    "error_code",
    "is_account",
    "is_bucket",
    "is_key",
    "is_key_arn",
    "is_list",
    "is_object",
    "is_role",
    "is_role_arn",
    "json_bytes",
    "json_text",
    "per_month",
    "reason_of",
    "toml_line",
    "toml_of",
    "usd_of_tokens",
]
