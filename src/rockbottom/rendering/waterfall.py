"""From the bill without caching to the bill attached: what each lever takes off, as an SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

from rockbottom.catalog import Tier
from rockbottom.documents import BenchModel, BenchResults, Costs, LineItem
from rockbottom.figures import usd
from rockbottom.quantities import Unit
from rockbottom.rendering.answers import caches_by_itself, cheapest_model, lane_words, told_lane

_ROW, _TOP = 46, 4


@dataclass(frozen=True, slots=True)
class WaterfallBar:
    """One bar: a bill (``total``) or what a lever changes; ``hatched`` when simulated or contested."""

    name: str
    usd: Decimal
    total: bool = False
    hatched: bool = False
    note: str = ""


def steps_of(document: BenchResults, model: BenchModel) -> list[WaterfallBar]:
    """The steps of one model, from its baseline to the lane that the headline speaks of, per month."""
    base, lane = model.baseline, told_lane(model)
    if base.cost is None or lane is None or lane.cost is None:
        return []
    before = "as it comes" if caches_by_itself(model) else "no caching"
    steps = [WaterfallBar(before, base.cost.month, total=True)]
    if lane is not base:
        steps += _levers(document, model, base.cost, lane.cost, lane.items or ())
        steps.append(WaterfallBar(lane_words(lane), lane.cost.month, total=True))
    return steps


def combined_steps(document: BenchResults, model: BenchModel) -> list[WaterfallBar]:
    """The further step to the cheapest model, where several were measured and this is the dearest."""
    lane, other = told_lane(model), cheapest_model(document)
    there = told_lane(other) if other is not None else None
    if other is None or other is model or lane is None or not lane.cost or there is None or not there.cost:
        return []
    change = there.cost.month - lane.cost.month
    return [
        WaterfallBar(f"{other.name} instead", change, hatched=document.provenance.simulated, note="other answers"),
        WaterfallBar(f"{other.name}, {lane_words(there)}", there.cost.month, total=True),
    ]


def _levers(
    document: BenchResults, model: BenchModel, base: Costs, best: Costs, items: Sequence[LineItem]
) -> list[WaterfallBar]:
    month, input_price = best.month / best.run, _input_price(document, model)
    simulated = document.provenance.simulated
    disputed = {price.unit for row in document.contested if row.model == model.name for price in row.prices}
    steps: list[WaterfallBar] = []
    for prefix, name in (("cache_read", "tokens read instead of sent"), ("cache_write", "tokens written to the cache")):
        cached = [item for item in items if item.unit.value.startswith(prefix)]
        if cached:
            plain = sum(item.tokens for item in cached) * input_price / 1_000_000
            saved = (sum(item.usd for item in cached) - plain) * month
            contested = any(item.unit in disputed for item in cached)
            note = "contested" if contested else "simulated" if simulated else ""
            steps.append(WaterfallBar(name, saved, hatched=simulated or contested, note=note))
    rest = best.month - base.month - sum(step.usd for step in steps)
    if abs(rest) * 1000 > base.month:
        steps.append(WaterfallBar("other prices and tokens", rest, hatched=simulated))
    return steps


def _input_price(document: BenchResults, model: BenchModel) -> Decimal:
    bare = model.id.rpartition("/")[2]
    rows = [row for row in document.provenance.prices if row.unit is Unit.INPUT and row.tier is Tier.DEFAULT]
    own = [row for row in rows if bare.endswith(row.model) and row.scope is model.scope] or rows
    return own[0].usd_per_mtok


def waterfall_svg(steps: Sequence[WaterfallBar], identity: str) -> str:
    """Horizontal bars on a common scale from zero, their names above them.

    Positions are shares of the width and sizes of text are not, so that a phone shows it without shrinking.
    """
    most = max(step.usd for step in steps if step.total) or Decimal(1)
    parts: list[str] = []
    level = Decimal(0)
    for index, step in enumerate(steps):
        start, end = (Decimal(0), step.usd) if step.total else (level, level + step.usd)
        level = end
        parts.append(_bar(index, step, float(min(start, end) / most), float(max(start, end) / most), identity))
        if index + 1 < len(steps):
            parts.append(_connection(index, float(end / most)))
    spoken = "; ".join(f"{step.name} {_amount(step)}" for step in steps)
    texts = "".join(_words(index, step) for index, step in enumerate(steps))
    return (
        f'<svg width="100%" height="{_TOP + _ROW * len(steps)}" role="img" aria-label="{escape(spoken, quote=True)}">'
        f"{_hatch(identity)}{''.join(parts)}{texts}</svg>"
    )


def _bar(index: int, step: WaterfallBar, left: float, right: float, identity: str) -> str:
    kind = ("base" if index == 0 else "end") if step.total else ("less" if step.usd <= 0 else "more")
    place = f'x="{left:.3%}" y="{_TOP + index * _ROW + 20}" width="{max(right - left, 0.003):.3%}" height="16"'
    hatch = f'<rect fill="url(#{identity})" {place}/>' if step.hatched else ""
    return f'<rect class="{kind}" {place}/>{hatch}'


def _connection(index: int, level: float) -> str:
    x, y = f"{min(level, 0.999):.3%}", _TOP + index * _ROW + 36
    return f'<line class="connect" x1="{x}" x2="{x}" y1="{y}" y2="{y + _ROW - 16}"/>'


def _words(index: int, step: WaterfallBar) -> str:
    y = _TOP + index * _ROW + 14
    note = f' <tspan class="soft">({escape(step.note)})</tspan>' if step.note else ""
    strong = ' class="strong"' if step.total else ""
    return (
        f'<text x="0" y="{y}"{strong}>{escape(step.name)}{note}</text>'
        f'<text x="100%" y="{y}" text-anchor="end"{strong}>{_amount(step)}</text>'
    )


def _amount(step: WaterfallBar) -> str:
    return usd(step.usd, 2, symbol=True, signed=not step.total)


def _hatch(identity: str) -> str:
    return (
        f'<defs><pattern id="{identity}" width="7" height="7" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><line class="hatch" x1="0" y1="0" x2="0" y2="7"/></pattern></defs>'
    )
