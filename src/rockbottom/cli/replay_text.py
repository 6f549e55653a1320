"""A replay's document as text for a terminal of 80 columns."""

from collections.abc import Iterator
from decimal import Decimal
from textwrap import wrap
from typing import Any

Json = dict[str, Any]


_WIDTH = 80
_FAMILIES = 3


def text_of(document: Json) -> Iterator[str]:
    """The lines to print."""
    for line in _lines(document):
        indent = line[: len(line) - len(line.lstrip())]
        yield from wrap(line, _WIDTH, subsequent_indent=f"{indent}  ") if len(line) > _WIDTH else [line]


def crossed_text_of(runs: list[Json]) -> Iterator[str]:
    """A line for each combination: the bill without caching, of the cheapest policy, and the least there could be."""
    priced = [run for run in runs if "lacks" not in run]
    if priced:
        yield f"{priced[0]['requests']:,} requests; input and output, in US dollars"
        yield from _simulated(priced[0])
        yield ""
    yield f"  {'tier':<9}{'day':<11}{'none $':>12}{'best $':>12}{'least $':>12}  best policy"
    heading = ""
    for run in runs:
        if heading != (heading := _model_of(run)):
            yield heading
        yield from _combination(run)
    if priced:
        best = min(priced, key=lambda run: Decimal(_best(run)["usd"]))
        yield ""
        yield from wrap(f"cheapest: {_name_of(best)}, {_best(best)['policy']}: ${_money(_best(best)['usd'])}", _WIDTH)
        yield from wrap("least: what no placement can go below. The details of one: name one model, scope, tier and "
                        "day. --json and --csv have every policy of every combination.", _WIDTH)  # fmt: skip


def _combination(run: Json) -> Iterator[str]:
    if "lacks" in run:
        asked = run["asked"]
        text = f"{asked['tier']:<9}{asked['on']:<11} {run['lacks']}"
        yield from wrap(text, _WIDTH, initial_indent="  ", subsequent_indent=" " * 23)
        return
    none = next((row["usd"] for row in run["policies"] if row["policy"] == "none"), None)
    best = _best(run)
    amounts = "".join(f"{_money(usd):>12}" for usd in (best["usd"], run["clairvoyant"]["usd"]))
    first = "" if none is None else _money(none)
    yield f"  {run['tier']:<9}{run['on']:<11}{first:>12}{amounts}  {best['policy']}"


def _best(run: Json) -> Json:
    return min(run["policies"], key=lambda row: Decimal(row["usd"]))


def _name_of(run: Json) -> str:
    return f"{_model_of(run)}, {run['tier']}, {run['on']}"


def _model_of(run: Json) -> str:
    if "lacks" in run:
        return ", ".join(str(run["asked"][name]) for name in ("model", "scope") if run["asked"][name]) or "as sent"
    models = ", ".join(dict.fromkeys(model["name"] for model in run["models"]))
    scopes = ", ".join(dict.fromkeys(model["scope"] for model in run["models"]))
    return f"{models}, {scopes}"


def _simulated(document: Json) -> Iterator[str]:
    if document.get("simulated_requests"):
        yield f"{document['simulated_requests']:,} of them went to a local endpoint: what follows is simulated"


def _lines(document: Json) -> Iterator[str]:
    models = ", ".join(dict.fromkeys(model["name"] for model in document["models"]))
    yield f"{document['requests']:,} requests · {models} · {document['tier']} tier · prices of {document['on']}"
    yield from _simulated(document)
    if document["reconciliation"]:
        yield ""
        yield from _reconciliation(document["reconciliation"])
    yield ""
    yield f"{'policy':<18} {'read':>8} {'written':>8} {'uncached':>8} {'input $':>12} {'relative':>8} {'captured':>9}"
    for row in document["policies"]:
        yield _row(row)
    yield _row({**document["clairvoyant"], "captured": None})
    yield ""
    yield from _details(document)
    if document["switch"]:
        yield switch_in_words(document)
    yield f"clairvoyant: {document['clairvoyant']['is']}"
    yield f"assumed: {'; '.join(document['assumptions'])}"


def _reconciliation(found: Json) -> Iterator[str]:
    observed, predicted = Decimal(found["observed_usd"]), Decimal(found["predicted_usd"])
    more = observed - predicted
    share = f", {more / predicted:+.1%}" if predicted else ""
    yield f"observed {dollars(found['observed_usd'])}, by the rules {dollars(found['predicted_usd'])}: " + (
        f"{dollars(str(more), signed=True)}{share}"
    )
    for row in found["causes"]:
        read = f"read {_short(row['observed_read_tokens'])} of {_short(row['predicted_read_tokens'])} predicted"
        more = dollars(row["difference_usd"], signed=True)
        yield f"  {row['requests']:>9,} requests  {more}  {row['cause']}: {read}"


def dollars(text: str, *, signed: bool = False) -> str:
    """An amount, its sign in front of the dollar."""
    amount = Decimal(text)
    sign = "-" if amount < 0 else "+" if signed else ""
    return f"{sign}${_money(str(abs(amount)))}"


def _row(row: Json) -> str:
    written = row["written_5m_tokens"] + row["written_1h_tokens"]
    tokens = " ".join(f"{_short(count):>8}" for count in (row["read_tokens"], written, row["uncached_tokens"]))
    relative = "" if row["relative_input_cost"] is None else f"{row['relative_input_cost']:.3f}"
    captured = "" if row["captured"] is None else f"{row['captured']:.1%}"
    return f"{row['policy']:<18} {tokens} {_money(row['input_usd']):>12} {relative:>8} {captured:>9}".rstrip()


def shown_policy(document: Json) -> str | None:
    """The policy whose details are shown: what was done, or else the cheapest that places points."""
    details: Json = document["details"]
    costs = {row["policy"]: Decimal(row["usd"]) for row in document["policies"] if row["policy"] in details}
    if not costs:
        return None
    return "as_recorded" if "as_recorded" in costs else min(costs, key=lambda policy: costs[policy])


def _details(document: Json) -> Iterator[str]:
    """Waste, families, gaps and quota of one policy."""
    name = shown_policy(document)
    if name is None:
        return
    found = document["details"][name]
    written, wasted = found["written_tokens"], found["never_read_tokens"]
    share = f" ({wasted / written:.0%})" if written else ""
    yield f"{name}: {_short(written)} tokens written, {_short(wasted)} never read{share}"
    for row in found["families"][:_FAMILIES]:
        if row["reads_per_write"] is not None:
            yield (
                f"  family {row['prefix'][:8]}: {row['requests']:,} requests, {_short(row['tokens_in'])} tokens, "
                f"{row['reads_per_write']:,.1f} reads per write"
            )
    rates = [f"{row['gap']} {row['hit_rate']:.0%}" for row in found["gaps"] if row["hit_rate"] is not None]
    if rates:
        yield f"  read of what was seen before, by gap: {', '.join(rates)}"
    for quota in found["quota"]:
        peak, without = quota["peak_minute"], quota["peak_minute_without"]
        yield f"  fullest minute against the quota: {_short(peak)} tokens instead of {_short(without)} (input side)"


def switch_in_words(document: Json) -> str:
    """The change that saves most, and how much."""
    switch = document["switch"]
    hours = document["span_seconds"] / 3600
    if switch["saved_usd_a_month"] is None:
        return f"from {switch['from']} to {switch['to']} saves ${_money(switch['saved_usd'])}"
    month = f"${Decimal(switch['saved_usd_a_month']):,.0f} a month"
    return f"from {switch['from']} to {switch['to']} saves {month}, scaled from {hours:,.1f} hours"


def _money(text: str) -> str:
    amount = Decimal(text)
    return f"{amount:,.2f}" if abs(amount) >= 10 else f"{amount:.4f}"


def _short(count: int) -> str:
    for size, letter in ((10**9, "G"), (10**6, "M"), (10**4, "k")):
        if abs(count) >= size:
            return f"{count / (size if letter != 'k' else 1000):,.1f}{letter}"
    return f"{count:,}"
