"""The semantics of ``cache.step`` over columns: what every request reads and writes, given its points.

The twin of ``rockbottom.cache.outcome``, statement by statement; a differential test on random traffic holds
the two together. Entries are rows of a table; ``entry_of[plane][prefix]`` is the row of an entry or -1, where a
plane is a TTL, or all of them; so the walk back from a point is a walk over neighbouring integers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rockbottom.cache import Behaviour
from rockbottom.catalog import CacheRules
from rockbottom.quantities import LONGEST_FIRST, Ttl
from rockbottom.replay.nodes import Nodes
from rockbottom.replay.points import PlacedPoints
from rockbottom.trace import APIS, Array, Trace, compiled, inlined


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What became of every request: tokens, and positions.

    ``hit`` is the number of leading blocks read, ``last`` of those read or written; ``writes`` are tokens by lifetime.
    """

    hit: Array
    last: Array
    read: Array
    writes: Mapping[Ttl, Array]
    uncached: Array

    @property
    def written(self) -> Array:
        """Tokens written, whatever the lifetime."""
        return sum((column.astype(np.int64) for column in self.writes.values()), np.zeros(len(self.read), np.int64))

    def of_rows(self, rows: Array) -> "Outcomes":
        """The outcomes of these requests."""
        writes = {ttl: column[rows] for ttl, column in self.writes.items()}
        return Outcomes(
            self.hit[rows], self.last[rows], self.read[rows], writes, self.uncached[rows]
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Switches:
    """The rules and switches as the compiled code takes them."""

    minimum: int
    maximum: int
    lookback: int
    lifetimes: tuple[float, ...]  # seconds of the model's TTLs
    longest: tuple[int, ...]  # their places, the longest first
    slides: tuple[bool, ...]  # whether a read renews an entry of that lifetime
    per_block: bool
    refresh_prefix: bool
    marks: bool

    @classmethod
    def of(cls, rules: CacheRules, behaviour: Behaviour) -> "Switches":
        maximum = rules.maximum_cacheable_tokens
        return cls(
            minimum=max(1, rules.minimum_tokens),
            maximum=2**31 - 1 if maximum is None else maximum,
            lookback=rules.lookback_blocks,
            lifetimes=tuple(float(ttl.seconds) for ttl in rules.ttls),
            longest=tuple(rules.ttls.index(ttl) for ttl in LONGEST_FIRST if ttl in rules.ttls),
            slides=tuple(map(behaviour.renews, rules.ttls)),
            per_block=behaviour.entry_lifetime == "per_block",
            refresh_prefix=behaviour.refresh_on_hit == "prefix",
            marks=behaviour.point_below_hit == "marks",
        )


def outcomes(
    trace: Trace,
    nodes: Nodes,
    points: PlacedPoints,
    rules: CacheRules,
    behaviour: Behaviour,
    delays: Array | None = None,
) -> Outcomes:
    """What every request of the trace reads and writes with these points.

    ``delays`` are the seconds from each request to the start of its response (none: at once); an entry is
    readable from then on. A model that does not cache reads and writes nothing, whatever the points.
    """
    length = len(trace)
    hit, last = np.zeros(length, np.int32), np.zeros(length, np.int32)
    read = np.zeros(length, np.int32)
    free = rules.best_effort and behaviour.best_effort_reads == "always"  # what is written is billed as uncached
    if free:  # nobody says how long its entries live: the shortest lifetime is taken, as in ``cache.outcome``
        rules = replace(rules, ttls=rules.ttls or (Ttl.FIVE_MINUTES,))
    written = np.zeros((len(rules.ttls), length), np.int32)
    by_itself = rules.implicit_point or free
    own = points.own if by_itself and points.own is not None else np.zeros(0, np.uint8)
    if (rules.explicit or by_itself) and (len(points.after) or own.any()):
        switches = Switches.of(rules, behaviour)
        late = np.zeros(0, np.float64) if delays is None else delays
        parted = parted_by_ttl(trace, behaviour)
        mixed = parted.any() and not parted.all()
        # Points of one TTL only need one plane: the other would stay empty.
        several = len(points.ttl) > 0 and points.ttl.min() != points.ttl.max() and parted.any()
        # One plane for each TTL, and one more for requests whose points read entries of any.
        planes = len(rules.ttls) + mixed if several or mixed else 1
        back = behaviour.implicit_lookback == "message_ends"
        _replay(
            trace.requests.at, late, trace.block_offsets, nodes.of_block, nodes.known, trace.blocks.depth,
            trace.blocks.weight, trace.blocks.begins, trace.blocks.section, own, back,
            points.offsets, points.after, _places(rules.ttls)[points.ttl],
            np.full((planes, nodes.count), -1, np.int32), parted,
            switches.minimum, switches.maximum, switches.lookback, max(rules.maximum_points, 1),
            np.array(switches.lifetimes), np.array(switches.slides, np.bool_), np.array(switches.longest, np.int64),
            switches.per_block, switches.refresh_prefix, switches.marks,
            hit, last, read, written,
        )  # fmt: skip
    writes: dict[Ttl, Array] = {} if free else dict(zip(rules.ttls, written, strict=True))
    uncached = trace.requests.tokens_in - read - sum(writes.values(), np.zeros(length, np.int32))
    return Outcomes(hit, last, read, writes, uncached)


def parted_by_ttl(trace: Trace, behaviour: Behaviour) -> Array:
    """Of each request whether entries of one lifetime are invisible to its points of another."""
    by_code = np.zeros(256, np.bool_)
    for code, api in APIS.items():
        by_code[code] = behaviour.on(api).ttl_in_key == "yes"
    return by_code[trace.requests.api]


def _places(ttls: Sequence[Ttl]) -> Array:
    """The place among a model's TTLs by the code of a point's; 0, the first, for what the model lacks."""
    places = np.zeros(1 + max(ttl.code for ttl in Ttl), np.uint8)
    for place, ttl in enumerate(ttls):
        places[ttl.code] = place
    return places


@compiled
def _replay(
    at: Array, delays: Array, offsets: Array, nodes: Array, known: Array, depth: Array, weight: Array,
    begins: Array, section: Array, own: Array, back: bool,
    point_offsets: Array, after: Array, ttl: Array, entry_of: Array, parted: Array,
    minimum: int, maximum: int, lookback: int, most_written: int, lifetimes: Array, slides: Array, longest: Array,
    per_block: bool, refresh_prefix: bool, marks: bool,
    hit_out: Array, last_out: Array, read_out: Array, written_out: Array,
) -> int:  # fmt: skip
    planes = len(entry_of)
    room = max(1, len(after) + len(own))  # every point makes one entry at most
    expires, visible = np.empty(room, np.float64), np.empty(room, np.float64)
    parent, changed, ttl_of = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.uint8)
    used = 0
    most = 0
    for i in range(len(at)):
        most = max(most, point_offsets[i + 1] - point_offsets[i])
    where, plane, below = np.empty(most + 2, np.int64), np.empty(most + 2, np.int64), np.empty(most + 2, np.bool_)
    for i in range(len(at)):
        base, blocks = offsets[i], offsets[i + 1] - offsets[i]
        now = at[i]
        # Which planes this request reads and writes: those of the TTLs, or the one of all.
        alone = planes == 1 or not parted[i]
        first_plane = planes - 1 if alone else 0
        # The points that count, in order of position, at most once each.
        count = 0
        for p in range(point_offsets[i], point_offsets[i + 1]):
            position = min(np.int64(after[p]), blocks)
            if position <= 0:
                continue
            tokens = depth[base + position - 1]
            if tokens < minimum or tokens > maximum:
                continue
            slot = count
            while slot > 0 and where[slot - 1] > position:
                where[slot], plane[slot] = where[slot - 1], plane[slot - 1]
                slot -= 1
            where[slot], plane[slot] = position, ttl[p]
            count += 1
        itself = len(own) > 0 and own[i] == 1 and blocks > 0
        if itself and minimum <= depth[base + blocks - 1] <= maximum:
            where[count], plane[count] = blocks, 0
            count += 1
        if count == 0:
            continue
        # A: the deepest readable entry that a point reaches.
        hit = 0
        for k in range(count - 1, -1, -1):
            key = first_plane if alone else plane[k]
            position, left = where[k], lookback
            # Prefixes that are new in this request have no entry: they are not looked up, only counted. They have
            # the numbers from ``known`` on, one after another, and stand at the end.
            new = nodes[base + position - 1] - known[i] + 1
            if 0 < new <= position and nodes[base + position - new] == known[i]:
                stop = position - new
                while position > stop and left >= 0:
                    position -= 1
                    left -= weight[base + position]
                if left < 0:
                    continue
            while position > hit:
                entry = entry_of[key, nodes[base + position - 1]]
                if entry >= 0 and _readable(entry, now, expires, visible, parent, per_block):
                    hit = position
                    break
                position -= 1
                left -= weight[base + position]
                if left < 0:
                    break
        # The service's own point reads the end of any earlier message too.
        if itself and back:
            for position in range(blocks - 1, hit, -1):
                row = base + position
                if begins[row] == 0 and section[row] == section[row - 1]:
                    continue
                entry = entry_of[first_plane, nodes[row - 1]]
                if entry >= 0 and _readable(entry, now, expires, visible, parent, per_block):
                    hit = position
                    break
        # B and C: the deepest point of each lifetime, the longest lifetime first.
        last = where[count - 1]
        read = depth[base + hit - 1] if hit > 0 else 0
        reached = read
        for lifetime in longest:
            deepest = reached
            for k in range(count):
                if plane[k] == lifetime:
                    deepest = max(deepest, depth[base + where[k] - 1])
            written_out[lifetime, i] = deepest - reached
            reached = deepest
        read_out[i] = read
        hit_out[i] = hit
        last_out[i] = max(last, hit)
        # Points inside what was read become entries where there is none, judged before anything changes.
        for k in range(count):
            below[k] = where[k] <= hit
            if below[k]:
                entry = entry_of[first_plane if alone else plane[k], nodes[base + where[k] - 1]]
                fresh = entry < 0 or not _readable(entry, now, expires, visible, parent, per_block)
                plane[k] = plane[k] if marks and fresh else -1
        # A hit renews lifetimes: of the entry, or of every readable one below it too. From the deepest up:
        # whether an entry is readable depends only on shallower ones, which are renewed later.
        for position in range(hit, 0 if refresh_prefix else max(hit - 1, 0), -1):
            for key in range(first_plane, planes if alone else len(slides)):
                entry = entry_of[key, nodes[base + position - 1]]
                if entry >= 0 and slides[ttl_of[entry]] and _readable(entry, now, expires, visible, parent, per_block):
                    expires[entry] = max(expires[entry], now + lifetimes[ttl_of[entry]])
                    changed[entry] = i
        # What was written becomes entries, each on top of the one before.
        seen = now if len(delays) == 0 else now + delays[i]
        above, first = -1, True
        for k in range(count):
            if plane[k] < 0 or k < count - most_written:
                continue
            key = first_plane if alone else plane[k]
            node = nodes[base + where[k] - 1]
            entry = entry_of[key, node]
            if entry < 0:
                entry = used
                used += 1
                entry_of[key, node] = entry
            expires[entry] = now + lifetimes[plane[k]]
            visible[entry] = seen
            ttl_of[entry] = plane[k]
            changed[entry] = i
            if below[k]:
                parent[entry] = -1
                continue
            if first and hit > 0:
                for plane_of_hit in range(planes - 1 if alone else len(slides) - 1, first_plane - 1, -1):
                    of_hit = entry_of[plane_of_hit, nodes[base + hit - 1]]
                    if of_hit >= 0 and changed[of_hit] == i:
                        above = of_hit
            first = False
            if above != entry:
                parent[entry] = above
            above = entry
    return used


@inlined
def _readable(entry: int, now: float, expires: Array, visible: Array, parent: Array, per_block: bool) -> bool:
    while entry >= 0:
        if expires[entry] <= now or visible[entry] > now:
            return False
        if not per_block:
            return True
        entry = parent[entry]
    return True
