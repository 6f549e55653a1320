"""The gate: each prompt against its pin, what moved and what it costs, and the pins that are accepted."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import Enum
from pathlib import Path
from secrets import token_hex

from rockbottom.catalog import Catalog, load_catalog
from rockbottom.pins.bills import ConversationBill, ConversationLimits, simulated_bill
from rockbottom.pins.changes import Change, Moved, changes_between, changes_from
from rockbottom.pins.effects import Effect, effect_of_change, effect_of_new, effect_of_volatile, usd_per_month
from rockbottom.pins.errors import NotRendered
from rockbottom.pins.excerpt import excerpt, request_of
from rockbottom.pins.pieces import KEY_BYTES
from rockbottom.pins.pin import Pin, pin_of
from rockbottom.pins.pin_file import name_taken, read_text, remove_text, update_pins, write_text
from rockbottom.pins.prefix import Caching, Prefix, archive_of, read_prefix, shared_blocks
from rockbottom.pins.rendering import Rendering
from rockbottom.pins.stamps import dates_in
from rockbottom.quantities import RockbottomError


class PinStatus(Enum):
    """What the gate says of one prompt."""

    UNCHANGED = "unchanged"
    NEW = "not pinned"
    CHANGED = "changed"
    VOLATILE = "volatile"
    GONE = "gone"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class PinCheck:
    """One prompt: its pin, its prefix of today, what moved, what it costs.

    ``notes`` are remarks that fail nothing; ``broken`` says which of the ``limits`` of a conversation are not kept.
    """

    name: str
    source: str
    status: PinStatus
    prefix: Prefix | None = None
    pin: Pin | None = None
    changes: Sequence[Change] = ()
    effect: Effect | None = None
    notes: tuple[str, ...] = ()
    error: RockbottomError | None = None
    bill: ConversationBill | None = None
    limits: ConversationLimits | None = None
    broken: tuple[str, ...] = ()
    file: str = ""
    line: int = 1
    accepted: bool = False

    @property
    def passed(self) -> bool:
        """Whether nothing has to be looked at."""
        return not self.broken and (self.status is PinStatus.UNCHANGED or self.accepted)


@dataclass(slots=True)
class Gate:
    """Compares prompts with the pins of one file on one day.

    ``model`` stands in for requests that name none, or an application profile. ``requests_per_month`` overrides what
    the pins say. ``seen`` are the pinned prefixes when the run began (None: those of ``pins``), ``names`` the prefixes
    and sources judged in this run, where several gates share them. ``new_key`` gives the key of a prompt's first pin.
    """

    path: Path
    pins: Mapping[str, Pin]
    on: date
    model: str | None = None
    requests_per_month: int | None = None
    catalog: Catalog = field(default_factory=load_catalog)
    seen: Mapping[str, str] | None = None
    names: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    new_key: Callable[[], str] = lambda: token_hex(KEY_BYTES)

    def judged(
        self, rendering: Rendering, counted_tokens: int | None = None, limits: ConversationLimits | None = None
    ) -> PinCheck:
        """The verdict on one prompt; ``limits`` None: those of its pin. Raises NameTaken."""
        verdict = PinCheck(
            rendering.name, rendering.source, PinStatus.UNREADABLE, pin=self.pins.get(rendering.name),
            file=rendering.file, line=rendering.line,
        )  # fmt: skip
        archive = archive_of(self.catalog)
        try:
            prefixes = [
                read_prefix(request, on=self.on, model=self.model, counted_tokens=counted_tokens, archive=archive)
                for request in rendering.calls
            ]
        except RockbottomError as error:
            return replace(verdict, error=error)
        self._take(rendering, prefixes[0])
        verdict = replace(verdict, prefix=prefixes[0], notes=_notes(prefixes[0], self.on))
        in_force = limits if limits is not None and limits.asked else verdict.pin and verdict.pin.limits
        verdict = self._billed(verdict, rendering, in_force) if in_force else verdict
        return self._volatile(verdict, prefixes) or self._compared(verdict, prefixes[0])

    def unrendered(self, source: str, name: str, error: RockbottomError) -> PinCheck:
        """The verdict where a source gives no request: gone when it no longer exists, else unreadable."""
        pin = self.pins.get(name)
        gone = pin is not None and isinstance(error, NotRendered) and error.gone
        return PinCheck(name, source, PinStatus.GONE if gone else PinStatus.UNREADABLE, pin=pin, error=error)

    def accept(self, verdicts: Iterable[PinCheck], *, with_text: bool = False) -> Sequence[PinCheck]:
        """The pins of these prompts written down; volatile and unreadable ones stay as they are.

        Returns the verdicts, those that are now pinned marked. Raises PinsNotWritable, DamagedPins, NameTaken.
        """
        after = [
            replace(verdict, accepted=True)
            if verdict.status in (PinStatus.NEW, PinStatus.CHANGED, PinStatus.GONE)
            else verdict
            for verdict in verdicts
        ]
        pinned = {
            verdict.name: self._pin(verdict) for verdict in after if verdict.accepted and verdict.prefix is not None
        }
        for verdict in after:
            if verdict.status is PinStatus.UNCHANGED and (again := self._refreshed(verdict)) is not None:
                pinned[verdict.name] = again
        removed = {verdict.name for verdict in after if verdict.status is PinStatus.GONE}
        removed |= {
            old.name
            for verdict in after
            if verdict.status is PinStatus.NEW and (old := self.renamed(verdict)) is not None
        }
        removed -= set(pinned)
        if pinned or removed:
            seen = {name: pin.prefix for name, pin in self.pins.items()} if self.seen is None else self.seen
            update_pins(self.path, pinned, removed, seen)
        for name in removed:
            remove_text(self.path, name)
        for verdict in after:
            if verdict.prefix is not None and verdict.status in (PinStatus.UNCHANGED, PinStatus.NEW, PinStatus.CHANGED):
                self._keep_text(verdict, verdict.prefix, with_text)
        return after

    def renamed(self, verdict: PinCheck) -> Pin | None:
        """The pin of the same prefix from the same source under another name."""
        prefix = verdict.prefix
        if prefix is None:
            return None
        return next((pin for pin in self.pins.values() if pin.source == verdict.source and pin.holds(prefix)), None)

    def _billed(self, verdict: PinCheck, rendering: Rendering, limits: ConversationLimits) -> PinCheck:
        """The verdict with the bill of the conversation, held to its limits."""
        turns = [rendering.calls[0], *rendering.turns]
        outputs = [] if limits.output_tokens is None else [limits.output_tokens] * len(turns)
        archive = archive_of(self.catalog)
        try:
            bill = simulated_bill(
                turns, archive=archive, on=self.on, model=self.model, gap_s=limits.gap_s, output_tokens=outputs
            )
        except RockbottomError as error:
            return replace(verdict, limits=limits, broken=(f"the conversation cannot be billed: {error}",))
        broken = tuple(bill.failures(limits.max_usd, limits.min_hit_rate))
        return replace(verdict, limits=limits, bill=bill, broken=broken)

    def _take(self, rendering: Rendering, prefix: Prefix) -> None:
        before = self.names.setdefault(rendering.name, (prefix.hash, rendering.source))
        if before[0] != prefix.hash and before[1] != rendering.source:
            raise name_taken(rendering.name, before[1], rendering.source)

    def _requests(self, pin: Pin | None) -> int | None:
        return self.requests_per_month if self.requests_per_month is not None else pin and pin.requests_per_month

    def _volatile(self, verdict: PinCheck, prefixes: Sequence[Prefix]) -> PinCheck | None:
        """The verdict where two renderings differ; None where all are the same."""
        first = prefixes[0]
        other = next(
            (prefix for prefix in prefixes if prefix.hash != first.hash or prefix.points != first.points), None
        )
        if other is None:
            return None
        changes = changes_between(first, other)
        at = shared_blocks(first.blocks, other.blocks)
        effect = effect_of_volatile(other, at, self._requests(verdict.pin), self.on)
        number = prefixes.index(other)
        note = "two runs render it differently: an order comes from a set or from files" * (number == 2)
        notes = (*verdict.notes, *filter(None, [note]))
        return replace(verdict, status=PinStatus.VOLATILE, changes=changes, effect=effect, notes=notes)

    def _compared(self, verdict: PinCheck, prefix: Prefix) -> PinCheck:
        pin = verdict.pin
        if pin is None:
            same = [other.name for other in self.pins.values() if other.holds(prefix)]
            notes = (*verdict.notes, *(f"the same prefix is pinned as {name}" for name in same))
            effect = effect_of_new(prefix, self._requests(None), self.on)
            return replace(verdict, status=PinStatus.NEW, effect=effect, notes=notes)
        if pin.holds(prefix):
            return replace(verdict, status=PinStatus.UNCHANGED)
        old, notes = self._old(pin, prefix)
        changes = changes_from(pin, prefix, old)
        stamp = any(change.moved is Moved.STAMP for change in changes)
        first, requests = shared_blocks(pin.blocks, prefix.blocks), self._requests(pin)
        effect = effect_of_change(pin, prefix, first, stamp=stamp, requests=requests, on=self.on)
        return replace(
            verdict, status=PinStatus.CHANGED, changes=changes, effect=effect, notes=(*verdict.notes, *notes)
        )

    def _old(self, pin: Pin, prefix: Prefix) -> tuple[Prefix | None, tuple[str, ...]]:
        """The accepted prefix with its text, where it was kept and is the accepted one."""
        text = read_text(self.path, pin.name)
        if text is None:
            return None, ()
        try:
            old = read_prefix(request_of(text, pin.api), on=self.on, model=pin.model, archive=prefix.archive)
        except RockbottomError:
            return None, ("the kept text cannot be read",)
        return (old, ()) if old.hash == pin.prefix else (None, ("the kept text belongs to another prefix",))

    def _pin(self, verdict: PinCheck) -> Pin:
        prefix = verdict.prefix
        assert prefix is not None
        old = verdict.pin or self.renamed(verdict)
        requests, limits = self._requests(old), verdict.limits or (old and old.limits)
        monthly = usd_per_month(prefix, requests, self.on)
        key = (old and old.key) or self.new_key()  # kept, so that a diff shows the blocks that changed
        return pin_of(verdict.name, verdict.source, prefix, requests, monthly, self.on, limits, key)

    def _refreshed(self, verdict: PinCheck) -> Pin | None:
        """A pin that holds, with what is new beside its prefix, such as requests or limits; None: nothing is."""
        pin, prefix = verdict.pin, verdict.prefix
        if pin is None or prefix is None:
            return None
        new_count = prefix.counted and (prefix.tokens, True) != (pin.tokens, pin.counted)
        same = (pin.requests_per_month, pin.source, pin.limits) == (self._requests(pin), verdict.source, verdict.limits)
        if same and not new_count and pin.key:
            return None
        return self._pin(verdict)

    def _keep_text(self, verdict: PinCheck, prefix: Prefix, with_text: bool) -> None:
        if with_text or read_text(self.path, verdict.name) is not None:
            write_text(self.path, verdict.name, excerpt(prefix))


def _notes(prefix: Prefix, on: date) -> tuple[str, ...]:
    notes = [] if prefix.caching is Caching.CACHED else [f"not cached: {prefix.why}"]
    for place, text in dates_in(prefix, on):
        notes.append(f"{place} holds the date of today ({text}): tomorrow it is another prefix")
    return tuple(notes)
