"""``rockbottom explain LEDGER``: misses explained from what attached clients recorded, which holds no text."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from rockbottom.cli.exits import say
from rockbottom.cli.ledgers import one_ledger

if TYPE_CHECKING:
    from rockbottom.diagnose import Findings, Hashed
    from rockbottom.ledger import CallRecord


def explained_ledger(sources: Sequence[str], by: str = "") -> tuple["Findings", int]:
    """The findings of ledgers, folders of them or single files; and how many calls went to a local endpoint."""
    from rockbottom.catalog import load_catalog
    from rockbottom.diagnose import Archive, explain_hashed

    local: Counter[bool] = Counter()
    findings = explain_hashed(_hashed(sources, local, by), Archive(load_catalog()))
    return findings, local[True]


def _hashed(sources: Sequence[str], local: "Counter[bool]", by: str) -> "Iterator[Hashed]":
    """Calls with hashes; failed ones cost nothing, and of those without hashes nothing can be said.

    ``local`` counts which went to a local endpoint.
    """
    from rockbottom.ledger import LedgerReader

    bare = 0
    for source in sources:
        path = Path(source)
        with nullcontext(path.parent) if path.is_file() else one_ledger(source) as folder:
            reader = LedgerReader(folder)
            calls = reader.calls_of(path) if path.is_file() else reader.calls()
            for call in calls:
                if call.status != "failed" and call.hashes and call.fits:
                    local[call.simulated] += 1
                    yield _of(call, by)
                else:
                    bare += call.status != "failed"
            if reader.damaged_count:
                first = reader.damaged[0]
                say(f"{reader.damaged_count} torn lines were left out; the first: {first.volume}, byte {first.offset}")
    if bare:
        say(f"{bare} calls carry no prefix hashes, so nothing can be said of them")


def _of(call: "CallRecord", by: str) -> "Hashed":
    from rockbottom.catalog import Tier
    from rockbottom.diagnose import Cause, Hashed, Record
    from rockbottom.dialects import api_of
    from rockbottom.quantities import Ttl

    labels = {"model": call.called_as, "region": call.region, **call.tags}
    begun = call.first_ms if call.first_ms is not None else call.elapsed_ms
    tiers, ttls = {tier.value: tier for tier in Tier}, {ttl.value: ttl for ttl in Ttl}
    causes = {cause.value: cause for cause in Cause}
    record = Record(
        call.at, call.called_as, api_of(call.operation), {},
        call.usage if call.status == "ok" else None, call.region, call.region, call.bench_pass or "", call.request_id,
        None if begun is None else begun / 1000, tiers.get(call.tier, Tier.DEFAULT), call.request_id or str(call.at),
        labels.get(by) if by else None,
    )  # fmt: skip
    points = [(mark, ttls.get(ttl)) for mark, ttl in zip(call.marks, call.ttls, strict=True)]
    names = [bytes.fromhex(name) for name in call.hashes]
    tools, stable = call.sections
    return Hashed(record, names, call.depths, call.weights, tools, stable, points, causes.get(call.cause))
