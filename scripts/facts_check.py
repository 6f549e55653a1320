"""The price book against litellm and genai-prices as they are installed in an environment of its own.

    scripts/facts_check.py .venv-facts

Every price per token that either has of a model on Bedrock is a cell: a model, reached how, in which Region, at which
tier, for which kind of token. A cell that the book answers otherwise, or not at all, needs a verdict in
docs/reference/facts-check.toml; without one the check fails. Nothing of the two packages is imported here: the file of
litellm is read, and genai-prices is asked by the Python that has it.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, cast

from rockbottom.catalog import CatalogError, Model, Price, PriceBook, Scope, Tier, geographies_of, packaged_catalog
from rockbottom.quantities import WRITES, Ttl, Unit

HERE = Path(__file__).resolve().parent
VERDICTS = HERE.parent / "docs" / "reference" / "facts-check.toml"
_LITELLM = "litellm/model_prices_and_context_window_backup.json"
_FIELD = re.compile(
    r"(?P<what>input_cost_per_token|output_cost_per_token|cache_read_input_token_cost|cache_creation_input_token_cost)"
    r"(?P<hour>_above_1hr)?(?:_above_(?P<band>\d+)k_tokens)?(?:_(?P<tier>batches|flex|priority|ultrafast))?"
)
_UNITS = {
    "input_cost_per_token": Unit.INPUT,
    "output_cost_per_token": Unit.OUTPUT,
    "cache_read_input_token_cost": Unit.CACHE_READ,
    "input_mtok": Unit.INPUT,
    "output_mtok": Unit.OUTPUT,
    "cache_read_mtok": Unit.CACHE_READ,
    "cache_write_1h_mtok": Unit.CACHE_WRITE_1H,
}
_TIERS = {"batches": Tier.BATCH, "flex": Tier.FLEX, "priority": Tier.PRIORITY, None: Tier.DEFAULT}
_REGION = re.compile(r"(us-gov|us|eu|ap|ca|sa|me|il|af|mx)-[a-z]+-\d")
_PREFIXES = {scope.value: scope for scope in Scope}
_EXACT = Decimal("0.000001")
KINDS = ("agrees", "contested", "elsewhere", "differs", "lacks")


@dataclass(frozen=True)
class Cell:
    """One price of another source. ``unit`` None: a write whose lifetime is not named; ``tier`` None: none of AWS's."""

    source: str
    entry: str
    field: str
    model: str
    scope: Scope
    region: str | None
    tier: Tier | None
    unit: Unit | None
    band: int
    usd_per_mtok: Decimal

    @property
    def name(self) -> str:
        return f"{self.source} {self.entry} {self.field}"


@dataclass(frozen=True)
class Finding:
    """A cell and what the book says.

    It agrees; or has the same price as a contested row, or elsewhere (for another scope of the model); or it differs;
    or it lacks the cell.
    """

    cell: Cell
    kind: str
    said: str


def litellm_cells(file: Path) -> Iterator[Cell]:
    """Every price per token of litellm's entries for Bedrock that answer with text."""
    for entry, row in json.loads(file.read_text(encoding="utf-8"), parse_float=Decimal).items():
        about = cast(dict[str, Any], row)
        if "bedrock" not in str(about.get("litellm_provider", "")) or about.get("mode") not in ("chat", "responses"):
            continue
        scope, region, model = _place(entry)
        for field, usd in about.items():
            found = _FIELD.fullmatch(field)
            if found is None or usd is None:
                continue
            unit = Unit.CACHE_WRITE_1H if found["hour"] else _UNITS.get(found["what"])
            tier = None if found["tier"] == "ultrafast" else _TIERS[found["tier"]]
            band = int(found["band"] or 0) * 1000
            usd_per_mtok = (Decimal(usd) * 1_000_000).quantize(_EXACT)
            yield Cell("litellm", entry, field, model, scope, region, tier, unit, band, usd_per_mtok)


def genai_cells(python: Path) -> Iterator[Cell]:
    """Every price of genai-prices for Bedrock, the newest table of each model."""
    told = subprocess.run([python, HERE / "facts_genai.py"], capture_output=True, text=True, check=True).stdout
    for entry, tables in json.loads(told).items():
        regional = entry.startswith("regional.")
        scope, region, model = _place(entry.removeprefix("regional."))
        for field, value in tables[-1].items():
            prices = value if isinstance(value, dict) else {"base": value}
            for start, usd in prices.items():
                if usd is None:
                    continue
                cell = Cell(
                    "genai-prices", entry, field, model, scope, region, Tier.DEFAULT, _UNITS.get(field),
                    0 if start == "base" else int(start), Decimal(usd).quantize(_EXACT),
                )  # fmt: skip
                yield replace(cell, scope=Scope.US) if regional else cell  # "regional" is what us., eu. and jp. cost


def _place(entry: str) -> tuple[Scope, str | None, str]:
    """Scope, Region and id of a key such as bedrock/us-gov-west-1/us-gov.anthropic.claude-sonnet-5-5."""
    parts = entry.split("/")
    region = next((part for part in parts if _REGION.fullmatch(part)), None)
    prefix, dot, rest = parts[-1].partition(".")
    scope = _PREFIXES.get(prefix) if dot else None
    return (scope, region, rest) if scope else (Scope.IN_REGION, region, parts[-1])


def held_against(cell: Cell, book: PriceBook, on: date) -> Finding:
    """What the book says of a cell.

    An id without a Region speaks of any.
    """
    model = _model(cell.model)
    if model is None:
        return Finding(cell, "lacks", "no such model")
    if cell.tier is None:
        return Finding(cell, "lacks", "no such tier")
    rows = [row for row in book.of_model(model.id, on) if _speaks_of(row, cell)]
    own = [row for row in rows if row.scope is cell.scope]
    same = [row for row in rows if _same(row, cell)]
    known = ", ".join(dict.fromkeys(f"{row.usd_per_mtok:f}" for row in own or rows if not row.contested))
    if any(row in own and not row.contested for row in same):
        return Finding(cell, "agrees", known)
    if any(row in own for row in same):
        return Finding(cell, "contested", known)
    if same:
        return Finding(cell, "elsewhere", known)
    return Finding(cell, "differs" if known else "lacks", known)


def _speaks_of(row: Price, cell: Cell) -> bool:
    """Whether a row is of the cell's kind and may hold where the cell does."""
    region = cell.region
    there = region is None or (
        row.region in (None, region) and row.scope in (Scope.IN_REGION, Scope.GLOBAL, *geographies_of(region))
    )
    kind = row.tier is cell.tier and row.unit in _units(cell) and row.above_context_tokens == cell.band
    return kind and there


def _model(name: str) -> Model | None:
    """The model of an id, which may end with a version that AWS's does not have."""
    bare = name.partition("@")[0]
    for given in (bare, bare.removesuffix("-v1:0"), bare.removesuffix(":0")):
        try:
            return packaged_catalog().model(given).model
        except CatalogError:
            continue
    return None


def _units(cell: Cell) -> list[Unit]:
    """The unit, or every one that a write without a lifetime may be."""
    return [cell.unit] if cell.unit else [unit for ttl, unit in WRITES.items() if ttl is not Ttl.ONE_HOUR]


def _same(row: Price, cell: Cell) -> bool:
    return row.usd_per_mtok.quantize(_EXACT) == cell.usd_per_mtok


def verdict_of(finding: Finding, verdicts: Sequence[Mapping[str, str]]) -> str | None:
    """What was written of a finding: the first verdict whose patterns fit."""
    cell = finding.cell
    for row in verdicts:
        fits = fnmatchcase(cell.entry, row.get("entries", "*")) and fnmatchcase(cell.field, row.get("fields", "*"))
        if row["source"] == cell.source and row["kind"] == finding.kind and fits:
            return row["why"]
    return None


def main(environment: Path) -> int:
    """Print the sums and what has no verdict; 1 where there is any of it."""
    catalog = packaged_catalog()
    verdicts = tomllib.loads(VERDICTS.read_text(encoding="utf-8"))["verdict"]
    [file] = environment.glob(f"lib/python*/site-packages/{_LITELLM}")
    cells = [*litellm_cells(file), *genai_cells(environment / "bin" / "python")]
    on = date.today()
    findings = [held_against(cell, catalog.price_book, on) for cell in cells]
    bare: list[Finding] = []
    for source in ("litellm", "genai-prices"):
        of_source = [finding for finding in findings if finding.cell.source == source]
        counts = Counter(finding.kind for finding in of_source)
        print(f"{source}: {len(of_source):,} cells; " + ", ".join(f"{counts[k]:,} {k}" for k in KINDS))
    for finding in findings:
        if finding.kind not in ("agrees", "contested"):
            why = verdict_of(finding, verdicts)
            bare += [finding] if why is None else []
    for finding in bare:
        print(
            f"  {finding.kind}: {finding.cell.name} says {finding.cell.usd_per_mtok:f}; the book {finding.said or '-'}"
        )
    print(f"{len(bare):,} without a verdict in {VERDICTS.name}")
    return 1 if bare else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
