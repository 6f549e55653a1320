"""Which calls missed the cache, and why, as far as a ledger without texts can tell. Pure.

Two sources, the better one first. Where a call carries keyed hashes of its prefixes, what it shares with an earlier
call is known to the block. Where it does not, a call is judged only when it read nothing at all, against the stable
prefix that its family is named after. What remains is said to be unexplained; nothing is guessed. Behind it stand the
rules that ``rockbottom explain`` applies to whole requests: an entry lives for its TTL after it was last touched, in
one Region, and can be read once its writer's reply has begun.
"""

import re
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from rockbottom.diagnose import Cause
from rockbottom.figures import duration
from rockbottom.ledger import CallRecord
from rockbottom.quantities import Ttl
from rockbottom.watch.misses import PREFIX_CHANGED, Miss, rule_of, title_of

DAY_S = 86_400.0
TOLERANCE_TOKENS = 200
TOLERANCE_SHARE = 20  # one twentieth: token counts in front of a point are estimates
_MOST_FAMILIES = 4096
_MOST_HASHES = 65_536
_LATEST = 6
_SIZE = re.compile(r"(\d[\d,]*) tokens")
_PARALLEL_UNRECORDED_S = 1.0  # where no latency was recorded: a reply begins within about a second


class Touch(NamedTuple):
    """An earlier call that left an entry behind it: written or read down to ``depth``, live for ``ttl_s``."""

    at: float
    begun_at: float  # when its reply began: from then on others can read
    region: str
    depth: int
    ttl_s: int
    points: int


@dataclass(slots=True)
class _Family:
    size: int
    model: str
    ttl_s: int = Ttl.FIVE_MINUTES.seconds
    calls: int = 0
    last_at: float = 0.0
    pointed: bool = False  # some call marked something
    touches: deque[Touch] = field(default_factory=lambda: deque(maxlen=_LATEST))


class _Verdict(NamedTuple):
    rule: str
    evidence: str
    cause: str = ""


@dataclass(slots=True)
class Judge:
    """Follows calls in about the order in which they left. Bounded; not thread-safe."""

    _families: OrderedDict[tuple[str, bool, str], _Family] = field(default_factory=OrderedDict)
    _hashes: OrderedDict[tuple[str, bool, str], Touch] = field(default_factory=OrderedDict)
    _tracks: OrderedDict[tuple[object, ...], deque[str]] = field(default_factory=OrderedDict)

    def judge(self, call: CallRecord) -> Miss | None:
        """The miss of this call, without its price; None where it read what it could, or where nobody can tell."""
        if call.status != "ok" or not call.total_input:
            return None
        known = self._family(call)
        found = self._verdict(call, known)
        self._remember(call, known)
        if found is None:
            return None
        tokens, verdict = found
        rule = rule_of(call.cause) if call.cause else verdict.rule
        cause = title_of(call.cause) if call.cause else verdict.cause or title_of(verdict.rule)
        tags = tuple(sorted(call.tags.items()))
        return Miss(
            call.at, call.model, call.family, tags, call.simulated, rule, cause, verdict.evidence,
            min(tokens, call.total_input - call.cache_read),
        )  # fmt: skip

    # What was missed ----------------------------------------------------------------------------------------

    def _verdict(self, call: CallRecord, known: _Family) -> tuple[int, _Verdict] | None:
        shared, touches = self._shared(call, known)
        missed = shared - call.cache_read
        if shared and missed >= max(TOLERANCE_TOKENS, shared // TOLERANCE_SHARE) and shared >= call.minimum:
            return missed, self._cause(call, known, touches)
        if not shared and not known.calls and not call.cache_read and (found := self._replaced(call, known)):
            return found
        if call.cause:
            return max(missed, known.size - call.cache_read, 0), _Verdict("", "the client noticed it")
        return None

    def _shared(self, call: CallRecord, known: _Family) -> tuple[int, list[Touch]]:
        """How many tokens at its start an earlier call had sent, and the touches of entries that far or deeper."""
        if call.hashes:
            seen = [(depth, touch) for depth, touch in self._seen(call) if call.at - touch.at < DAY_S]
            deepest = max((depth for depth, _ in seen), default=0)
            return deepest, [touch for depth, touch in seen if touch.depth >= depth and depth > call.cache_read]
        if call.cache_read or not known.calls or call.at - known.last_at >= DAY_S:
            return 0, []  # another conversation of the family may share less: only a full miss is certain
        return known.size, [touch for touch in known.touches if touch.depth]

    def _seen(self, call: CallRecord) -> Iterator[tuple[int, Touch]]:
        for digest, depth in zip(call.hashes, call.depths, strict=False):
            touch = self._hashes.get((call.model, call.simulated, digest))
            if touch is not None:
                yield depth, touch

    # Why ----------------------------------------------------------------------------------------------------

    def _cause(self, call: CallRecord, known: _Family, touches: list[Touch]) -> _Verdict:
        if not call.points:
            return _Verdict(Cause.NO_POINT.value, "no cachePoint was sent, and the same start was sent before")
        if 0 < call.cacheable < call.minimum:
            told = f"the last point stands at {call.cacheable:,} tokens; the model needs {call.minimum:,}"
            return _Verdict(Cause.UNDER_MINIMUM.value, told)
        if touches:
            return _of_entries(call, touches)
        if not known.pointed:
            return _Verdict(Cause.NO_POINT.value, "the calls before it marked nothing, so there was nothing to read")
        if call.hashes:
            return _Verdict(Cause.POINT_NOT_ADVANCED.value, "the calls before it marked another place")
        return _Verdict(Cause.UNEXPLAINED.value, "cachePoints were sent before it, and nothing was kept")

    def _replaced(self, call: CallRecord, known: _Family) -> tuple[int, _Verdict] | None:
        """A prefix never seen, nearly as large as the one that these calls used until now: it took its place."""
        track = self._tracks.get(_track_of(call), ())
        if call.points == 0 or known.size < max(call.minimum, TOLERANCE_TOKENS) or not track:
            return None
        alike = [one for name in track if (one := self._families.get((call.model, call.simulated, name)))]
        alike = [one for one in alike if _near(one.size, known.size) and call.at - one.last_at < Ttl.ONE_HOUR.seconds]
        if not alike:
            return None
        once = sum(one.calls == 1 for one in alike)
        before = alike[-1]
        if once >= 2 and before.calls == 1:
            told = f"each sent once: {once + 1} such prefixes of about {known.size:,} tokens"
            return known.size, _Verdict(Cause.VOLATILE_TEXT.value, told)
        told = f"a new prefix of {known.size:,} tokens in the place of one of {before.size:,} ({before.calls:,} calls)"
        return known.size, _Verdict("", told, PREFIX_CHANGED)

    # Memory -------------------------------------------------------------------------------------------------

    def _family(self, call: CallRecord) -> _Family:
        key = (call.model, call.simulated, call.family)
        known = self._families.get(key)
        if known is None:
            size = _SIZE.search(call.family)
            known = _Family(int(size[1].replace(",", "")) if size else 0, call.model)
            self._families[key] = known
            if len(self._families) > _MOST_FAMILIES:
                self._families.popitem(last=False)
        else:
            self._families.move_to_end(key)
        return known

    def _remember(self, call: CallRecord, known: _Family) -> None:
        known.ttl_s = _ttl_of(call, known.ttl_s)
        cached = call.cache_read + call.cache_write
        touch = Touch(call.at, _begun_at(call), call.region, cached, known.ttl_s, call.points)
        known.touches.append(touch)
        known.calls += 1
        known.last_at = max(known.last_at, call.at)
        known.pointed = known.pointed or call.points > 0
        if known.calls == 1:
            self._follow(call)
        for digest, depth in zip(call.hashes, call.depths, strict=False):
            self._touch(call, digest, depth, touch)

    def _follow(self, call: CallRecord) -> None:
        track = self._tracks.setdefault(_track_of(call), deque(maxlen=_LATEST))
        track.append(call.family)
        self._tracks.move_to_end(_track_of(call))
        if len(self._tracks) > _MOST_FAMILIES:
            self._tracks.popitem(last=False)

    def _touch(self, call: CallRecord, digest: str, depth: int, touch: Touch) -> None:
        key = (call.model, call.simulated, digest)
        held = self._hashes.get(key)
        if held is not None and held.depth >= depth > touch.depth:
            touch = held  # sent once more without an entry: the older entry is what can be read
        elif depth > call.cache_read + call.cache_write_1h and call.cache_write_1h:
            touch = touch._replace(ttl_s=Ttl.FIVE_MINUTES.seconds)  # the longer lifetime stands in front
        self._hashes[key] = touch
        self._hashes.move_to_end(key)
        if len(self._hashes) > _MOST_HASHES:
            self._hashes.popitem(last=False)


def _of_entries(call: CallRecord, touches: list[Touch]) -> _Verdict:
    """What stood between a call and the entries that were there."""
    here = [one for one in touches if not one.region or not call.region or one.region == call.region]
    live_here = [one for one in here if one.at <= call.at <= one.at + one.ttl_s]
    ready = [one for one in live_here if one.begun_at <= call.at]
    if ready:
        told = f"an entry of {ready[-1].depth:,} tokens was live by its TTL; {call.cache_read:,} were read"
        return _Verdict(Cause.UNEXPLAINED.value, told)
    if live_here:
        gap = call.at - live_here[-1].at
        return _Verdict(Cause.PARALLEL_WRITE.value, f"left {duration(gap)} after its writer, before the reply began")
    away = [one for one in touches if one not in here and one.begun_at <= call.at <= one.at + one.ttl_s]
    if away:
        return _Verdict(
            Cause.REGION_HOP.value, f"the live entry is in {away[-1].region}, the call went to {call.region}"
        )
    latest = max(here or touches, key=lambda one: one.at)
    gap = call.at - latest.at
    if gap < 0:
        return _Verdict(Cause.UNEXPLAINED.value, "the clocks of the two calls disagree")
    return _Verdict(
        Cause.TTL_EXPIRED.value, f"{duration(gap)} since it was last used; it lives {duration(latest.ttl_s)}"
    )


def _begun_at(call: CallRecord) -> float:
    took = call.first_ms if call.first_ms is not None else call.elapsed_ms
    return call.at + (_PARALLEL_UNRECORDED_S if took is None else took / 1000)


def _ttl_of(call: CallRecord, before: int) -> int:
    """How long what this call touched lives: as it was written; where it only read, as it was before."""
    if call.cache_read:
        return before if not call.cache_write_1h else Ttl.ONE_HOUR.seconds
    if call.cache_write_1h:
        return Ttl.ONE_HOUR.seconds
    if call.cache_write_30m:
        return Ttl.THIRTY_MINUTES.seconds
    return Ttl.FIVE_MINUTES.seconds if call.cache_write_5m else before


def _near(first: int, second: int) -> bool:
    return bool(first) and abs(first - second) * TOLERANCE_SHARE <= max(first, second)


def _track_of(call: CallRecord) -> tuple[object, ...]:
    return (call.model, call.simulated, tuple(sorted(call.tags.items())))
