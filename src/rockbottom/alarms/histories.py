"""Calls that other records hold, in the shape of the ledger's: invocation logs and imported traces."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from rockbottom.catalog import Catalog, CatalogError
from rockbottom.ledger import CallRecord
from rockbottom.quantities import Ttl, Usage
from rockbottom.sinks import cost_of

if TYPE_CHECKING:
    from rockbottom.trace import Trace

_UNREPORTED = -1


def calls_of_trace(trace: "Trace", catalog: Catalog) -> Iterator[CallRecord]:
    """The requests of a trace whose counters the service reported, priced as of their day.

    The prefix family is the hash of the tools and the system text. What the service did not report is left out.
    """
    from rockbottom.trace import usage_at

    requests, names = trace.requests, trace.names
    families = _families(trace)
    for index in range(len(trace)):
        if requests.observed_input[index] == _UNREPORTED:
            continue
        at = float(requests.at[index])
        model, scope, ttls = _resolved(_name(names["model"], requests.model[index]), at, catalog)
        call = CallRecord(
            at=at,
            model=model,
            operation="",
            scope=scope,
            region=_name(names["region"], requests.region[index]),
            tier=_name(names["tier"], requests.tier[index]),
            **usage_at(requests, index).named(ttls).fields(),
            family=families[index],
            points=int(trace.point_offsets[index + 1] - trace.point_offsets[index]),
            endpoint="aws",
        )
        yield priced(call, catalog)


def priced(call: CallRecord, catalog: Catalog) -> CallRecord:
    """The call with its cost, and that of the same call without caching, where prices are known."""
    cost = cost_of(call, call.usage, catalog)
    plain = cost_of(call, Usage(input=call.total_input, output=call.output), catalog)
    return msgspec.structs.replace(
        call,
        cost_usd=None if cost is None else str(cost),
        uncached_usd=None if plain is None else str(plain),
    )


def _resolved(name: str, at: float, catalog: Catalog) -> tuple[str, str, tuple[Ttl, ...]]:
    """A model's id and scope, and the lifetimes it had then; none where that is not known."""
    try:
        model_id = catalog.model(name)
    except CatalogError:
        return name, "", ()
    try:
        ttls = catalog.rules(model_id, datetime.fromtimestamp(at, UTC).date()).ttls
    except (CatalogError, OverflowError, ValueError, OSError):
        ttls = ()
    return model_id.model.id, model_id.scope.value, ttls


def _name(names: tuple[str, ...], code: int) -> str:
    return names[code] if code >= 0 else ""


def _families(trace: "Trace") -> list[str]:
    from rockbottom.trace import SectionCode

    families: list[str] = []
    for index in range(len(trace)):
        low, high = trace.block_offsets[index], trace.block_offsets[index + 1]
        front = [row for row in range(low, high) if trace.blocks.section[row] != SectionCode.MESSAGES]
        families.append(f"{int(trace.blocks.prefix[front[-1]]):016x}" if front else "")
    return families
