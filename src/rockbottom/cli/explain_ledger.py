"""``rockbottom explain LEDGER``: misses explained from what attached clients recorded, which holds no text."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from rockbottom.cli.ledgers import one_ledger
from rockbottom.cli.trace import say_damage

if TYPE_CHECKING:
    from rockbottom.diagnose import Findings, Hashed
    from rockbottom.ledger import CallRecord
    from rockbottom.trace import Damages


def explained_ledger(sources: Sequence[str], damages: "Damages", by: str = "") -> tuple["Findings", int]:
    """The findings of ledgers, folders of them or single files; and how many calls went to a local endpoint."""
    from rockbottom.catalog import load_catalog
    from rockbottom.cli.bars import working
    from rockbottom.diagnose import Archive, explain_hashed

    local: Counter[bool] = Counter()
    with working("explaining"):
        findings = explain_hashed(_hashed(sources, local, damages, by), Archive(load_catalog()), date.today())
    say_damage(damages, 0, " ".join(sources))
    return findings, min(local[True], findings.requests)


def _hashed(sources: Sequence[str], local: "Counter[bool]", damages: "Damages", by: str) -> "Iterator[Hashed]":
    """Calls as requests; failed ones, and those that no model saw, cost nothing.

    ``local`` counts which went to a local endpoint.
    """
    from rockbottom.ledger import LedgerReader

    for source in sources:
        path = Path(source)
        with nullcontext(path.parent) if path.is_file() else one_ledger(source) as folder:
            reader = LedgerReader(folder)
            for call in reader.calls_of(path) if path.is_file() else reader.calls():
                if call.status == "failed":
                    damages.failed += 1
                elif call.status == "ok" and call.hashes and not call.usage.total:
                    damages.stopped += 1
                elif not call.fits:
                    damages.add(f"{source}: {call.request_id or call.at}", "a call whose prefixes do not fit together")
                else:
                    local[call.simulated] += bool(call.hashes)
                    yield _of(call, by)
            for line in reader.damaged:
                damages.add(f"{source}: {line.volume}, byte {line.offset}", line.why)
            damages.count += reader.damaged_count - len(reader.damaged)
            damages.unfinished += reader.unfinished


def _of(call: "CallRecord", by: str) -> "Hashed":
    from rockbottom.catalog import Tier
    from rockbottom.diagnose import Cause, Hashed, LoggedRequest
    from rockbottom.dialects import api_of
    from rockbottom.quantities import Ttl

    labels = {"model": call.called_as, "region": call.region, **call.tags}
    begun = call.first_ms if call.first_ms is not None else call.elapsed_ms
    tiers, ttls = {tier.value: tier for tier in Tier}, {ttl.value: ttl for ttl in Ttl}
    causes = {cause.value: cause for cause in Cause}
    record = LoggedRequest(
        call.at, call.called_as, api_of(call.operation), {},
        call.usage if call.status == "ok" else None, call.region, call.region, call.bench_pass or "", call.request_id,
        None if begun is None else begun / 1000, tiers.get(call.tier, Tier.DEFAULT), call.request_id or str(call.at),
        labels.get(by) if by else None, call.host,
    )  # fmt: skip
    points = [(mark, ttls.get(ttl)) for mark, ttl in zip(call.marks, call.ttls, strict=True)]
    names = [bytes.fromhex(name) for name in call.hashes]
    tools, stable = call.sections
    seen = causes.get(call.cause)
    return Hashed(record, names, call.depths, call.weights, tools, stable, points, seen, ends=call.ends)
