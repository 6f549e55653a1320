"""When models come and go on Bedrock: launch, legacy, extended access, end of life, successor. Data with sources.

Rules (AWS, model lifecycle): on a legacy model nobody starts anew, and no new Provisioned Throughput is sold; three
months later public extended access may begin, at a price that the provider may raise; after its end of life requests
fail. ``GetFoundationModel`` says the same of a model in ``modelLifecycle``, and is the better source.
"""

import csv
from collections.abc import Iterator, Mapping
from datetime import date
from enum import Enum
from functools import cache
from importlib import resources

from msgspec import Struct

from rockbottom.catalog.catalogue import Catalog
from rockbottom.catalog.errors import CatalogError
from rockbottom.catalog.models import Model, ModelId, Tier
from rockbottom.figures import usd, usd_exact
from rockbottom.quantities import ZERO_USD, Source, Unit, Usage, Usd, usd_of_tokens


class Phase(Enum):
    """Where a model is in its life; the first two are AWS's words."""

    ACTIVE = "ACTIVE"
    LEGACY = "LEGACY"
    ENDED = "ENDED"


class Lifecycle(Struct, frozen=True):
    """The dates of one model, None where none was read.

    ``ends_on`` is the first day without it, ``ends_not_before`` AWS's promise where no end is set,
    ``contested_ends_on`` what another source says.
    """

    model: str
    launched_on: date | None
    legacy_from: date | None
    extended_access_from: date | None
    ends_on: date | None
    ends_not_before: date | None
    successor: str | None
    source: Source
    note: str
    contested_ends_on: date | None
    contested_source: Source | None

    def phase(self, on: date) -> Phase:
        """Where the model is on a day."""
        if self.ends_on is not None and on >= self.ends_on:
            return Phase.ENDED
        return Phase.LEGACY if self.legacy_from is not None and on >= self.legacy_from else Phase.ACTIVE

    def sentence(self, name: str, on: date, successor: str | None) -> str | None:
        """What who uses the model should hear on a day; None where nothing is to be said."""
        phase, instead = self.phase(on), f"; successor: {successor}" if successor else ""
        extended = self.extended_access_from is not None and on >= self.extended_access_from
        paid = ", in extended access, whose price the provider may raise" if extended else ""
        if phase is Phase.ENDED:
            return f"{name} ended {self.ends_on}{instead}"
        if self.ends_on is not None:
            return f"{name} ends {self.ends_on}{paid}{instead}"
        if self.contested_ends_on is not None:
            claimant = self.contested_source.key if self.contested_source else "another source"
            return f"{name} may end: {claimant} says {self.contested_ends_on}, and {self.note}{instead}"
        return f"{name} is legacy{paid}; its end is not known{instead}" if phase is Phase.LEGACY else None


@cache
def _rows() -> tuple[Mapping[str, str], ...]:
    file = resources.files("rockbottom.catalog") / "data" / "lifecycle.csv"
    return tuple(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))


@cache
def lifecycles(catalog: Catalog) -> Mapping[str, Lifecycle]:
    """The lifecycles that are known, by bare model id."""
    return {lifecycle.model: lifecycle for lifecycle in _read(catalog)}


def _read(catalog: Catalog) -> Iterator[Lifecycle]:
    for row in _rows():
        yield Lifecycle(
            row["model"], _day(row["launched_on"]), _day(row["legacy_from"]), _day(row["extended_access_from"]),
            _day(row["ends_on"]), _day(row["ends_not_before"]), row["successor"] or None,
            catalog.sources[row["source"]], row["note"], _day(row["contested_ends_on"]),
            catalog.sources[row["contested_source"]] if row["contested_source"] else None,
        )  # fmt: skip


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def ending(
    catalog: Catalog,
    model: ModelId | Model,
    on: date,
    *,
    usage: Usage | None = None,
    tier: Tier = Tier.DEFAULT,
    region: str | None = None,
) -> str | None:
    """A sentence about the end of a model, its successor, and what the successor costs; None where it goes on.

    With a ``usage``, that of the same tokens at the prices of the same scope, else of a million tokens. A tokenizer of
    another generation makes other counts of the same text.
    """
    bare = model.model if isinstance(model, ModelId) else model
    known = lifecycles(catalog).get(bare.id)
    if known is None:
        return None
    after = catalog.models.get(known.successor) if known.successor else None
    sentence = known.sentence(bare.name, on, after.name if after else None)
    if sentence is None or after is None or not isinstance(model, ModelId):
        return sentence
    there = ModelId(after.id, after, model.scope, model.region)
    cost = _cost(catalog, there, usage or Usage(1_000_000, 1_000_000), tier, on, region)
    if cost is None:
        return sentence
    if usage is not None:
        return f"{sentence}; the same tokens there would cost ${usd(sum(cost.values(), ZERO_USD), ((1, 2), (0, 4)))}"
    tokens_in, out = usd_exact(cost[Unit.INPUT]), usd_exact(cost[Unit.OUTPUT])
    return f"{sentence}; a million tokens there cost ${tokens_in} in and ${out} out"


def _cost(
    catalog: Catalog, model: ModelId, usage: Usage, tier: Tier, on: date, region: str | None
) -> dict[Unit, Usd] | None:
    """What tokens cost at the ordinary prices of a model, by unit; None where one has no price."""
    where = region or model.region
    try:
        return {
            unit: usd_of_tokens(
                tokens, catalog.price_book.price(model.model.id, model.scope, tier, unit, on, 0, where).usd_per_mtok
            )
            for unit, tokens in usage.items()
            if tokens
        }
    except CatalogError:
        return None
