"""Usage vectors, money, durations, sources and the root of the errors; knows nothing of Bedrock."""

from rockbottom.quantities.durations import Ttl
from rockbottom.quantities.errors import Fault, RockbottomError
from rockbottom.quantities.money import ZERO_USD, Usd, usd, usd_of_tokens
from rockbottom.quantities.sources import Source
from rockbottom.quantities.usage import NO_USAGE, Unit, Usage
from rockbottom.quantities.weights import MediaWeights, TokenWeights

__all__ = [
    "NO_USAGE",
    "ZERO_USD",
    "Fault",
    "MediaWeights",
    "RockbottomError",
    "Source",
    "TokenWeights",
    "Ttl",
    "Unit",
    "Usage",
    "Usd",
    "usd",
    "usd_of_tokens",
]
