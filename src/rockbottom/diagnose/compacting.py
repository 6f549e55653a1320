"""The conversations of explained requests compacted: at which turn that would have paid."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import numpy as np

from rockbottom.catalog import Catalog, NoPriceInForce, Tier
from rockbottom.cost import Cost, total_of
from rockbottom.diagnose.findings import Findings
from rockbottom.diagnose.sent import Sent
from rockbottom.documents import CompactionResult
from rockbottom.prompt import PrefixHash, Section
from rockbottom.quantities import NO_USAGE, WRITES, Unit, Usage
from rockbottom.replay import AtTurn, Rates, Turns, best_turn, compactions

_UNITS = tuple(Unit)


def with_compaction(findings: Findings, requests: Sequence[Sent], catalog: Catalog) -> Findings:
    """The findings with the turn at which compaction would pay; unchanged where counters or prices are missing.

    ``requests`` are those explained, in order of time.
    """
    if not requests or any(request.usage is None for request in requests):
        return findings
    parts = replace(
        findings.parts, compaction=_best(requests, catalog),
        attached_compaction=_best(findings.attached_requests, catalog),
    )  # fmt: skip
    return replace(findings, parts=parts)


def _best(requests: Sequence[Sent], catalog: Catalog) -> CompactionResult | None:
    """The turn at which compaction saves most; None where none is to be told."""
    rates = _Priced(catalog)
    codes = [rates.code(request) for request in requests]
    turns: dict[int, AtTurn] = {}
    try:
        for row in compactions(_turns(requests, codes)):
            turns[row.turn] = AtTurn(row.conversations, rates.cost(row.less), rates.cost(row.more))
    except NoPriceInForce:
        return None
    return best_turn(turns)


class _Priced:
    """The prices of requests, each with a code: of a model as reached, in a Region, on a day, by prompt length."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._codes: dict[tuple[str, str, Tier, date, int], int] = {}
        self._rates: list[tuple[Rates, int]] = []

    def code(self, sent: Sent) -> int:
        """The code of the prices of a request."""
        rates = Rates(sent.model, sent.record.tier, sent.on, self._catalog.price_book, sent.record.called or None)
        threshold = max(
            above for above in rates.thresholds() if not above or (sent.usage or NO_USAGE).total_input > above
        )
        code = self._codes.setdefault(
            (sent.model.given, sent.record.called, sent.record.tier, sent.on, threshold), len(self._rates)
        )
        if code == len(self._rates):
            self._rates.append((rates, threshold))
        return code

    def cost(self, tokens: Mapping[tuple[int, Unit], int]) -> Cost:
        """Tokens by code and unit. Raises NoPriceInForce."""
        return total_of(
            rates.cost(Usage(**{unit.value: count}), threshold)
            for (code, unit), count in tokens.items() for rates, threshold in (self._rates[code],)
        )  # fmt: skip


def _turns(requests: Sequence[Sent], codes: Sequence[int]) -> Turns:
    before, turn = _linked(requests)
    usages = [sent.usage or NO_USAGE for sent in requests]
    fronts = [_front(sent) for sent in requests]
    columns = (
        before, turn, fronts, [_kept(sent, front) for sent, front in zip(requests, fronts, strict=True)],
        [sent.tokens for sent in requests], [usage.cache_read for usage in usages],
        [usage.cache_write for usage in usages], [usage.output for usage in usages],
        [_write_unit(sent) for sent in requests], codes, [sent.rules.minimum_tokens for sent in requests],
    )  # fmt: skip
    return Turns(*(np.asarray(column, np.int64) for column in columns))


def _linked(requests: Sequence[Sent]) -> tuple[list[int], list[int]]:
    """The request that each goes on from, the one whose whole prompt is its longest prefix, and its turn."""
    ends: dict[tuple[str, PrefixHash], int] = {}
    before, turn = list[int](), list[int]()
    for number, sent in enumerate(requests):
        model = sent.model.model.id
        earlier = next((ends[model, prefix] for prefix in sent.content[-2:0:-1] if (model, prefix) in ends), -1)
        before.append(earlier)
        turn.append(turn[earlier] + 1 if earlier >= 0 else 1)
        ends[model, sent.content[-1]] = number
    return before, turn


def _front(sent: Sent) -> int:
    """Tokens of tools and instructions."""
    blocks = sum(segment.section is not Section.MESSAGES for segment in sent.prompt.segments)
    return sent.prompt.depths[blocks]


def _kept(sent: Sent, front: int) -> int:
    """Depth of the last point in the front at which an entry stands, by the counters."""
    usage = sent.usage or NO_USAGE
    cached = usage.cache_read + usage.cache_write
    if sent.rules.implicit_point:
        return min(front, cached)
    depths = [sent.prompt.depths[point.after] for point in sent.prompt.points]
    real = (depth for depth in depths if sent.rules.minimum_tokens <= depth <= min(front, cached))
    return max(real, default=0)


def _write_unit(sent: Sent) -> int:
    """The unit that most of the written tokens have; of none that of the model's usual lifetime."""
    writes = (sent.usage or NO_USAGE).writes()
    written = max(writes, key=lambda ttl: writes[ttl])
    usual = sent.rules.ttls[0] if sent.rules.ttls else None
    ttl = written if writes[written] else usual
    return _UNITS.index(Unit.INPUT if ttl is None else WRITES[ttl])
