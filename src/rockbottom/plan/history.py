"""What was seen of prefixes: a compressed trie of hashes, each run of segments with the gaps between its uses.

A run is a stretch of segments that so far was only ever sent together. Nothing of the text is kept: a prefix
is known by its keyed hash. The trie is bounded: beyond ``capacity`` prefixes the leaves unused for longest go, and
entries that have ended go with the next sweep. A run keeps its hashes end to end and is found by the first and the last
of them: a prefix in the middle of a long run takes the 16 bytes of its hash.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from rockbottom.plan.runs import KEY_BYTES, NO_PACE, Pace, Run, Uses
from rockbottom.quantities import Ttl

_QUICK_S = Ttl.FIVE_MINUTES.seconds
_DEEPEST_UPDATED = 16  # runs above the deepest one whose gaps are kept; the ones in between share theirs
_RUN_WEIGHT = 2  # prefixes that a run weighs in the bound on memory
_NEAR = 8  # segments from the end of a prompt at which the end of an earlier one is looked for
_USES = 8  # of a run, on average, that stand in the order of use
_SWEEP_S = 300.0  # between two sweeps, and after the end of an entry

_VOLATILE_SEGMENTS = 1  # a single branch no longer than this is a prompt's volatile end, not another use of the prefix


class Visit(Struct, frozen=True):
    """Where a prompt meets what was seen: ``seen`` leading segments, the run that ends there and those above it."""

    seen: int
    run: Run | None
    path: tuple[Run, ...]  # the deepest first
    near: tuple[Run, ...]  # of the path: the deepest, those that are shared, and the topmost
    shared: Run | None  # the deepest one that other prompts also go through
    gap: float = 0.0  # seconds since the deepest known prefix was last sent


class History:
    """The trie. One instance per planner. ``runs`` are known by their first and their last prefix."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.runs: dict[bytes, Run] = {}
        self._order = Uses()
        self.prefixes = 0  # how many are known
        self._swept_at = float("-inf")

    @property
    def size(self) -> int:
        """What is remembered, in prefixes; a run weighs as much as two of them, besides its own."""
        return self.prefixes + _RUN_WEIGHT * self._order.runs

    def visit(self, keys: Sequence[bytes], depths: Sequence[int], fixed: int, now: float) -> Visit:
        """Find the deepest known prefix, count its gap, and mark what turns out to be shared.

        ``keys[i]`` names the first ``i`` segments; ``fixed`` is the end of tools and system, which are taken
        to be shared by nature. ``now`` goes back only to what others saw, and then by what their word took to come.
        """
        run, seen = self._deepest(keys)
        if run is None:
            return Visit(0, None, (), (), None)
        if run.end > seen:
            run = self._split(run, seen, depths)
        branches = seen < len(keys) - 1 and (run.beyond > _VOLATILE_SEGMENTS or run.children > 1)
        path, gap = self._path(run), now - run.last_at
        self._count(path, now)
        if branches:
            for above in path:
                if above.shared:
                    break
                above.shared = True
        shared = next((above for above in path if above.shared or above.end <= fixed), None)
        far = (above for above in path[_DEEPEST_UPDATED:] if above.shared or above.end <= fixed)
        return Visit(seen, run, path, (*path[:_DEEPEST_UPDATED], *far), shared, gap)

    def add(
        self, visit: Visit, keys: Sequence[bytes], depths: Sequence[int], cuts: Sequence[int], now: float
    ) -> list[Run]:
        """Remember the new segments as one run up to each of ``cuts`` (ascending); returns them in that order."""
        parent, start = visit.run, visit.seen
        inherited = parent.pace if parent is not None and not parent.shared else None
        added: list[Run] = []
        for cut in cuts:
            if cut <= start:
                continue
            run = Run(parent, start, b"".join(keys[start + 1 : cut + 1]), depths[cut] - depths[start], now)
            if inherited is not None:
                run.pace = inherited
            if parent is not None:
                parent.children += 1
            self._mark(run)
            self.prefixes += cut - start
            added.append(run)
            parent, start = run, cut
        end = len(keys) - 1
        used = (*reversed(added), *visit.path)
        self._order.use(*used)
        for run in used:
            if end - run.end > run.beyond:
                run.beyond = end - run.end
        self._order.tidy(_USES)
        if now - self._swept_at >= _SWEEP_S:
            self._sweep(now)
        self._shrink()
        return added

    def recent(self, limit: int) -> list[Run]:
        """The runs used last, with every run above them."""
        runs: dict[Run, None] = {}
        for run in reversed(self._order):
            for above in self._path(run):
                runs.setdefault(above)
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
            self._mark(run)
            self.prefixes += run.end - run.start
            if parent is not None:
                parent.children += 1
        for run in sorted(taken, key=lambda run: (run.last_at, -run.start)):
            self._order.use(run)
        self._shrink()

    def _deepest(self, keys: Sequence[bytes]) -> tuple[Run | None, int]:
        """The run in which the deepest known prefix lies, and how many segments that has.

        Most prompts go on from one that was sent before, and end a few segments behind it; the others are followed
        from their beginning. A run that has one of its names at another place is none of this prompt's.
        """
        end, runs = len(keys) - 1, self.runs
        for place in range(end, max(0, end - _NEAR), -1):
            run = runs.get(keys[place])
            if run is None:
                continue
            if run.end == place and run.last == keys[place]:
                return run, place
            if run.begins(place, keys):
                return run, self._common(run, keys)
        deepest: Run | None = None
        seen = 0
        while seen < end and (run := runs.get(keys[seen + 1])) is not None and run.begins(seen + 1, keys):
            deepest, seen = run, self._common(run, keys)
            if seen < run.end:
                break
        return deepest, seen

    @staticmethod
    def _common(run: Run, keys: Sequence[bytes]) -> int:
        """How far a prompt goes along a run whose first prefix it has."""
        low, high = run.start + 1, min(run.end, len(keys) - 1)
        if keys[high] == run.key(high):
            return high
        while low < high:  # what is equal is so up to some length
            middle = (low + high + 1) // 2
            if keys[middle] == run.key(middle):
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
        run.parent, run.start, run.keys = upper, at, run.keys[cut:]
        run.tokens -= upper.tokens
        run.entries = tuple([entry for entry in run.entries if entry.position > at])
        self._mark(upper)
        self._mark(run)
        self._order.use(upper)
        return upper

    @staticmethod
    def _path(run: Run | None) -> tuple[Run, ...]:
        path: list[Run] = []
        while run is not None:
            path.append(run)
            run = run.parent
        return tuple(path)

    @staticmethod
    def _count(path: Sequence[Run], now: float) -> None:
        before: Pace | None = None
        after, last_at = NO_PACE, now
        for number, run in enumerate(path):
            if number < _DEEPEST_UPDATED or run.shared:
                if run.pace is not before or run.last_at != last_at:
                    before, last_at = run.pace, run.last_at
                    after = before.after(now - last_at)
                run.pace = after  # one for all that were last sent together
            if now > run.last_at:
                run.last_at = now
            if run.open is not None:
                run.open.returned(now)
                run.open = None

    def _sweep(self, now: float) -> None:
        """Drop the entries that have ended, but for those on whose end clocks may differ."""
        self._swept_at = now
        for run in self._order:
            if run.last_at > now - _QUICK_S:
                break  # those behind it were used later
            if run.entries:
                run.without_ended(now - _SWEEP_S)

    def _shrink(self) -> None:
        spared = 0
        while self.size > self.capacity and self._order.runs > spared:
            run = self._order.oldest()
            if run.children:
                self._order.use(run)
                spared += 1
                continue
            self.prefixes -= run.end - run.start
            for cell in run.local.values() if run.local is not None else ():
                cell.forget()
            for key in (run.first, run.last):
                if self.runs.get(key) is run:
                    del self.runs[key]
            if run.parent is not None:
                run.parent.children -= 1
