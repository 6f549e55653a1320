"""A snapshot as text: one screen of a terminal, 80 by 24 and upwards. Colour only repeats what words say. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal

from rockbottom.figures import (
    Cell,
    Column,
    Paint,
    clipped,
    clock,
    counted,
    decimals_for,
    milliseconds,
    narrow_name,
    paragraph,
    share,
    short_moment,
    short_tokens,
    table,
    thousands,
    tokens,
    usd,
)
from rockbottom.watch.paging import ago, keys_line, pages_of_tags, rows_of_tags
from rockbottom.watch.periods import period_named
from rockbottom.watch.snapshot import Snapshot, SnapshotLine

_BLOCKS = "▁▂▃▄▅▆▇█"
_SMALLEST = (40, 8)
_PRINTED = 60  # rows of models and tags where the frame may be as long as it needs
_EXAMPLES = 10  # of prefixes and misses there
_FIGURES = 3  # of the largest amount of a column: cents where there are dollars


@dataclass(frozen=True, slots=True)
class Screen:
    """What a frame is drawn on. ``rows`` None: as many as there is to say. ``keys``: whether keys are listened to."""

    columns: int = 80
    rows: int | None = None
    colour: bool = False
    keys: bool = False
    paused: bool = False
    tags_page: int = 0  # 0: everything; from 1 on: the tags alone, a page at a time
    zone: tzinfo | None = None  # None: local time


def frame_of(shot: Snapshot, screen: Screen) -> list[str]:
    """The lines of one frame, none longer than the screen is wide, no more than it is high."""
    paint = Paint(screen.colour)
    width = max(_SMALLEST[0], screen.columns)
    foot = [paint(keys_line(shot.period, screen.paused, width), "dim")] if screen.keys else []
    head = [_title(shot, screen, paint, width), *_simulated(shot, paint, width), "", *_totals(shot, paint, width)]
    head += [paint(line, "bold") for text in shot.measured for line in paragraph(text, width, first=" ", rest="   ")]
    if screen.rows is None:
        notes = [paint(line, "warn") for note in shot.notices for line in paragraph(note, width, " ! ", "   ")]
        sections = _sections(shot, screen, paint, width, _PRINTED)
        body = [line for section in sections for line in section]
        return [_cut(line, width) for line in [*head, *body, *([""] if notes else []), *notes, *foot]]
    notes = [paint(clipped(f" ! {note}", width), "warn") for note in shot.notices]
    rows = max(_SMALLEST[1], screen.rows)
    room = rows - len(head) - len(foot) - min(len(notes), 2)
    body = _tags(shot, screen, paint, width, room) or _fitted(_sections(shot, screen, paint, width, 30), room)
    notes = notes[: max(0, rows - len(head) - len(foot) - len(body))]
    filler = [""] * (rows - len(head) - len(body) - len(notes) - len(foot))
    lines = [*head, *body, *filler, *notes][: rows - len(foot)] + foot
    return [_cut(line, width) for line in lines]


# Head -------------------------------------------------------------------------------------------------------


def _title(shot: Snapshot, screen: Screen, paint: Paint, width: int) -> str:
    since = _time(shot.since, screen, shot.until - shot.since > 86_400)
    left = f" rockbottom watch · last {period_named(shot.period).words}, since {since}"
    right = ("paused " if screen.paused else "") + _clock(shot.at, screen)
    if len(left) + len(right) + 2 > width:
        return paint(clipped(left, width), "bold")
    return paint(left, "bold") + " " * (width - len(left) - len(right) - 1) + paint(right, "dim")


def _simulated(shot: Snapshot, paint: Paint, width: int) -> list[str]:
    if not shot.simulated:
        return []
    text = "SIMULATED: calls to the local endpoint; nothing here was billed by AWS"
    return [paint(line, "warn") for line in paragraph(text, width, first=" ", rest=" ")]


def _totals(shot: Snapshot, paint: Paint, width: int) -> list[str]:
    total = shot.total
    if not total.calls:
        return _nothing(shot, paint, width)
    facts = [
        ("hit rate", _rate(total.hit_rate), _hit_style(total)),
        ("spend", _usd(total.cost_usd), ""),
        ("saved", _saved(total), _sign_style(total.saved_usd)),
        ("lost", _usd(total.lost_usd), "bad" if total.lost_usd > 0 else "dim"),
        ("per call", "–" if total.usd_per_call is None else _usd(total.usd_per_call), ""),
        ("first token p50/p95", _first(total), ""),
    ]
    sizes = [max(len(name), len(text)) for name, text, _ in facts]
    while sum(sizes) + 2 * len(sizes) > width and len(facts) > 2:
        facts.pop()
        sizes.pop()
    names = "  ".join(paint(f"{name:<{size}}", "dim") for (name, _, _), size in zip(facts, sizes, strict=True))
    texts = "  ".join(
        paint(text, style or "bold") + " " * (size - len(text))
        for (_, text, style), size in zip(facts, sizes, strict=True)
    )
    return [f" {names}".rstrip(), f" {texts}".rstrip(), *_charts(shot, paint, width), *_small_print(shot, paint, width)]


def _nothing(shot: Snapshot, paint: Paint, width: int) -> list[str]:
    last = shot.ledger.last_at
    text = f"No calls in the last {period_named(shot.period).words}."
    if last is not None and shot.ledger.there:
        text += f" The latest was {ago(shot.at - last)} ago."
    lines = [f" {text}"]
    if not shot.ledger.calls and shot.ledger.logs:
        text = f" This view follows {shot.ledger.folder}"
        lines += ["", " Is anything logged? rockbottom logging plan shows it.", text]
    elif not shot.ledger.calls:
        lines += [
            "", " Record some, from your program:",
            '   client = rockbottom.attach(boto3.client("bedrock-runtime"), ledger=True)',
            f" This view follows {shot.ledger.folder}",
        ]  # fmt: skip
    return [paint(clipped(line, width), "bold" if place == 0 else "dim") for place, line in enumerate(lines)]


def _charts(shot: Snapshot, paint: Paint, width: int) -> list[str]:
    """Hit rate and spend over the period, one character a bar."""
    if width < 2 * len(shot.bars) + 20:
        return []
    rates = [bar.hit_rate for bar in shot.bars]
    spends = [float(bar.cost_usd) if bar.calls else None for bar in shot.bars]
    peak = max((value for value in spends if value), default=0.0)
    left = "hit " + paint(_spark(rates, 1.0), "good")
    right = "spend " + paint(_spark(spends, peak), "")
    return [f" {left}   {right}"]


def _spark(values: Sequence[float | None], peak: float) -> str:
    if not peak:
        return "".join(" " if value is None else _BLOCKS[0] for value in values)
    return "".join(" " if value is None else _BLOCKS[min(7, max(0, round(value / peak * 7)))] for value in values)


def _small_print(shot: Snapshot, paint: Paint, width: int) -> list[str]:
    total = shot.total
    pieces = [counted(total.calls, "call")]
    if shot.usd_per_hour is not None:
        month = "" if shot.usd_per_month is None else f", {_usd(shot.usd_per_month)} in 30 days at this rate"
        pieces.append(f"{_usd(shot.usd_per_hour)}/hour{month}")
    if total.failed:
        pieces.append(f"{thousands(total.failed)} failed")
    if total.write:
        part = f" ({share(total.wasted_share)})" if total.wasted and total.wasted_share else ""
        pieces.append(f"{short_tokens(total.write)} tokens written, {short_tokens(total.wasted)} never read{part}")
    lines: list[str] = []
    line = ""
    for piece in pieces:
        if line and len(line) + len(piece) + 4 > width:
            lines.append(line)
            line = ""
        line = f"{line} · {piece}" if line else f" {piece}"
    return [paint(clipped(text, width), "dim") for text in [*lines, line]]


# Sections ---------------------------------------------------------------------------------------------------


def _sections(shot: Snapshot, screen: Screen, paint: Paint, width: int, most: int) -> list[list[str]]:
    if not shot.total.calls:
        return []
    sections = [_lines(shot.models[:most], _heading("model", len(shot.models)), width, paint)]
    if shot.tags:
        hint = "; t: all" if screen.keys else ""
        rows = _lines(shot.tags[:most], _heading("tag", len(shot.tags), hint), width, paint)
        left = 0 if screen.keys else len(shot.tags) - most
        sections.append(
            rows if left <= 0 else [*rows, f" and {thousands(left)} more: rockbottom ledger summary --by KEY"]
        )
    few = most if screen.rows else _EXAMPLES
    sections.append(_families(shot, width, paint, few))
    sections.append(_misses(shot, screen, width, paint, few))
    return [["", *section] for section in sections if section]


def _heading(noun: str, count: int, hint: str = "") -> str:
    """The heading of a table of which a few rows may be all there is room for."""
    return noun if count < 3 else f"{noun} ({count}{hint})"


def _tags(shot: Snapshot, screen: Screen, paint: Paint, width: int, room: int) -> list[str]:
    """One page of all tags, the dearest first; nothing where another page was asked for."""
    if not screen.tags_page or not shot.tags:
        return []
    size, pages = rows_of_tags(screen.rows), pages_of_tags(shot, screen.rows)
    start = (min(screen.tags_page, pages) - 1) * size
    heading = f"tag ({start + 1}-{min(start + size, len(shot.tags))} of {len(shot.tags)}; t: on)"
    return ["", *_lines(shot.tags[start : start + size], heading, width, paint)][:room]


def _fitted(sections: list[list[str]], room: int) -> list[str]:
    """As much of every section as there is room for: first two rows of each, then more from the last one up."""
    counts = [min(len(section), 3) for section in sections]  # a blank line, a heading, a row
    while sum(counts) > room and len(counts) > 1:
        counts.pop(1 if len(counts) > 3 else 0)  # tags first, then models: what goes wrong stays
        sections = [*sections[:1], *sections[2:]] if len(sections) > 3 else sections[1:]
    grew = True
    while grew and sum(counts) < room:
        grew = False
        for place in reversed(range(len(sections))):
            if counts[place] < len(sections[place]) and sum(counts) < room:
                counts[place] += 1
                grew = True
    return [line for section, rows in zip(sections, counts, strict=True) for line in section[:rows]][: max(0, room)]


def _lines(lines: Sequence[SnapshotLine], heading: str, width: int, paint: Paint) -> list[str]:
    wide = width >= 100 and any(line.first_ms_p50 is not None for line in lines)
    percent = width >= 72  # below that the names need the room
    columns = [
        Column(heading, right=False, wide=True), Column("calls"), Column("hit"), Column("spend $"), Column("saved $"),
        *([Column("saved %")] if percent else []), Column("lost $"),
        *([Column("p50 ms"), Column("p95 ms")] if wide else []),
    ]  # fmt: skip
    places = decimals_for([line.cost_usd for line in lines], _FIGURES)
    rows = [
        [
            Cell(narrow_name(line.name, width)), Cell(tokens(line.calls)), Cell(_rate(line.hit_rate), _hit_style(line)),
            Cell("no price" if line.unpriced and not line.cost_usd else usd(line.cost_usd, places)),
            Cell(usd(line.saved_usd, places), _sign_style(line.saved_usd)),
            *([Cell("" if line.saved_share is None else share(line.saved_share))] if percent else []),
            Cell(usd(line.lost_usd, places), "bad" if line.lost_usd > 0 else "dim"),
            *([Cell(milliseconds(line.first_ms_p50)), Cell(milliseconds(line.first_ms_p95))] if wide else []),
        ]
        for line in lines
    ]  # fmt: skip
    return table(columns, rows, width, paint)


def _families(shot: Snapshot, width: int, paint: Paint, most: int) -> list[str]:
    missed = [line for line in shot.families if line.missed]
    worst = missed[:most]
    if not worst:
        return [paint(" ✓ no prefix lost anything to a miss", "good")]
    columns = [
        Column("worst prefixes", right=False, wide=True), Column("misses"), Column("hit"), Column("tokens"),
        Column("lost $"),
    ]  # fmt: skip
    places = decimals_for([line.lost_usd for line in worst], _FIGURES)
    rows = [
        [
            Cell(narrow_name(line.name, width)), Cell(tokens(line.misses)),
            Cell(_rate(line.hit_rate), _hit_style(line)), Cell(tokens(line.missed)),
            Cell(_lost(line.lost_usd, line.lost_unpriced, places), "bad"),
        ]
        for line in worst
    ]  # fmt: skip
    return [*table(columns, rows, width, paint), *_further(len(missed) - most)]


def _further(left: int) -> list[str]:
    return [f" and {thousands(left)} more: rockbottom watch --once --json"] if left > 0 else []


def _misses(shot: Snapshot, screen: Screen, width: int, paint: Paint, most: int) -> list[str]:
    if not shot.misses:
        return []
    columns = [
        Column("at", right=False), Column("latest misses", right=False), Column("tokens"), Column("lost $"),
        Column("", right=False, wide=True),
    ]  # fmt: skip
    shown = shot.misses[:most]
    places = decimals_for([miss.lost_usd for miss in shown if miss.lost_usd is not None], _FIGURES)
    days = shot.until - shot.since > 86_400
    rows = [
        [
            Cell(_time(miss.at, screen, days, seconds=not days), "dim"), Cell(miss.cause, "warn"),
            Cell(tokens(miss.tokens)), Cell("?" if miss.lost_usd is None else usd(miss.lost_usd, places)),
            Cell(miss.evidence, "dim"),
        ]
        for miss in shown
    ]  # fmt: skip
    return [*table(columns, rows, width, paint), *_further(len(shot.misses) - most)]


_PIECES = re.compile(r"\x1b\[[0-9;]*m|.")


def _cut(line: str, width: int) -> str:
    """The line without what would not fit; codes of colour take no room and stay."""
    left, text = width, ""
    for piece in _PIECES.findall(line):
        if not piece.startswith("\x1b"):
            if not left:
                continue
            left -= 1
        text += piece
    return text.rstrip(" ")


# Words ------------------------------------------------------------------------------------------------------


def _usd(amount: Decimal) -> str:
    return usd(amount, decimals_for([amount], _FIGURES), symbol=True)


def _rate(hit_rate: float | None) -> str:
    return "–" if hit_rate is None else share(hit_rate, 1)


def _hit_style(line: SnapshotLine) -> str:
    if line.hit_rate is None:
        return "dim"
    return "good" if line.hit_rate >= 0.7 else "warn" if line.hit_rate >= 0.4 else "bad"


def _sign_style(amount: Decimal) -> str:
    return "good" if amount > 0 else "bad" if amount < 0 else "dim"


def _saved(line: SnapshotLine) -> str:
    part = "" if line.saved_share is None else f" ({share(line.saved_share)})"
    return f"{_usd(line.saved_usd)}{part}"


def _lost(amount: Decimal, unpriced: int, places: int) -> str:
    return "?" if unpriced and not amount else usd(amount, places)


def _first(line: SnapshotLine) -> str:
    if line.first_ms_p50 is None:
        return "not streamed"
    return f"{milliseconds(line.first_ms_p50)} / {milliseconds(line.first_ms_p95)} ms"


def _time(at: float, screen: Screen, days: bool, seconds: bool = False) -> str:
    return short_moment(at, screen.zone, day=days, seconds=seconds)


def _clock(at: float, screen: Screen) -> str:
    return clock(at, screen.zone)
