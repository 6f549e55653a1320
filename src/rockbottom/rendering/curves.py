"""The curve of cost against the share of the prompt that is the same: as plain characters and as SVG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape

from rockbottom.advise import SweepResult
from rockbottom.figures import decimals_for, indented, share, tokens, usd
from rockbottom.quantities import Usd


@dataclass(frozen=True, slots=True)
class _Curve:
    """One line: its name, its sign among plain characters, its colour on the page, and its cost at each point."""

    name: str
    sign: str
    hue: str
    costs: tuple[Usd | None, ...]


_ROWS = 14
_WIDE, _SLIM = 640, 205  # how broad the curve is drawn: for a desk, and for a phone
CURVE_STYLE = """
svg{display:block;max-width:100%;height:auto;font:inherit}svg text{fill:var(--ink);font-size:13px}
svg text.soft{fill:var(--soft);font-size:12px}svg .axis{stroke:var(--line)}
svg .line{fill:none;stroke-width:2.5}svg .cut{stroke:var(--ink);stroke-dasharray:4 4}
figure{margin:.75rem 0}
@media(max-width:34rem){svg.broad{display:none}}@media(min-width:34.01rem){svg.slim{display:none}}
"""
_HIGH, _LEFT, _BOTTOM, _RIGHT, _TOP = 300, 70, 56, 90, 12


def plot_of(sweep: SweepResult, turns: int, width: int) -> list[str]:
    """The curve in plain characters; a column of ``|`` marks each crossover."""
    curves = _curves(sweep)
    across = min(width - 16, 64)
    most = _most(curves)
    grid = [[" "] * (across + 1) for _ in range(_ROWS + 1)]
    for prefix in _crossovers(sweep):
        for row in grid:
            row[round(prefix / sweep.prompt_tokens * across)] = "|"
    for curve in curves:
        for column in range(across + 1):
            value = curve.costs[round(column / across * (len(curve.costs) - 1))]
            if value is not None:
                grid[_ROWS - round(value / most * _ROWS)][column] = curve.sign
    places = decimals_for([most])
    lines = [" $ a month (assumed)   " + "   ".join(f"{curve.sign} {curve.name}" for curve in curves)]
    for index, row in enumerate(grid):
        label = usd(most * (_ROWS - index) / _ROWS, places) if index % 7 == 0 else ""
        lines.append(f" {label:>10} |{''.join(row)}".rstrip())
    lines.append(f" {'':>10} +{'-' * (across + 1)}")
    lines.append(f" {'':>10}  {'0%':<{across // 2 - 1}}{'50%':<{across // 2 - 1}}100%".rstrip())
    lines += indented(f"share of the {tokens(sweep.prompt_tokens)} prompt tokens that is the prefix", width)
    return [*lines, *(line for text in crossover_words(sweep, turns) for line in indented(text, width))]


def _curves(sweep: SweepResult) -> list[_Curve]:
    """The lines that there is something to draw of."""
    curves = (
        _Curve("no caching", ".", "uncached", tuple(point.none for point in sweep.points)),
        _Curve("batch", "-", "output", tuple(point.batch for point in sweep.points)),
        _Curve("cached", "*", "read", tuple(point.cached for point in sweep.points)),
    )
    return [curve for curve in curves if any(cost is not None for cost in curve.costs)]


def _most(curves: Sequence[_Curve]) -> Usd:
    return max(cost for curve in curves for cost in curve.costs if cost is not None)


def crossover_words(sweep: SweepResult, turns: int = 1) -> Iterator[str]:
    """Where caching begins to pay, and where it becomes cheaper than batch; what the curve leaves out of ``turns``."""
    if turns > 1:
        yield "the curve takes every request for the first of a conversation, without the history of later turns"
    batch = any(point.batch is not None for point in sweep.points)
    if not batch:
        yield "no batch price is known for this model, so batch is not drawn"
    yield from _crossover("no caching", sweep.pays_from_prefix_tokens, sweep.prompt_tokens)
    if batch:
        yield from _crossover("batch", sweep.beats_batch_from_prefix_tokens, sweep.prompt_tokens)


def _crossover(other: str, prefix: int | None, whole: int) -> Iterator[str]:
    if prefix is None:
        yield f"cached is never cheaper than {other} here"
    else:
        yield (
            f"cached is cheaper than {other} from a prefix of {tokens(prefix)} tokens on "
            f"({share(Decimal(prefix) / whole, 1)} of the prompt)"
        )


def curve_svgs(sweep: SweepResult) -> str:
    """The curve twice: for a desk, and for a phone; ``CURVE_STYLE`` shows the one that fits."""
    return _svg(sweep, _WIDE) + _svg(sweep, _SLIM)


def _svg(sweep: SweepResult, wide: int) -> str:
    """So broad; money from zero, lines named at their ends."""
    curves = _curves(sweep)
    most = float(_most(curves)) or 1.0
    parts = [*_axes(most, sweep.prompt_tokens, wide)]
    for curve in curves:
        costs = zip(sweep.points, curve.costs, strict=True)
        dots = [(point.prefix_tokens, float(cost)) for point, cost in costs if cost is not None]
        path = " ".join(f"{_x(x, sweep.prompt_tokens, wide):.1f},{_y(y, most):.1f}" for x, y in dots)
        parts.append(f'<polyline class="line" style="stroke:var(--{curve.hue})" points="{path}"/>')
        x, y = _x(dots[-1][0], sweep.prompt_tokens, wide) + 6, _y(dots[-1][1], most) + 4
        parts.append(f'<text x="{x:.1f}" y="{y:.1f}">{curve.name}</text>')
    for prefix in _crossovers(sweep):
        x = _x(prefix, sweep.prompt_tokens, wide)
        parts.append(f'<line class="cut" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_TOP + _HIGH}"/>')
        parts.append(f'<text class="soft" x="{x + 4:.1f}" y="{_TOP + _HIGH - 6}">{tokens(prefix)}</text>')
    spoken = escape("; ".join(crossover_words(sweep)), quote=True)
    width, height = _LEFT + wide + _RIGHT, _TOP + _HIGH + _BOTTOM
    return (
        f'<svg class="{"broad" if wide == _WIDE else "slim"}" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" '
        f'aria-label="{spoken}">{"".join(parts)}</svg>'
    )


def _axes(most: float, whole: int, wide: int) -> Iterator[str]:
    places = 0 if most >= 1000 else decimals_for([Decimal(str(most))])
    for part in (0.0, 0.5, 1.0):
        y = _y(most * part, most)
        yield f'<line class="axis" x1="{_LEFT}" x2="{_LEFT + wide}" y1="{y:.1f}" y2="{y:.1f}"/>'
        label = usd(Decimal(str(most * part)), places)
        yield f'<text class="soft" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">${label}</text>'
        x, below = _LEFT + wide * part, _TOP + _HIGH + 20
        yield f'<text class="soft" x="{x:.1f}" y="{below}" text-anchor="middle">{share(part)}</text>'
    middle, below = _LEFT + wide / 2, _TOP + _HIGH + 42
    caption = f"share of {whole:,} tokens that is prefix"
    yield f'<text class="soft" x="{middle}" y="{below}" text-anchor="middle">{caption}</text>'


def _x(prefix: int, whole: int, wide: int) -> float:
    return _LEFT + wide * prefix / whole


def _y(value: float, most: float) -> float:
    return _TOP + _HIGH * (1 - value / most)


def _crossovers(sweep: SweepResult) -> list[int]:
    prefixes = (sweep.pays_from_prefix_tokens, sweep.beats_batch_from_prefix_tokens)
    return [prefix for prefix in prefixes if prefix is not None]
