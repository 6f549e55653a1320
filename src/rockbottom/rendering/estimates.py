"""An estimate, and the common shapes, as text for a terminal and as CSV."""

import csv
from collections.abc import Sequence
from decimal import Decimal
from io import StringIO

from rockbottom.advise import (
    BreakEvenResult,
    CapacityResult,
    CreditResult,
    EstimateResult,
    PresetsResult,
    PricedPreset,
    ShapeResult,
    WayResult,
)
from rockbottom.documents import BesideCost, ReplayResult
from rockbottom.figures import (
    Cell,
    Column,
    Paint,
    change,
    counted,
    decimals_for,
    indented,
    paragraph,
    rounded,
    share,
    short_tokens,
    table,
    tokens,
    usd,
    usd_exact,
)
from rockbottom.quantities import WRITES, Unit
from rockbottom.rendering.curves import plot_of
from rockbottom.rendering.sentences import saved_cell

UNITS = {
    Unit.INPUT: "uncached input",
    Unit.CACHE_READ: "read from the cache",
    **{unit: f"written for {ttl.words}" for ttl, unit in WRITES.items()},
    Unit.OUTPUT: "output",
}


def estimate_text(document: EstimateResult, *, width: int = 80, colour: bool = False) -> str:
    paint = Paint(colour)
    lines = [*_title(document, width, paint), "", *_items(document, width, paint), "", *_ways(document, width, paint)]
    lines += ["", *_when(document, width)]
    if document.beside:
        lines += ["", *besides_text(document.beside, width, paint), *_with_beside(document, width)]
    if document.capacity is not None:
        lines += ["", *_capacity(document.capacity, width, paint)]
    if document.credit:
        lines += ["", *_credit(document.credit, width, paint)]
    if document.sweep:
        lines += ["", *plot_of(document.sweep, document.shape.turns, width)]
    return "\n".join([*lines, "", *_notes(document, width, paint)]) + "\n"


def estimate_csv(document: EstimateResult) -> str:
    """One line a line item, and one a way with its total; money in exact US dollars a month."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["model", "priced_on", "way", "item", "tokens", "usd_per_mtok", "usd", "saved", "why"])
    for way in document.ways:
        head = [document.model, document.priced_on, way.name]
        for item in way.items:
            name = "keep_alive_" * item.keep_alive + item.unit.value
            writer.writerow([*head, name, item.tokens, item.usd_per_mtok, item.usd, "", ""])
        saved = way.saved if isinstance(way, WayResult) else None
        writer.writerow([*head, "total", "", "", way.usd, saved, way.why])
    return out.getvalue()


def presets_text(document: PresetsResult, *, width: int = 80, colour: bool = False) -> list[str]:
    """The common shapes; each with what caching saves of its input and in total where a model was named."""
    if document.model is None:
        columns = [Column("preset", right=False), Column("", right=False, wide=True)]
        cells = [[Cell(row.preset), Cell(row.about)] for row in document.presets]
        return table(columns, cells, width, Paint(False))
    heads = ("$/month (assumed)", "after", "input", "total")
    columns = [Column("preset", right=False), *map(Column, heads), Column("with", right=False)]
    rows = [
        [
            Cell(row.preset), Cell(usd(row.before_usd, 2)), Cell(usd(row.after_usd, 2)),
            *(Cell("" if part is None else change(part)) for part in (row.saved_of_input, row.saved)), Cell(row.best),
        ]
        for row in document.presets if isinstance(row, PricedPreset)
    ]  # fmt: skip
    return table(columns, rows, width, Paint(colour))


def _title(document: EstimateResult, width: int, paint: Paint) -> list[str]:
    shape = document.shape
    subject = f"{document.name} ({document.scope.value})"
    head = f"{shape.name or 'estimate'} · {subject} · prices of {document.priced_on}"
    answer = paragraph(answer_in_words(document), width, rest="  ")
    return [*(paint(line, "bold") for line in answer), *indented(head, width), *indented(_traffic(shape), width)]


def answer_in_words(document: EstimateResult) -> str:
    """What a month costs without caching and by the cheapest way of it."""
    base, best = document.without_caching, document.best_way
    places = 2 if base.usd >= 1 else decimals_for([base.usd])
    sentence = f"${usd(base.usd, places)} a month: no way of caching makes it cheaper"
    if best is not base:
        less = f"{share(best.saved or Decimal(0))} less"
        before = "without caching" if base.name == "no caching" else base.name
        sentence = f"${usd(base.usd, places)} a month {before}, ${usd(best.usd, places)} with it ({best.name}): {less}"
        if best.saved_of_input:
            sentence += f", {share(best.saved_of_input)} less for input"
    return f"{sentence} (assumed traffic)"


def _traffic(shape: ShapeResult) -> str:
    layers = " + ".join(
        tokens(layer.tokens) + (f" ({layer.variants:,} versions)" if layer.variants > 1 else "")
        for layer in shape.layers
    )
    text = f"{shape.requests:,f} requests"
    if shape.turns > 1:
        apart = "" if shape.arrivals == "gaps" else f", {shape.turn_gap_s} s apart"
        text += f" in conversations of {shape.turns}{apart}"
    text += f"; {layers or 'no'} tokens shared, {tokens(shape.question_tokens)} new in each"
    if shape.added_tokens:
        text += f", {tokens(shape.added_tokens)} added a turn"
    text += f", {tokens(shape.output_tokens)} out"
    return (
        text
        + {
            "poisson": "; arrivals at random" + (f", {shape.hours} hours a day" if shape.hours != 24 else ""),
            "gaps": f"; {len(shape.gaps_s)} gaps given",
            "writes given": f"; written {shape.writes} times a month, as given",
        }[shape.arrivals]
    )


def _items(document: EstimateResult, width: int, paint: Paint) -> list[str]:
    """Before and after, line by line."""
    base, best = document.without_caching, document.best_way
    shown = [base] if best is base else [base, best]
    keys = list(dict.fromkeys((item.keep_alive, item.unit) for way in shown for item in way.items))
    order = list(UNITS)
    keys.sort(key=lambda key: (key[1] is Unit.OUTPUT, key[0], order.index(key[1])))
    columns = [Column("a month (assumed)", right=False, wide=True)]
    for way in shown:
        columns += [Column("tokens"), Column(f"{way.name} $")]
    places = decimals_for([base.usd])
    rows: list[list[Cell]] = []
    for keep_alive, unit in keys:
        row = [Cell(("keep-alive: " if keep_alive else "") + UNITS[unit])]
        for way in shown:
            items = [item for item in way.items if (item.keep_alive, item.unit) == (keep_alive, unit)]
            count = sum(int(item.tokens) for item in items)
            cost = sum((item.usd for item in items), Decimal(0))
            row.append(Cell(short_tokens(count, exact_below=10**7), "" if count else "dim"))
            row.append(Cell(usd(cost, places), "" if cost else "dim"))
        rows.append(row)
    total: list[Cell] = [Cell("total", "bold")]
    for way in shown:
        total += [Cell(""), Cell(usd(way.usd, places), "bold")]
    return table(columns, [*rows, total], width, paint)


def _ways(document: EstimateResult, width: int, paint: Paint) -> list[str]:
    columns = [
        Column("way", right=False), Column("hits"), Column("$/1,000 req"), Column("$/month (assumed)"), Column("input"),
        Column("total"),
    ]  # fmt: skip
    month = max(2, decimals_for([way.usd for way in document.priced_ways]))
    thousand = decimals_for([way.usd_per_1000_requests for way in document.priced_ways])
    rows: list[list[Cell]] = []
    for way in document.ways:
        if not isinstance(way, WayResult):
            rows.append([Cell(way.name), Cell(way.why, "dim", spans=True)])
            continue
        best = "bold" if way.name == document.best else ""
        compared = way is not document.without_caching
        rows.append([
            Cell(way.name, best), Cell("" if way.hit_rate is None else share(way.hit_rate)),
            Cell(usd(way.usd_per_1000_requests, thousand), best), Cell(usd(way.usd, month), best),
            saved_cell(way.saved_of_input if compared else None), saved_cell(way.saved if compared else None),
        ])  # fmt: skip
    return table(columns, rows, width, paint)


def _when(document: EstimateResult, width: int) -> list[str]:
    texts = [_break_even(row) for row in document.break_even]
    cross = document.crossings_per_hour
    if cross.hour_over_five_minutes is not None:
        texts.append(f"1h costs less than 5m above {rounded(cross.hour_over_five_minutes, 2)} arrivals an hour")
    if cross.keep_alive_over_five_minutes is not None:
        rate = rounded(cross.keep_alive_over_five_minutes, 2)
        texts.append(f"keep-alive costs less than 5m alone above {rate} arrivals an hour")
    return [line for text in texts for line in indented(text, width)]


def _break_even(row: BreakEvenResult) -> str:
    ttl, reads = row.ttl.value, row.reads_per_write
    if reads is None or row.arrivals_per_hour is None:
        return f"{ttl}: reads are not cheaper than input here"
    if not reads:
        return f"{ttl}: a write costs less than input, so it pays even when it is never read"
    return (
        f"{ttl}: pays from {counted(reads, 'read')} per write, or "
        f"{rounded(row.arrivals_per_hour, 2)} arrivals an hour of each version of the prefix"
    )


def replay_besides_text(runs: Sequence[object], width: int = 80) -> list[str]:
    """What a guardrail would have charged for recorded traffic, where one was named: the same for every run."""
    beside = next((run.beside for run in runs if isinstance(run, ReplayResult) and run.beside), None)
    return ["", *besides_text(beside, width, Paint(False), a_month=False)] if beside else []


def besides_text(beside: Sequence[BesideCost], width: int, paint: Paint, *, a_month: bool = True) -> list[str]:
    """What is charged beside the tokens, a line each with its total, and how derived units were counted."""
    heads = ("units a month", "$/month") if a_month else ("units", "$")
    columns = [Column("beside the model", right=False, wide=True), *map(Column, heads)]
    total = sum((line.usd for line in beside), Decimal(0))
    places = decimals_for([line.usd for line in beside])
    rows = [[Cell(line.what), Cell(f"{line.units:,.0f}"), Cell(usd(line.usd, places))] for line in beside]
    rows.append([Cell("together", "bold"), Cell(""), Cell(usd(total, places), "bold")])
    notes = dict.fromkeys(text for line in beside for text in (line.derived, line.note) if text)
    dates = ", ".join(sorted({line.checked_on for line in beside}))
    texts = [*notes, f"prices read {dates}; their sources are in --json"]
    return [
        *table(columns, rows, width, paint),
        *(paint(row, "dim") for text in texts for row in indented(text, width)),
    ]


def _with_beside(document: EstimateResult, width: int) -> list[str]:
    whole = document.best_way.usd + document.beside_usd
    sentence = f"${usd(whole, 2)} a month in all with {document.best}; caching changes only the model's part"
    return indented(sentence, width)


def _capacity(offers: Sequence[CapacityResult], width: int, paint: Paint) -> list[str]:
    if not offers:
        return indented("no price of capacity by the hour was read for this model: ask your account team", width)
    columns = [Column("by the hour", right=False, wide=True), *map(Column, ("$/hour", "$/month", "not cheaper below"))]
    rows = [
        [
            Cell(f"{row.kind}, {'no term' if row.term == 'none' else row.term}"), Cell(usd(row.usd_hour, 2)),
            Cell(usd(row.usd_month, 2)), Cell(_below(row)),
        ]
        for row in offers
    ]  # fmt: skip
    texts = [
        "against on demand without caching, whose savings come on top; a month is 730 hours",
        "a provisioned ARN is taken to cache nothing until its counters show reads",
    ]
    return [
        *table(columns, rows, width, paint),
        *(paint(line, "dim") for text in texts for line in indented(text, width)),
    ]


def _below(row: CapacityResult) -> str:
    if row.saves is None:
        return f"{short_tokens(int(row.break_even))} tokens/h a unit"
    return "never cheaper" if row.saves <= 0 else f"{share(row.break_even)} use"


def _credit(credit: CreditResult, width: int, paint: Paint) -> list[str]:
    head = f"a balance of ${usd(credit.usd, 2)}"
    columns = [Column(head, right=False), *map(Column, ("lasts months", "left after 1", "3", "6", "12"))]
    rows = [
        [
            Cell(way.name), Cell("" if way.months is None else rounded(way.months, 1)),
            *(Cell(usd(way.left_after[month - 1], 2)) for month in (1, 3, 6, 12)),
        ]
        for way in credit.ways
    ]  # fmt: skip
    return table(columns, rows, width, paint)


def _notes(document: EstimateResult, width: int, paint: Paint) -> list[str]:
    shape = document.shape
    texts = ["arithmetic on the numbers given: nothing was sent, nothing measured; outputs held equal"]
    if shape.assumes and shape.source:
        texts += [f"assumed: {shape.assumes}", shape.source]
    lines = [paint(line, "dim") for text in texts for line in indented(text, width)]
    for text in contested_in_words(document):
        lines += [paint(line, "warn") for line in indented(f"contested: {text}", width)]
    return lines


def contested_in_words(document: EstimateResult) -> list[str]:
    """Each price on which sources disagree, and that it was not used."""
    return [
        f"{UNITS[row.unit]} at ${usd_exact(row.usd_per_mtok)} per million ({row.source}); not used"
        for row in document.contested
    ]
