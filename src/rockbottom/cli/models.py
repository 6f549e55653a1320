"""``rockbottom models``: the models of the catalogue and the rules by which they cache."""

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from rockbottom.figures import paragraph

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rockbottom.catalog import CacheRules, Catalog, Model, Switch


@click.command()
@click.argument("words", nargs=-1)
@click.option("--on", type=click.DateTime(formats=["%Y-%m-%d"]), help="The day whose rules to show; today by default.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every source and what is contested.")
def command(words: tuple[str, ...], on: datetime | None, as_json: bool) -> None:
    """List models and their cache rules; WORDS narrow the list (as in: models claude 4-6)."""
    from rockbottom.catalog import load_catalog
    from rockbottom.client import with_saved_facts

    catalog = with_saved_facts(load_catalog())
    day = on.date() if on else date.today()
    found = [(model, catalog.rules(model, day)) for model in catalog.models.values() if _matches(model, words)]
    if not found:
        raise click.UsageError(f"no model matches {' '.join(words)!r}; rockbottom models lists all")
    if as_json:
        rows = [_as_json(*one) | {"measured": _sides(catalog.measured_switches(one[0], day))} for one in found]
        click.echo(json.dumps({"on": day.isoformat(), "models": rows}, indent=2))
        return
    measured = [line for model, rules in found for line in _measured_text(catalog, model, rules, day)]
    for line in (*_as_text(found), *measured):
        click.echo(line)


def _matches(model: "Model", words: Sequence[str]) -> bool:
    text = f"{model.id} {model.name} {' '.join(model.aliases)}".lower()
    return all(word.lower() in text for word in words)


def _as_text(found: "Sequence[tuple[Model, CacheRules]]") -> Iterator[str]:
    yield f"{'model':<45}{'minimum':>8} {'ttl':<8}{'lookback':>8} {'points in':<9}"
    for model, rules in found:
        contested = {rule.field for rule in rules.contested}
        if not rules.explicit:
            implicit = {True: "implicit only", False: "no caching", None: "no cachePoint"}[rules.implicit]
            yield f"{model.id:<45}{'-':>8} {implicit}{'*' if contested else ''}"
            continue
        ttls = " ".join(ttl.value for ttl in rules.ttls)
        yield (
            f"{model.id:<45}{_marked(f'{rules.minimum_tokens:,}', 'minimum_tokens', contested):>8} "
            f"{_marked(ttls, 'ttls', contested):<8}"
            f"{_marked(str(rules.lookback_blocks), 'lookback_blocks', contested):>8} "
            f"{' '.join(_SHORT[section] for section in _SHORT if section in rules.sections)}"
        )
    yield ""
    yield "minimum: tokens of the prefix up to the point, all sections together."
    yield "lookback: blocks added since an entry that a point still reaches."
    yield "points in: (t)ools, (s)ystem, (m)essages."
    yield from _contested_text([rules for _, rules in found])


def _measured_text(catalog: "Catalog", model: "Model", rules: "CacheRules", day: date) -> "list[str]":
    """What `rockbottom probe` measured of a model on this account."""
    facts = [f"{name} {side}" for name, side in _sides(catalog.measured_switches(model, day)).items()]
    if rules.source.key.startswith("measured-"):
        facts = [f"minimum {rules.minimum_tokens:,}", f"lookback {rules.lookback_blocks}", *facts]
    if not facts:
        return []
    return paragraph(f"measured on your account for {model.id}: {', '.join(facts)}", 80, rest="    ")


def _sides(switches: "Mapping[str, Switch]") -> dict[str, str]:
    return {name: switch.default for name, switch in switches.items()}


def _contested_text(found: "Sequence[CacheRules]") -> Iterator[str]:
    models: dict[tuple[str, str, str, str], list[str]] = {}
    for rules in found:
        for one in rules.contested:
            models.setdefault((one.field, one.value, one.source.key, one.note), []).append(rules.model)
    if models:
        yield "* another source says otherwise:"
    for (field, value, source, note), ids in models.items():
        whose = ids[0] if len(ids) == 1 else f"{len(ids)} models"
        text = f"{field} {value} for {whose}: {note} [{source}]"
        yield from paragraph(text, 80, "  ", "    ")


_SHORT = {"tools": "t", "system": "s", "messages": "m"}


def _marked(text: str, field: str, contested: set[str]) -> str:
    return text + "*" if field in contested else text


def _as_json(model: "Model", rules: "CacheRules") -> dict[str, Any]:
    return {
        "id": model.id,
        "name": model.name,
        "vendor": model.vendor,
        "aliases": list(model.aliases),
        "profiles": [scope.value for scope in model.profiles],
        "context_window": model.context_window,
        "count_tokens": model.count_tokens,
        "in_region": model.in_region,
        "source": model.source.url,
        "cache_rules": {
            "explicit": rules.explicit,
            "implicit": rules.implicit,
            "minimum_tokens": rules.minimum_tokens,
            "maximum_points": rules.maximum_points,
            "maximum_cacheable_tokens": rules.maximum_cacheable_tokens,
            "ttls": [ttl.value for ttl in rules.ttls],
            "accepts_ttl_field": rules.accepts_ttl_field,
            "sections": sorted(rules.sections),
            "illegal_after": sorted(rules.illegal_after),
            "lookback_blocks": rules.lookback_blocks,
            "residual_tokens": rules.residual_tokens,
            "residual_tokens_with_tools": rules.residual_tokens_with_tools,
            "keeps_thinking": rules.keeps_thinking,
            "valid_from": rules.valid_from.isoformat(),
            "source": rules.source.url,
            "checked_on": rules.source.checked_on.isoformat(),
            "contested": [
                {"field": one.field, "value": one.value, "source": one.source.url, "note": one.note}
                for one in rules.contested
            ],
        },
    }
