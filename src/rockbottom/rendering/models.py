"""Models and their cache rules as text."""

from collections.abc import Iterator, Mapping, Sequence

from rockbottom.catalog import CacheRules, Model
from rockbottom.figures import paragraph

_SHORT = {"tools": "t", "system": "s", "messages": "m"}


def models_text(found: Sequence[tuple[Model, CacheRules]], measured: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """A line each, what the columns mean, what is contested, and what was measured (by model id: switch and side)."""
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
    for model, rules in found:
        yield from _measured_text(model, rules, measured.get(model.id, {}))


def _measured_text(model: Model, rules: CacheRules, sides: Mapping[str, str]) -> list[str]:
    """What `rockbottom probe` measured of a model on this account."""
    facts = [f"{name} {side}" for name, side in sides.items()]
    if rules.source.key.startswith("measured-"):
        facts = [f"minimum {rules.minimum_tokens:,}", f"lookback {rules.lookback_blocks}", *facts]
    if not facts:
        return []
    return paragraph(f"measured on your account for {model.id}: {', '.join(facts)}", 80, rest="    ")


def _contested_text(found: Sequence[CacheRules]) -> Iterator[str]:
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


def _marked(text: str, field: str, contested: set[str]) -> str:
    return text + "*" if field in contested else text
