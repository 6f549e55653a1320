"""What a reply says of charges that its tokens do not show: who served it, guardrails, tools that the service ran."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from rockbottom.catalog import Tier
from rockbottom.dialects import (
    GUARDRAIL_ACTION,
    GUARDRAIL_TRACE,
    MOST_UNITS,
    PERFORMANCE_CONFIG,
    SERVICE_TIER,
    Params,
    invoked_model_of,
    server_tools,
    tier_in,
)
from rockbottom.quantities import ZERO_USD, Usd, is_list, is_object

LOST_ATTEMPTS = "attempts without an answer"
BLIND_GUARDRAIL = "guardrail without a trace"
CAPACITY = "reserved capacity"
ROUTING = "prompt routing"
_SPEAK = frozenset({"trace", GUARDRAIL_TRACE, GUARDRAIL_ACTION, SERVICE_TIER, PERFORMANCE_CONFIG})
_BROKEN_OFF = frozenset({"ReadTimeoutError", "ConnectionClosedError", "IncompleteReadError", "ResponseStreamingError"})


class Charges(Struct, frozen=True):
    """``units`` are counts by AWS's names, ``usd`` what the priced of them cost, ``uncounted`` what has no price here.

    ``tier`` is the tier that served the call, where the reply names one.
    """

    units: Mapping[str, int] = field(default_factory=dict[str, int])
    usd: Usd = ZERO_USD
    uncounted: tuple[str, ...] = ()
    tier: Tier | None = None


def charges_of(reply: Mapping[str, Any], params: Params, *, guarded: bool = False) -> Charges | None:
    """The charges in a reply, or in the last event or chunk of its stream; None where it speaks of none.

    ``params`` are the arguments of the call; ``guarded``: its headers name a guardrail, whose trace is then a member of
    the native reply.
    """
    guarded = guarded or bool(params.get("guardrailConfig"))
    tools = server_tools(reply.get("usage"))
    if _SPEAK.isdisjoint(reply) and not guarded and not tools:
        return None
    from rockbottom.catalog import guardrail_usd, prices_of  # few replies are billed for anything but tokens

    units = _guardrail_units(reply)
    usd, unpriced = guardrail_usd(units)
    prices = prices_of("server_tool")
    usd += sum((prices[name].of(count) for name, count in tools.items() if name in prices), ZERO_USD)
    uncounted = [*unpriced, *(name for name in tools if name not in prices)]
    if guarded and not units:
        uncounted.append(BLIND_GUARDRAIL)
    tier = tier_in(reply)
    if SERVICE_TIER not in reply and Tier.OPTIMIZED not in (tier, tier_in(params)):
        tier = None  # that the latency is the usual one says nothing of the tier
    if tier is Tier.RESERVED:
        uncounted.append(CAPACITY)
    if invoked_model_of(reply) is not None:
        uncounted.append(ROUTING)
    return Charges({**units, **tools}, usd, tuple(uncounted), tier)


def blocked_input(reply: Mapping[str, Any]) -> bool:
    """Whether a guardrail answered in the place of the model, which was not asked and is not billed."""
    guardrail = _traced(reply)
    intervened = reply.get(GUARDRAIL_ACTION) == "INTERVENED"
    return intervened and guardrail is not None and "input" in guardrail and not guardrail.get("outputs")


def _guardrail_units(reply: Mapping[str, Any]) -> dict[str, int]:
    """Text units by policy, summed over the assessments of input and output."""
    units: Counter[str] = Counter()
    for assessment in _assessments(_traced(reply)):
        metrics = assessment.get("invocationMetrics")
        usage = metrics.get("usage") if is_object(metrics) else None
        for name, count in usage.items() if is_object(usage) else ():
            if type(count) is int and 0 < count <= MOST_UNITS:
                units[str(name)] += count
    return dict(units)


def _traced(reply: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What a guardrail tells of a call: in ``trace`` of Converse's reply, in a member with a name of its own else."""
    trace = reply.get(GUARDRAIL_TRACE, reply.get("trace"))
    guardrail = trace.get("guardrail") if is_object(trace) else None
    return guardrail if is_object(guardrail) else None


def _assessments(guardrail: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """Those of Converse's trace, or of a native reply, whose outputs are a list of maps by guardrail."""
    for name in _ASSESSED if guardrail is not None else ():
        assessed = guardrail.get(name) if guardrail is not None else None
        for by_guardrail in assessed if is_list(assessed) else [assessed]:
            for value in by_guardrail.values() if is_object(by_guardrail) else ():
                yield from (
                    assessment for assessment in (value if is_list(value) else [value]) if is_object(assessment)
                )


_ASSESSED = ("inputAssessment", "outputAssessments", "input", "outputs")


def may_be_billed(response: Any, error: Exception | None) -> bool:
    """Whether an attempt of botocore reached the service and got no answer; a refusal is one, and is not billed."""
    if response is None:
        return type(error).__name__ in _BROKEN_OFF
    return response[0].status_code >= 500
