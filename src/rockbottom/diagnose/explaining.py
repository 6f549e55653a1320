"""Every miss of a stream of requests, and one cause for each.

A miss is a difference between what an earlier request had sent already and what the service reports as read.
Where the shared prefix holds a known entry, what stands between the request and that entry is the cause (a
lifetime, a Region, a parameter ...); where the earlier request marked deeper content that this one changed, the
difference is the cause; where neither marked anything, a missing or idle cachePoint is.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from rockbottom.cache import Behaviour, Namespace, PrefixCache, behaviour_of, step
from rockbottom.catalog import Catalog, CatalogError, UnresolvedProfile, apart_of
from rockbottom.cost import Cost
from rockbottom.diagnose.causes import Cause
from rockbottom.diagnose.deploys import Deploys
from rockbottom.diagnose.differences import difference_of
from rockbottom.diagnose.entries import UNRECORDED_BEGIN_S, Entries, with_begins
from rockbottom.diagnose.findings import Finding, Findings, LabelFindings, ModelInput, Unread, totals_of
from rockbottom.diagnose.judging import JudgedMiss, MissJudge
from rockbottom.diagnose.matching import SeenRequests, common_length, shares_messages
from rockbottom.diagnose.parts import parts_of
from rockbottom.diagnose.prices import cost_of, usd_of_miss
from rockbottom.diagnose.sent import Archive, LoggedRequest, Reached, Sent, settled
from rockbottom.documents import AloneRequests
from rockbottom.prompt import KeptByService, Section
from rockbottom.quantities import NO_USAGE, ZERO_USD, RockbottomError, Usage, Usd


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Misses smaller than both are counted together and not looked into: token counts per block are estimates."""

    tokens: int = 200
    percent: int = 5

    def of(self, sent: Sent) -> int:
        """The smallest miss of this request that is looked into, in tokens."""
        return max(self.tokens, sent.tokens * self.percent // 100)


def explain(
    records: Iterable[LoggedRequest],
    catalog: Catalog,
    behaviour: Behaviour | None = None,
    tolerance: Tolerance | None = None,
) -> Findings:
    """The findings of a stream of records, in whatever order they come; duplicates by request id are dropped.

    A record that cannot be read (an unknown model, a body of no known shape) is listed in ``unreadable``; those whose
    prompts are not there whole are ``alone``.
    """
    archive = Archive(catalog)
    whole = read_all(records, archive)
    requests, alone = parted(whole.requests, catalog)
    findings = Stream(catalog, behaviour, tolerance).run(archive, requests, whole.unreadable, whole.repeated)
    return replace(findings, alone=alone)


def parted(requests: Sequence[Sent], catalog: Catalog) -> tuple[Sequence[Sent], AloneRequests]:
    """The requests that have something to compare, and what the others cost."""
    readable = [sent for sent in requests if sent.segments]
    return readable, alone_of([sent for sent in requests if not sent.segments], catalog)


def alone_of(requests: Sequence[Sent], catalog: Catalog) -> AloneRequests:
    """What requests cost whose prompts are not known."""
    costs = [None if sent.usage is None else cost_of(sent, sent.usage, catalog) for sent in requests]
    known = [cost.usd for cost in costs if cost is not None]
    return AloneRequests(requests=len(requests), usd=sum(known, ZERO_USD), whole=len(known) == len(requests))


class ReadRecords(NamedTuple):
    """Records read and sorted by time, those that cannot be read, and how many repeat an id that was there before."""

    requests: Sequence[Sent]
    unreadable: Sequence[Unread]
    repeated: int


def read_all(records: Iterable[LoggedRequest], archive: Archive) -> ReadRecords:
    """The records read; of those with the same request id the first counts.

    What cannot be read and was counted is there without its blocks too: it was paid for.
    """
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
            requests.append(archive.sent(record) if record.body else archive.bare(record))
        except CatalogError as error:
            unreadable.append(unread(record, error))
        except KeptByService:
            requests.append(archive.bare(record))
        except (RockbottomError, LookupError, TypeError, AttributeError, ValueError, RecursionError) as error:
            unreadable.append(Unread(record.where, str(error) or type(error).__name__))
            if record.usage is not None:
                requests.append(archive.bare(record))
    requests.sort(key=lambda sent: sent.at)
    return ReadRecords(with_begins(settled(requests)), unreadable, repeated)


def _too_short(requests: Sequence[Sent], usages: Sequence[Usage]) -> Counter[tuple[str, int]]:
    """How many requests have fewer tokens than their model caches from, by its name and that minimum."""
    return Counter(
        (sent.model.model.name, sent.rules.minimum_tokens)
        for sent, usage in zip(requests, usages, strict=True)
        if (sent.rules.takes_any_points or sent.rules.implicit_point)
        and 0 < usage.total_input < sent.rules.minimum_tokens
    )


def unread(record: LoggedRequest, error: CatalogError) -> Unread:
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
        rules = self.behaviour or behaviour_of(self.catalog.switches)
        tolerance = self.tolerance or Tolerance()
        memory = SeenRequests(archive)
        entries = Entries(rules)
        findings: list[Finding] = []
        small: dict[int, int] = {}
        deploys = Deploys()
        usages: list[Usage] = []
        costs: list[Cost | None] = []
        read = tokens = uncounted = 0
        is_counted = all(request.usage is not None for request in requests)
        for request in requests:
            sent = request if is_counted else self._estimated(request, rules)
            uncounted += request.usage is None
            usage = sent.usage or NO_USAGE
            read, tokens = read + usage.cache_read, tokens + usage.total_input
            usages.append(usage)
            costs.append(cost_of(sent, usage, self.catalog))
            verdict = MissJudge(memory, entries, sent, usage, tolerance.of(sent)).verdict(small)
            if verdict is not None:
                findings.append(self._finding(verdict, sent, usage, memory))
            number = memory.add(sent)
            deploys.note(sent, number)
            entries.note(sent, number, _slack(sent))
        findings = list(self._with_deploys(findings, deploys, memory, usages, small))
        whole = _paid_by(costs)
        return Findings(
            totals_of(_without_cold_fleets(findings, requests)), len(requests), tokens, read, uncounted,
            requests[-1].at - requests[0].at if requests else 0.0, whole.spent, len(small), sum(small.values()),
            tuple(unreadable), paid=whole.paid, repeated=repeated, groups=_groups(requests, usages, costs),
            parts=parts_of(requests, usages, costs, archive), models=_models(requests, costs),
            too_short=_too_short(requests, usages),
        )  # fmt: skip

    def _finding(self, verdict: JudgedMiss, sent: Sent, usage: Usage, memory: SeenRequests) -> Finding:
        tokens = min(verdict.tokens, usage.total_input - usage.cache_read)
        earlier = None if verdict.earlier is None else memory.requests[verdict.earlier]
        return Finding(
            verdict.cause, sent, len(memory.requests), earlier, tokens,
            usd_of_miss(sent, usage, tokens, self.catalog), verdict.evidence, verdict.place, verdict.difference,
            usage.cache_read, verdict.expected,
        )  # fmt: skip

    def _with_deploys(
        self,
        findings: Sequence[Finding],
        deploys: Deploys,
        memory: SeenRequests,
        usages: Sequence[Usage],
        small: dict[int, int],
    ) -> Iterator[Finding]:
        """The findings, those of switches between versions of the instructions with what these cost."""
        switches = {switch.number: switch for switch in deploys.switches()}
        for finding in findings:
            if finding.number not in switches:
                yield finding
        for number, switch in switches.items():
            sent, usage = memory.requests[number], usages[number]
            tokens = min(switch.tokens, usage.total_input) - usage.cache_read
            floor = (self.tolerance or Tolerance()).of(sent)
            length = common_length(memory.requests[switch.earlier].content, sent.content)
            difference = difference_of(memory.archive, memory.requests[switch.earlier], sent, length)
            other_text = difference is not None and difference.cause is Cause.VOLATILE_TEXT
            if tokens < floor or switch.tokens < max(1, sent.rules.minimum_tokens) or not other_text:
                yield from (finding for finding in findings if finding.number == number)
                continue
            small.pop(number, None)
            evidence = f"one conversation, {switch.versions} versions of the instructions in turn"
            verdict = JudgedMiss(Cause.VERSIONS_MIXED, tokens, evidence, switch.earlier, "", difference)
            yield replace(self._finding(verdict, sent, usage, memory), number=number)

    def _estimated(self, sent: Sent, behaviour: Behaviour) -> Sent:
        """The request; where it is without counters, with those that the rules give after all that was sent before."""
        namespace = Namespace(sent.record.account, sent.record.region, sent.model.model.id, sent.record.host)
        place = replace(namespace, host="")  # where hosts keep entries of their own their hashes tell them apart
        state = self._states.get(place, PrefixCache())
        begun = sent.record.began_after_s
        visible_at = sent.at + (UNRECORDED_BEGIN_S if begun is None else begun)
        state, outcome = step(state, sent.prompt, sent.at, sent.rules, behaviour, namespace, visible_at)
        self._states[place] = state
        return sent if sent.usage is not None else replace(sent, usage=outcome.usage(sent.record.output))


class _Paid(NamedTuple):
    """What some requests paid, for their input and in all; None where a price is missing."""

    spent: Usd | None
    paid: Usd | None


def _paid_by(costs: Sequence[Cost | None]) -> _Paid:
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs):
        return _Paid(None, None)
    return _Paid(sum((cost.input_usd for cost in known), ZERO_USD), sum((cost.usd for cost in known), ZERO_USD))


def _models(requests: Sequence[Sent], costs: Sequence[Cost | None]) -> Mapping[Reached, ModelInput]:
    """What the input of each model cost; none where a price is missing."""
    spent: dict[Reached, Usd] = {}
    for request, cost in zip(requests, costs, strict=True):
        if cost is None:
            return {}
        spent[request.reached] = spent.get(request.reached, ZERO_USD) + cost.input_usd
    return {model: ModelInput(usd) for model, usd in spent.items()}


def _groups(
    requests: Sequence[Sent], usages: Sequence[Usage], costs: Sequence[Cost | None]
) -> Mapping[str | None, LabelFindings]:
    """The requests by their labels; none where no request has one."""
    rows: dict[str | None, list[int]] = {}
    for number, request in enumerate(requests):
        rows.setdefault(request.record.label, []).append(number)
    if rows.keys() <= {None}:
        return {}
    groups: dict[str | None, LabelFindings] = {}
    for label, numbers in rows.items():
        paid = _paid_by([costs[number] for number in numbers])
        tokens, read = (
            sum(counts)
            for counts in zip(
                *((usages[number].total_input, usages[number].cache_read) for number in numbers), strict=True
            )
        )
        groups[label] = LabelFindings(len(numbers), tokens, read, paid.paid, paid.spent)
    return groups


def _slack(sent: Sent) -> int:
    """How far a counter may be from an estimated depth and still mean that place."""
    return max(16, sent.tokens // 50)


def _without_cold_fleets(findings: Sequence[Finding], requests: Sequence[Sent]) -> Sequence[Finding]:
    """Without changed tools that came to stay: another application with the same instructions, cold once."""
    uses = Counter(_tools_of(request) for request in requests)
    return [
        finding
        for finding in findings
        if finding.cause is not Cause.TOOLS_CHANGED
        or uses[_tools_of(finding.sent)] == 1
        or (finding.earlier is not None and shares_messages(finding.earlier, finding.sent))
    ]


def _tools_of(sent: Sent) -> bytes:
    return sent.content[sum(segment.section is Section.TOOLS for segment in sent.segments)]
