"""Calls that other records hold, in the shape of the ledger's: invocation logs and imported traces."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from rockbottom.catalog import Catalog, CatalogError
from rockbottom.ledger import CallRecord
from rockbottom.quantities import Usage
from rockbottom.sinks import cost_of

if TYPE_CHECKING:
    from rockbottom.trace import Trace

_UNREPORTED = -1


def calls_of_trace(trace: "Trace", catalog: Catalog) -> Iterator[CallRecord]:
    """The requests of a trace whose counters the service reported, priced as of their day.

    The prefix family is the hash of the tools and the system text. What the service did not report is left out.
    """
    requests, names = trace.requests, trace.names
    families = _families(trace)
    for index in range(len(trace)):
        if requests.observed_input[index] == _UNREPORTED:
            continue
        model, scope = _resolved(_name(names["model"], requests.model[index]), catalog)
        call = CallRecord(
            at=float(requests.at[index]),
            model=model,
            operation="",
            scope=scope,
            region=_name(names["region"], requests.region[index]),
            tier=_name(names["tier"], requests.tier[index]),
            input=int(requests.observed_input[index]),
            output=max(int(requests.tokens_out[index]), 0),
            cache_read=max(int(requests.observed_read[index]), 0),
            cache_write_5m=max(int(requests.observed_write_5m[index]), 0),
            cache_write_1h=max(int(requests.observed_write_1h[index]), 0),
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


def _resolved(given: str, catalog: Catalog) -> tuple[str, str]:
    try:
        found = catalog.model(given)
    except CatalogError:
        return given, ""
    return found.model.id, found.scope.value


def _name(names: tuple[str, ...], code: int) -> str:
    return names[code] if code >= 0 else ""


def _families(trace: "Trace") -> list[str]:
    from rockbottom.trace import SectionCode

    found: list[str] = []
    for index in range(len(trace)):
        low, high = trace.block_offsets[index], trace.block_offsets[index + 1]
        front = [row for row in range(low, high) if trace.blocks.section[row] != SectionCode.MESSAGES]
        found.append(f"{int(trace.blocks.prefix[front[-1]]):016x}" if front else "")
    return found
