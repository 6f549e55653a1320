"""What the gate found, typed: its encoding is the JSON that ``rockbottom check --json`` prints.

Money is decimal text without an exponent, tokens are integers. ``None`` says that there is no such value.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

import msgspec

from rockbottom.diagnose import Cause
from rockbottom.pins.bills import ConversationBill
from rockbottom.pins.changes import Change
from rockbottom.pins.checking import PinCheck, PinStatus
from rockbottom.pins.effects import Effect
from rockbottom.pins.placing import Edit, EditPlace
from rockbottom.pins.prefix import Caching
from rockbottom.quantities import Usd, digits_of


class PinnedPrefix(msgspec.Struct, frozen=True):
    """The prefix as it was accepted."""

    prefix: str
    tokens: int
    model: str


class PlacedEdit(msgspec.Struct, frozen=True):
    """The first edit of a text: it begins at ``character`` (from 0), or less than ``within`` characters behind it.

    ``before`` and ``after`` are how many characters differ, at most; ``grown`` is exact. ``others`` is how many further
    edits follow.
    """

    kind: Edit
    character: int
    within: int
    before: int
    after: int
    grown: int
    others: int


class MovedPart(msgspec.Struct, frozen=True):
    """One thing that moved; ``byte`` is where the texts first differ, None where the earlier text was not kept.

    ``edit`` is where they differ by the pieces of the pin, None where it has none or no text changed.
    """

    kind: str
    rule: Cause | None
    place: str
    byte: int | None
    evidence: str
    edit: PlacedEdit | None


class CostOfChange(msgspec.Struct, frozen=True, kw_only=True):
    """What the change costs at the list prices of a day."""

    prices_on: date
    requests_per_month: int | None
    once_usd_per_entry: str | None
    usd_per_request: str | None
    usd_per_month: str | None
    worst_usd_per_month: str | None
    because: tuple[str, ...]


class CheckedConversation(msgspec.Struct, frozen=True, kw_only=True):
    """The simulated bill of a conversation."""

    turns: int
    usd: str | None
    hit_rate_percent: Decimal | None
    tokens: Mapping[str, int]
    output_counted: bool
    simulated: bool = True


class CheckedPrompt(msgspec.Struct, frozen=True, kw_only=True):
    """One prompt against its pin. ``tokens_are`` is counted or estimated."""

    name: str
    source: str
    status: PinStatus
    passed: bool
    accepted: bool
    model: str | None
    prefix: str | None
    tokens: int | None
    tokens_are: str | None
    caching: Caching | None
    pinned: PinnedPrefix | None
    moved: tuple[MovedPart, ...]
    cost: CostOfChange | None
    conversation: CheckedConversation | None
    limits_not_kept: tuple[str, ...]
    notes: tuple[str, ...]
    error: str | None
    file: str | None
    line: int | None


class CheckResult(msgspec.Struct, frozen=True):
    """All prompts; ``passed``: every one of them did."""

    passed: bool
    prompts: tuple[CheckedPrompt, ...]


def check_result(verdicts: Sequence[PinCheck]) -> CheckResult:
    """The verdicts as a document."""
    return CheckResult(all(verdict.passed for verdict in verdicts), tuple(map(_prompt, verdicts)))


def _prompt(verdict: PinCheck) -> CheckedPrompt:
    prefix, pin = verdict.prefix, verdict.pin
    return CheckedPrompt(
        name=verdict.name,
        source=verdict.source,
        status=verdict.status,
        passed=verdict.passed,
        accepted=verdict.accepted,
        model=prefix and prefix.model_name,
        prefix=prefix and prefix.hash,
        tokens=prefix and prefix.tokens,
        tokens_are=prefix and ("counted" if prefix.counted else "estimated"),
        caching=prefix and prefix.caching,
        pinned=pin and PinnedPrefix(pin.prefix, pin.tokens, pin.model),
        moved=tuple(map(_moved, verdict.changes)),
        cost=verdict.effect and _cost(verdict.effect),
        conversation=verdict.bill and _conversation(verdict.bill),
        limits_not_kept=tuple(verdict.broken),
        notes=tuple(verdict.notes),
        error=None if verdict.error is None else str(verdict.error),
        file=verdict.file or None,
        line=verdict.line if verdict.file else None,
    )


def _moved(change: Change) -> MovedPart:
    kind = change.moved.name.lower().replace("_", "-")
    return MovedPart(
        kind, change.rule, change.place, change.byte, change.evidence, change.placed and _edit(change.placed)
    )


def _edit(placed: EditPlace) -> PlacedEdit:
    return PlacedEdit(
        placed.edit, placed.at, placed.within, placed.before, placed.after, placed.grown, placed.others
    )  # fmt: skip


def _cost(effect: Effect) -> CostOfChange:
    return CostOfChange(
        prices_on=effect.on,
        requests_per_month=effect.requests,
        once_usd_per_entry=_exact(effect.once_usd),
        usd_per_request=_exact(effect.per_request_usd),
        usd_per_month=_exact(effect.a_month(effect.per_request_usd)),
        worst_usd_per_month=_exact(effect.a_month(effect.worst_per_request_usd)),
        because=tuple(effect.because),
    )


def _conversation(bill: ConversationBill) -> CheckedConversation:
    return CheckedConversation(
        turns=len(bill.turns),
        usd=_exact(bill.usd),
        hit_rate_percent=None if bill.hit_rate is None else round(bill.hit_rate, 3),
        tokens={unit.value: tokens for unit, tokens in bill.usage.items()},
        output_counted=bill.outputs,
    )


def _exact(amount: Usd | None) -> str | None:
    return None if amount is None else digits_of(amount)
