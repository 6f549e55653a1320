"""The reference semantics: what one request reads, writes and leaves uncached.

Slow, obvious, the specification; ``replay`` holds a fast twin and a differential test holds them together.
The rules and their sources (names of catalog/data/sources.toml):

* entries exist only at cachePoints; a point reads the longest entry at its own position or at most
  ``lookback_blocks`` blocks before it (AWS prompt-caching page; boundary measured, cachecanary-lookback);
* a prefix below the model's minimum (tools, system and messages together) is silently not cached;
* of the tokens above the deepest hit A, those up to the deepest 1-hour point B are written at 1 hour, those
  from there to the last point C at 5 minutes (anthropic-prompt-caching);
* a hit refreshes for free, from the start of the request (aws-prompt-caching); an entry is readable once its writer's
  response has begun.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum

from msgspec import Struct

from rockbottom.cache.behaviour import Behaviour
from rockbottom.cache.effect import adds_point, effective, ineffective
from rockbottom.cache.entries import Entry, EntryKey, Namespace, PrefixCache
from rockbottom.catalog import CacheRules
from rockbottom.prompt import BlockKind, CachePoint, PrefixHash, Prompt, Section, Segment, prefix_hashes, seeds_of
from rockbottom.quantities import LONGEST_FIRST, Ttl, Usage


class PointFate(Enum):
    """Whether one cachePoint was read, written, or did nothing, and why."""

    WRITTEN = "written"
    READ = "read"
    BELOW_MINIMUM = "below minimum"
    ABOVE_MAXIMUM = "above maximum"
    COVERED = "covered by a deeper read"
    UNSUPPORTED = "model does not cache"
    PASSED_OVER = "accepted after a block where it does nothing"


class CacheOutcome(Struct, frozen=True):
    """Tokens of one request by what happened to them, and the entries to be put in the state.

    ``writes`` are tokens written by lifetime, none of zero. ``hit`` is the number of leading segments that were read
    (0: none). ``points`` tells the fate of each
    cachePoint in the order of the prompt. ``changes`` are the entries written or refreshed.
    """

    read: int
    writes: Mapping[Ttl, int]
    uncached: int
    hit: int
    points: tuple[PointFate, ...]
    changes: tuple[tuple[EntryKey, Entry], ...]

    def usage(self, output_tokens: int = 0) -> Usage:
        """The outcome as billable tokens, with the output's."""
        return Usage.of(self.uncached, output_tokens, self.read, self.writes)

    @property
    def written(self) -> int:
        """Tokens written, whatever the lifetime."""
        return sum(self.writes.values())


class _View(Struct, frozen=True):
    """A prompt as one model and namespace see it: its hashes, and the points that count."""

    prompt: Prompt
    hashes: tuple[PrefixHash, ...]
    rules: CacheRules
    behaviour: Behaviour

    def key(self, position: int, ttl: Ttl) -> EntryKey:
        return EntryKey(self.hashes[position], ttl if self._parted else None)

    @property
    def _parted(self) -> bool:
        """Whether entries of one lifetime are invisible to points of another."""
        return self.behaviour.ttl_in_key == "yes"

    @property
    def usual(self) -> Ttl:
        """The lifetime of a point that names none; of a free cache nobody says it, and the shortest is taken."""
        return self.rules.ttls[0] if self.rules.ttls else Ttl.FIVE_MINUTES

    def lifetimes(self) -> tuple[Ttl | None, ...]:
        """The second halves of the keys under which entries of one prefix may stand."""
        return self.rules.ttls if self._parted else (None,)

    def known(self, first: int, last: int, entries: Mapping[EntryKey, Entry]) -> list[EntryKey]:
        """The keys of the entries that stand at the positions from ``first`` to ``last``."""
        lifetimes = self.lifetimes()
        return [
            EntryKey(prefix, ttl)
            for prefix in self.hashes[first : last + 1]
            for ttl in lifetimes
            if (prefix, ttl) in entries
        ]


def outcome(
    entries: Mapping[EntryKey, Entry],
    prompt: Prompt,
    now: float,
    rules: CacheRules,
    behaviour: Behaviour,
    namespace: Namespace,
    visible_at: float | None = None,
) -> CacheOutcome:
    """What the service does with this prompt at ``now`` given the entries it holds.

    ``visible_at`` is when the response starts (default: at once). Nothing is changed; the caller puts
    ``changes`` into its state. The request is taken to be legal (``refusal`` says whether it is).
    """
    residual = rules.residual_tokens_with_tools if prompt.has_tools else rules.residual_tokens
    behaviour = behaviour.on(prompt.api)
    sent, prompt = prompt, effective(prompt, rules, behaviour)
    if not prompt.points:
        fate = PointFate.PASSED_OVER if rules.takes_points(sent.api.value) else PointFate.UNSUPPORTED
        fates = (fate,) * len(sent.points)
        return CacheOutcome(0, {}, prompt.tokens + residual, 0, fates, ())
    view = _View(prompt, _hashes(prompt, rules, behaviour, namespace), rules, behaviour)
    positions = _positions(view)
    hit = max((_deepest_readable(view, entries, now, *point) for point in positions), default=0)
    if adds_point(sent, rules, behaviour):
        hit = max(hit, _implicit_hit(view, entries, now))
    writes: Mapping[Ttl, int] = {} if rules.best_effort else _writes(prompt.depths, hit, positions)
    read = prompt.depths[hit]
    passed_over = [ineffective(point, prompt.api, rules) for point in sent.points]
    return CacheOutcome(
        read,
        writes,
        prompt.tokens - read - sum(writes.values()) + residual,
        hit,
        tuple(
            PointFate.PASSED_OVER if is_passed_over else _fate(view, point, hit)
            for point, is_passed_over in zip(sent.points, passed_over, strict=True)
        ),
        _changes(view, entries, positions, hit, now, now if visible_at is None else visible_at),
    )


def _implicit_hit(view: _View, entries: Mapping[EntryKey, Entry], now: float) -> int:
    """The deepest end of a message with a readable entry, below the point that the service added; or 0."""
    if view.behaviour.implicit_lookback != "message_ends":
        return 0
    segments = view.prompt.segments
    for position in range(len(segments) - 1, 0, -1):
        before, behind = segments[position - 1], segments[position]
        if (before.section, before.message) == (behind.section, behind.message):
            continue
        if _readable(entries, view.key(position, view.usual), now, view.behaviour):
            return position
    return 0


def step(
    state: PrefixCache,
    prompt: Prompt,
    now: float,
    rules: CacheRules,
    behaviour: Behaviour,
    namespace: Namespace,
    visible_at: float | None = None,
) -> tuple[PrefixCache, CacheOutcome]:
    """One request: the state after it and what it read and wrote. The state given is not changed."""
    result = outcome(state.entries, prompt, now, rules, behaviour, namespace, visible_at)
    return state.changed(result.changes, now), result


def _hashes(prompt: Prompt, rules: CacheRules, behaviour: Behaviour, namespace: Namespace) -> tuple[PrefixHash, ...]:
    where = namespace if behaviour.host_in_key == "yes" or not namespace.host else replace(namespace, host="")
    parts = list(where.parts())
    if prompt.parameters.cache_key and behaviour.cache_key_in_key == "yes":
        parts.append(f"key={prompt.parameters.cache_key}")
    if behaviour.api_in_key == "yes":
        parts.append(prompt.api.value)
    if rules.tool_choice_in_key:
        parts.append(f"choice={prompt.parameters.tool_choice}")
    seeds = seeds_of(parts, prompt.parameters, behaviour.thinking_scope)
    return prefix_hashes(as_sent(prompt, rules)[: _deepest(prompt)], seeds)


def _deepest(prompt: Prompt) -> int:
    """The deepest position where a point can take effect; nothing beyond it is ever looked up."""
    deepest, segments = max(point.after for point in prompt.points), prompt.segments
    while deepest < len(segments) and segments[deepest].kind is BlockKind.TEXT_DOCUMENT:
        deepest += 1
    return deepest


def as_sent(prompt: Prompt, rules: CacheRules) -> Sequence[Segment]:
    """The segments as the model is given them: some models drop old thinking when the user speaks again.

    A dropped block keeps its place, so that positions stay those of the caller, without a digest: a prefix with it is
    the prefix without it, as it is for a client that leaves such blocks out itself.
    Models that keep it: Opus 4.5 and later, Sonnet 4.6 and later (anthropic-prompt-caching).
    """
    if rules.keeps_thinking:
        return prompt.segments
    spoken = max(
        (
            segment.message
            for segment in prompt.segments
            if segment.section is Section.MESSAGES
            and segment.role == "user"
            and segment.kind is not BlockKind.TOOL_RESULT
        ),
        default=-1,
    )
    return [
        _DROPPED if segment.kind is BlockKind.REASONING and segment.message < spoken else segment
        for segment in prompt.segments
    ]


_DROPPED = Segment(Section.MESSAGES, BlockKind.REASONING, b"", 0)


def _positions(view: _View) -> list[tuple[int, Ttl]]:
    """The points that count, by position: at least the minimum below them, at most the maximum."""
    return [(_position(view, point), _ttl(view, point)) for point in view.prompt.points if _limit(view, point) is None]


def _ttl(view: _View, point: CachePoint) -> Ttl:
    """The lifetime a point asks for; one that the model lacks is only met where the switch says it is downgraded."""
    return point.ttl if point.ttl in view.rules.ttls else view.usual


def _position(view: _View, point: CachePoint) -> int:
    """Where a point takes effect: past text documents that end its message, if the switch says so.

    Recorded once on Converse (pydantic-ai-cassettes): a document right behind the point was written all the same.
    """
    after, segments = point.after, view.prompt.segments
    if view.behaviour.trailing_text_document != "cached" or view.prompt.api.native:
        return after
    end = after
    while end < len(segments) and segments[end].message == point.message and segments[end].section is point.section:
        if segments[end].kind is not BlockKind.TEXT_DOCUMENT:
            return after
        end += 1
    return end


def _limit(view: _View, point: CachePoint) -> PointFate | None:
    depth, maximum = view.prompt.depths[_position(view, point)], view.rules.maximum_cacheable_tokens
    if depth < max(1, view.rules.minimum_tokens):
        return PointFate.BELOW_MINIMUM
    return PointFate.ABOVE_MAXIMUM if maximum is not None and depth > maximum else None


def _deepest_readable(view: _View, entries: Mapping[EntryKey, Entry], now: float, position: int, ttl: Ttl) -> int:
    """The deepest position with a readable entry that this point reaches, or 0."""
    key, segments, left = view.key, view.prompt.segments, view.rules.lookback_blocks
    while position > 0:
        if _readable(entries, key(position, ttl), now, view.behaviour):
            # What was dropped closes no prefix of its own.
            while position and view.hashes[position - 1] == view.hashes[position]:
                position -= 1
            return position
        position -= 1
        left -= segments[position].blocks
        if left < 0:
            return 0
    return 0


def _readable(entries: Mapping[EntryKey, Entry], key: EntryKey, now: float, behaviour: Behaviour) -> bool:
    entry = entries.get(key)
    if entry is None or entry.expires_at <= now or entry.visible_at > now:
        return False
    if behaviour.entry_lifetime == "whole_prefix" or entry.parent is None:
        return True
    return _readable(entries, entry.parent, now, behaviour)


def _writes(depths: Sequence[int], hit: int, positions: Sequence[tuple[int, Ttl]]) -> Mapping[Ttl, int]:
    """Tokens written by lifetime: the A/B/C rule, from the longest lifetime down."""
    writes: dict[Ttl, int] = {}
    reached = depths[hit]
    for ttl in LONGEST_FIRST:
        deepest = max((depths[position] for position, point_ttl in positions if point_ttl is ttl), default=0)
        if deepest > reached:
            writes[ttl], reached = deepest - reached, deepest
    return writes


def _fate(view: _View, point: CachePoint, hit: int) -> PointFate:
    limit = _limit(view, point)
    if limit is not None:
        return limit
    position = _position(view, point)
    if position > hit:
        return PointFate.WRITTEN
    return PointFate.READ if position == hit else PointFate.COVERED


def _changes(
    view: _View,
    entries: Mapping[EntryKey, Entry],
    positions: Sequence[tuple[int, Ttl]],
    hit: int,
    now: float,
    visible_at: float,
) -> tuple[tuple[EntryKey, Entry], ...]:
    changed = _refreshed(view, entries, hit, now)
    parent: EntryKey | None = None
    most = view.rules.maximum_points or len(positions)
    for position, ttl in sorted(positions, key=lambda point: point[0])[-most:]:
        key = view.key(position, ttl)
        if position > hit:
            parent = parent or next(iter(view.known(hit, hit, changed)), None)
            # Two points on one block may share a key: the entry then keeps its parent and is not its own.
            below = changed[key].parent if parent == key else parent
            changed[key] = Entry(ttl, view.prompt.depths[position], now + ttl.seconds, visible_at, below)
            parent = key
        elif view.behaviour.point_below_hit == "marks" and not _readable(entries, key, now, view.behaviour):
            changed[key] = Entry(ttl, view.prompt.depths[position], now + ttl.seconds, visible_at)
    return tuple(changed.items())


def _refreshed(view: _View, entries: Mapping[EntryKey, Entry], hit: int, now: float) -> dict[EntryKey, Entry]:
    """The entry read, and with ``refresh_on_hit = prefix`` every readable one below it, with lifetimes renewed."""
    if not hit:
        return {}
    first = 1 if view.behaviour.refresh_on_hit == "prefix" else hit
    standing = [key for key in view.known(first, hit, entries) if view.behaviour.renews(entries[key].ttl)]
    return {key: entries[key].refreshed(now) for key in standing if _readable(entries, key, now, view.behaviour)}
