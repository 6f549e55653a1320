"""Everything AWS says, loaded once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from rockbottom.catalog.errors import NoRulesInForce
from rockbottom.catalog.models import Model, ModelId
from rockbottom.catalog.price_book import PriceBook
from rockbottom.catalog.resolve import Resolve, Spellings, model_id
from rockbottom.catalog.rules import CacheRules, MeasuredSwitches, Switch
from rockbottom.quantities import Source, TokenWeights

_MEMO_LIMIT = 4_096


@dataclass(frozen=True, slots=True, eq=False)
class Catalog:
    """Models, cache rules, prices, switches and token weights, each with its source; immutable."""

    models: Mapping[str, Model]
    price_book: PriceBook
    switches: Mapping[str, Switch]
    token_weights: Mapping[str, TokenWeights]
    sources: Mapping[str, Source]
    _rules: Mapping[str, tuple[CacheRules, ...]] = field(repr=False)
    _spellings: Spellings = field(repr=False)
    _measured: Mapping[str, tuple[MeasuredSwitches, ...]] = field(
        default_factory=dict[str, tuple[MeasuredSwitches, ...]], repr=False
    )
    _resolved: dict[str, ModelId] = field(default_factory=dict[str, ModelId], repr=False)

    def model(self, name: str, resolve: Resolve | None = None) -> ModelId:
        """The model behind an id, ARN or alias; raises UnknownModel or UnresolvedProfile.

        ``resolve`` answers an application-inference-profile ARN with the id or ARN behind it; the
        caller caches, because such a profile may be deleted.
        """
        resolved = self._resolved.get(name)
        if resolved is None:
            resolved = model_id(name, self._spellings, resolve)
            if resolved.application_profile is None and len(self._resolved) < _MEMO_LIMIT:
                self._resolved[name] = resolved
        return resolved

    def rules(self, model: Model | ModelId, on: date) -> CacheRules:
        """The cache rules of a model on a day; raises NoRulesInForce before the first row."""
        bare = model.model.id if isinstance(model, ModelId) else model.id
        rows = self._rules[bare]
        for row in rows:
            if row.valid_from <= on:
                return row
        raise NoRulesInForce(f"No cache rules for {bare} on {on}; the first row starts {rows[-1].valid_from}.")

    @property
    def caching_since(self) -> date:
        """The first day on which a cache rule of any model holds."""
        return min(rows[-1].valid_from for rows in self._rules.values())

    def measured_switches(self, model: Model | ModelId, on: date) -> Mapping[str, Switch]:
        """The switches that were measured for this model by that day; mostly none."""
        bare = model.model.id if isinstance(model, ModelId) else model.id
        switches: dict[str, Switch] = {}
        for row in self._measured.get(bare, ()):
            if row.valid_from <= on:
                switches = {**row.switches, **switches}
        return switches

    def switches_of(self, model: Model | ModelId, on: date) -> Mapping[str, Switch]:
        """The switches as they stand for one model on a day: as measured, else the catalogue's defaults."""
        return {**self.switches, **self.measured_switches(model, on)}

    def overlaid(self, path: Path, region: str | None = None) -> "Catalog":
        """This catalogue with facts measured on a user's account on top (``catalog.measured`` has the format).

        With a ``region``, facts that were measured in another Region are left out. Raises InvalidCatalogue, OSError.
        """
        from rockbottom.catalog.measured import with_measured  # few users have such a file

        rules, measured, sources = with_measured(path, self._rules, self.switches, region)
        return replace(self, _rules=rules, _measured=measured, sources={**self.sources, **sources})

    def with_prices(self, book: PriceBook) -> "Catalog":
        """This catalogue with other rows laid over its price book."""
        return replace(self, price_book=self.price_book.overlay(book))

    def with_rules(self, change: Callable[[CacheRules], CacheRules]) -> "Catalog":
        """This catalogue with every row of its cache rules changed so: for a client that cannot say all of them."""
        return replace(self, _rules={model: tuple(map(change, rows)) for model, rows in self._rules.items()})

    def rule_history(self, model: Model) -> tuple[CacheRules, ...]:
        """Every row of a model's cache rules, the newest first."""
        return self._rules[model.id]
