"""An estimate as text for a terminal and as CSV, from its JSON document."""

import csv
from collections.abc import Mapping, Sequence
from decimal import Decimal
from io import StringIO
from typing import Any

from rockbottom.figures import (
    Cell,
    Column,
    Paint,
    change,
    decimals_for,
    paragraph,
    rounded,
    share,
    table,
    tokens,
    tokens_in_short,
    usd,
    usd_exact,
)
from rockbottom.rendering.curves import plot_of

Json = Mapping[str, Any]
UNITS = {
    "input": "uncached input",
    "cache_read": "read from the cache",
    "cache_write_5m": "written for 5 minutes",
    "cache_write_30m": "written for 30 minutes",
    "cache_write_1h": "written for 1 hour",
    "output": "output",
}


def estimate_text(document: Json, *, width: int = 80, colour: bool = False) -> str:
    """The whole estimate as text."""
    paint = Paint(colour)
    lines = [*_title(document, width, paint), "", *_items(document, width, paint), "", *_ways(document, width, paint)]
    lines += ["", *_when(document, width)]
    if document["credit"]:
        lines += ["", *_credit(document["credit"], width, paint)]
    if document["sweep"]:
        lines += ["", *plot_of(document["sweep"], width)]
    return "\n".join([*lines, "", *_notes(document, width, paint)]) + "\n"


def estimate_csv(document: Json) -> str:
    """One line a line item, and one a way with its total; money in exact US dollars a month."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["model", "priced_on", "way", "item", "tokens", "usd_per_mtok", "usd", "saved", "why"])
    for way in document["ways"]:
        head = [document["model"], document["priced_on"], way["name"]]
        for item in way["items"]:
            name = "keep_alive_" * item["keep_alive"] + item["unit"]
            writer.writerow([*head, name, item["tokens"], item["usd_per_mtok"], item["usd"], "", ""])
        writer.writerow([*head, "total", "", "", way["usd"] or "", way.get("saved") or "", way["why"]])
    return out.getvalue()


def _title(document: Json, width: int, paint: Paint) -> list[str]:
    shape = document["shape"]
    best = next(way for way in document["ways"] if way["name"] == document["best"])
    base = document["ways"][0]
    what = f"{document['name']} ({document['scope']})"
    head = f"{shape['name'] or 'estimate'} · {what} · prices of {document['priced_on']}"
    places = 2 if Decimal(base["usd"]) >= 1 else decimals_for([Decimal(base["usd"])])
    before, after = usd(Decimal(base["usd"]), places), usd(Decimal(best["usd"]), places)
    said = f"${before} to ${after} a month ({change(Decimal(best['saved']))}"
    if base is best:
        said = f"${before} a month: no way of caching makes it cheaper"
    elif Decimal(best["saved_of_input"]):
        said += f"; input {change(Decimal(best['saved_of_input']))}) with {best['name']}"
    return [paint(head, "bold"), *_wrapped(said, width), *_wrapped(_traffic(shape), width)]


def _traffic(shape: Json) -> str:
    layers = " + ".join(
        f"{tokens(one['tokens'])}" + (f" ({one['variants']:,} versions)" if one["variants"] > 1 else "")
        for one in shape["layers"]
    )
    said = f"{Decimal(shape['requests']):,f} requests"
    if shape["turns"] > 1:
        apart = "" if shape["arrivals"] == "gaps" else f", {shape['turn_gap_s']} s apart"
        said += f" in conversations of {shape['turns']}{apart}"
    said += f"; {layers or 'no'} tokens shared, {tokens(shape['question_tokens'])} of their own"
    if shape["added_tokens"]:
        said += f", {tokens(shape['added_tokens'])} added a turn"
    said += f", {tokens(shape['output_tokens'])} out"
    return (
        said
        + {
            "poisson": "; arrivals at random" + (f", {shape['hours']} hours a day" if shape["hours"] != "24" else ""),
            "gaps": f"; {len(shape['gaps_s'])} gaps given",
            "writes given": f"; written {shape['writes']} times a month, as given",
        }[shape["arrivals"]]
    )


def _items(document: Json, width: int, paint: Paint) -> list[str]:
    """Before and after, line by line."""
    base = document["ways"][0]
    best = next(way for way in document["ways"] if way["name"] == document["best"])
    keys = list(dict.fromkeys((item["keep_alive"], item["unit"]) for way in (base, best) for item in way["items"]))
    order = list(UNITS)
    keys.sort(key=lambda key: (key[1] == "output", key[0], order.index(key[1])))
    shown = [base] if best is base else [base, best]
    columns = [Column("a month", right=False, wide=True)]
    for way in shown:
        columns += [Column("tokens"), Column(f"{way['name']} $")]
    places = decimals_for([Decimal(base["usd"])])
    rows: list[list[Cell]] = []
    for kept, unit in keys:
        row = [Cell(("keep-alive: " if kept else "") + UNITS[unit])]
        for way in shown:
            found = [one for one in way["items"] if (one["keep_alive"], one["unit"]) == (kept, unit)]
            count = sum(int(one["tokens"]) for one in found)
            cost = sum((Decimal(one["usd"]) for one in found), Decimal(0))
            row.append(Cell(tokens_in_short(count, exact_below=10**7), "" if count else "dim"))
            row.append(Cell(usd(cost, places), "" if cost else "dim"))
        rows.append(row)
    total: list[Cell] = [Cell("total", "bold")]
    for way in shown:
        total += [Cell(""), Cell(usd(Decimal(way["usd"]), places), "bold")]
    return table(columns, [*rows, total], width, paint)


def _ways(document: Json, width: int, paint: Paint) -> list[str]:
    columns = [
        Column("way", right=False), Column("hits"), Column("$/1,000 req"), Column("$/month"), Column("input"),
        Column("total"),
    ]  # fmt: skip
    ran = [way for way in document["ways"] if way["usd"] is not None]
    month = max(2, decimals_for([Decimal(way["usd"]) for way in ran]))
    thousand = decimals_for([Decimal(way["usd_per_1000_requests"]) for way in ran])
    rows: list[list[Cell]] = []
    for way in document["ways"]:
        best = "bold" if way["name"] == document["best"] else ""
        if way["usd"] is None:
            rows.append([Cell(way["name"]), Cell(way["why"], "dim", spans=True)])
            continue
        hits = share(Decimal(way["hit_rate"])) if way["hit_rate"] else ""
        rows.append([
            Cell(way["name"], best), Cell(hits), Cell(usd(Decimal(way["usd_per_1000_requests"]), thousand), best),
            Cell(usd(Decimal(way["usd"]), month), best), _saved(way["saved_of_input"], way),
            _saved(way["saved"], way),
        ])  # fmt: skip
    return table(columns, rows, width, paint)


def _saved(share: str | None, way: Json) -> Cell:
    if share is None or way["name"] == "no caching":
        return Cell("")
    value = Decimal(share)
    return Cell(change(value), "good" if value > 0 else "bad" if value < 0 else "dim")


def _when(document: Json, width: int) -> list[str]:
    """Break-even, in words."""
    said: list[str] = []
    for one in document["break_even"]:
        if one["reads_per_write"] is None:
            said.append(f"{one['ttl']}: reads are not cheaper than input here")
        elif not one["reads_per_write"]:
            said.append(f"{one['ttl']}: a write costs less than input, so it pays even when it is never read")
        else:
            reads = one["reads_per_write"]
            plural = "" if reads == 1 else "s"
            said.append(
                f"{one['ttl']}: pays from {reads} read{plural} per write, or {_rate(one['arrivals_per_hour'])} "
                "arrivals an hour of each version of the prefix"
            )
    cross = document["crossings_per_hour"]
    if cross["hour_over_five_minutes"]:
        said.append(f"1h costs less than 5m above {_rate(cross['hour_over_five_minutes'])} arrivals an hour")
    if kept := cross["keep_alive_over_five_minutes"]:
        said.append(f"keep-alive beats a plain 5m above {_rate(kept)} arrivals an hour")
    return [line for one in said for line in _wrapped(one, width)]


def _rate(text: str) -> str:
    return rounded(Decimal(text), 2)


def _credit(credit: Json, width: int, paint: Paint) -> list[str]:
    head = f"a balance of ${usd(Decimal(credit['usd']), 2)}"
    columns = [Column(head, right=False), *map(Column, ("lasts months", "left after 1", "3", "6", "12"))]
    rows = [
        [
            Cell(way["name"]), Cell("" if way["months"] is None else f"{Decimal(way['months']):.1f}"),
            *(Cell(usd(Decimal(way["left_after"][month - 1]), 2)) for month in (1, 3, 6, 12)),
        ]
        for way in credit["ways"]
    ]  # fmt: skip
    return table(columns, rows, width, paint)


def _notes(document: Json, width: int, paint: Paint) -> list[str]:
    shape = document["shape"]
    said = ["arithmetic on the numbers given: nothing was sent, nothing measured; outputs held equal"]
    if shape["assumes"]:
        said.append(f"assumed: {shape['assumes']}")
        said.append(shape["source"])
    lines = [paint(line, "dim") for one in said for line in _wrapped(one, width)]
    for text in _contested(document["contested"]):
        lines += [paint(line, "warn") for line in _wrapped(f"contested: {text}", width)]
    return lines


def _contested(rows: Sequence[Json]) -> list[str]:
    return [
        f"{UNITS[row['unit']]} at ${usd_exact(Decimal(row['usd_per_mtok']))} per million ({row['source']}); not used"
        for row in rows
    ]


def _wrapped(text: str, width: int) -> list[str]:
    return paragraph(text, width, " ", "   ")
