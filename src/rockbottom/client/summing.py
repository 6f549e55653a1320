"""A report made of records: of a program that has ended, with all processes that were part of it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal

from msgspec import Struct, field

from rockbottom.catalog import Catalog, CatalogError
from rockbottom.client.reporting import Beside, Line, Rehearsals, Report
from rockbottom.cost import Arm, ArmSums, caching_by_themselves, compared, saved_by_itself
from rockbottom.figures import thousands
from rockbottom.ledger import CallRecord
from rockbottom.quantities import NO_USAGE, ZERO_USD, Usage, Usd

_MOST_FAMILIES = 256


class _Sum(Struct):
    """Running sums of one line."""

    calls: int = 0
    usage: Usage = NO_USAGE
    cost_usd: Usd = ZERO_USD
    uncached_usd: Usd = ZERO_USD
    unpriced: int = 0

    def add(self, call: CallRecord) -> None:
        self.calls += 1
        self.usage += call.usage
        if call.cost_usd is None or call.uncached_usd is None:
            self.unpriced += 1
        else:
            self.cost_usd += Decimal(call.cost_usd)
            self.uncached_usd += Decimal(call.uncached_usd)

    def line(self, name: str) -> Line:
        return Line(name, self.calls, self.usage, self.cost_usd, self.uncached_usd, self.unpriced)


class _Sums(Struct):
    """What a report says, while records come in."""

    read: set[str] = field(default_factory=set[str])  # the models that read from a cache
    models: dict[str, _Sum] = field(default_factory=dict[str, _Sum])
    families: dict[str, _Sum] = field(default_factory=dict[str, _Sum])
    total: _Sum = field(default_factory=_Sum)
    without_usage: int = 0
    keep_alive_usd: Usd = ZERO_USD
    rehearsals: Rehearsals | None = None
    local: int = 0
    unpriced: Counter[str] = field(default_factory=Counter[str])
    arms: dict[Arm, ArmSums] = field(default_factory=dict[Arm, ArmSums])
    lost: int = 0
    cut: int = 0
    unmetered: int = 0
    unmetered_usd: tuple[Usd, Usd] = (ZERO_USD, ZERO_USD)
    charges: Counter[str] = field(default_factory=Counter[str])
    charges_usd: Usd = ZERO_USD
    uncounted: Counter[str] = field(default_factory=Counter[str])

    @property
    def beside(self) -> Beside:
        """What the tokens do not show; the sizes of prompts without usage are in no record."""
        counted = (dict(self.charges), self.charges_usd, dict(self.uncounted))
        return Beside(self.lost, self.cut, 0, *counted, self.unmetered, self.unmetered_usd)

    def add(self, call: CallRecord, catalog: Catalog) -> None:
        self.lost += call.lost
        self.cut += call.cut
        self.charges.update(call.charges)
        self.charges_usd += Decimal(call.extra_usd or 0)
        self.uncounted.update(call.uncounted)
        if call.source == "keep-alive":
            self.keep_alive_usd += Decimal(call.cost_usd or 0)
        elif call.status != "ok":
            self.without_usage += 1
            self._add_bounds(call)
        else:
            self._add(call, _name(call.model, catalog))

    def _add_bounds(self, call: CallRecord) -> None:
        if call.least_usd is not None and call.most_usd is not None:
            least, most = self.unmetered_usd
            self.unmetered += 1
            self.unmetered_usd = least + Decimal(call.least_usd), most + Decimal(call.most_usd)

    def _add(self, call: CallRecord, name: str) -> None:
        self.total.add(call)
        self.models.setdefault(f"{name} ({call.scope})" if call.scope else name, _Sum()).add(call)
        self.families.setdefault(_family(call, name), _Sum()).add(call)
        self.local += call.simulated
        if call.cache_read:
            self.read.add(call.model)
        if call.cost_usd is None:
            self.unpriced[name if call.scope else f"{name}, which the catalogue does not know"] += 1
        arm = Arm.of(call.arm)
        if arm is not None:
            self.arms[arm] = self.arms.get(arm, ArmSums()) + _group_of(call)
        if call.planned_usd is not None and call.cost_usd is not None:
            before = self.rehearsals or Rehearsals()
            self.rehearsals = Rehearsals(
                before.calls + 1,
                before.cost_usd + Decimal(call.cost_usd),
                before.planned_usd + Decimal(call.planned_usd),
            )


def report_of(
    calls: Iterable[CallRecord], since: float, until: float, catalog: Catalog, notices: Iterable[str] = ()
) -> Report:
    """What a report of one client over these calls would say, as far as records hold it."""
    sums = _Sums()
    for call in calls:
        sums.add(call, catalog)
    by_themselves = caching_by_themselves(catalog, sums.read)
    savings = (saved_by_itself(by_themselves),) if by_themselves else ()
    return Report(
        since,
        until,
        tuple(_lines(sums.models)),
        tuple(_lines(sums.families)),
        sums.total.line("total"),
        sums.without_usage,
        sums.keep_alive_usd,
        (*notices, *savings),
        dry_run=sums.rehearsals,
        local=sums.local,
        unpriced=dict(sums.unpriced),
        holdout=compared(sums.arms),
        beside=sums.beside,
    )


def _group_of(call: CallRecord) -> ArmSums:
    cost, uncached = Decimal(call.cost_usd or 0), Decimal(call.uncached_usd or 0)
    return ArmSums(1, cost, uncached, int(call.first_ms is not None), call.first_ms or 0.0)


def _lines(sums: dict[str, _Sum]) -> Iterator[Line]:
    lines = (total.line(name) for name, total in sums.items())
    return iter(sorted(lines, key=lambda line: (-line.uncached_usd, line.name)))


def _name(model: str, catalog: Catalog) -> str:
    try:
        return catalog.model(model).model.name
    except CatalogError:
        return model or "an unknown model"


def _family(call: CallRecord, name: str) -> str:
    """As a report of a client names the tools and system that calls share, but for the number of tools."""
    if not call.family:
        return "requests that could not be read"
    size = f": {thousands(call.family_tokens)} tokens" if call.family_tokens else ""
    return f"{call.family}{size}, {name}"
