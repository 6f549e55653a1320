"""What the gate on pinned prompts says: text, annotations and a summary for GitHub."""

import json
from collections.abc import Iterator, Sequence

from rockbottom.figures import Paint, counted, paragraph, share
from rockbottom.pins import Change, ConversationBill, Effect, Moved, PinCheck, PinStatus, dollars
from rockbottom.quantities import Usage, Usd

_AROUND = 44
_LABEL = 8


def verdicts_text(verdicts: Sequence[PinCheck], *, width: int = 80) -> Iterator[str]:
    """Every prompt, its first line in colour, and how many there are of each status."""
    paint = Paint(True)
    for verdict in verdicts:
        first, *rest = verdict_text(verdict, width=width)
        yield paint(first, "good" if verdict.passed else "bad")
        yield from rest
    yield _totals(verdicts)


def verdict_text(verdict: PinCheck, *, with_diff: bool = True, width: int = 80) -> Iterator[str]:
    """One prompt: a line, and below it what moved (``with_diff``: in its own words) and what it costs."""
    yield from paragraph(f"{_sign(verdict)} {headline(verdict)}", width, rest="    ")
    if verdict.bill is not None:
        yield from _labelled("turns", _bill(verdict.bill), width)
    for change in verdict.changes:
        yield from _labelled("moved", _change(change), width)
        if with_diff:
            yield from _diff(change)
    if verdict.effect is not None and verdict.status is not PinStatus.UNCHANGED:
        for number, line in enumerate(effect_lines(verdict.effect, verdict.status)):
            yield from _labelled("" if number else "costs", line, width)
    for note in verdict.notes:
        yield from _labelled("note", note, width)
    if verdict.error is not None:
        yield from _labelled("because", str(verdict.error), width)
        if verdict.error.fix:
            yield from _labelled("try", verdict.error.fix, width)
    for text in verdict.broken:
        yield from _labelled("limit", text, width)
    if verdict.bill is not None and verdict.broken:
        yield from (f"    {line}" for line in conversation_lines(verdict.bill))


def headline(verdict: PinCheck) -> str:
    """Name, status, model and tokens."""
    text = f"{verdict.name}: {verdict.status.value}"
    if verdict.accepted:
        text += ", removed" if verdict.status is PinStatus.GONE else ", accepted"
    prefix, pin = verdict.prefix, verdict.pin
    if prefix is None:
        return f"{text} ({verdict.source})"
    mark = "" if prefix.counted else " estimated"
    before = f"{pin.tokens:,} -> " if pin is not None and pin.tokens != prefix.tokens else ""
    model = "" if verdict.status is PinStatus.UNCHANGED else f", {prefix.model_name}"
    return f"{text}; {before}{prefix.tokens:,} tokens{mark}{model}"


def effect_lines(effect: Effect, status: PinStatus) -> Iterator[str]:
    """What it costs, a sentence each, and the prices of what day these are."""
    if effect.once_usd is not None and status is PinStatus.CHANGED:
        yield f"{dollars(effect.once_usd)} once for each live entry, when it is deployed: written instead of read"
    each = effect.per_request_usd
    if each is not None and not each and status is PinStatus.CHANGED:
        yield "the same from then on: as many tokens as before, at the same price"
    elif each is not None:
        reason = {PinStatus.NEW: "for reading it", PinStatus.VOLATILE: "because it is never read"}.get(
            status, "from then on"
        )
        yield f"{_rate(each, effect, signed=status is not PinStatus.NEW)} {reason}"
    if effect.worst_per_request_usd is not None:
        yield f"{_rate(effect.worst_per_request_usd, effect, signed=True)} if it changes with every call"
    yield from effect.because
    if each and effect.a_month(each) is None:
        yield "--requests-per-month N adds what a month costs"
    yield f"prices of {effect.on.isoformat()}, list, before discounts"


def _rate(each: Usd, effect: Effect, *, signed: bool) -> str:
    """An amount a month, or for a thousand requests where nobody said how many there are."""
    month = effect.a_month(each)
    amount = each * 1000 if month is None else month
    text = dollars(amount, signed=True) if signed else dollars(abs(amount))
    if month is None:
        return f"{text} per 1,000 requests"
    return f"{text} a month at {effect.requests:,} requests"


def _bill(bill: ConversationBill) -> str:
    cost = "no price" if bill.usd is None else dollars(bill.usd)
    rate = "" if bill.hit_rate is None else f", {share(bill.hit_rate / 100, 1)} read"
    return f"{len(bill.turns)}, {cost}{rate} (simulated)"


def conversation_lines(bill: ConversationBill) -> Iterator[str]:
    """A table of the turns of a conversation, at most 80 columns."""
    yield f"{'turn':>5}{'input':>9}{'read':>9}{'write':>9}{'output':>9}{'cost':>14}  model"
    for number, turn in enumerate(bill.turns, 1):
        yield _row(str(number), turn.usage, turn.usd, turn.model)
    yield _row("all", bill.usage, bill.usd, "")
    yield "simulated by the documented rules" + ("" if bill.outputs else "; output tokens are not in it")


def _row(name: str, usage: Usage, cost_usd: Usd | None, model: str) -> str:
    cost = "no price" if cost_usd is None else dollars(cost_usd)
    counts = f"{usage.input:>9,}{usage.cache_read:>9,}{usage.cache_write:>9,}{usage.output:>9,}"
    return f"{name:>5}{counts}{cost:>14}  {model[:23]}".rstrip()


def _change(change: Change) -> str:
    rule = f" [{change.rule.value}]" if change.rule else ""
    others = f"; {counted(change.others, 'more place')}" if change.others else ""
    shown = change.moved is Moved.TEXT and (change.byte is not None or change.placed)  # the text stands below
    parts = (
        [change.moved.value]
        if shown or change.evidence == change.moved.value
        else [change.moved.value, change.evidence]
    )
    parts += [str(change.placed)] if change.placed else []
    return f"{change.where}: {': '.join(parts)}{others}{rule}"


def _diff(change: Change) -> Iterator[str]:
    """Both texts around the first differing byte; where only a character is known, what stands there today."""
    if change.placed is not None:
        start = max(0, change.placed.at - 20)
        yield f"    {'':{_LABEL}}+ {'...' if start else ''}{_shown(change.after[start : start + 64])}"
    if change.byte is None:
        return
    head = len(change.after.encode("utf-8", "replace")[: change.byte].decode("utf-8", "ignore"))
    for sign, text in (("-", change.before), ("+", change.after)):
        start = max(0, head - 20)
        shown = _shown(text[start : head + _AROUND])
        yield f"    {'':{_LABEL}}{sign} {'...' if start else ''}{shown}{'...' if len(text) > head + _AROUND else ''}"


def _shown(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t")[:62]


def _labelled(label: str, text: str, width: int) -> Iterator[str]:
    first, rest = f"    {label:<{_LABEL}}", " " * (4 + _LABEL)
    yield from paragraph(text, width, first, rest)


def _sign(verdict: PinCheck) -> str:
    return "✓" if verdict.passed else "✗"


def _totals(verdicts: Sequence[PinCheck]) -> str:
    """How many of each status; those that are now accepted by themselves."""
    left = [verdict for verdict in verdicts if not verdict.accepted]
    counts = {status.value: sum(verdict.status is status for verdict in left) for status in PinStatus}
    counts["accepted"] = len(verdicts) - len(left)
    parts = [f"{count} {status}" for status, count in counts.items() if count]
    over = sum(bool(verdict.broken) for verdict in verdicts)
    return ", ".join(parts + ([f"{over} over a limit"] if over else []))


# -- GitHub -----------------------------------------------------------------------------------------


def github_annotation(verdict: PinCheck) -> str:
    """A workflow command that marks the place of a failed prompt in the pull request."""
    lines = [headline(verdict), *map(_change, verdict.changes), *verdict.broken]
    if verdict.effect is not None:
        lines += effect_lines(verdict.effect, verdict.status)
    if verdict.error is not None:
        lines.append(str(verdict.error))
    place = f"file={_property(verdict.file)},line={verdict.line}," if verdict.file else ""
    title, message = _property(f"Prompt {verdict.name}: {verdict.status.value}"), _data("\n".join(lines))
    return f"::error {place}title={title}::{message}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def github_summary(verdicts: Sequence[PinCheck], command: str) -> str:
    """Markdown for the summary of a job, without the texts side by side: it is kept and read more widely than a log."""
    rows = ["## Pinned prompts", "", "| | prompt | status | tokens | a month |", "|---|---|---|---:|---:|"]
    for verdict in verdicts:
        month = verdict.effect and verdict.effect.a_month(verdict.effect.per_request_usd)
        cost = "" if month is None else dollars(month)
        tokens = f"{verdict.prefix.tokens:,}" if verdict.prefix else ""
        rows.append(f"| {_sign(verdict)} | {_cell(verdict.name)} | {verdict.status.value} | {tokens} | {cost} |")
    for verdict in verdicts:
        if not verdict.passed:
            rows += ["", f"### {_cell(verdict.name)}", "", "```text", *verdict_text(verdict, with_diff=False), "```"]
    if not all(verdict.passed for verdict in verdicts):
        rows += ["", f"Accept with `{command}` and commit the pin file."]
    return "\n".join(rows) + "\n\n"


def _cell(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1].replace("|", "\\|")
