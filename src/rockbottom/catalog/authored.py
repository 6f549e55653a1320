"""The authored data of ``catalog/data`` read into the types of the catalogue."""

import csv
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from functools import cache, partial
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from rockbottom.catalog.catalogue import Catalog
from rockbottom.catalog.errors import InvalidCatalogue
from rockbottom.catalog.models import Model, Scope
from rockbottom.catalog.price_book import PriceBook
from rockbottom.catalog.price_files import rows_of_lines
from rockbottom.catalog.price_rows import Shelf
from rockbottom.catalog.prices import Price
from rockbottom.catalog.resolve import Spellings
from rockbottom.catalog.rules import CacheRules, ContestedRule, Switch
from rockbottom.quantities import DocumentWeights, FormWeights, MediaWeights, Source, TokenWeights, Ttl

Table = Mapping[str, Any]
Sources = Mapping[str, Source]

_YES_NO: Mapping[str, bool | None] = {"yes": True, "no": False, "": None}


@cache
def packaged_catalog() -> Catalog:
    """The catalogue as it is shipped; read once per process."""
    data = resources.files("rockbottom.catalog") / "data"
    sources = {key: Source(key, **row) for key, row in _toml(data / "sources.toml").items()}
    models = {model.id: model for model in _models(data / "models.csv", sources)}
    return Catalog(
        models=models,
        price_book=PriceBook.by_vendor(_prices(data / "prices", sources)),
        switches={name: _switch(name, row, sources) for name, row in _toml(data / "switches.toml").items()},
        token_weights=_token_weights(_toml(data / "token_weights.toml"), sources),
        sources=sources,
        _rules=_rules(_toml(data / "cache_rules.toml"), models, sources),
        _spellings=Spellings.of(models.values()),
    )


def _toml(file: Traversable) -> Table:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _source(key: str, sources: Sources) -> Source:
    try:
        return sources[key]
    except KeyError:
        raise InvalidCatalogue(f"sources.toml has no source {key!r}.") from None


def _prices(folder: Traversable, sources: Sources) -> Mapping[str, Callable[[], Shelf]]:
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".csv")), key=lambda file: file.name)
    return {file.name.removesuffix(".csv"): partial(_shelf, file, sources) for file in files}


def _shelf(file: Traversable, sources: Sources) -> Shelf:
    """The rows of a vendor's file by model, each model's read when they are asked for."""
    header, *lines = file.read_text(encoding="utf-8").splitlines()
    numbered: dict[str, list[tuple[int, str]]] = {}
    for number, line in enumerate(lines, 2):
        numbered.setdefault(line.partition(",")[0], []).append((number, line))
    place = f"prices/{file.name}"
    return {model: partial(_model_prices, header, rows, place, sources) for model, rows in numbered.items()}


def _model_prices(header: str, rows: Sequence[tuple[int, str]], place: str, sources: Sources) -> Iterator[Price]:
    numbers, lines = zip(*rows, strict=True)
    return rows_of_lines([header, *lines], place, sources, numbers)


def _models(file: Traversable, sources: Sources) -> Iterator[Model]:
    """Models of a CSV; an empty cell is not known, lists are separated by spaces."""
    for row in csv.DictReader(file.read_text(encoding="utf-8").splitlines()):
        yield Model(
            id=row["id"],
            name=row["name"],
            vendor=row["id"].partition(".")[0],
            tokenizer=row["tokenizer"],
            context_window=int(row["context_window"]) if row["context_window"] else None,
            count_tokens=_YES_NO[row["count_tokens"]],
            in_region=_YES_NO[row["in_region"]],
            profiles=tuple(Scope(value) for value in row["profiles"].split()),
            aliases=tuple(row["aliases"].split()),
            released_on=date.fromisoformat(row["released_on"]) if row["released_on"] else None,
            source=_source(row["source"], sources),
        )


def _rules(tables: Table, models: Mapping[str, Model], sources: Sources) -> Mapping[str, tuple[CacheRules, ...]]:
    """Rows by model, the newest first; each row is its kind's table with its own values on top."""
    by_model: dict[str, list[CacheRules]] = {id: [] for id in models}
    for row in tables["row"]:
        merged = {**tables["kind"][row["kind"]], **row}
        for id in merged["models"]:
            by_model[id].append(_rule(id, merged, sources))
    for id, rows in by_model.items():
        if not rows:
            raise InvalidCatalogue(f"cache_rules.toml has no row for {id}.")
        rows.sort(key=lambda rule: rule.valid_from, reverse=True)
    return {id: tuple(rows) for id, rows in by_model.items()}


def _rule(id: str, row: Table, sources: Sources) -> CacheRules:
    return CacheRules(
        model=id,
        explicit=row["explicit"],
        implicit=row.get("implicit"),
        minimum_tokens=row["minimum_tokens"],
        maximum_points=row["maximum_points"],
        maximum_cacheable_tokens=row.get("maximum_cacheable_tokens"),
        ttls=tuple(Ttl(value) for value in row["ttls"]),
        accepts_ttl_field=row["accepts_ttl_field"],
        sections=frozenset(row["sections"]),
        illegal_after=frozenset(row["illegal_after"]),
        lookback_blocks=row["lookback_blocks"],
        residual_tokens=row["residual_tokens"],
        residual_tokens_with_tools=row["residual_tokens_with_tools"],
        keeps_thinking=row["keeps_thinking"],
        valid_from=row["valid_from"],
        source=_source(row["source"], sources),
        contested=tuple(_contested(claim, sources) for claim in _both(row)),
        tool_choice_in_key=row.get("tool_choice_in_key", False),
        points_on=frozenset(row.get("points_on", ())),
        implicit_point=row.get("implicit_point", False),
        best_effort=row.get("best_effort", False),
    )


def _both(row: Table) -> Sequence[Table]:
    return [*row.get("contested_of_kind", ()), *row.get("contested", ())]


def _contested(row: Table, sources: Sources) -> ContestedRule:
    return ContestedRule(row["field"], row["value"], _source(row["source"], sources), row["note"])


def _switch(name: str, row: Table, sources: Sources) -> Switch:
    sides = {value: tuple(_source(key, sources) for key in keys) for value, keys in row["sides"].items()}
    if row["default"] not in sides:
        raise InvalidCatalogue(f"switches.toml: the default of {name} is none of its sides.")
    return Switch(name, row["question"], row["default"], sides, row["why_default"], row.get("values", {}))


def _token_weights(tables: Table, sources: Sources) -> dict[str, TokenWeights]:
    """Every tokenizer generation; how media count is one table for all of them."""
    rows = tables["media"]
    media = MediaWeights(
        image_pixels_per_token=rows["image"]["pixels_per_token"],
        text_document_formats=frozenset(rows["text_document"]["formats"]),
        text_document_blocks=rows["text_document"]["blocks"],
        sources=tuple(_source(rows[name]["source"], sources) for name in ("image", "text_document")),
    )
    return {name: _weights(name, row, media, sources) for name, row in tables.items() if name != "media"}


def _weights(name: str, row: Table, media: MediaWeights, sources: Sources) -> TokenWeights:
    return TokenWeights(
        family=name,
        scale=Fraction(row["scale"]),
        tokens_per=row["tokens_per"],
        message_tokens=row["message_tokens"],
        request_tokens=row["request_tokens"],
        first_tool_tokens=row["first_tool_tokens"],
        image_tokens=row["image_tokens"],
        error=Fraction(row["error"]),
        source=_source(row["source"], sources),
        media=media,
        form=_form(row.get("form", {})),
        documents=DocumentWeights(**row.get("documents", {})),
        image_edge_pixels=row.get("image_edge_pixels"),
        image_short_edge_pixels=row.get("image_short_edge_pixels"),
        image_pixels_per_token=row.get("image_pixels_per_token"),
        image_most_tokens=row.get("image_most_tokens"),
        drops_thoughts=row.get("drops_thoughts", False),
        thoughts_end=row.get("thoughts_end"),
        video_tokens=row.get("video_tokens"),
    )


def _form(row: Table) -> FormWeights:
    return FormWeights(
        schema_tokens=row.get("schema_tokens", 0),
        schema_factor=Fraction(row.get("schema_factor", 0)),
        thinking_tokens=row.get("thinking_tokens", 0),
        citations_tokens=row.get("citations_tokens", 0),
    )
