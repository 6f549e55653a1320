"""Findings as text: of a stream of requests, and of two of them."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from rockbottom.diagnose import (
    CauseTotal,
    Difference,
    Finding,
    Findings,
    LoggedRequest,
    Saving,
    Sent,
    explained_groups,
    prompts_of,
)
from rockbottom.figures import Paint, counted, duration, paragraph, share, usd, visible
from rockbottom.quantities import ZERO_USD
from rockbottom.rendering.groups import groups_text
from rockbottom.rendering.paid import alone_in_words, attached_in_words, decimals_of, more_or_less, whole_in_words
from rockbottom.rendering.prompts import prompts_text
from rockbottom.rendering.replays import GAP

_INDENT = " " * 7
_AROUND = 48
NO_MISS = "no miss to explain"
_TABLE = 80  # columns that the table of causes takes


def explanation_text(
    findings: Findings, every: bool, simulated: int = 0, by: str = "", *, width: int = 80
) -> Iterator[str]:
    """The report on a stream: the verdict, then a line a cause, the dearest first, with an example and its fix."""
    yield from _paragraph(verdict_in_words(findings, simulated), width, "")
    yield ""
    if groups := explained_groups(findings):
        yield from groups_text(
            by, groups, decimals_of(max(group.paid_usd or ZERO_USD for group in groups)), width=width
        )
        yield ""
    for fact in facts_in_words(findings, simulated):
        yield from _paragraph(fact, width, "")
    yield ""
    if not findings.totals:
        yield NO_MISS
    else:
        if width >= _TABLE:
            heads = f"{'rule':<7}{'cause':<35}{'misses':>7}{'tokens':>11}{'cost':>9}"
            yield f"{heads}{month_heading(findings):>11}".rstrip()
        for total in findings.totals:
            yield from _cause_as_text(total, findings, every, width)
        yield ""
        misses = sum(len(total.findings) for total in findings.totals)
        yield from _row("", "all misses", misses, findings.missed, findings.usd, findings, width)
    yield from _remarks(findings, width)
    prompts = prompts_of(findings.parts)
    if prompts is not None:
        yield from prompts_text(prompts, width=width)


def facts_in_words(findings: Findings, simulated: int) -> Iterator[str]:
    """How many requests there were, how much of them was read, and what of them is simulated, repeated or bare."""
    read = ""
    if findings.tokens:
        read = f", {share(findings.read / findings.tokens, 1)} of input tokens read from the cache"
    yield f"{counted(findings.requests, 'request')} in {duration(findings.span_s)}{read}"
    if simulated:
        yield f"{simulated:,} of them went to a local endpoint: what follows is simulated"
    for (model, minimum), number in findings.too_short.items():
        short = counted(number, "request is", "requests are")
        yield f"{short} shorter than the {minimum:,} tokens from which {model} caches: no cachePoint helps there"
    if findings.repeated:
        again = counted(findings.repeated, "record repeats", "records repeat")
        yield f"{again} the request id of an earlier one: counted once"
    if findings.uncounted:
        bare = counted(findings.uncounted, "request carries", "requests carry")
        yield f"{bare} no counters: what was read was worked out from the rules."


def verdict_in_words(findings: Findings, simulated: int = 0) -> str:
    """What was paid, how much of it for what had been sent before and was not read, and what it is with the planner."""
    paid, attached = findings.paid, findings.with_planner
    alone = findings.alone
    if paid is None:
        return "What this traffic cost is not known: none of its models has a known price."
    by_counters = not findings.uncounted and not simulated
    decimals = decimals_of(max(paid, attached or ZERO_USD, alone.usd))
    amount = whole_in_words(paid, alone, decimals)
    sentence = f"You paid {amount}" if by_counters else f"As it was sent it costs {amount} by the rules"
    if findings.usd > 0:
        missed = usd(findings.usd, decimals, symbol=True, bare_zero=False)
        sentence += f", {missed} of it because what had been sent before was not read from the cache"
    elif not findings.totals:
        sentence += f", and {nothing_missed(findings)}"
    sentences = [f"{sentence}.", *alone_in_words(alone, decimals)]
    if attached is not None:
        instead = " and its cachePoints instead of yours" if findings.instead else ""
        with_it = attached_in_words(attached, paid, alone, decimals, by_counters=by_counters)
        sentences.append(f"With rockbottom attached{instead} {with_it}.")
    return " ".join(sentences)


def nothing_missed(findings: Findings) -> str:
    """Why no miss was found."""
    return "what was sent before was read" if findings.read else "nothing long enough for the cache was sent again"


def _remarks(findings: Findings, width: int) -> Iterator[str]:
    if findings.totals and findings.spent is not None:
        yield from _row("", "all input", findings.requests, findings.tokens, findings.spent, findings, width)
    yield ""
    for remark in remarks_in_words(findings):
        yield from _paragraph(remark, width, "")


def remarks_in_words(findings: Findings) -> Iterator[str]:
    """What costs are, how a month is made, and what was not looked into."""
    if findings.totals:
        month = "a month: 30 days at the rate of this log"
        if not month_heading(findings):
            month = f"{duration(findings.span_s)} of traffic is too short for a monthly figure"
        old = findings.too_old_usd
        aged = f"; {_usd(old)} of it was last sent longer ago than any entry lives" if old else ""
        yield (
            f"cost: what was paid above the price of a cache read, at the prices of the day of each request{aged}. "
            f"{month}. Tokens per block are shared out from the service's count of each request."
        )
    if findings.assumptions:
        yield f"assumed: {'; '.join(findings.assumptions)}"
    if abs(findings.counted_part - 1) >= GAP:
        gap = more_or_less(findings.counted_part, Decimal(1))
        counted_input = f"The input that the service counted cost {gap} than the rules predict"
        each = ", model by model" if len(findings.models) > 1 else ""
        yield f"{counted_input}; the bill with rockbottom is scaled to it{each}."
    if findings.small_misses:
        many = counted(findings.small_misses, "small miss", "small misses")
        tokens = counted(findings.small_tokens, "token")
        yield f"{many} ({tokens} together) were not analysed."


def month_heading(findings: Findings) -> str:
    """The head of the column of months; empty where the log is too short for one."""
    return "a month" if findings.a_month(findings.usd) is not None else ""


def _cause_as_text(total: CauseTotal, findings: Findings, every: bool, width: int) -> Iterator[str]:
    cost = total.usd if total.unpriced < len(total.findings) else None
    yield from _row(total.cause.value, total.cause.title, len(total.findings), total.tokens, cost, findings, width)
    examples = total.findings if every else [total.example]
    for sentence in (*(line for finding in examples for line in finding_in_words(finding)), *fix_in_words(total)):
        yield from _paragraph(sentence, width)


def fix_in_words(total: CauseTotal) -> Iterator[str]:
    """What to do about a cause, and what that saved where it was tried."""
    saving = total.saving
    if saving is not None and saving.usd <= 0:
        yield f"leave it: none of the fixes tried on this log saves anything ({_saving(saving)})"
        return
    yield f"fix: {total.cause.fix}"
    if saving is not None:
        yield f"tried on this log: {_saving(saving)}"


def _row(
    rule: str, cause: str, count: int, tokens: int, cost: Decimal | None, findings: Findings, width: int
) -> Iterator[str]:
    """A line of the table, large figures into the place of a short cause, or a paragraph where there is no room."""
    priced = costs_in_words(cost, findings)
    figures = f" {count:>7,} {tokens:>10,} {priced[0]:>8} {priced[1]:>10}"
    line = f"{f'{rule:<6} {cause}':<{_TABLE - len(figures)}}{figures}".rstrip()
    if len(line) <= width >= _TABLE:
        yield line
        return
    month = f", {priced[1]} a month" if priced[1] else ""
    yield from paragraph(f"{rule:<7}{cause}: {counted(count, 'time')}, {tokens:,} tokens, {priced[0]}{month}", width)


def costs_in_words(cost: Decimal | None, findings: Findings) -> tuple[str, str]:
    """What misses cost, and what they would in a month; None is a cost without a price."""
    return ("no price", "") if cost is None else (_usd(cost), _monthly(findings.a_month(cost)))


def _saving(saving: Saving) -> str:
    if saving.usd > 0:
        part = saving.usd / saving.before if saving.before else Decimal(0)
        return f"{saving.what}: input costs {_usd(saving.after)} instead of {_usd(saving.before)} ({share(part)} less)"
    if saving.usd == 0:
        return f"{saving.what}: saves nothing"
    return f"{saving.what}: dearer by {_usd(-saving.usd)}"


def finding_in_words(finding: Finding) -> Iterator[str]:
    """What was seen of a miss, and which request missed what which one had written."""
    where = f"{finding.difference.where}: " if finding.difference else f"{finding.place}: " if finding.place else ""
    yield f"{where}{finding.evidence}"
    if finding.earlier is not None and finding.sent.record.where:
        earlier, later = finding.earlier.record, finding.sent.record
        yield f"{_name(later)}, {duration(later.at - earlier.at)} after {_name(earlier, later)}"


def pair_text(
    findings: Findings, first: Difference | None, requests: Sequence[Sent], *, width: int = 80
) -> Iterator[str]:
    """The report on two requests: the first difference, a diff, the cause, its cost and its fix."""
    if first is None:
        yield "no difference: the second request begins with all of the first"
    else:
        yield f"first difference: {first.where}"
        yield from _diff(first, width)
    yield ""
    finding = next(iter(findings), None)
    if finding is None:
        yield from _paragraph(_without_finding(findings, first, requests), width, "")
        return
    yield f"{finding.cause.value}  {finding.cause.title}"
    yield from _paragraph(finding.evidence, width)
    cost = (
        f"no price is in force for {finding.sent.record.model}"
        if finding.usd is None
        else f"{_usd(finding.usd)} above a cache read, each time"
    )
    yield from _paragraph(f"{finding.tokens:,} tokens miss: {cost}", width)
    yield from _paragraph(f"fix: {finding.cause.fix}", width)
    if findings.uncounted:
        yield ""
        yield from _paragraph("worked out from the documented rules; token counts are estimates", width, "")


def _without_finding(findings: Findings, first: Difference | None, requests: Sequence[Sent]) -> str:
    """Two requests without a miss: what was read, or why there was nothing to read."""
    if findings.read:
        return f"no miss: {findings.read:,} of {findings.tokens:,} tokens of both requests are read"
    earlier, later = requests
    first_name, second_name = (
        sent.record.where or name for sent, name in zip(requests, ("the first", "the second"), strict=True)
    )
    why = "nothing is read, and nothing that was written is missed"
    if not earlier.prompt.points and not later.prompt.points:
        why = f"nothing is read: neither {first_name} nor {second_name} has a cachePoint"
    elif not earlier.prompt.points:
        why = f"nothing is read: {first_name} has no cachePoint, so it wrote nothing that {second_name} could read"
    elif not later.prompt.points:
        why = f"nothing is read: {second_name} has no cachePoint"
    if first is None:
        return f"{why}."
    shared = _tokens_shared(earlier, later)
    return (
        f"{why}. The first difference, {first.where}, leaves {shared:,} tokens of whole blocks in front of it "
        f"that both have; {later.model.model.name} caches from {later.rules.minimum_tokens:,} tokens on."
    )


def _tokens_shared(earlier: Sent, later: Sent) -> int:
    pairs = zip(earlier.segments, later.segments, strict=False)
    length = next((index for index, (old, new) in enumerate(pairs) if old.digest != new.digest), None)
    return later.prompt.depths[min(len(earlier.segments), len(later.segments)) if length is None else length]


def _diff(first: Difference, width: int) -> Iterator[str]:
    """The texts around the first difference, before and after; colour is dropped where it is no terminal."""
    head = len(first.after.encode()[: first.byte].decode("utf-8", "ignore"))
    paint = Paint(True)
    yield paint(f"  - {_around(first.before, head, width)}", "bad")
    yield paint(f"  + {_around(first.after, head, width)}", "good")


def _around(text: str, head: int, width: int) -> str:
    start = max(0, head - 20)
    shown = text[start : head + _AROUND].replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    shown = visible(shown)
    room = width - 10
    return f"{'...' if start else ''}{shown[:room]}{'...' if len(text) > head + _AROUND else ''}"


def _name(record: LoggedRequest, other: LoggedRequest | None = None) -> str:
    """Where a record stands: its file and line, or only the line where the other one is of the same file."""
    file, colon, line = record.where.rpartition(":")
    if other is not None and colon and other.where.rpartition(":")[0] == file:
        return f"line {line}"
    return f"{file.rpartition('/')[2]}{colon}{line}" or record.request_id


def _paragraph(text: str, width: int, indent: str = _INDENT) -> Iterator[str]:
    yield from paragraph(text, width, indent, indent)


def _usd(amount: Decimal) -> str:
    return usd(amount, ((10_000, 0), (1, 2), (0, 4)), symbol=True)


def _monthly(amount: Decimal | None) -> str:
    return "" if amount is None else usd(amount, ((1_000, 0), (0, 2)), symbol=True)


def over_the_month_text(findings: Findings, most: Decimal) -> str:
    """What the misses cost against the limit of a month, or against the same limit in a log too short for one."""
    monthly, limit = findings.a_month(findings.usd), f"--max-usd-per-month {most}"
    if monthly is not None:
        return f"misses cost {usd(monthly, 2)} USD a month, more than {limit}"
    cost, span = usd(findings.usd, 2, bare_zero=False), duration(findings.span_s)
    compared = "more" if findings.usd > most else "not more"
    return f"misses cost {cost} USD in {span}, {compared} than {limit}; the log is too short for a monthly figure"
