"""``rockbottom models``: the models of the catalogue and the rules by which they cache."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rockbottom.catalog import CacheRules, Model, Switch


@click.command()
@click.argument("words", nargs=-1)
@click.option("--on", type=click.DateTime(formats=["%Y-%m-%d"]), help="The day whose rules to show; today by default.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every source and what is contested.")
def command(words: tuple[str, ...], on: datetime | None, as_json: bool) -> None:
    """List models and their cache rules; WORDS narrow the list (as in: models claude 4-6)."""
    from rockbottom.catalog import load_catalog
    from rockbottom.client import with_saved_facts
    from rockbottom.rendering import models_text

    catalog = with_saved_facts(load_catalog())
    day = on.date() if on else date.today()
    found = [(model, catalog.rules(model, day)) for model in catalog.models.values() if _matches(model, words)]
    if not found:
        raise click.UsageError(f"no model matches {' '.join(words)!r}; rockbottom models lists all")
    if as_json:
        rows = [_as_json(*one) | {"measured": _sides(catalog.measured_switches(one[0], day))} for one in found]
        click.echo(json.dumps({"on": day.isoformat(), "models": rows}, indent=2))
        return
    measured = {model.id: _sides(catalog.measured_switches(model, day)) for model, _ in found}
    for line in models_text(found, measured):
        click.echo(line)


def _matches(model: "Model", words: Sequence[str]) -> bool:
    text = f"{model.id} {model.name} {' '.join(model.aliases)}".lower()
    return all(word.lower() in text for word in words)


def _sides(switches: "Mapping[str, Switch]") -> dict[str, str]:
    return {name: switch.default for name, switch in switches.items()}


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
