"""Requests of which only hashes of their prefixes were kept: explained from lifetimes, points and counters alone.

Two such requests can be told to share a prefix, and where they part, but not what changed there; what the client saw
when it sent the request (``cause``) says that where it was plain. Nothing behind a difference can be recognised.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from rockbottom.cache import behaviour_of, effective
from rockbottom.catalog import CatalogError
from rockbottom.diagnose.causes import Cause
from rockbottom.diagnose.explaining import Stream, alone_of, unread
from rockbottom.diagnose.faces import Face
from rockbottom.diagnose.findings import Finding, Findings, Unread, totals_of
from rockbottom.diagnose.prices import PriceDays, priced_of, usd_of_miss
from rockbottom.diagnose.sent import Archive, LoggedRequest, Sent, settled
from rockbottom.prompt import BlockKind, CachePoint, Parameters, PrefixHash, Section, Segment, prompt_of, seed_of
from rockbottom.quantities import RockbottomError, Ttl

_NAMED_CAUSES = frozenset({Cause.VOLATILE_TEXT, Cause.TOOLS_CHANGED, Cause.TOOLS_REORDERED, Cause.HISTORY_REWRITTEN})
"""Causes that whoever recorded a request may have seen."""
_FLOOR = 200  # tokens: as ``Tolerance``
_NO_TEXT = "as the client saw it when it sent the request; the ledger keeps no text that could show the place"


@dataclass(frozen=True, slots=True)
class Hashed:
    """A request without its text. ``record`` has no body; ``prefixes`` are named by ``hashes``, the shortest first.

    ``depths`` are their tokens, ``weights`` the blocks from one to the next, ``tools`` and ``stable`` how many end in
    tools, and in tools or system; ``points`` are pairs of how many end at or before a cachePoint, and its TTL.
    A pair of 0 says that the service was to add no point of its own; ``ends`` are the prefixes, from 1, that end a
    message, where that was recorded. ``cause`` and its ``evidence`` are what was seen where the request was recorded.
    """

    record: LoggedRequest
    hashes: Sequence[bytes]
    depths: Sequence[int]
    weights: Sequence[int]
    tools: int
    stable: int
    points: Sequence[tuple[int, Ttl | None]]
    cause: Cause | None = None
    evidence: str = _NO_TEXT
    ends: Sequence[int] = ()


def explain_hashed(requests: Iterable[Hashed], archive: Archive, today: date) -> Findings:
    """The findings of these requests, in order of time; those without a price are set apart, where others have one.

    Requests of a day without a known price have that of ``today``. Of requests without hashes nothing can be said but
    what they cost.
    """
    read: list[tuple[Sent, Hashed]] = []
    days = PriceDays(archive.catalog, today)
    unreadable: list[Unread] = []
    for hashed in requests:
        try:
            read.append((days.chosen(_sent(hashed, archive)), hashed))
        except CatalogError as error:
            unreadable.append(unread(hashed.record, error))
        except RockbottomError as error:
            unreadable.append(Unread(hashed.record.where, str(error)))
    _, unpriced = priced_of([sent for sent, _ in read], archive.catalog)
    unreadable += (unread(sent.record, error) for sent, error in unpriced)
    apart = {id(sent) for sent, _ in unpriced}
    read = sorted((pair for pair in read if id(pair[0]) not in apart), key=lambda pair: pair[0].at)
    whole = [hashed for _, hashed in read if hashed.hashes]
    compared = list(zip(settled([sent for sent, hashed in read if hashed.hashes]), whole, strict=True))
    alone = alone_of([sent for sent, hashed in read if not hashed.hashes], archive.catalog)
    findings = replace(Stream(archive.catalog).run(archive, [sent for sent, _ in compared], unreadable), alone=alone)
    placed = {finding.number: replace(finding, place="", difference=None) for finding in findings}
    for number, (sent, hashed) in enumerate(compared):
        if hashed.cause is Cause.HISTORY_REWRITTEN or (number not in placed and hashed.cause in _NAMED_CAUSES):
            finding = _named_finding(number, sent, hashed, archive)
            if finding is not None:
                placed[number] = finding
    return replace(findings, totals=totals_of(placed.values()), assumptions=days.in_words())


def _named_finding(number: int, sent: Sent, hashed: Hashed, archive: Archive) -> Finding | None:
    """The finding of a cause that the record names: at most tools and system could have been read; of a rewritten
    history, all that it became."""
    usage = sent.usage
    if usage is None or hashed.cause is None:
        return None
    tokens = usage.total_input - usage.cache_read
    if hashed.cause is not Cause.HISTORY_REWRITTEN:
        tokens = min(tokens, sent.prompt.depths[hashed.stable] - usage.cache_read)
    if tokens < max(_FLOOR, sent.rules.minimum_tokens - usage.cache_read):
        return None
    usd = usd_of_miss(sent, usage, tokens, archive.catalog)
    return Finding(hashed.cause, sent, number, None, tokens, usd, hashed.evidence, "", read=usage.cache_read)


def _sent(hashed: Hashed, archive: Archive) -> Sent:
    record = hashed.record
    model = archive.catalog.model(record.model)
    rules = archive.catalog.rules(model, datetime.fromtimestamp(record.at, UTC).date())
    segments = tuple(_segments(hashed))
    points = [CachePoint(after, ttl, segments[after - 1].section, None) for after, ttl in hashed.points if after]
    implicit = False if any(not after for after, _ in hashed.points) else None
    prompt_sent = prompt_of(record.api, segments, points, Parameters(), implicit)
    behaviour = behaviour_of(archive.catalog.switches)
    prompt = effective(prompt_sent, rules, behaviour) if rules.implicit_point else prompt_sent
    for segment in segments:
        name = segment.digest
        archive.faces.setdefault(name, Face("", "", name, name, name, ()))
    account = record.account.encode()
    usage = None if record.usage is None else record.usage.named(rules.ttls)
    content = (PrefixHash(seed_of(record.account)), *(PrefixHash(account + prefix) for prefix in hashed.hashes))
    return Sent(record, model, rules, prompt, segments, content, content, usage)


def _segments(hashed: Hashed) -> Iterable[Segment]:
    depth = message = 0
    ends = frozenset(hashed.ends)
    for number, (name, reached) in enumerate(zip(hashed.hashes, hashed.depths, strict=True)):
        section = (
            Section.TOOLS if number < hashed.tools else Section.SYSTEM if number < hashed.stable else Section.MESSAGES
        )
        weight = hashed.weights[number] if hashed.weights else 1
        yield Segment(section, BlockKind.UNKNOWN, name, reached - depth, weight, "", message, number)
        depth, message = reached, message + (number + 1 in ends)
