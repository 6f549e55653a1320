"""What was seen of prefixes: a compressed trie of hashes, each run of segments with the gaps between its uses.

A run is a stretch of segments that so far was only ever sent together. Nothing of the text is kept: a prefix
is known by its keyed hash. The trie is bounded: beyond ``capacity`` prefixes the leaves unused for longest go, and
entries that have ended go with the next sweep. A run keeps its hashes end to end and is found by the first and the last
of them: a prefix in the middle of a long run takes the 16 bytes of its hash.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from rockbottom.plan.runs import KEY_BYTES, NO_PACE, GapRecord, Run, Uses
from rockbottom.quantities import Ttl

_QUICK_S = Ttl.FIVE_MINUTES.seconds
_DEEPEST_UPDATED = 16  # runs above the deepest one whose gaps are kept; the ones in between share theirs
_RUN_WEIGHT = 2  # prefixes that a run weighs in the bound on memory
_NEAR = 8  # segments from the end of a prompt at which the end of an earlier one is looked for
_SWEEP_S = 300.0  # between two sweeps, and after the end of an entry

_VOLATILE_SEGMENTS = 1  # a single branch no longer than this is a prompt's volatile end, not another use of the prefix


class Visit(Struct, frozen=True):
    """Where a prompt meets what was seen: ``seen`` leading segments, the run that ends there and those above it.

    ``holders`` are the runs of the history that hold entries; one that is given its first is put there.
    """

    seen: int
    run: Run | None
    path: tuple[Run, ...]  # the deepest first
    near: tuple[Run, ...]  # of the path: the deepest, those that are shared, and the topmost
    shared: Run | None  # the deepest one that other prompts also go through
    holders: list[Run]
    gap: float = 0.0  # seconds since the deepest known prefix was last sent


class History:
    """The trie. One instance per planner. ``runs`` are known by their first and their last prefix.

    ``keys`` are the hashes of the prefixes of a prompt, ``KEY_BYTES`` each, the shortest first; ``depths`` the tokens
    below each, that of nothing first.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.runs: dict[bytes, Run] = {}
        self._order = Uses()
        self._count = 0  # of runs
        self.prefixes = 0  # how many are known
        self._holders: list[Run] = []
        self._swept_at = float("-inf")

    @property
    def size(self) -> int:
        """What is remembered, in prefixes; a run weighs as much as two of them, besides its own."""
        return self.prefixes + _RUN_WEIGHT * self._count

    def visit(self, keys: bytes, depths: Sequence[int], fixed: int, now: float) -> Visit:
        """Find the deepest known prefix, count its gap, and mark what turns out to be shared.

        ``fixed`` is the end of tools and system, which are taken to be shared by nature. ``now`` goes back only to what
        others saw, and then by what their word took to come.
        """
        run, seen = self._deepest(keys)
        if run is None:
            return Visit(0, None, (), (), None, self._holders)
        if run.end > seen:
            run = self._split(run, seen, depths)
        end = len(keys) // KEY_BYTES
        branches = seen < end and (run.beyond > _VOLATILE_SEGMENTS or run.children > 1)
        gap = now - run.last_at
        path = self._used(run, end, now)
        if branches:
            for above in path:
                if above.shared:
                    break
                above.shared = True
        shared = None
        for above in path:
            if above.shared or above.end <= fixed:
                shared = above
                break
        near = path
        if len(path) > _DEEPEST_UPDATED:
            far = (above for above in path[_DEEPEST_UPDATED:] if above.shared or above.end <= fixed)
            near = (*path[:_DEEPEST_UPDATED], *far)
        return Visit(seen, run, path, near, shared, self._holders, gap)

    def add(self, visit: Visit, keys: bytes, depths: Sequence[int], cuts: Sequence[int], now: float) -> list[Run]:
        """Remember the new segments as one run up to each of ``cuts`` (ascending); returns them in that order."""
        parent, start = visit.run, visit.seen
        inherited = parent.pace if parent is not None and not parent.shared else None
        end = len(keys) // KEY_BYTES
        added: list[Run] = []
        for cut in cuts:
            if cut <= start:
                continue
            run = Run(parent, start, keys[start * KEY_BYTES : cut * KEY_BYTES], depths[cut] - depths[start], now)
            run.beyond = end - cut
            if inherited is not None:
                run.pace = inherited
            self._take_in(run)
            added.append(run)
            parent, start = run, cut
        if parent is not None:
            self._order.use(parent)
        if now - self._swept_at >= _SWEEP_S:
            self._sweep(now)
        self._shrink()
        return added

    def recent(self, limit: int) -> list[Run]:
        """The runs used last, with every run above them."""
        runs: dict[Run, None] = {}
        for run in self._order.latest_first():
            above: Run | None = run
            while above is not None and above not in runs:
                runs[above] = None
                above = above.parent
            if len(runs) >= limit:
                break
        return list(runs)

    def restore(self, runs: Iterable[Run]) -> None:
        """Take in runs that were saved, parents first; one that overlaps with what is known is left out."""
        taken: set[Run] = set()
        for run in runs:
            parent = run.parent
            if parent is not None and (parent not in taken or parent.end != run.start):
                continue
            if run.first in self.runs:  # what is known of longer prefixes is known of their first, too
                continue
            taken.add(run)
            self._take_in(run)
            if run.entries:
                self._holders.append(run)
        for run in sorted(taken, key=lambda run: (run.last_at, -run.start)):
            self._order.use(run)
        self._shrink()

    def _take_in(self, run: Run) -> None:
        self._mark(run)
        self._count += 1
        self.prefixes += run.end - run.start
        if run.parent is not None:
            run.parent.children += 1

    def _deepest(self, keys: bytes) -> tuple[Run | None, int]:
        """The run in which the deepest known prefix lies, and how many segments that has.

        Most prompts go on from one that was sent before, and end a few segments behind it; the others are followed
        from their beginning. A run that has one of its names at another place is none of this prompt's.
        """
        end, runs = len(keys) // KEY_BYTES, self.runs
        for place in range(end, max(0, end - _NEAR), -1):
            key = keys[(place - 1) * KEY_BYTES : place * KEY_BYTES]
            run = runs.get(key)
            if run is None:
                continue
            if run.end == place and run.last == key:
                return run, place
            if run.begins(place, key):
                return run, self._common(run, keys)
        deepest: Run | None = None
        seen = 0
        while seen < end:
            key = keys[seen * KEY_BYTES : (seen + 1) * KEY_BYTES]
            run = runs.get(key)
            if run is None or not run.begins(seen + 1, key):
                break
            deepest, seen = run, self._common(run, keys)
            if seen < run.end:
                break
        return deepest, seen

    @staticmethod
    def _common(run: Run, keys: bytes) -> int:
        """How far a prompt goes along a run whose first prefix it has."""

        def same(place: int) -> bool:
            return keys[(place - 1) * KEY_BYTES : place * KEY_BYTES] == run.key(place)

        low, high = run.start + 1, min(run.end, len(keys) // KEY_BYTES)
        if same(high):
            return high
        while low < high:  # what is equal is so up to some length
            middle = (low + high + 1) // 2
            if same(middle):
                low = middle
            else:
                high = middle - 1
        return low

    def _mark(self, run: Run) -> None:
        """Have it found by its first and its last prefix."""
        self.runs[run.first] = self.runs[run.last] = run

    def _split(self, run: Run, at: int, depths: Sequence[int]) -> Run:
        cut = (at - run.start) * KEY_BYTES
        upper = Run(run.parent, run.start, run.keys[:cut], depths[at] - depths[run.start], run.last_at)
        upper.pace, upper.shared, upper.children = run.pace, run.shared, 1
        upper.beyond = run.end - at + run.beyond
        upper.entries = tuple([entry for entry in run.entries if entry.position <= at])
        if upper.entries:
            self._holders.append(upper)
        run.parent, run.start, run.keys = upper, at, run.keys[cut:]
        run.tokens -= upper.tokens
        run.entries = tuple([entry for entry in run.entries if entry.position > at])
        self._mark(upper)
        self._mark(run)
        self._count += 1
        return upper

    @staticmethod
    def _used(deepest: Run, end: int, now: float) -> tuple[Run, ...]:
        """Count a use of a run and of those above it, by a prompt of so many segments; returns them."""
        path: list[Run] = []
        before: GapRecord | None = None
        after, last_at, run = NO_PACE, now, deepest
        while run is not None:
            if len(path) < _DEEPEST_UPDATED or run.shared:
                if run.pace is not before or run.last_at != last_at:
                    before, last_at = run.pace, run.last_at
                    after = before.after(now - last_at)
                run.pace = after  # one for all that were last sent together
            if now > run.last_at:
                run.last_at = now
            if end - run.end > run.beyond:
                run.beyond = end - run.end
            if run.open is not None:
                run.open.returned(now)
                run.open = None
            path.append(run)
            run = run.parent
        return tuple(path)

    def _sweep(self, now: float) -> None:
        """Drop the entries that have ended, but for those on whose end clocks may differ."""
        self._swept_at = now
        for run in self._holders:
            if run.last_at <= now - _QUICK_S:
                run.without_ended(now - _SWEEP_S)
        self._holders[:] = dict.fromkeys([run for run in self._holders if run.entries])

    def _shrink(self) -> None:
        while self.size > self.capacity and self._order:
            run = self._order.oldest()
            if run.children:
                continue  # what goes on from it was used later
            self._count -= 1
            self.prefixes -= run.end - run.start
            for cell in run.local.values() if run.local is not None else ():
                cell.forget()
            for key in (run.first, run.last):
                if self.runs.get(key) is run:
                    del self.runs[key]
            run.entries = ()
            if run.parent is not None:
                run.parent.children -= 1
                if not run.parent.children:
                    self._order.put_back(run.parent)  # its last use was that of the one that went last
