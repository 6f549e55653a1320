"""A rule that chooses the model, as text: what it saves, and what of that the cache takes back."""

from collections.abc import Iterator
from decimal import Decimal

from rockbottom.documents import RoutedPolicy, RoutingResult, TakenResult
from rockbottom.figures import Cell, Column, Paint, change, decimals_for, paragraph, short_tokens, table, usd
from rockbottom.replay import Clause, RoutedBill, RoutingBills, RoutingRule

_SIX = Decimal("0.000001")


def routing_document(source: str, routing: RoutingBills) -> RoutingResult:
    best = min(routing.bills, key=lambda bill: bill.usd)
    best_routed = min(routing.bills, key=lambda bill: bill.routed_usd)
    return RoutingResult(
        schema="rockbottom.routing/1", source=source, requests=routing.requests,
        rules=tuple(_taken(rule, count) for rule, count in routing.taken), policies=tuple(map(_policy, routing.bills)),
        best=best.policy, best_usd=best.usd, best_routed=best_routed.policy, best_routed_usd=best_routed.routed_usd,
    )  # fmt: skip


def routing_text(document: RoutingResult, *, width: int = 80, colour: bool = False) -> Iterator[str]:
    """The answer first, then every policy, then the rules."""
    yield from paragraph(_sentence(document), width, "", "  ")
    yield ""
    heads = ("as it was $", "routed $", "price list $", "lost cache $", "read", "read routed")
    columns = [Column("policy", right=False, wide=True), *map(Column, heads)]
    places = decimals_for([row.usd for row in document.policies])
    rows = [
        [
            Cell(row.policy), Cell(usd(row.usd, places)), Cell(usd(row.routed_usd, places)),
            *(Cell("" if amount is None else usd(amount, places)) for amount in (row.naive_usd, row.lost_usd)),
            Cell(short_tokens(row.read_tokens)), Cell(short_tokens(row.routed_read_tokens)),
        ]
        for row in document.policies
    ]  # fmt: skip
    yield from table(columns, rows, width, Paint(colour))
    yield ""
    for taken in document.rules:
        late = "; this is known only after the answer" if taken.hindsight else ""
        yield from paragraph(f"{taken.requests:,} of {document.requests:,}: {taken.rule}{late}", width, " ", "   ")
    note = "outputs held fixed; other models count and answer differently: bench and grade first"
    yield from paragraph(note, width, " ", "   ")


def _sentence(document: RoutingResult) -> str:
    best, routed = document.best_usd, document.best_routed_usd
    places = decimals_for([best, routed])
    was, would = f"${usd(best, places)} ({document.best})", f"${usd(routed, places)} ({document.best_routed})"
    head = f"With these rules {was} would have been {would}"
    share = f", {change(1 - routed / best)}" if best else ""
    row = next(row for row in document.policies if row.policy == document.best_routed)
    if row.lost_usd is None or row.lost_usd <= 0:
        return f"{head}{share}."
    return (
        f"{head}{share}; the switches between models lose ${usd(row.lost_usd, places)} of cache, which is counted in."
    )


def _policy(bill: RoutedBill) -> RoutedPolicy:
    saved = 1 - bill.routed_usd / bill.usd if bill.usd else None
    return RoutedPolicy(
        policy=bill.policy, usd=bill.usd, routed_usd=bill.routed_usd, naive_usd=bill.naive_usd, lost_usd=bill.lost_usd,
        read_tokens=bill.usage.cache_read, routed_read_tokens=bill.routed_usage.cache_read,
        written_tokens=bill.usage.cache_write, routed_written_tokens=bill.routed_usage.cache_write,
        saved=None if saved is None else saved.quantize(_SIX),
    )  # fmt: skip


def _taken(rule: RoutingRule, count: int) -> TakenResult:
    conditions = " and ".join(map(_clause, rule.clauses))
    hindsight = any(clause.hindsight for clause in rule.clauses)
    return TakenResult(rule=f"{rule.model} if {conditions}", model=rule.model, requests=count, hindsight=hindsight)


def _clause(clause: Clause) -> str:
    return f"{clause.what}{clause.sign}{clause.value:,}"
