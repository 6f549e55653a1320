"""The results of a bench on one screen: what is paid, what would be, one line a model, what is assumed."""

from collections.abc import Iterator
from decimal import Decimal

from rockbottom.documents import BenchLane, BenchModel, BenchResults
from rockbottom.figures import Cell, Column, Paint, change, counted, milliseconds, paragraph, share, table, usd
from rockbottom.rendering import sentences
from rockbottom.rendering.buckets import by_bucket
from rockbottom.rendering.estimates import besides_text
from rockbottom.rendering.quality import quality_text
from rockbottom.rendering.sentences import is_attached

_MOST_PROBLEMS = 3  # checks that did not pass, in full; the rest is counted


def answer_text(
    document: BenchResults, *, width: int = 80, colour: bool = False, sources: bool = False, page: str | None = None
) -> str:
    """The headline, a table of models, one line of verdicts, what is assumed and contested, what to do next.

    ``sources`` says every contested price in full, ``page`` is where the report lies.
    """
    paint = Paint(colour)
    lines = _paragraph(" ".join(headline(document)), width, paint, style="bold", indent=0)
    lines += ["", *_models(document, width, paint)]
    for note in notes(document):
        lines += _paragraph(note, width, paint)
    for block in (quality_text(document, width, paint), _beside(document, width, paint)):
        lines += ["", *block] if block else []
    lines.append("")
    for sentence in (_where_it_goes(document), _times(document), _verdicts(document), _assumed(document)):
        lines += _paragraph(sentence, width, paint) if sentence else []
    lines += _contested(document, width, paint, sources)
    shown = f"report: {page}; " if page else ""
    lines += _paragraph(f"{shown}every turn and lane: --verbose", width, paint)
    lines += _paragraph(f"next: {_next(document)}", width, paint)
    return "\n".join(lines) + "\n"


def attached_lane(model: BenchModel) -> BenchLane | None:
    """The lane of the planner, if it ran to its end."""
    return next((lane for lane in model.lanes if is_attached(lane.name) and lane.cost), None)


def told_lane(model: BenchModel) -> BenchLane | None:
    """The lane that sentences speak of: the planner's, or the cheapest where the planner did not run."""
    return attached_lane(model) or model.best_lane


def lane_words(lane: BenchLane) -> str:
    """The name of a lane as a reader knows it: that of the planner is what attaching does."""
    return "rockbottom attached" if is_attached(lane.name) else lane.name


def before_words(*models: BenchModel) -> str:
    """What the baseline's bill is: where the service of a model caches by itself, that of requests as they come."""
    return "as it comes" if any(caches_by_itself(model) for model in models) else "without caching"


def caches_by_itself(model: BenchModel) -> bool:
    """Whether requests without any point were read from a cache or written to one."""
    usage = model.baseline.usage
    return usage is not None and usage.read + usage.write > 0


def fixed_lane(model: BenchModel) -> BenchLane | None:
    """The cheapest lane of fixed placements at the baseline's tier, chosen in hindsight."""
    base = model.baseline
    fixed = [
        lane
        for lane in model.lanes[1:]
        if lane.cost and not is_attached(lane.name) and (lane.tier, lane.scope) == (base.tier, base.scope)
    ]
    return min(fixed, key=_month, default=None)


def headline(document: BenchResults) -> list[str]:
    """The dearest model's bill without points and attached; and the cheapest model tested, where it is another."""
    dearest, cheapest = dearest_model(document), cheapest_model(document)
    if dearest is None or cheapest is None:
        return [f"{document.workload.name} was not finished, so there is no bill to compare."]
    sentences = [f"{document.workload.name} on {dearest.name}: {_saving(dearest)}."]
    if cheapest is not dearest:
        saving = _saving(cheapest, short=True)
        sentences.append(f"Cheapest model tested: {cheapest.name}, {saving}, if its answers are good enough.")
    return sentences


def _finished(document: BenchResults) -> list[BenchModel]:
    return [model for model in document.models if model.baseline.cost]


def dearest_model(document: BenchResults) -> BenchModel | None:
    """The model whose bill without points is the highest."""
    return max(_finished(document), key=lambda model: _month(model.baseline), default=None)


def cheapest_model(document: BenchResults) -> BenchModel | None:
    """The model whose bill attached, or by its cheapest lane, is the lowest."""
    return min(_finished(document), key=_least, default=None)


def notes(document: BenchResults, *, by_lane: bool = False) -> list[str]:
    """What the lanes are, where a fixed one is cheaper, who may wait; ``by_lane`` where lanes are shown by name."""
    named = attached_lanes(document) if by_lane else []
    return [*named, *_defined(document), *_beaten(document), *_waiting(document)]


def attached_lanes(document: BenchResults) -> list[str]:
    """Which lanes are the planner's, in words."""
    names = {lane.name for model in document.models if (lane := attached_lane(model))}
    return [f"{name}: rockbottom attached." for name in sorted(names)]


def _saving(model: BenchModel, *, short: bool = False) -> str:
    base, lane = model.baseline, told_lane(model)
    before = f"${sentences.month(_month(base))}" + ("" if short else " a month") + f" {before_words(model)}"
    if not any(other.cost for other in model.lanes[1:]):
        return f"{before}; no other lane was finished"
    if lane is None or lane is base or lane.cost is None:
        return f"{before}, and no way tested is cheaper"
    how = "with rockbottom attached" if is_attached(lane.name) else f"by {lane.name}{sentences.asked_by(lane)}"
    saved = lane.saved or Decimal(0)
    difference = f"{share(abs(saved))} {'less' if saved > 0 else 'more'}" if saved else "the same"
    return f"{before}, ${sentences.month(_month(lane))} {how} ({difference})"


def _month(lane: BenchLane) -> Decimal:
    return lane.cost.month if lane.cost else Decimal("Infinity")


def _least(model: BenchModel) -> Decimal:
    return _month(told_lane(model) or model.baseline)


def _models(document: BenchResults, width: int, paint: Paint) -> list[str]:
    first, *others = model_heads(document)
    return table([Column(first, right=False, wide=True), *map(Column, others)], model_rows(document), width, paint)


def model_heads(document: BenchResults) -> list[str]:
    """The heads of the columns that ``model_rows`` fills."""
    return ["$ a month (assumed)", before_words(*document.models), "best fixed placement", "attached", "saved"]


def model_rows(document: BenchResults) -> list[list[Cell]]:
    """A row for each model: its bill a month without caching, by the best fixed placement and attached."""
    rows: list[list[Cell]] = []
    for model in document.models:
        base, fixed, attached = model.baseline, fixed_lane(model), attached_lane(model)
        if base.cost is None:
            rows.append([Cell(model.name), Cell(base.why or "not finished", "bad", spans=True)])
            continue
        shown = attached or fixed
        saved = shown.saved if shown is not None else None
        rows.append([
            Cell(model.name), Cell(usd(base.cost.month, 2)),
            Cell(f"{fixed.name} {usd(_month(fixed), 2)}" if fixed else "-"),
            Cell(usd(_month(attached), 2) if attached else "-", "bold"),
            Cell(change(saved), "good" if saved > 0 else "bad") if saved is not None else Cell("-"),
        ])  # fmt: skip
    return rows


def _defined(document: BenchResults) -> Iterator[str]:
    """What the lanes in the table are."""
    shown = {lane.name: lane.about for model in document.models if (lane := fixed_lane(model))}
    yield from (f"{name}: {about}." for name, about in shown.items())


def _beaten(document: BenchResults) -> Iterator[str]:
    """Where a fixed placement that was chosen in hindsight is cheaper than the planner."""
    worse = [
        model.name
        for model in document.models
        if (fixed := fixed_lane(model)) and (attached := attached_lane(model)) and _month(fixed) < _month(attached)
    ]
    if worse:
        whom = "every model" if len(worse) == len(document.models) > 1 else ", ".join(worse)
        yield f"On {whom} a fixed placement is cheaper, chosen in hindsight."


def _waiting(document: BenchResults) -> Iterator[str]:
    """Lanes of other tiers that are cheaper still."""
    for model in document.models:
        least = _least(model)
        for lane in model.lanes[1:]:
            if lane.cost and lane.tier is not model.baseline.tier and _month(lane) < least:
                yield f"{model.name} by {lane.name}: ${sentences.month(_month(lane))}{sentences.asked_by(lane)}."


def _beside(document: BenchResults, width: int, paint: Paint) -> list[str]:
    return besides_text(document.beside, width, paint) if document.beside else []


def _where_it_goes(document: BenchResults) -> str:
    """The bill of the headline's model attached, by bucket, in dollars a month."""
    dearest = dearest_model(document)
    if dearest is None:
        return ""
    lane = told_lane(dearest)
    sums = by_bucket(lane) if lane is not None else {}
    if lane is None or not sums:
        return ""
    amounts = ", ".join(f"{bucket} {usd(amount, 2)}" for bucket, amount in sums.items())
    return f"{dearest.name} {'attached' if is_attached(lane.name) else lane.name}, $ a month: {amounts}."


def _times(document: BenchResults) -> str:
    """First tokens and whole replies with and without caching, where they were measured."""
    if document.provenance.latency != "measured":
        return ""
    texts: list[str] = []
    for model in document.models:
        lane = told_lane(model)
        pair = [_middle(way, "first_ms") or _middle(way, "latency_ms") for way in (model.baseline, lane) if way]
        if len(pair) == 2 and pair[0] is not None and pair[1] is not None:
            texts.append(f"{model.name} {milliseconds(pair[0])} ms, attached {milliseconds(pair[1])} ms")
    return f"Until the first token (median): {'; '.join(texts)}." if texts else ""


def _middle(lane: BenchLane, member: str) -> float | None:
    values = sorted(value for turn in lane.turns if (value := getattr(turn, member)) is not None)
    return values[len(values) // 2] if values else None


def _verdicts(document: BenchResults) -> str:
    """One line: all passed, or which did not."""
    failed = [
        f"{model.name} {lane.name}: {verdict.says}"
        for model in document.models
        for lane in model.lanes
        for verdict in lane.verdicts
        if not verdict.passed
    ]
    unfinished = [
        f"{model.name} {lane.name}: {lane.why}"
        for model in document.models
        for lane in model.lanes
        if lane.status in ("refused", "unfinished")
    ]
    if not failed and not unfinished:
        number = sum(len(lane.verdicts) for model in document.models for lane in model.lanes)
        return f"All {counted(number, 'check')} passed (writes, reads, minimums, nothing rejected)."
    problems = [*failed, *unfinished]
    more = f"; and {len(problems) - _MOST_PROBLEMS} more (--verbose)" if len(problems) > _MOST_PROBLEMS else ""
    return f"{counted(len(problems), 'check')} did not pass: {'; '.join(problems[:_MOST_PROBLEMS])}{more}."


def _assumed(document: BenchResults) -> str:
    errors = sorted({model.token_error or 0 for model in document.models})
    tokens = f"tokens estimated ±{share(Decimal(str(errors[-1])))}" if errors[-1] else "tokens counted"
    if document.provenance.tokens == "counted":
        tokens = "tokens counted by the service"
    where = "simulated by the local endpoint" if document.provenance.simulated else sentences.where(document)
    facts = [f"Assumed: {sentences.traffic(document)} (--per-day)", sentences.outputs(document), where, tokens]
    if document.provenance.repeats > 1:
        facts.append(sentences.repeats(document))
    return "; ".join([*facts, sentences.priced(document)]) + "."


def _contested(document: BenchResults, width: int, paint: Paint, sources: bool) -> list[str]:
    if sources:
        lines = [
            _paragraph(f"contested: {sentence}", width, paint, style="warn")
            for sentence in sentences.contested(document)
        ]
        return [line for part in lines for line in part]
    in_short = sentences.contested_in_short(document)
    return _paragraph(in_short, width, paint, style="warn") if in_short else []


def _next(document: BenchResults) -> str:
    if document.provenance.simulated:
        return "rockbottom run --dry-run -- python YOUR_APP.py shows it on your own traffic; nothing sent is changed"
    return "rockbottom.attach(client), or rockbottom run -- python YOUR_APP.py"


def _paragraph(text: str, width: int, paint: Paint, *, style: str = "dim", indent: int = 1) -> list[str]:
    space = " " * indent
    return [paint(line, style) for line in paragraph(text, width, space, space + ("  " if indent else ""))]
