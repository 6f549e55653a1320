"""Every miss of a stream of requests, and one cause for each.

A miss is a difference between what an earlier request had sent already and what the service reports as read.
Where the shared prefix holds a known entry, what stands between the request and that entry is the cause (a
lifetime, a Region, a parameter ...); where the earlier request marked deeper content that this one changed, the
difference is the cause; where neither marked anything, a missing or idle cachePoint is.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from rockbottom.cache import Behaviour, Namespace, PrefixCache, behaviour_of, step
from rockbottom.catalog import Catalog, CatalogError, UnresolvedProfile, apart_of
from rockbottom.cost import Cost
from rockbottom.diagnose.causes import Cause
from rockbottom.diagnose.differences import Difference, difference_of
from rockbottom.diagnose.entries import UNRECORDED_BEGIN_S, Entries
from rockbottom.diagnose.findings import Finding, Findings, Group, Unread, totals_of
from rockbottom.diagnose.matching import Match, Memory, is_conversation, shares_messages
from rockbottom.diagnose.prices import cost_of, usd_of_miss
from rockbottom.diagnose.sent import Archive, Record, Sent
from rockbottom.prompt import Section
from rockbottom.quantities import NO_USAGE, ZERO_USD, RockbottomError, Usage, Usd


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Misses smaller than both are counted together and not looked into: token counts per block are estimates."""

    tokens: int = 200
    percent: int = 5

    def of(self, sent: Sent) -> int:
        """The smallest miss of this request that is looked into, in tokens."""
        return max(self.tokens, sent.tokens * self.percent // 100)


class _Verdict(NamedTuple):
    cause: Cause
    tokens: int
    evidence: str
    earlier: int | None
    place: str = ""
    difference: Difference | None = None
    expected: int = 0


def explain(
    records: Iterable[Record], catalog: Catalog, behaviour: Behaviour | None = None, tolerance: Tolerance | None = None
) -> Findings:
    """The findings of a stream of records, in whatever order they come; duplicates by request id are dropped.

    A record that cannot be read (an unknown model, a body of no known shape) is listed in ``unreadable``.
    """
    archive = Archive(catalog)
    whole = read_all(records, archive)
    return Stream(catalog, behaviour, tolerance).run(archive, whole.requests, whole.unreadable, whole.repeated)


class ReadRecords(NamedTuple):
    """Records read and sorted by time, those that cannot be read, and how many repeat an id that was there before."""

    requests: Sequence[Sent]
    unreadable: Sequence[Unread]
    repeated: int


def read_all(records: Iterable[Record], archive: Archive) -> ReadRecords:
    """The records read; of those with the same request id the first counts."""
    requests: list[Sent] = []
    unreadable: list[Unread] = []
    seen: set[str] = set()
    repeated = 0
    for record in records:
        if record.request_id and record.request_id in seen:
            repeated += 1
            continue
        seen.add(record.request_id)
        try:
            requests.append(archive.sent(record))
        except CatalogError as error:
            unreadable.append(unread(record, error))
        except (RockbottomError, LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
            unreadable.append(Unread(record.where, str(error) or type(error).__name__))
    requests.sort(key=lambda sent: sent.at)
    return ReadRecords(requests, unreadable, repeated)


def unread(record: Record, error: CatalogError) -> Unread:
    """A request to a model that the catalogue does not know."""
    tokens = 0 if record.usage is None else record.usage.total_input + record.usage.output
    apart = apart_of(record.model, 1, tokens, error)
    if isinstance(error, UnresolvedProfile):
        apart = replace(apart, fix=f"--profile {record.model}=MODEL_ID says which")
    return Unread(record.where, str(error), apart)


@dataclass(slots=True)
class Stream:
    """Goes through requests in order of time, remembering what was sent and what was written."""

    catalog: Catalog
    behaviour: Behaviour | None = None
    tolerance: Tolerance | None = None
    _states: dict[Namespace, PrefixCache] = field(default_factory=dict[Namespace, PrefixCache])

    def run(
        self, archive: Archive, requests: Sequence[Sent], unreadable: Sequence[Unread] = (), repeated: int = 0
    ) -> Findings:
        """The findings of these requests."""
        rules = self.behaviour or behaviour_of(self.catalog.switches)
        tolerance = self.tolerance or Tolerance()
        memory = Memory(archive)
        entries = Entries(rules.thinking_scope, rules.api_in_key == "yes", rules.ttl_in_key == "yes")
        found: list[Finding] = []
        small: list[int] = []
        usages: list[Usage] = []
        costs: list[Cost | None] = []
        read = tokens = uncounted = 0
        for request in requests:
            sent = request if request.usage is not None else self._estimated(request, rules)
            uncounted += request.usage is None
            usage = sent.usage or NO_USAGE
            read, tokens = read + usage.cache_read, tokens + usage.total_input
            usages.append(usage)
            costs.append(cost_of(sent, usage, self.catalog))
            verdict = _Judge(memory, entries, sent, usage, tolerance.of(sent)).verdict(small)
            if verdict is not None:
                found.append(self._finding(verdict, sent, usage, memory))
            entries.note(sent, memory.add(sent), _slack(sent))
        whole = _paid_by(costs)
        return Findings(
            totals_of(_without_cold_fleets(found, requests)), len(requests), tokens, read, uncounted,
            requests[-1].at - requests[0].at if requests else 0.0, whole.spent, len(small), sum(small),
            tuple(unreadable), paid=whole.paid, repeated=repeated, groups=_groups(requests, usages, costs),
        )  # fmt: skip

    def _finding(self, verdict: _Verdict, sent: Sent, usage: Usage, memory: Memory) -> Finding:
        tokens = min(verdict.tokens, usage.total_input - usage.cache_read)
        earlier = None if verdict.earlier is None else memory.requests[verdict.earlier]
        return Finding(
            verdict.cause, sent, len(memory.requests), earlier, verdict.earlier, tokens,
            usd_of_miss(sent, usage, tokens, self.catalog), verdict.evidence, verdict.place, verdict.difference,
            usage.cache_read, verdict.expected,
        )  # fmt: skip

    def _estimated(self, sent: Sent, behaviour: Behaviour) -> Sent:
        """A request without counters, with those that the rules give."""
        namespace = Namespace(sent.record.account, sent.record.region, sent.model.model.id)
        state = self._states.get(namespace, PrefixCache())
        begun = sent.record.began_after_s
        visible_at = sent.at + (UNRECORDED_BEGIN_S if begun is None else begun)
        state, outcome = step(state, sent.prompt, sent.at, sent.rules, behaviour, namespace, visible_at)
        self._states[namespace] = state
        return Sent(
            sent.record, sent.model, sent.rules, sent.prompt, sent.segments, sent.content, sent.masks, outcome.usage()
        )


class _Paid(NamedTuple):
    """What some requests paid, for their input and in all; None where a price is missing."""

    spent: Usd | None
    paid: Usd | None


def _paid_by(costs: Sequence[Cost | None]) -> _Paid:
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs):
        return _Paid(None, None)
    return _Paid(sum((cost.input_usd for cost in known), ZERO_USD), sum((cost.usd for cost in known), ZERO_USD))


def _groups(
    requests: Sequence[Sent], usages: Sequence[Usage], costs: Sequence[Cost | None]
) -> Mapping[str | None, Group]:
    """The requests by their labels; none where no request has one."""
    rows: dict[str | None, list[int]] = {}
    for number, request in enumerate(requests):
        rows.setdefault(request.record.label, []).append(number)
    if rows.keys() <= {None}:
        return {}
    groups: dict[str | None, Group] = {}
    for label, numbers in rows.items():
        paid = _paid_by([costs[number] for number in numbers])
        tokens, read = (
            sum(counts)
            for counts in zip(
                *((usages[number].total_input, usages[number].cache_read) for number in numbers), strict=True
            )
        )
        groups[label] = Group(len(numbers), tokens, read, paid.paid, paid.spent)
    return groups


def _slack(sent: Sent) -> int:
    """How far a counter may be from an estimated depth and still mean that place."""
    return max(16, sent.tokens // 50)


def _without_cold_fleets(found: Sequence[Finding], requests: Sequence[Sent]) -> Sequence[Finding]:
    """Without changed tools that came to stay: another application with the same instructions, cold once."""
    uses = Counter(_tools_of(request) for request in requests)
    return [
        finding
        for finding in found
        if finding.cause is not Cause.TOOLS_CHANGED
        or uses[_tools_of(finding.sent)] == 1
        or (finding.earlier is not None and shares_messages(finding.earlier, finding.sent))
    ]


def _tools_of(sent: Sent) -> bytes:
    return sent.content[sum(segment.section is Section.TOOLS for segment in sent.segments)]


@dataclass(frozen=True, slots=True)
class _Judge:
    """One request against everything before it."""

    memory: Memory
    entries: Entries
    sent: Sent
    usage: Usage
    floor: int

    def verdict(self, small: list[int]) -> _Verdict | None:
        """The cause of its miss, or None where nothing was missed; misses under the floor are added to ``small``."""
        read = self.usage.cache_read
        if self.memory.seen_tokens(self.sent) - read < self.floor:
            return None
        match = self.memory.best(self.sent)
        if match is None:
            return None
        missed = match.shared_tokens - read
        length, holder = self.memory.longest_prefix(self.sent)
        missed = max(missed, self.sent.prompt.depths[length] - read)
        if missed < self.floor:
            if missed > 0:
                small.append(missed)
            return None
        return self._cause(match, length, holder, missed)

    def _cause(self, match: Match, length: int, holder: int | None, missed: int) -> _Verdict | None:
        sent = self.sent
        if not sent.rules.explicit:
            return _Verdict(Cause.UNSUPPORTED, missed, sent.model.model.name, match.number)
        deepest = max((sent.prompt.depths[point.after] for point in sent.prompt.points), default=0)
        if not sent.prompt.points:
            if match.shared_tokens < sent.rules.minimum_tokens:
                return None  # too little repeats for any point to help
            where = f"{self._share(match, length)} were sent before"
            return _Verdict(Cause.NO_POINT, missed, where, match.number, self._end(length))
        if deepest < sent.rules.minimum_tokens:
            told = f"deepest point at {deepest:,} tokens; {sent.model.model.name} needs {sent.rules.minimum_tokens:,}"
            return _Verdict(Cause.UNDER_MINIMUM, missed, told, match.number, sent.prompt.points[-1].place)
        kept = self._of_entries(length)
        changed = self._of_difference(match)
        if kept is not None and kept.cause in _BY_CHOICE and not self._is_same_conversation(length, match):
            return changed  # another workload with the same instructions: its first request is cold, not a miss
        if kept is not None and (changed is None or kept.tokens >= changed.tokens):
            return kept
        return changed or self._of_points(length, holder, match)

    def _of_entries(self, length: int) -> _Verdict | None:
        """What stands between the request and the entry in its shared prefix that it came closest to reading."""
        read, best = self.usage.cache_read, None
        for entry in self.entries.along(self.sent, length):
            gain = min(entry.tokens, self.sent.tokens) - read
            if gain < self.floor:
                continue
            blockers = list(self.entries.blockers(entry, self.sent))
            rank = (len(blockers), -entry.position, -entry.at)
            if best is None or rank < best[0]:
                best = rank, entry, blockers, gain
        if best is None:
            return None
        _, entry, blockers, gain = best
        if not blockers:
            told = f"an entry of {entry.tokens:,} tokens was live and in reach; {read:,} were read"
            return _Verdict(Cause.UNEXPLAINED, gain, told, entry.writer, expected=entry.tokens)
        first, place = blockers[0], self._end(entry.position)
        return _Verdict(first.cause, gain, first.evidence, entry.writer, place, expected=read)

    def _is_same_conversation(self, length: int, match: Match) -> bool:
        if length and self.sent.segments[length - 1].section is Section.MESSAGES:
            return True
        return is_conversation(match, self.sent)

    def _of_difference(self, match: Match) -> _Verdict | None:
        """A changed text, where the earlier request had marked what stands behind it."""
        gain = match.shared_tokens - max(self.usage.cache_read, 0)
        behind = match.shared_tokens - match.prefix_tokens
        marked = any(point.after > match.length for point in match.earlier.prompt.points)
        if not marked or gain < self.floor:
            return None
        old, new = match.earlier.prompt.api, self.sent.prompt.api
        if old is not new and self.entries.api_in_key:
            return _Verdict(Cause.API_SWITCHED, gain, f"{old.value} -> {new.value}", match.number)
        found = difference_of(self.memory.archive, match.earlier, self.sent, match.length)
        if found is None or (found.cause in _OF_HISTORY and not is_conversation(match, self.sent)):
            return None
        if behind < self.floor and found.cause not in _OF_HISTORY:
            return None  # a branch: what stands behind the difference is new in any case
        return _Verdict(found.cause, gain, found.evidence, match.number, found.place, found)

    def _of_points(self, length: int, holder: int | None, match: Match) -> _Verdict | None:
        """Nothing was ever written where the shared prefix ends: the points stand elsewhere."""
        sent, gain = self.sent, self.sent.prompt.depths[length] - self.usage.cache_read
        if gain < self.floor or holder is None:
            return None
        if sent.prompt.depths[length] < sent.rules.minimum_tokens:
            return self._of_short_prefix(length, holder, gain)
        if self.memory.requests[holder].model.model.id != sent.model.model.id:
            models = f"{self.memory.requests[holder].model.model.id} -> {sent.model.model.id}"
            same = self._is_same_conversation(length, match)
            return _Verdict(Cause.MODEL_SWITCHED, gain, models, holder, self._end(length)) if same else None
        idle = self._idle_point(length, holder)
        if idle is not None:
            return _Verdict(Cause.UNEXPLAINED, gain, idle, holder)
        place = self._end(length)
        deepest = max((entry.tokens for entry in self.entries.along(sent, length)), default=0)
        if deepest or self.usage.cache_read:
            told = f"{self._depth(length)} repeat, marked only up to {max(deepest, self.usage.cache_read):,}"
            return _Verdict(Cause.POINT_NOT_ADVANCED, gain, told, holder, place)
        told = f"{self._depth(length)} repeat, and no cachePoint stands where they end"
        return _Verdict(Cause.NO_POINT, gain, told, holder, place)

    def _of_short_prefix(self, length: int, holder: int, gain: int) -> _Verdict | None:
        """The earlier request marked the shared prefix, which is too short to be cached."""
        points = self.memory.requests[holder].prompt.points
        if not any(point.after <= length for point in points):
            return None
        depth, minimum = self.sent.prompt.depths[length], self.sent.rules.minimum_tokens
        told = f"the earlier point closed {depth:,} tokens; {self.sent.model.model.name} needs {minimum:,}"
        return _Verdict(Cause.UNDER_MINIMUM, gain, told, holder, self._end(length))

    def _idle_point(self, length: int, holder: int) -> str | None:
        """A point of the earlier request inside the shared prefix that should have written and did not."""
        earlier = self.memory.requests[holder]
        for point in earlier.prompt.points:
            depth = earlier.prompt.depths[point.after]
            counts = depth >= earlier.rules.minimum_tokens and earlier.rules.explicit
            if counts and point.after <= length and depth - self.usage.cache_read >= self.floor:
                return f"the cachePoint at {point.place} of the earlier request wrote nothing ({depth:,} tokens)"
        return None

    def _depth(self, length: int) -> str:
        return f"{self.sent.prompt.depths[length]:,} tokens"

    def _share(self, match: Match, length: int) -> str:
        return f"{max(match.shared_tokens, self.sent.prompt.depths[length]):,} tokens"

    def _end(self, length: int) -> str:
        return f"after {self.sent.prompt.segments[length - 1].place}" if length else "at the start"


_BY_CHOICE = frozenset({Cause.MODEL_SWITCHED, Cause.API_SWITCHED, Cause.PARAMETER_CHANGED})
_OF_HISTORY = frozenset({Cause.HISTORY_REWRITTEN, Cause.HISTORY_TRIMMED})
