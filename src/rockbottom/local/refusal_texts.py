"""The errors with which Bedrock refuses a cachePoint, in the words that were recorded.

Sources: AWS re-runs and issue threads collected 2026-11 (placement: Haarris/cachecanary live checks of 2026-10,
anomalyco/opencode 36517 and 45620, aws/aws-sdk-java-v2 6277; Nova: NousResearch/hermes-agent 97281,
LibreChat 13838; ttl: Portkey-AI/gateway 1762, earendil-works/pi 1570; limit: Bike4Mind 2127).
"""

from rockbottom.cache import Reason, Refusal
from rockbottom.local.failures import ServiceFailure, invalid
from rockbottom.prompt import CachePoint, Prompt, Section

_TRY_AGAIN = "Please remove the invalid cache point and try again."
_UNSUPPORTED = (
    "You invoked an unsupported model or your request did not allow prompt caching. "
    "See the documentation for more information."
)
_ORDER = (
    "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. "
    "Note that blocks are processed in the following order: `tools`, `system`, `messages`."
)


def failure_of(refusal: Refusal, prompt: Prompt, vendor: str, unsupported_code: str) -> ServiceFailure:
    """The answer to a refused cachePoint; ``unsupported_code`` is the switch unsupported_model_error."""
    reason, point = refusal.reason, refusal.point
    if reason is Reason.MODEL_UNSUPPORTED:
        return ServiceFailure(unsupported_code, _UNSUPPORTED)
    if reason is Reason.TTL_FIELD:
        return invalid("Extended TTL prompt caching is only supported for Anthropic models")
    if vendor == "amazon" and reason is not Reason.NOTHING_BEFORE and reason is not Reason.TOO_MANY:
        return _by_model(
            prompt,
            f"Malformed input request: {_pointer(point)}: extraneous key [cachePoint] is not "
            "permitted, please reformat your input and try again.",
        )
    if reason is Reason.NOTHING_BEFORE:
        return invalid(f"There is nothing available to cache. {_TRY_AGAIN}")
    if reason is Reason.AFTER_REASONING:
        return invalid(f"Cache point cannot be inserted after reasoning block. {_TRY_AGAIN}")
    if reason is Reason.AFTER_TEXT_DOCUMENT:
        return _by_model(prompt, f"{_list(point)}.{_blocks_before(point, prompt)}.type: Field required")
    if reason is Reason.TOO_MANY:
        count = len(prompt.points)
        return _by_model(prompt, f"A maximum of 4 blocks with cache_control may be provided. Found {count}.")
    place = f"{_list(point)}.{_decorated(point, prompt)}.cache_control"
    if reason is Reason.TTL_ORDER:
        return _by_model(prompt, f"{place}.ttl: {_ORDER}")
    if reason is Reason.TTL_UNSUPPORTED:
        return _by_model(prompt, f"{place}.ttl: Extra inputs are not permitted")
    return _by_model(prompt, f"{place}: Extra inputs are not permitted")


def _by_model(prompt: Prompt, text: str) -> ServiceFailure:
    # Converse puts a preface before what the model's own validator says; InvokeModel hands it on verbatim.
    return invalid(f"The model returned the following errors: {text}" if not prompt.api.native else text)


def _list(point: CachePoint) -> str:
    if point.section is Section.MESSAGES:
        return f"messages.{point.message}.content"
    return point.section.value


def _pointer(point: CachePoint) -> str:
    # Recorded: tools/18 with the point at 18, content/0 with the point at 1 after a toolResult.
    if point.section is Section.TOOLS:
        return f"#/toolConfig/tools/{point.index}"
    if point.section is Section.SYSTEM:
        return f"#/system/{max(point.index - 1, 0)}"
    return f"#/messages/{point.message}/content/{max(point.index - 1, 0)}"


def _blocks_before(point: CachePoint, prompt: Prompt) -> int:
    """Blocks before the point in its own list, as the model's API has them (a text document is two)."""
    return sum(
        segment.blocks
        for segment in prompt.segments[: point.after]
        if segment.section is point.section and segment.message == point.message
    )


def _decorated(point: CachePoint, prompt: Prompt) -> int:
    return point.index if prompt.api.native else max(_blocks_before(point, prompt) - 1, 0)
