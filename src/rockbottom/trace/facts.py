"""What is in a trace, typed: its encoding is the JSON that ``rockbottom trace info --json`` prints."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from rockbottom.catalog import Catalog, CatalogError, SetApart, apart_of, summed_apart
from rockbottom.trace.columns import Trace
from rockbottom.trace.reading import Reading


class TraceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of a trace and of what was wrong with its source; ``usage_observed``: every request has counters.

    ``set_apart`` are requests to models that are not known; the field is there where any are.
    """

    format: str
    requests: int
    blocks: int
    points: int
    sessions: int
    models: tuple[str, ...]
    regions: tuple[str, ...]
    span_seconds: float
    tokens_in: int
    tokens_out: int
    usage_observed: bool
    damaged_lines: int
    duplicates: int
    out_of_order: int
    column_bytes: int
    set_apart: tuple[SetApart, ...] | UnsetType = UNSET


def unknown_models(trace: Trace, catalog: Catalog) -> tuple[SetApart, ...]:
    """The requests to models that the catalogue does not know."""
    apart: list[SetApart] = []
    requests = trace.requests
    for code, name in enumerate(trace.names["model"]):
        try:
            if name:
                catalog.model(name)
        except CatalogError as error:
            rows = requests.model == code
            tokens = int(requests.tokens_in[rows].clip(0).sum()) + int(requests.tokens_out[rows].clip(0).sum())
            apart.append(apart_of(name, int(rows.sum()), tokens, error))
    return summed_apart(apart)


def facts_of(reading: Reading, apart: Sequence[SetApart] = ()) -> TraceFacts:
    """The facts of what was read; ``apart`` are the requests to models that are not known."""
    trace = reading.trace
    requests = trace.requests
    return TraceFacts(
        format=reading.reader,
        requests=len(trace),
        blocks=len(trace.blocks.depth),
        points=len(trace.points.after),
        sessions=len(trace.names["session"]),
        models=tuple(name for name in trace.names["model"] if name),
        regions=tuple(trace.names["region"]),
        span_seconds=round(trace.span_s, 3),
        tokens_in=int(requests.tokens_in.sum(dtype="int64")),
        tokens_out=int(requests.tokens_out.clip(0).sum(dtype="int64")),
        usage_observed=trace.is_observed,
        damaged_lines=reading.damages.count,
        duplicates=reading.duplicates,
        out_of_order=reading.reordered,
        column_bytes=trace.nbytes,
        set_apart=tuple(apart) or UNSET,
    )
