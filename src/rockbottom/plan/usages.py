"""The usage of a reply, in any of the spellings in which Bedrock gives it."""

from collections.abc import Mapping
from typing import Any

from rockbottom.prompt import is_list, is_object
from rockbottom.quantities import Usage

_INPUT = ("inputTokens", "input_tokens", "inputTokenCount")
_OUTPUT = ("outputTokens", "output_tokens", "outputTokenCount")
_READ = ("cacheReadInputTokens", "cacheReadInputTokenCount", "cache_read_input_tokens")
_WRITE = ("cacheWriteInputTokens", "cacheWriteInputTokenCount", "cache_creation_input_tokens")


def usage_of(reply: object, hour_share: float = 0.0) -> Usage | None:
    """The usage, or None when there is nothing to learn from.

    ``hour_share`` is the part of a write that was asked for at one hour: used where the reply does not say.
    """
    if isinstance(reply, Usage):
        return reply
    if not is_object(reply):
        return None
    said = reply
    uncached = _number(said, _INPUT)
    if uncached is None:
        return None
    written = _number(said, _WRITE) or 0
    hour = _hour_of(said)
    if hour is None:
        hour = round(written * hour_share)
    hour = min(hour, written)
    return Usage(uncached, _number(said, _OUTPUT) or 0, _number(said, _READ) or 0, written - hour, 0, hour)


def _number(said: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        value = said.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None


def _hour_of(said: Mapping[str, Any]) -> int | None:
    native = said.get("cache_creation")
    if is_object(native):
        return _number(native, ("ephemeral_1h_input_tokens",))
    details = said.get("cacheDetails")
    if not is_list(details) or not details:
        return None
    return sum(
        _number(detail, ("inputTokens",)) or 0 for detail in details if is_object(detail) and detail.get("ttl") == "1h"
    )
