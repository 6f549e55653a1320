"""What the gate says: text of 80 columns, a JSON document, annotations and a summary for GitHub."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from rockbottom.figures import paragraph, share
from rockbottom.pins.bills import ConversationBill, dollars
from rockbottom.pins.changes import Change, Moved
from rockbottom.pins.checking import Status, Verdict
from rockbottom.pins.effects import Effect
from rockbottom.quantities import Usd

_WIDTH = 80
_AROUND = 44
_LABEL = 8
_MONTH = "how many a month was not said"


def verdict_as_text(verdict: Verdict, *, with_diff: bool = True) -> Iterator[str]:
    """One prompt: a line, and below it what moved (``with_diff``: in its own words) and what it costs."""
    yield from paragraph(f"{_sign(verdict)} {headline(verdict)}", _WIDTH, rest="    ")
    if verdict.bill is not None:
        yield from _labelled("turns", _bill(verdict.bill))
    for change in verdict.changes:
        yield from _labelled("moved", _change(change))
        if with_diff:
            yield from _diff(change)
    if verdict.effect is not None and verdict.status is not Status.UNCHANGED:
        for number, line in enumerate(effect_as_lines(verdict.effect, verdict.status)):
            yield from _labelled("" if number else "costs", line)
    for note in verdict.notes:
        yield from _labelled("note", note)
    if verdict.error is not None:
        yield from _labelled("because", str(verdict.error))
        if verdict.error.fix:
            yield from _labelled("try", verdict.error.fix)
    for text in verdict.broken:
        yield from _labelled("limit", text)
    if verdict.bill is not None and verdict.broken:
        yield from (f"    {line}" for line in verdict.bill.lines())


def headline(verdict: Verdict) -> str:
    """Name, status, model and tokens."""
    told = f"{verdict.name}: {verdict.status.value}"
    if verdict.accepted:
        told += ", removed" if verdict.status is Status.GONE else ", accepted"
    prefix, pin = verdict.prefix, verdict.pin
    if prefix is None:
        return f"{told} ({verdict.source})"
    mark = "" if prefix.counted else " estimated"
    before = f"{pin.tokens:,} -> " if pin is not None and pin.tokens != prefix.tokens else ""
    model = "" if verdict.status is Status.UNCHANGED else f", {prefix.model_name}"
    return f"{told}; {before}{prefix.tokens:,} tokens{mark}{model}"


def effect_as_lines(effect: Effect, status: Status) -> Iterator[str]:
    """What it costs, a sentence each, and the prices of what day these are."""
    if effect.once_usd is not None and status is Status.CHANGED:
        yield f"{dollars(effect.once_usd)} once for each live entry, when it is deployed: written instead of read"
    each = effect.per_request_usd
    if each is not None and not each and status is Status.CHANGED:
        yield "the same from then on: as many tokens as before, at the same price"
    elif each is not None:
        what = {Status.NEW: "for reading it", Status.VOLATILE: "because it is never read"}.get(status, "from then on")
        yield f"{_rate(each, effect, signed=status is not Status.NEW)} {what}"
    if effect.worst_per_request_usd is not None:
        yield f"{_rate(effect.worst_per_request_usd, effect, signed=True)} if it changes with every call"
    yield from effect.because
    yield f"prices of {effect.on.isoformat()}, list, before discounts"


def _rate(each: Usd, effect: Effect, *, signed: bool) -> str:
    """An amount a month, or for a thousand requests where nobody said how many there are."""
    month = effect.a_month(each)
    amount = each * 1000 if month is None else month
    told = dollars(amount, signed=True) if signed else dollars(abs(amount))
    if month is None:
        return f"{told} per 1,000 requests ({_MONTH})"
    return f"{told} a month at {effect.requests:,} requests"


def _bill(bill: ConversationBill) -> str:
    cost = "no price" if bill.usd is None else dollars(bill.usd)
    rate = "" if bill.hit_rate is None else f", {share(bill.hit_rate / 100, 1)} read"
    return f"{len(bill.turns)}, {cost}{rate} (simulated)"


def _change(change: Change) -> str:
    rule = f" [{change.rule.value}]" if change.rule else ""
    others = f"; {change.others} more place{'s' if change.others > 1 else ''}" if change.others else ""
    shown = change.moved is Moved.TEXT and change.byte is not None  # both texts stand below
    said = (
        [change.moved.value]
        if shown or change.evidence == change.moved.value
        else [change.moved.value, change.evidence]
    )
    return f"{change.where}: {': '.join(said)}{others}{rule}"


def _diff(change: Change) -> Iterator[str]:
    if change.byte is None:
        return
    head = len(change.after.encode("utf-8", "replace")[: change.byte].decode("utf-8", "ignore"))
    for sign, text in (("-", change.before), ("+", change.after)):
        start = max(0, head - 20)
        shown = text[start : head + _AROUND].replace("\n", "\\n").replace("\t", "\\t")[:62]
        yield f"    {'':{_LABEL}}{sign} {'...' if start else ''}{shown}{'...' if len(text) > head + _AROUND else ''}"


def _labelled(label: str, text: str) -> Iterator[str]:
    first, rest = f"    {label:<{_LABEL}}", " " * (4 + _LABEL)
    yield from paragraph(text, _WIDTH, first, rest)


def _sign(verdict: Verdict) -> str:
    return "✓" if verdict.passed else "✗"


def totals(verdicts: Sequence[Verdict]) -> str:
    """How many of each status; those that are now accepted by themselves."""
    left = [one for one in verdicts if not one.accepted]
    counts = {status.value: sum(one.status is status for one in left) for status in Status}
    counts["accepted"] = len(verdicts) - len(left)
    told = [f"{count} {what}" for what, count in counts.items() if count]
    over = sum(bool(one.broken) for one in verdicts)
    return ", ".join(told + ([f"{over} over a limit"] if over else []))


def as_document(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Everything as JSON values; money as exact decimal text."""
    return {"passed": all(one.passed for one in verdicts), "prompts": [_as_json(one) for one in verdicts]}


def _as_json(verdict: Verdict) -> dict[str, Any]:
    prefix, pin = verdict.prefix, verdict.pin
    return {
        "name": verdict.name,
        "source": verdict.source,
        "status": verdict.status.value,
        "passed": verdict.passed,
        "accepted": verdict.accepted,
        "model": prefix and prefix.model_name,
        "prefix": prefix and prefix.hash,
        "tokens": prefix and prefix.tokens,
        "tokens_are": prefix and ("counted" if prefix.counted else "estimated"),
        "caching": prefix and prefix.caching.value,
        "pinned": pin and {"prefix": pin.prefix, "tokens": pin.tokens, "model": pin.model},
        "moved": [_change_as_json(one) for one in verdict.changes],
        "cost": verdict.effect and _effect_as_json(verdict.effect),
        "conversation": verdict.bill and _bill_as_json(verdict.bill),
        "limits_not_kept": list(verdict.broken),
        "notes": list(verdict.notes),
        "error": verdict.error and str(verdict.error),
        "file": verdict.file or None,
        "line": verdict.line if verdict.file else None,
    }


def _change_as_json(change: Change) -> dict[str, Any]:
    return {
        "kind": change.moved.name.lower().replace("_", "-"),
        "rule": change.rule and change.rule.value,
        "place": change.place,
        "byte": change.byte,
        "evidence": change.evidence,
    }


def _effect_as_json(effect: Effect) -> dict[str, Any]:
    return {
        "prices_on": effect.on.isoformat(),
        "requests_per_month": effect.requests,
        "once_usd_per_entry": _exact(effect.once_usd),
        "usd_per_request": _exact(effect.per_request_usd),
        "usd_per_month": _exact(effect.a_month(effect.per_request_usd)),
        "worst_usd_per_month": _exact(effect.a_month(effect.worst_per_request_usd)),
        "because": list(effect.because),
    }


def _bill_as_json(bill: ConversationBill) -> dict[str, Any]:
    return {
        "turns": len(bill.turns),
        "usd": _exact(bill.usd),
        "hit_rate_percent": None if bill.hit_rate is None else str(round(bill.hit_rate, 3)),
        "tokens": {unit.value: tokens for unit, tokens in bill.usage.items()},
        "output_counted": bill.outputs,
        "simulated": True,
    }


def _exact(amount: Usd | None) -> str | None:
    return None if amount is None else format(amount, "f")


# -- GitHub -----------------------------------------------------------------------------------------


def annotation(verdict: Verdict) -> str:
    """A workflow command that marks the place of a failed prompt in the pull request."""
    lines = [headline(verdict), *map(_change, verdict.changes), *verdict.broken]
    if verdict.effect is not None:
        lines += effect_as_lines(verdict.effect, verdict.status)
    if verdict.error is not None:
        lines.append(str(verdict.error))
    place = f"file={_property(verdict.file)},line={verdict.line}," if verdict.file else ""
    title, message = _property(f"Prompt {verdict.name}: {verdict.status.value}"), _data("\n".join(lines))
    return f"::error {place}title={title}::{message}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def summary(verdicts: Sequence[Verdict], command: str) -> str:
    """Markdown for the summary of a job, without the texts side by side: it is kept and read more widely than a log."""
    rows = ["## Pinned prompts", "", "| | prompt | status | tokens | a month |", "|---|---|---|---:|---:|"]
    for one in verdicts:
        month = one.effect and one.effect.a_month(one.effect.per_request_usd)
        cost = "" if month is None else dollars(month)
        tokens = f"{one.prefix.tokens:,}" if one.prefix else ""
        rows.append(f"| {_sign(one)} | {_cell(one.name)} | {one.status.value} | {tokens} | {cost} |")
    for one in verdicts:
        if not one.passed:
            rows += ["", f"### {_cell(one.name)}", "", "```text", *verdict_as_text(one, with_diff=False), "```"]
    if not all(one.passed for one in verdicts):
        rows += ["", f"Accept with `{command}` and commit the pin file."]
    return "\n".join(rows) + "\n\n"


def _cell(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1].replace("|", "\\|")
