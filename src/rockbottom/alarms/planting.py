"""A regression planted into recorded calls: from an instant on, a share of the prefixes stops hitting. Pure.

``changes``: something in front of the prompt changes every call, so that what was read is written instead.
``vanishes``: cachePoints are sent and nothing is cached, so that what was read or written is plain input.
The bill of each call is worked out again at the prices in force; tokens of the answer stay.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from rockbottom.catalog import Catalog
from rockbottom.ledger import CallRecord
from rockbottom.quantities import WRITES, ZERO_USD, Ttl, Usage, Usd
from rockbottom.sinks import cost_of

KINDS = ("changes", "vanishes")
Family = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Plant:
    """A regression: what happens, to which prefix families, and what share of the tokens read is theirs."""

    kind: str
    families: frozenset[Family]
    share: float


def plant(calls: Sequence[CallRecord], kind: str, share: float, seed: str = "") -> Plant:
    """Families chosen by a hash until they hold at least ``share`` of the tokens read; one at least.

    Another ``seed`` chooses others. Where nothing is read, every family is chosen and the share is zero.
    """
    read: dict[Family, int] = defaultdict(int)
    for call in calls:
        read[_family(call)] += call.cache_read
    total = sum(read.values())
    chosen: set[Family] = set()
    taken = 0
    for family in sorted(
        (family for family in read if read[family] or not total), key=lambda family: _order(family, seed)
    ):
        if chosen and total and taken >= share * total:
            break
        chosen.add(family)
        taken += read[family]
    return Plant(kind, frozenset(chosen), taken / total if total else 0.0)


def planted(calls: Iterable[CallRecord], regression: Plant, at: float, catalog: Catalog) -> Iterator[CallRecord]:
    """The calls with a regression in them: those of its families are changed from ``at`` on."""
    for call in calls:
        yield (
            _changed(call, regression.kind, catalog) if call.at >= at and _family(call) in regression.families else call
        )


def extra_usd(before: CallRecord, after: CallRecord) -> Usd:
    """What the regression adds to one call; zero where a price is not known."""
    if before.cost_usd is None or after.cost_usd is None:
        return ZERO_USD
    return Decimal(after.cost_usd) - Decimal(before.cost_usd)


def _family(call: CallRecord) -> Family:
    return call.model, call.family


def _order(family: Family, seed: str) -> str:
    return hashlib.sha256("\0".join((seed, *family)).encode()).hexdigest()


def _changed(call: CallRecord, kind: str, catalog: Catalog) -> CallRecord:
    if call.status != "ok" or not (call.cache_read or (kind == "vanishes" and call.cache_write)):
        return call
    if kind == "vanishes":
        tokens = Usage(input=call.total_input, output=call.output).fields()
    else:
        tokens = {"cache_read": 0, _lifetime(call): getattr(call, _lifetime(call)) + call.cache_read}
    more: dict[str, Any] = {**tokens, "points": max(call.points, 1)}
    after = msgspec.structs.replace(call, **more)
    cost = None if call.cost_usd is None else cost_of(call, after.usage, catalog)
    return msgspec.structs.replace(after, cost_usd=None if cost is None else str(cost))


def _lifetime(call: CallRecord) -> str:
    """Where the tokens would be written: the lifetime that the call itself writes, else five minutes."""
    written = [ttl for ttl, tokens in call.usage.writes().items() if tokens]
    usual = Ttl.FIVE_MINUTES
    return WRITES[usual if usual in written or not written else max(written, key=lambda ttl: ttl.seconds)].value
