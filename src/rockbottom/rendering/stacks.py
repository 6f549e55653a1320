"""Tokens of each turn as stacked bars, the lanes side by side, as SVGs of a few turns that fit a phone."""

from collections.abc import Sequence
from html import escape

from rockbottom.documents import BenchLane, BenchModel, BenchTurn
from rockbottom.figures import clipped, tokens

# Each with the name of its colour, from the bottom of a bar to its top.
KINDS = (
    ("read", "read from the cache"),
    ("write", "written to the cache"),
    ("uncached", "uncached"),
    ("output", "output"),
)
_BAR, _GAP, _SPACE, _HEIGHT, _LEFT, _BOTTOM = 18, 3, 20, 190, 52, 44
_WIDTH = 360  # of one SVG at most, where more than one turn is in it: what a phone shows without pushing


def stacks_svgs(model: BenchModel) -> str:
    """One group of bars a turn, one bar a lane that ran, from zero; an SVG for each few turns, on one scale."""
    lanes = [lane for lane in model.lanes if lane.turns]
    if not lanes:
        return ""
    count = max(len(lane.turns) for lane in lanes)
    top = _nice(max(sum(_counts(turn)) for lane in lanes for turn in lane.turns) or 1)
    together = max(1, (_WIDTH - _LEFT - 8) // _group(lanes))
    return "".join(_svg(lanes, range(first, min(first + together, count)), top) for first in range(0, count, together))


def _group(lanes: Sequence[BenchLane]) -> int:
    """How wide the bars of one turn are."""
    return len(lanes) * (_BAR + _GAP) - _GAP + _SPACE


def _svg(lanes: Sequence[BenchLane], turns: range, top: int) -> str:
    group = _group(lanes)
    width, height = _LEFT + len(turns) * group + 8, _HEIGHT + _BOTTOM + 10
    parts = [_axis(top, width)]
    for column, number in enumerate(turns):
        x = _LEFT + column * group + _SPACE / 2
        for place, lane in enumerate(lanes):
            if number < len(lane.turns):
                parts.append(_bar(lane, lane.turns[number], x + place * (_BAR + _GAP), top, place))
        middle = x + (group - _SPACE) / 2
        parts.append(f'<text x="{middle:.1f}" y="{_HEIGHT + 42}" text-anchor="middle">turn {number + 1}</text>')
    caption = f"turn {turns[0] + 1}" if len(turns) == 1 else f"turns {turns[0] + 1} to {turns[-1] + 1}"
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="group" '
        f'aria-label="Tokens, {caption}">{"".join(parts)}</svg>'
    )


def lane_numbers(model: BenchModel) -> Sequence[tuple[int, str]]:
    """The small numbers under the bars and the lanes they mean."""
    return list(enumerate((lane.name for lane in model.lanes if lane.turns), 1))


def _counts(turn: BenchTurn) -> tuple[int, ...]:
    """Tokens in the order of ``KINDS``."""
    return turn.read, turn.write, turn.input, turn.output


def _nice(most: int) -> int:
    """A round number at or above the largest bar."""
    step = 10 ** max(0, len(str(most)) - 2)
    return -(-most // (5 * step)) * 5 * step


def _axis(top: int, width: int) -> str:
    parts: list[str] = []
    for share in (0, 0.5, 1):
        y = 10 + _HEIGHT * (1 - share)
        parts.append(f'<line class="axis" x1="{_LEFT}" x2="{width - 4}" y1="{y:.1f}" y2="{y:.1f}"/>')
        label = tokens(int(top * share))
        parts.append(f'<text class="soft" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    return "".join(parts)


def _bar(lane: BenchLane, turn: BenchTurn, x: float, top: int, place: int) -> str:
    y = 10.0 + _HEIGHT
    rects: list[str] = []
    for (kind, _), count in zip(KINDS, _counts(turn), strict=True):
        size = _HEIGHT * count / top
        if size:
            y -= size
            rects.append(f'<rect class="{kind}" x="{x:.1f}" y="{y:.2f}" width="{_BAR}" height="{size:.2f}"/>')
    amounts = ", ".join(
        f"{name} {tokens(count)}" for (_, name), count in zip(KINDS, _counts(turn), strict=True) if count
    )
    words = f"{lane.name}, turn {turn.turn}: {clipped(turn.label, 60)}\n{amounts}\n${turn.usd}"
    attribute = escape(words, quote=True)
    number = f'<text class="soft" x="{x + _BAR / 2:.1f}" y="{_HEIGHT + 24}" text-anchor="middle">{place + 1}</text>'
    return (
        f'<g tabindex="0" role="img" aria-label="{attribute}" data-tip="{attribute}">'
        f'<rect class="frame" x="{x - 1:.1f}" y="10" width="{_BAR + 2}" height="{_HEIGHT}"/>'
        f"{''.join(rects)}</g>{number}"
    )
