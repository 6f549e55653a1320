"""A diagnosis, typed: its encoding is the JSON that ``rockbottom explain --json`` prints. It holds no text of a prompt.

Money is exact (text in JSON), tokens are integers, ``at`` is seconds since the epoch. ``None`` says that there is no
such value; a field that JSON leaves out is ``UNSET``.
"""

from collections.abc import Mapping

import msgspec
from msgspec import UNSET, UnsetType

from rockbottom.catalog import SetApart
from rockbottom.diagnose.causes import Cause
from rockbottom.diagnose.differences import Difference
from rockbottom.diagnose.findings import CauseTotal, Finding, Findings, Saving
from rockbottom.diagnose.parts import Parts, TokenAmount
from rockbottom.diagnose.volatile import VolatileKind
from rockbottom.documents import AloneRequests, PromptPart, PromptParts
from rockbottom.quantities import ZERO_USD, Usd


class ExplainedDifference(msgspec.Struct, frozen=True):
    """Where two requests first differ, and what kind of difference it is."""

    cause: Cause
    place: str
    byte: int
    kind: VolatileKind | None
    evidence: str


class ExplainedMiss(msgspec.Struct, frozen=True, kw_only=True):
    """One miss; ``usd`` is what it cost above a read, None where no price is in force."""

    request: str | None
    where: str
    at: float
    model: str
    earlier_request: str | None
    earlier_where: str | None
    tokens: int
    usd: Usd | None
    read_tokens: int
    expected_tokens: int
    evidence: str
    place: str
    difference: ExplainedDifference | None


class TriedFix(msgspec.Struct, frozen=True):
    """A fix tried on the same requests: what the rules bill for their input as they were sent, and with it."""

    what: str
    usd_before: Usd
    usd_after: Usd


class ExplainedCause(msgspec.Struct, frozen=True, kw_only=True):
    """All misses of one cause."""

    rule: Cause
    name: str
    cause: str
    misses: int
    tokens: int
    usd: Usd
    without_price: int
    fix: str
    tried: TriedFix | None
    findings: tuple[ExplainedMiss, ...]


class UnreadableRequest(msgspec.Struct, frozen=True):
    """A record that could not be read."""

    where: str
    why: str


class ExplainedGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The requests of one label (None: not recorded): what was paid, and what it is with the planner, where tried."""

    label: str | None
    requests: int
    input_tokens: int
    read_tokens: int
    missed_usd: Usd
    paid_usd: Usd | None
    attached_usd: Usd | None


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Every miss of the requests by cause, the dearest first.

    ``paid_usd`` is what they cost with their output, ``attached_usd`` what they would have with the planner, each
    model's input in proportion to what was counted of it; ``counted_part`` is all that was counted as a part of what
    the rules predict. ``attached`` is the planner tried on the same requests, by the rules. ``too_old_usd`` of what was
    missed was last sent longer ago than any entry lives.
    ``first_difference`` is there where two requests were compared and differ, ``simulated_requests`` where some went to
    a local endpoint, ``set_apart`` where some went to models that are not known, ``repeated_requests`` where some came
    again with the same request id and were counted once, ``too_short_requests`` where some have fewer tokens than their
    model caches from, ``alone`` where some could not be read whole: they
    are in no other figure. ``assumptions`` is what the figures take for granted.
    """

    requests: int
    span_s: float
    input_tokens: int
    read_tokens: int
    missed_tokens: int
    missed_usd: Usd
    missed_usd_per_month: Usd | None
    input_usd: Usd | None
    paid_usd: Usd | None
    uncounted_requests: int
    small_misses: int
    small_tokens: int
    unreadable: tuple[UnreadableRequest, ...]
    causes: tuple[ExplainedCause, ...]
    attached: TriedFix | UnsetType = UNSET
    attached_usd: Usd | UnsetType = UNSET
    counted_part: float | UnsetType = UNSET
    too_old_usd: Usd | UnsetType = UNSET
    first_difference: ExplainedDifference | UnsetType = UNSET
    simulated_requests: int | UnsetType = UNSET
    set_apart: tuple[SetApart, ...] | UnsetType = UNSET
    repeated_requests: int | UnsetType = UNSET
    too_short_requests: int | UnsetType = UNSET
    groups: tuple[ExplainedGroup, ...] | UnsetType = UNSET
    prompts: PromptParts | UnsetType = UNSET
    alone: AloneRequests | UnsetType = UNSET
    assumptions: tuple[str, ...] | UnsetType = UNSET


def explanation_of(findings: Findings, first: Difference | None = None, simulated: int = 0) -> Explanation:
    """The findings as a document; ``first`` is the difference of two requests that were compared."""
    monthly = findings.a_month(findings.usd)
    return Explanation(
        requests=findings.requests,
        span_s=findings.span_s,
        input_tokens=findings.tokens,
        read_tokens=findings.read,
        missed_tokens=findings.missed,
        missed_usd=findings.usd,
        missed_usd_per_month=None if monthly is None else round(monthly, 6),
        input_usd=findings.spent,
        paid_usd=findings.paid,
        uncounted_requests=findings.uncounted,
        small_misses=findings.small_misses,
        small_tokens=findings.small_tokens,
        unreadable=tuple(UnreadableRequest(request.where, request.why) for request in findings.unreadable),
        causes=tuple(map(_cause, findings.totals)),
        attached=UNSET if findings.attached is None else _tried(findings.attached),
        attached_usd=UNSET if findings.with_planner is None else round(findings.with_planner, 12),
        counted_part=UNSET if findings.attached is None else round(float(findings.counted_part), 6),
        too_old_usd=findings.too_old_usd or UNSET,
        first_difference=UNSET if first is None else _difference(first),
        simulated_requests=simulated or UNSET,
        set_apart=findings.set_apart or UNSET,
        repeated_requests=findings.repeated or UNSET,
        too_short_requests=sum(findings.too_short.values()) or UNSET,
        groups=explained_groups(findings) or UNSET,
        prompts=prompts_of(findings.parts) or UNSET,
        alone=findings.alone if findings.alone.requests else UNSET,
        assumptions=tuple(findings.assumptions) or UNSET,
    )


def prompts_of(parts: Parts) -> PromptParts | None:
    """What prompts are made of; None where no request tells."""
    if not parts.amounts:
        return None
    amounts = {part.value: amount for part, amount in parts.amounts.items()}
    return PromptParts(
        parts=_ranked(amounts), never_called=_ranked(parts.never_called), results=_ranked(parts.results),
        tools=len(parts.tools) or UNSET, compaction=parts.compaction or UNSET,
        attached_compaction=parts.attached_compaction or UNSET,
    )  # fmt: skip


def _ranked(amounts: Mapping[str, TokenAmount]) -> tuple[PromptPart, ...]:
    """The dearest first."""
    parts = [PromptPart(name=name, tokens=amount.tokens, usd=amount.usd) for name, amount in amounts.items()]
    return tuple(sorted(parts, key=lambda part: (-part.usd, -part.tokens, part.name)))


def explained_groups(findings: Findings) -> tuple[ExplainedGroup, ...]:
    """The requests by label, the one that paid most first; none where they have no labels."""
    missed: dict[str | None, Usd] = {}
    for finding in findings:
        label = finding.sent.record.label
        missed[label] = missed.get(label, ZERO_USD) + (finding.usd or ZERO_USD)
    groups = [
        ExplainedGroup(
            label=label, requests=group.requests, input_tokens=group.tokens, read_tokens=group.read,
            missed_usd=missed.get(label, ZERO_USD), paid_usd=group.paid, attached_usd=group.with_planner,
        )
        for label, group in findings.groups.items()
    ]  # fmt: skip
    return tuple(sorted(groups, key=lambda group: (-(group.paid_usd or ZERO_USD), group.label or "")))


def _tried(saving: Saving) -> TriedFix:
    return TriedFix(saving.what, saving.before, saving.after)


def _cause(total: CauseTotal) -> ExplainedCause:
    saving = total.saving
    return ExplainedCause(
        rule=total.cause,
        name=total.cause.name_in_words,
        cause=total.cause.title,
        misses=len(total.findings),
        tokens=total.tokens,
        usd=total.usd,
        without_price=total.unpriced,
        fix=total.cause.fix,
        tried=None if saving is None else _tried(saving),
        findings=tuple(map(_miss, total.findings)),
    )


def _miss(finding: Finding) -> ExplainedMiss:
    record, earlier = finding.sent.record, finding.earlier
    return ExplainedMiss(
        request=record.request_id or None,
        where=record.where,
        at=finding.sent.at,
        model=finding.sent.model.model.id,
        earlier_request=None if earlier is None else earlier.record.request_id or None,
        earlier_where=None if earlier is None else earlier.record.where,
        tokens=finding.tokens,
        usd=finding.usd,
        read_tokens=finding.read,
        expected_tokens=finding.expected,
        evidence=finding.evidence,
        place=finding.place,
        difference=None if finding.difference is None else _difference(finding.difference),
    )


def _difference(difference: Difference) -> ExplainedDifference:
    return ExplainedDifference(
        difference.cause, difference.place, difference.byte, difference.volatile, difference.evidence
    )
