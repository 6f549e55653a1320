"""Calls as an attached client records them, priced by the catalogue, for views to look at."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

from rockbottom.catalog import Catalog, NoPriceInForce, Tier, load_catalog
from rockbottom.cost import bill
from rockbottom.ledger import CallRecord
from rockbottom.quantities import Usage

SONNET = "us.anthropic.claude-sonnet-4-6"
HAIKU = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
NOVA = "us.amazon.nova-pro-v1:0"

_UNITS = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h", "cache_write_30m")


@cache
def catalog() -> Catalog:
    return load_catalog()


def call(at: float, model: str = SONNET, **more: Any) -> CallRecord:
    """One call with the cost that the catalogue gives its tokens; ``more`` are fields of the record."""
    known = catalog().model(model)
    usage = Usage(**{unit: more.get(unit, 0) for unit in _UNITS})
    plain = Usage(input=usage.total_input, output=usage.output)
    on = datetime.fromtimestamp(at, UTC).date()
    try:
        cost = str(bill(usage, known, Tier.DEFAULT, on, catalog().price_book).usd)
        uncached = str(bill(plain, known, Tier.DEFAULT, on, catalog().price_book).usd)
    except NoPriceInForce:
        cost = uncached = None
    fields: dict[str, Any] = {
        "operation": "Converse", "scope": known.scope.value, "region": "us-east-1", "tier": "default",
        "cost_usd": cost, "uncached_usd": uncached, "points": 1, "minimum": 1024, "endpoint": "aws",
        "source": "client",
    }  # fmt: skip
    return CallRecord(at=at, model=known.model.id, **(fields | more))


def _family(digest: str, size: int, model: str) -> str:
    return f"{digest}: {size:,} tokens, {catalog().model(model).model.name}"


def read(at: float, size: int = 4000, **more: Any) -> CallRecord:
    """A call that read its prefix."""
    return call(at, **{"cache_read": size, "input": 180, "output": 220, "cacheable": size, "first_ms": 420.0,
        "family": _family("3fa91c", size, more.get("model", SONNET)), **more})  # fmt: skip


def write(at: float, size: int = 4000, **more: Any) -> CallRecord:
    """A call that wrote its prefix."""
    return call(at, **{"cache_write_5m": size, "input": 180, "output": 220, "cacheable": size, "first_ms": 900.0,
        "family": _family("3fa91c", size, more.get("model", SONNET)), **more})  # fmt: skip


def a_day(end: float, seed: int = 7, seconds: int = 86_400, every: float = 20.0) -> Iterator[CallRecord]:
    """Two features up to ``end``: pauses that outlive entries, bursts, Region hops, a deploy that broke a prefix."""
    chance = random.Random(seed)
    at, last = end - seconds, {"chat": 0.0, "search": 0.0, "us-west-2": 0.0}
    deploy = end - 0.2 * seconds
    number = 0
    while True:
        number += 1
        at += chance.expovariate(1 / every) + (900 if chance.random() < 0.002 else 0)
        if at >= end:
            return
        feature = "chat" if chance.random() < 0.7 else "search"
        tags = {"feature": feature, "tenant": chance.choice(["acme", "globex", "initech"])}
        first = chance.lognormvariate(6.0 if feature == "chat" else 5.4, 0.35)
        common = {"tags": tags, "first_ms": first, "elapsed_ms": first + 1500, "output": chance.randrange(80, 400)}
        if feature == "search" and at > deploy:  # since the deploy a timestamp stands in the system prompt
            family = _family(f"{number * 7919 % 0xFFFFFF:06x}", 5200 + number % 3, HAIKU)
            common |= {"model": HAIKU, "minimum": 4096}
            yield call(at, input=90, cache_write_5m=5200, cacheable=5200, family=family, **common)
        elif feature == "search":
            cold = at - last["search"] > 300
            yield (write if cold else read)(at, 5200, model=HAIKU, minimum=4096, input=90, **common)
        elif chance.random() < 0.01:
            cold, last["us-west-2"] = at - last["us-west-2"] > 300, at
            yield (write if cold else read)(at, region="us-west-2", **common)
            continue
        else:
            cold = at - last["chat"] > 300
            yield (write if cold else read)(at, input=chance.randrange(40, 300), **common)
            if cold and number > 1:
                yield from (write(at + 0.05 * again, input=120, **common) for again in (1, 2))
        last[feature] = at
        if chance.random() < 0.004:
            yield call(at, status="failed", tags=tags)
