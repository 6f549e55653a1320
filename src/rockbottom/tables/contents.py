"""What a ledger holds, what it lost, and which tables of it can be asked."""

from collections import Counter

import msgspec

from rockbottom.ledger import notes_of, volumes_of
from rockbottom.tables.ledger_tables import LedgerTables


class ModelCalls(msgspec.Struct, frozen=True):
    """How many calls of one model a ledger holds."""

    model: str
    calls: int


class DamagedLines(msgspec.Struct, frozen=True):
    """Lines that are no records, and their bytes."""

    lines: int
    bytes: int


class LedgerContents(msgspec.Struct, frozen=True, kw_only=True):
    """What there is of a ledger. ``first`` and ``last`` are instants in seconds since the epoch, None without a call.

    ``simulated`` calls went to a local endpoint; ``removed_calls`` were let go to keep the ledger within its bound,
    ``dropped_calls`` could not be written. ``unfinished`` last lines are being written now, or were cut off.
    ``tables`` names the columns of each.
    """

    folder: str
    calls: int
    first: float | None
    last: float | None
    failed: int
    no_usage: int
    priced: int
    simulated: int
    models: tuple[ModelCalls, ...]
    files: int
    bytes: int
    removed_calls: int
    dropped_calls: int
    damaged: DamagedLines
    unfinished: int
    tables: dict[str, list[str]]


_DAMAGED = "SELECT count(*) AS lines, coalesce(sum(size), 0)::BIGINT AS bytes FROM damaged"


def contents_of(tables: LedgerTables, called: str) -> LedgerContents:
    """What is there of the ledger behind these tables, as far as they have taken it in; ``called``: its name."""
    columns = tables.columns()
    kinds = tables.contents()
    (damaged,) = tables.records(DamagedLines, _DAMAGED)
    notes = list(notes_of(tables.folder))
    volumes = volumes_of(tables.folder)
    calls: Counter[str] = Counter()
    for kind in kinds:
        calls[kind.model] += kind.calls
    return LedgerContents(
        folder=called,
        calls=calls.total(),
        first=min((kind.first for kind in kinds), default=None),
        last=max((kind.last for kind in kinds), default=None),
        failed=sum(kind.failed for kind in kinds),
        no_usage=sum(kind.no_usage for kind in kinds),
        priced=sum(kind.priced for kind in kinds),
        simulated=sum(kind.calls for kind in kinds if kind.endpoint == "local"),
        models=tuple(ModelCalls(name, calls[name]) for name in sorted(calls, key=lambda name: (-calls[name], name))),
        files=len(volumes),
        bytes=sum(volume.path.stat().st_size for volume in volumes),
        removed_calls=sum(int(note.get("calls", 0)) for note in notes),
        dropped_calls=sum(int(note.get("dropped", 0)) for note in notes),
        damaged=damaged,
        unfinished=tables.unfinished,
        tables=columns,
    )
