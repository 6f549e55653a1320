"""``rockbottom explain``: why today's cache misses, and what each cause costs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rockbottom.cli.console import show, width
from rockbottom.cli.exits import Exit, say
from rockbottom.cli.options import html_page, json_flag, models_behind
from rockbottom.cli.trace import by_option, nothing_read, refuse_some, say_apart, say_damage, say_passed_over
from rockbottom.cli.values import Decimals, Number, ParamType, write_new
from rockbottom.figures import counted

if TYPE_CHECKING:
    from rockbottom.diagnose import Difference, Findings, LoggedRequest, Sent
    from rockbottom.trace import Damages, Invocation, LogReader


class _Rules(ParamType):
    """Rule ids or names, separated by commas; ``any`` stands for all."""

    name = "rules"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[str]:
        """The rule ids; fails on an unknown one."""
        from rockbottom.diagnose import Cause

        known = {name: cause.value for cause in Cause for name in (cause.value, cause.name_in_words)}
        chosen: set[str] = set()
        for word in str(value).split(","):
            name = word.strip()
            if name.lower() == "any":
                chosen |= {cause.value for cause in Cause}
            elif (rule := known.get(name.upper()) or known.get(name.lower())) is not None:
                chosen.add(rule)
            else:
                self.fail(f"no rule {name!r}; there are {', '.join(cause.value for cause in Cause)} and any")
        return frozenset(chosen)


@click.command()
@click.argument("sources", nargs=-1, required=True)
@click.option("--model", metavar="ID", help="The model of request bodies that do not name one.")
@click.option(
    "--gap", type=Decimals(0, 1e9), default=30.0, show_default=True, metavar="SECONDS",
    help="Two bodies: the time between them.",
)  # fmt: skip
@click.option("--fail-on", type=_Rules(), metavar="RULE[,..]", help="Exit with 1 when one of these is found (or: any).")
@click.option("--max-usd-per-month", type=Number(zero=True), metavar="USD", help="Exit with 1 when misses cost more.")
@models_behind
@click.option("--format", "name", metavar="NAME", help="The format of LOGS; recognised where it is not named.")
@click.option("--strict", is_flag=True, help="Fail where anything cannot be read, or its model is not known.")
@click.option("--no-prove", is_flag=True, help="Do not try the fixes on the requests read.")
@click.option("--all", "all_findings", is_flag=True, help="List every miss instead of one example for each cause.")
@json_flag
@html_page
@by_option
def command(
    sources: tuple[str, ...], model: str | None, gap: float, fail_on: frozenset[str] | None,
    max_usd_per_month: Decimal | None, profiles: tuple[str, ...], name: str | None, strict: bool, no_prove: bool,
    all_findings: bool, as_json: bool, html: Path | None, by: str,
) -> None:  # fmt: skip
    """Explain why the cache missed: between two requests (A.json B.json), or in every request of LOGS.

    A.json and B.json hold a Converse or InvokeModel body, or a log record. LOGS are folders, files or
    s3:// prefixes of Bedrock model invocation logs or of what CloudWatch Logs made of them (rockbottom trace
    formats lists all), or ledgers that attached clients kept: those hold no text, so that what changed is
    named only where the client saw it, and fixes are not tried. Transcripts and telemetry of other programs
    hold counters: these show what was written again after a pause, on a switch of models and on compaction.
    """
    from rockbottom.cli.replay_questions import profiles_of
    from rockbottom.diagnose import explanation_of
    from rockbottom.rendering import explanation_page, explanation_text, json_text, pair_text

    behind, simulated, damages = dict(profiles_of(profiles)), 0, None
    pair = None if name else _two_requests(sources)
    if pair is not None:
        if html is not None:
            raise click.UsageError("--html shows a log; two requests are shown as text or --json")
        records = _pair(pair, sources, model, gap, behind)
        findings, first, requests = _explained(records, prove=False, small=True)
        if len(requests) < 2:
            raise click.UsageError(f"two different requests are compared; one cannot be{_first_reason(findings)}")
        lines = pair_text(findings, first, requests, width=width())
    else:
        if name == "ledger" or (name is None and _is_of_ledgers(sources)):
            from rockbottom.cli.explain_ledger import explained_ledger
            from rockbottom.trace import Damages

            damages = Damages()
            (findings, simulated), first = explained_ledger(sources, damages, by), None
        elif (counted := _of_columns(sources, name)) is not None:
            findings, first = counted, None
        else:
            from rockbottom.trace import Damages

            damages = Damages()
            records = _records(sources, name, model, behind, damages, by)
            findings, first, _ = _explained(records, prove=not no_prove)
        if not findings.requests:
            raise _nothing_explained(findings, damages, " ".join(sources))
        lines = explanation_text(findings, all_findings, simulated, by, width=width())
    if strict:
        refuse_some((damages.count if damages else 0) + _others(findings), findings.set_apart)
    if as_json:
        click.echo(json_text(explanation_of(findings, first, simulated)))
    else:
        show(lines)
    if html is not None:
        write_new(html, explanation_page(findings, simulated, by, every=all_findings))
    _say_unreadable(findings, " ".join(sources))
    _gate(findings, fail_on, max_usd_per_month)


def _nothing_explained(findings: "Findings", damages: "Damages | None", source: str) -> click.UsageError:
    """The error of sources of which no request could be read, after what was wrong with each was said."""
    _say_unreadable(findings, source)
    if damages is not None and damages.failed and not findings.unreadable:
        return nothing_read(source, damages)
    return click.UsageError(f"{source}: no request in it could be read{_first_reason(findings)}")


def _of_columns(sources: Sequence[str], name: str | None) -> "Findings | None":
    """The findings of sources that hold counters and no text; None: they are of another kind."""
    from rockbottom.cli.explain_columns import explained_columns
    from rockbottom.trace import UnreadableSource, reader_of

    try:
        if any(reader_of(source, name).invocations is not None for source in sources):
            return None
    except UnreadableSource:
        return None
    return explained_columns(sources, name)


def _is_of_ledgers(sources: Sequence[str]) -> bool:
    from rockbottom.ledger import is_ledger

    return all(is_ledger(source) or _is_of_shipped_ledgers(source) for source in sources)


def _is_of_shipped_ledgers(source: str) -> bool:
    from rockbottom.trace import UnreadableSource, reader_of

    try:
        return reader_of(source).name == "ledger"
    except UnreadableSource:
        return False


def _explained(
    records: "Iterator[LoggedRequest] | Sequence[LoggedRequest]", *, prove: bool, small: bool = False
) -> "tuple[Findings, Difference | None, Sequence[Sent]]":
    """The findings, of two requests their first difference, and the requests read."""
    from rockbottom.catalog import load_catalog
    from rockbottom.cli.bars import working
    from rockbottom.diagnose import (
        Archive,
        PriceDays,
        Stream,
        Tolerance,
        first_difference,
        parted,
        priced_of,
        read_all,
        unread,
        with_compaction,
        with_savings,
    )
    from rockbottom.figures import counted

    catalog = load_catalog()
    archive = Archive(catalog)
    requests, unreadable, repeated = read_all(records, archive)
    days = PriceDays(catalog, date.today())
    if not small:  # of two requests that are compared each is looked at, with a price or without
        requests, apart = priced_of([days.chosen(sent) for sent in requests], catalog)
        unreadable = [*unreadable, *(unread(sent.record, error) for sent, error in apart)]
    requests, alone = parted(requests, catalog)
    stream = Stream(catalog, tolerance=Tolerance(50, 0) if small else None)
    with working(f"explaining {counted(len(requests), 'request')}"):
        findings = stream.run(archive, requests, unreadable, repeated)
        findings = replace(findings, alone=alone, assumptions=days.in_words())
    if prove:
        from rockbottom.cli.replay_planner import AttachedPlanner

        with working(f"trying fixes on {counted(len(requests), 'request')} (--no-prove skips this)"):
            findings = with_savings(findings, requests, archive, catalog, learners=AttachedPlanner().of_sent)
            findings = with_compaction(findings, requests, catalog)
    pair = small and len(requests) == 2
    return findings, first_difference(archive, requests[0], requests[1]) if pair else None, requests


def _records(
    sources: Sequence[str],
    name: str | None,
    model: str | None,
    behind: Mapping[str, str],
    damages: "Damages",
    by: str,
) -> "Iterator[LoggedRequest]":
    """The records of logs; failed calls cost nothing and are left out."""
    from rockbottom.cli.bars import bar

    read = list(_readers(sources, name))
    parts = [(reader, part) for reader, source in read for part in reader.parts(source)]
    with bar("files", len(parts)) as moved:
        for done, (reader, part) in enumerate(parts, 1):
            for invocation in _invocations(reader, part, damages):
                yield replace(_record(invocation, model, behind), label=invocation.labels.get(by) if by else None)
            moved(done)
    for reader, source in read:
        say_passed_over(source, reader.name)
    say_damage(damages, 0, " ".join(sources))


def _readers(sources: Sequence[str], name: str | None) -> "Iterator[tuple[LogReader, str]]":
    """The reader of each source. Raises UnreadableSource for a format that holds no text."""
    from rockbottom.trace import UnreadableSource, reader_of, readers

    for source in sources:
        try:
            reader = reader_of(source, name)
        except UnreadableSource:
            if name is not None:
                raise
            reader = readers()["bedrock-logs"]  # which says what it cannot read in it
        if reader.invocations is None:
            raise UnreadableSource(
                f"{source}: the format {reader.name} holds no text to explain",
                fix=f"what it cost and could have cost: rockbottom replay {source}",
            )
        yield reader, source


def _invocations(reader: "LogReader", part: str, damages: "Damages") -> "Iterator[Invocation]":
    return iter(()) if reader.invocations is None else reader.invocations(part, damages)


def _two_requests(sources: Sequence[str]) -> "Sequence[Invocation] | None":
    """The requests of two files that hold one each; None where the sources are logs."""
    from rockbottom.trace import first_two, only_one

    if len(sources) != 2 or not all(Path(name).is_file() and name.endswith(".json") for name in sources):
        return None
    files = [(Path(name), *first_two(Path(name))) for name in sources]
    if any(len(invocations) > 1 for _, invocations, _ in files):
        return None
    return [only_one(path, invocations, damages) for path, invocations, damages in files]


def _pair(
    invocations: "Sequence[Invocation]", names: Sequence[str], model: str | None, gap: float, behind: Mapping[str, str]
) -> "Sequence[LoggedRequest]":
    """Two requests, the second some time after the first; counters are used only where both have them."""
    from time import time

    ids = [invocation.model or model for invocation in invocations]
    known = next((model_id for model_id in ids if model_id), None)
    if known is None:
        raise click.UsageError(f"neither {names[0]} nor {names[1]} names a model; say which with --model")
    records = [
        _record(invocation, model_id or known, behind) for invocation, model_id in zip(invocations, ids, strict=True)
    ]
    start = invocations[0].at or time()
    recorded = all(invocation.at is not None and invocation.usage is not None for invocation in invocations)
    if recorded:
        return records
    return [
        replace(record, at=at, usage=None, request_id="", account="", region="", began_after_s=0.0)
        for record, at in zip(records, (start, start + gap), strict=True)
    ]


def _record(invocation: "Invocation", model: str | None, behind: Mapping[str, str]) -> "LoggedRequest":
    from rockbottom.diagnose import LoggedRequest
    from rockbottom.dialects import host_of

    model_id = invocation.model or model or ""
    return LoggedRequest(
        invocation.at or 0.0,
        behind.get(model_id, model_id),
        invocation.api,
        invocation.body,
        invocation.usage,
        invocation.served,
        invocation.region,
        invocation.account,
        invocation.request_id,
        invocation.latency_s,
        invocation.tier,
        invocation.place,
        host=host_of(invocation.api, model_id),
        output=invocation.output,
    )


def _first_reason(findings: "Findings") -> str:
    if findings.alone.requests:
        from rockbottom.rendering import alone_text

        return f"; {alone_text(findings.alone)}"
    return f"; the first: {findings.unreadable[0][0]}: {findings.unreadable[0][1]}" if findings.unreadable else ""


def _others(findings: "Findings") -> int:
    """Requests that could not be read for another reason than their model."""
    return sum(request.apart is None for request in findings.unreadable)


def _say_unreadable(findings: "Findings", source: str) -> None:
    say_apart(findings.set_apart, source)
    others = _others(findings)
    if others:
        first = next(request for request in findings.unreadable if request.apart is None)
        say(f"{counted(others, 'request')} could not be read; the first: {first.where}: {first.why}")


def _gate(findings: "Findings", fail_on: frozenset[str] | None, most: Decimal | None) -> None:
    """Exit with 1 where a rule that was named is found, or the misses cost too much."""
    failed = [total for total in findings.totals if fail_on and total.cause.value in fail_on]
    for total in failed:
        say(f"--fail-on {total.cause.value}: {total.cause.title}, {counted(len(total.findings), 'miss', 'misses')}")
    over = most is not None and _costs_more(findings, most)
    if failed or over:
        raise SystemExit(Exit.VERDICT)


def _costs_more(findings: "Findings", most: Decimal) -> bool:
    """Whether misses cost more in a month; of a log that is too short for one, whether they do in the log alone."""
    from rockbottom.rendering import over_the_month_text

    monthly = findings.a_month(findings.usd)
    over = (findings.usd if monthly is None else monthly) > most
    if over or monthly is None:
        say(over_the_month_text(findings, most))
    return over
