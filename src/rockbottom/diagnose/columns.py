"""Requests of a trace explained: hashes and counters in columns, and no text."""

from collections.abc import Iterator
from dataclasses import replace

from rockbottom.catalog import MANTLE, Tier
from rockbottom.diagnose.causes import Cause
from rockbottom.diagnose.hashed import Hashed
from rockbottom.diagnose.sent import LoggedRequest
from rockbottom.dialects import host_of
from rockbottom.figures import thousands
from rockbottom.quantities import Ttl, Usage
from rockbottom.trace import APIS, UNKNOWN, SectionCode, Trace, usage_at

_TTLS = {ttl.code: ttl for ttl in Ttl}
_TIERS = {tier.value: tier for tier in Tier}


def hashed_of(trace: Trace, source: str) -> Iterator[Hashed]:
    """The requests of a trace, in order of time; a prompt that shrank within a session says so.

    Of requests without blocks nothing can be said; they come without hashes.
    """
    before: dict[tuple[int, int], Hashed] = {}
    for row in range(len(trace)):
        request = _request(trace, row, f"{source} #{row + 1}")
        key = int(trace.requests.session[row]), int(trace.requests.model[row])
        if key[0] != UNKNOWN:
            earlier = before.get(key)
            request = request if earlier is None else _compacted(request, earlier)
            before[key] = request
        yield request


def _compacted(request: Hashed, earlier: Hashed) -> Hashed:
    """The request, told to be compacted where it is shorter than the one before and shares no message with it."""
    messages, former = request.hashes[request.stable :], earlier.hashes[earlier.stable :]
    if not messages or not former or messages[0] in former or request.depths[-1] >= earlier.depths[-1]:
        return request
    evidence = (
        f"the prompt went from {thousands(earlier.depths[-1])} to {thousands(request.depths[-1])} tokens "
        "and was rebuilt"
    )
    return replace(request, cause=Cause.HISTORY_REWRITTEN, evidence=evidence)


def _request(trace: Trace, row: int, where: str) -> Hashed:
    requests, blocks, points = trace.requests, trace.blocks, trace.points
    start, end = int(trace.block_offsets[row]), int(trace.block_offsets[row + 1])
    first, last = int(trace.point_offsets[row]), int(trace.point_offsets[row + 1])
    section = blocks.section[start:end]
    tools, stable = int((section == SectionCode.TOOLS).sum()), int((section != SectionCode.MESSAGES).sum())
    served = _name(trace, "region", int(requests.served[row]))
    region = _name(trace, "region", int(requests.region[row]))
    api = APIS[int(requests.api[row])]
    model = _name(trace, "model", int(requests.model[row]))
    record = LoggedRequest(
        float(requests.at[row]), model, api, {}, _usage(trace, row),
        served or region, region, _name(trace, "account", int(requests.account[row])), "", None,
        _TIERS.get(_name(trace, "tier", int(requests.tier[row])), Tier.DEFAULT), where,
        host=MANTLE if requests.host[row] else host_of(api, model),
    )  # fmt: skip
    return Hashed(
        record,
        [prefix.to_bytes(8, "little") for prefix in blocks.prefix[start:end].tolist()],
        blocks.depth[start:end].tolist(),
        blocks.weight[start:end].tolist(),
        tools,
        stable,
        [
            (after, _TTLS.get(ttl))
            for after, ttl in zip(points.after[first:last].tolist(), points.ttl[first:last].tolist(), strict=True)
        ],
        ends=[begins for begins in blocks.begins[start:end].nonzero()[0].tolist() if begins],
    )


def _usage(trace: Trace, row: int) -> Usage | None:
    requests = trace.requests
    unknown = UNKNOWN in (requests.observed_input[row], requests.observed_read[row])
    return None if unknown else usage_at(requests, row)


def _name(trace: Trace, table: str, code: int) -> str:
    return "" if code == UNKNOWN else trace.names[table][code]
