"""What misses and wasted writes cost: prices of the catalogue as a table, a row for each that was asked for."""

from datetime import UTC, datetime, timedelta
from typing import Any

from rockbottom.catalog import Catalog, NoPriceInForce, Scope, Tier
from rockbottom.ledger import picousd_of
from rockbottom.quantities import LONGEST_FIRST, WRITES, Unit
from rockbottom.tables.database import Database
from rockbottom.tables.rows import WRITTEN

_UNITS = (Unit.INPUT, Unit.CACHE_READ, *WRITES.values())
_KEYS = ("model", "scope", "region", "tier", "day", "band")
_TOTAL = f"input + cache_read + {WRITTEN}"
# Tokens that are read instead are taken from what was written first, then from what was not cached.
_PAID_AS = (*(WRITES[ttl].value for ttl in LONGEST_FIRST), "input")


class Prices:
    """Prices in pico-dollars a token, NULL where none is in force, of whatever calls ask for."""

    def __init__(self, database: Database, catalog: Catalog) -> None:
        self._database, self._book = database, catalog.price_book
        sizes = sorted({row.above_context_tokens for row in self._book.rows} - {0})
        self._band = " + ".join(["0", *(f"({_TOTAL} > {size})::INTEGER" for size in sizes)])
        columns = ", ".join(f"{unit.value}_price BIGINT" for unit in _UNITS)
        database.run(
            "CREATE TABLE prices (model VARCHAR, scope VARCHAR, region VARCHAR, tier VARCHAR, day BIGINT, "
            f"band INTEGER, {columns})"
        )

    def price_misses(self) -> None:
        """Move the misses in ``found`` of rows in ``fresh`` to ``misses``, with what they cost above a read."""
        self._learn("found", "fresh")
        self._database.run(f"INSERT INTO misses BY NAME {self._misses()}")

    def price_waste(self, wasted: str) -> None:
        """Make ``waste`` of the stretches in ``wasted``, with what they cost above plain input."""
        self._database.run(f"CREATE OR REPLACE TEMP TABLE wasted AS {wasted}")
        self._learn("wasted", "recent")
        write = "CASE unit " + " ".join(f"WHEN '{unit}' THEN p.{unit}_price" for unit in _PAID_AS[:-1]) + " END"
        self._database.run(
            f"CREATE OR REPLACE TEMP TABLE waste AS SELECT w.id, w.tokens, "
            f"w.tokens * greatest({write} - p.input_price, 0 * {write} * p.input_price) AS picousd "
            f"FROM wasted w JOIN {_rows_named('wasted', 'recent')} c USING (id) {self._joined()} WHERE w.tokens > 0"
        )

    def _misses(self) -> str:
        taken, left = list[str](), "f.tokens"
        for unit in _PAID_AS:
            taken.append(f"least({left}, c.{unit})")
            left = f"greatest({left} - c.{unit}, 0)"
        saved = " + ".join(
            f"CASE WHEN {tokens} > 0 THEN {tokens} * (p.{unit}_price - p.cache_read_price) ELSE 0 END"
            for unit, tokens in zip(_PAID_AS, taken, strict=True)
        )
        # A unit that the call was billed for has a price, or what it cost is not known.
        known = " AND ".join(f"(c.{unit.value} = 0 OR p.{unit.value}_price IS NOT NULL)" for unit in _UNITS)
        lost = f"CASE WHEN {known} AND (f.tokens = 0 OR p.cache_read_price IS NOT NULL) THEN greatest({saved}, 0) END"
        return (
            'SELECT f.*, c."at", c.local, c.model, c.tags, c.family, c.family_tokens, '
            f"{lost} AS lost_picousd FROM found f JOIN {_rows_named('found', 'fresh')} c USING (id) {self._joined()}"
        )

    def _joined(self) -> str:
        return (
            "JOIN prices p ON p.model = c.model AND p.scope = c.scope AND p.region = c.region AND p.tier = c.tier "
            f'AND p.day = floor(c."at" / 86400)::BIGINT AND p.band = {self._band}'
        )

    def _learn(self, named: str, calls: str) -> None:
        """Look up the prices that the rows named in the table ``named`` need and that are not known yet."""
        keys = ", ".join(_KEYS)
        rows = self._database.run(
            f'SELECT {keys}, any_value(total) FROM (SELECT *, floor("at" / 86400)::BIGINT AS day, '
            f"{self._band} AS band, {_TOTAL} AS total FROM {_rows_named(named, calls)}) "
            f"ANTI JOIN prices USING ({keys}) GROUP BY {keys}"
        )
        if rows:
            marks = ", ".join(f"${place}" for place in range(1, len(_KEYS) + len(_UNITS) + 1))
            self._database.run_with_each(f"INSERT INTO prices VALUES ({marks})", [self._row(*row) for row in rows])

    def _row(self, model: str, scope: str, region: str, tier: str, day: int, band: int, total: int) -> list[Any]:
        prices = [self._price(model, scope, region, tier, day, total, unit) for unit in _UNITS]
        return [model, scope, region, tier, day, band, *prices]

    def _price(self, model: str, scope: str, region: str, tier: str, day: int, total: int, unit: Unit) -> int | None:
        try:
            on = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)).date()
            priced_scope, priced_tier = (
                Scope(scope),
                Tier(tier or Tier.DEFAULT.value),
            )  # no serviceTier: the default one
            price = self._book.price(model, priced_scope, priced_tier, unit, on, total, region or None)
        except (NoPriceInForce, ValueError, OverflowError):  # a scope, tier or instant that nobody knows
            return None
        return picousd_of(str(price.usd_per_mtok / 1_000_000))


def _rows_named(named: str, calls: str) -> str:
    """SQL: the few rows of ``calls`` that are named in ``named``, before anything is looked up for them."""
    return f"(SELECT * FROM {calls} WHERE id IN (SELECT id FROM {named}))"
