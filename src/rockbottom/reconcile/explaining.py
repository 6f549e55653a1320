"""Why a row of two books probably differs, the strongest evidence first. Pure."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from statistics import median

from rockbottom.catalog import Catalog, CatalogError
from rockbottom.figures import counted, share, thousands, usd
from rockbottom.quantities import WRITES, Unit
from rockbottom.reconcile.books import Key
from rockbottom.reconcile.rows import CENT, BookComparison, ReconcileRow, RowReason, tokens_agree

_DELAY = timedelta(days=2)  # a bill's day is complete a day or two later


class Explainer:
    """The likely reasons of one comparison; the strongest evidence first."""

    def __init__(self, of: BookComparison, catalog: Catalog, today: date) -> None:
        self.of = of
        self.catalog = catalog
        self.today = today
        self.rows: dict[Key, ReconcileRow] = {(row.day, row.model): row for row in of.rows}
        self.usual = _usual_ratio(of.rows, of.tolerance)

    def reasons(self, row: ReconcileRow) -> list[RowReason]:
        """Every reason that fits; the last resort where none does."""
        if tokens_agree(row, self.of.tolerance):
            candidates = [self._unpriced(row), self._contested(row), self._discount(row), self._price(row)]
        else:
            candidates = [
                self._unmatched(row), self._not_whole(row), self._inclusive(row), self._unresolved(row),
                self._midnight(row), self._late(row), self._batch(row), self._region(row), self._before(row),
                self._lost(row), self._without_usage(row), self._elsewhere(row), self._projects(row),
            ]  # fmt: skip
        fitting = [reason for reason in candidates if reason is not None]
        return fitting or [self._more_here(row)]

    def _unmatched(self, row: ReconcileRow) -> RowReason | None:
        """The bill has less of it, and lines of which no model can be told."""
        unmatched = self.of.theirs.unmatched
        if row.more_tokens >= 0 or not any(unmatched.values()):
            return None
        names = sorted(unmatched, key=lambda name: -unmatched[name])
        says = f"the bill has lines whose model is not known: {', '.join(names[:3])}"
        return RowReason("unmatched", says if len(names) <= 3 else f"{says} and {len(names) - 3} more")

    def _not_whole(self, row: ReconcileRow) -> RowReason | None:
        if row.more_tokens >= 0 or self.of.theirs.is_whole:
            return None
        return RowReason("more-pages", "the reply names a next page, which is not in the file")

    # Tokens differ ------------------------------------------------------------------------------------------

    def _inclusive(self, row: ReconcileRow) -> RowReason | None:
        """Their input is the whole prompt, and everything else agrees."""
        if row.ours is None or row.theirs is None:
            return None
        mine, their = row.ours.tokens, row.theirs.tokens
        cached = mine["read"] + mine["write"]
        if not cached or abs(their["input"] - mine["input"] - cached) > self.of.tolerance * their["input"]:
            return None
        if any(abs(row.tokens(kind)) > self.of.tolerance * mine[kind] for kind in ("read", "write", "output")):
            return None
        return RowReason("input-inclusive", f"{self.of.theirs.party} counts cached tokens as input as well")

    def _projects(self, row: ReconcileRow) -> RowReason | None:
        """In which projects of bedrock-mantle the calls were counted: another team's is not in this ledger."""
        projects = row.theirs.projects if row.theirs is not None else {}
        if not projects:
            return None
        counts = ", ".join(f"{thousands(calls)} in {name}" for name, calls in sorted(projects.items()))
        return RowReason("projects", f"AWS counted calls of bedrock-mantle by project: {counts}")

    def _midnight(self, row: ReconcileRow) -> RowReason | None:
        """What one day lacks the next has."""
        for step, says in ((1, "the day after"), (-1, "the day before")):
            other = self.rows.get((row.day + timedelta(days=step), row.model))
            if other is None or other.agrees or not row.more_tokens or not other.more_tokens:
                continue
            if abs(row.more_tokens + other.more_tokens) <= abs(row.more_tokens) // 20:
                return RowReason(
                    "day-boundary",
                    f"{says} differs by {thousands(other.more_tokens, signed=True)} tokens the other way: the "
                    "same calls, counted on "
                    "another day (days here are UTC, by when a call left)",
                )
        return None

    def _late(self, row: ReconcileRow) -> RowReason | None:
        days = self.of.theirs.days
        last = row.until or row.day
        late = last > self.today - _DELAY or (days is not None and last >= days[1])
        if row.more_tokens >= 0 or not late or self.of.theirs.party == "CloudWatch":
            return None
        return RowReason("not-yet-billed", f"{last} is the end of the bill: a day is complete a day or two later")

    def _batch(self, row: ReconcileRow) -> RowReason | None:
        if row.theirs is None or not row.theirs.batch_tokens or (row.ours and "batch" in row.ours.tiers):
            return None
        return RowReason(
            "batch", f"{thousands(row.theirs.batch_tokens)} tokens of the bill are batch inference, not calls"
        )

    def _region(self, row: ReconcileRow) -> RowReason | None:
        mine = {region for region in (row.ours.regions if row.ours else ()) if region}
        if self.of.theirs.regions:
            unread = sorted(mine - set(self.of.theirs.regions))
            if unread and row.more_tokens < 0:
                return RowReason("region-not-read", f"calls went to {', '.join(unread)}, which was not read: --region")
            return None
        there = {region for region in (row.theirs.regions if row.theirs else ()) if region}
        if mine and there and mine != there:
            says = f"billed in {', '.join(sorted(there))}; the ledger has {', '.join(sorted(mine))}"
            return RowReason("region", f"{says}: other callers, or a profile that is billed elsewhere")
        return None

    def _before(self, row: ReconcileRow) -> RowReason | None:
        days = self.of.ours.days
        if row.more_tokens <= 0 or days is None or row.day > days[0] or not self.of.ours.is_whole:
            return None
        if row.day < days[0]:
            return RowReason("before-ledger", f"the ledger begins on {days[0]}")
        return RowReason("before-ledger", f"{row.day} is the ledger's first day, and perhaps not a whole one")

    def _lost(self, row: ReconcileRow) -> RowReason | None:
        lost = self.of.ours
        if row.more_tokens <= 0 or not lost.lost_calls or (lost.lost_until and row.day > lost.lost_until):
            return None
        calls = counted(lost.lost_calls, "call")
        says = f"the ledger lost {calls} until {lost.lost_until}: no room, or rotated away unread"
        return RowReason("ledger-lost", says)

    def _without_usage(self, row: ReconcileRow) -> RowReason | None:
        if row.ours is None or not row.ours.without_usage or row.more_tokens <= 0:
            return None
        calls = counted(row.ours.without_usage, "call")
        return RowReason("no-usage", f"{calls} of the ledger ended before their usage arrived")

    def _unresolved(self, row: ReconcileRow) -> RowReason | None:
        if ":application-inference-profile/" not in row.model:
            return None
        return RowReason("profile", f"the model behind this profile is not known: --behind {row.model}=MODEL")

    def _elsewhere(self, row: ReconcileRow) -> RowReason | None:
        if row.more_tokens <= 0:
            return None
        calls = ""
        if row.theirs and row.theirs.calls is not None:
            missing = row.theirs.calls - (row.ours.calls or 0 if row.ours else 0)
            calls = f"{counted(missing, 'call')} not in the ledger: " if missing > 0 else ""
        principals = row.theirs.principals if row.theirs else {}
        names = sorted(principals, key=lambda name: -principals[name])
        who = f"; the bill names {', '.join(names[:3])}" if names else ""
        return RowReason(
            "not-through-client", f"{calls}programs without the client, or other people of the account{who}"
        )

    def _more_here(self, row: ReconcileRow) -> RowReason:
        if row.more_tokens < 0:
            return RowReason(
                "more-in-ledger", "the ledger has more: calls billed to another account, or two ledgers read as one"
            )
        return RowReason("unknown", "no known reason fits")

    # Tokens agree, dollars do not ---------------------------------------------------------------------------

    def _unpriced(self, row: ReconcileRow) -> RowReason | None:
        if row.ours is None or not row.ours.unpriced:
            return None
        calls = counted(row.ours.unpriced, "call")
        return RowReason("unpriced", f"{calls} of the ledger had no known price when made")

    def _contested(self, row: ReconcileRow) -> RowReason | None:
        """A price that some source gives and that is not in force would make the bill."""
        if row.ours is None or row.theirs is None:
            return None
        for price in self.catalog.price_book.contested(row.model, on=row.day):
            kind = _KIND_OF.get(price.unit)
            tokens = row.theirs.tokens.get(kind or "", 0)
            paid = row.theirs.usd_by_kind.get(kind or "")
            if not tokens or paid is None:
                continue
            claimed = price.usd_per_mtok * tokens / 1_000_000
            if abs(claimed - paid) <= max(self.of.tolerance * max(claimed, paid), CENT / 100):
                says = f"{kind} is billed at ${price.usd_per_mtok} a million, as {price.source.title} says"
                return RowReason("contested-price", f"{says}; the price book has another price in force")
        return None

    def _discount(self, row: ReconcileRow) -> RowReason | None:
        ratio = _ratio(row)
        if self.usual is None or ratio is None or abs(ratio - self.usual) > Decimal("0.01"):
            return None
        return RowReason(
            "discount", f"the bill is {share(self.usual, 1)} of the list on every day: a private price, or a discount"
        )

    def _price(self, row: ReconcileRow) -> RowReason | None:
        """The price that was paid for each kind, and whether a new price had just come into force."""
        if row.theirs is None:
            return None
        paid = [
            f"{kind} ${usd(spent * 1_000_000 / row.theirs.tokens[kind])}"
            for kind, spent in row.theirs.usd_by_kind.items()
            if row.theirs.tokens.get(kind)
        ]
        says = f"billed a million tokens at: {', '.join(paid)}" if paid else "the bill has dollars and no quantities"
        near = self._changes(row)
        if near:
            return RowReason("price-change", f"{says}; the price book changes on {near}")
        return RowReason("price", f"{says}; what the ledger used: rockbottom prices show {row.model}")

    def _changes(self, row: ReconcileRow) -> str:
        try:
            rows = self.catalog.price_book.of_model(row.model)
        except CatalogError:
            return ""
        days = {price.valid_from for price in rows if abs((price.valid_from - row.day).days) <= 3}
        return ", ".join(str(day) for day in sorted(days))


_KIND_OF = {
    Unit.INPUT: "input",
    Unit.OUTPUT: "output",
    Unit.CACHE_READ: "read",
    **dict.fromkeys(WRITES.values(), "write"),
}


def _ratio(row: ReconcileRow) -> Decimal | None:
    """Theirs as a share of ours."""
    if row.ours is None or row.theirs is None or not row.ours.usd or row.theirs.usd is None:
        return None
    return row.theirs.usd / row.ours.usd


def _usual_ratio(rows: Sequence[ReconcileRow], tolerance: Decimal) -> Decimal | None:
    """The ratio that nearly every row with equal tokens has, where that is not one; it takes three rows to be usual."""
    ratios = [ratio for row in rows if tokens_agree(row, tolerance) and (ratio := _ratio(row)) is not None]
    if len(ratios) < 3:
        return None
    middle = median(ratios)
    near = [candidate for candidate in ratios if abs(candidate - middle) <= Decimal("0.01")]
    return middle if len(near) >= 0.8 * len(ratios) and abs(middle - 1) > tolerance else None
