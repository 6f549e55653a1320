"""One request judged against everything before it: the cause of its miss, or none."""

from dataclasses import dataclass
from typing import NamedTuple

from rockbottom.diagnose.causes import Cause
from rockbottom.diagnose.differences import Difference, difference_of
from rockbottom.diagnose.entries import Entries
from rockbottom.diagnose.matching import Match, SeenRequests, is_conversation
from rockbottom.diagnose.sent import Sent
from rockbottom.figures import thousands
from rockbottom.prompt import Section
from rockbottom.quantities import Usage


class JudgedMiss(NamedTuple):
    """The cause of one miss, its tokens and what shows it; ``earlier`` numbers the request that had sent them."""

    cause: Cause
    tokens: int
    evidence: str
    earlier: int | None
    place: str = ""
    difference: Difference | None = None
    expected: int = 0


@dataclass(frozen=True, slots=True)
class MissJudge:
    """One request against everything before it."""

    memory: SeenRequests
    entries: Entries
    sent: Sent
    usage: Usage
    floor: int

    def verdict(self, small: dict[int, int]) -> JudgedMiss | None:
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
                small[len(self.memory.requests)] = missed
            return None
        return self._cause(match, length, holder, missed)

    def _cause(self, match: Match, length: int, holder: int | None, missed: int) -> JudgedMiss | None:
        sent = self.sent
        if not (sent.rules.explicit or sent.rules.implicit_point):
            return JudgedMiss(Cause.UNSUPPORTED, missed, sent.model.model.name, match.number)
        deepest = max((sent.prompt.depths[point.after] for point in sent.prompt.points), default=0)
        if not sent.prompt.points:
            if match.shared_tokens < sent.rules.minimum_tokens:
                return None  # too little repeats for any point to help
            mode = "; mode explicit, and no mark" if sent.prompt.implicit is False else ""
            where = f"{self._share(match, length)} were sent before{mode}"
            return JudgedMiss(Cause.NO_POINT, missed, where, match.number, self._end(length))
        if deepest < sent.rules.minimum_tokens:
            evidence = (
                f"deepest point at {thousands(deepest)} tokens; {sent.model.model.name} needs "
                f"{thousands(sent.rules.minimum_tokens)}"
            )
            return JudgedMiss(
                Cause.UNDER_MINIMUM, missed, evidence, match.number, sent.prompt.place(sent.prompt.points[-1])
            )
        tail = self._of_tail(match)
        if tail is not None:
            return tail
        of_entries = self._of_entries(length)
        changed = self._of_difference(match)
        if of_entries is not None and of_entries.cause in _BY_CHOICE and not self._is_same_conversation(length, match):
            return changed  # another workload with the same instructions: its first request is cold, not a miss
        if of_entries is not None and (changed is None or of_entries.tokens >= changed.tokens):
            return of_entries
        return changed or self._of_points(length, holder, match)

    def _of_tail(self, match: Match) -> JudgedMiss | None:
        """The earlier request wrote at its end alone, where the service's own point stands, and that end is gone."""
        earlier, end = match.earlier, len(match.earlier.segments)
        own = earlier.rules.implicit_point and earlier.prompt.implicit is not False
        own = own and earlier.model.model is self.sent.model.model
        alone = all(point.after == end for point in earlier.prompt.points)
        if not own or not alone or not 0 < match.length < end or self.usage.cache_read:
            return None
        last = earlier.segments[-1]
        gone = earlier.segments[match.length :]
        gain = match.prefix_tokens
        if gain < max(self.floor, self.sent.rules.minimum_tokens) or not all(
            (segment.section, segment.message) == (last.section, last.message) for segment in gone
        ):
            return None
        place = earlier.prompt.place(gone[0])
        repeats = f"{thousands(gain)} tokens repeat up to {place}"
        evidence = f"{repeats}, and the service wrote behind that; this request lacks it"
        return JudgedMiss(Cause.TAIL_CHANGED, gain, evidence, match.number, place)

    def _of_entries(self, length: int) -> JudgedMiss | None:
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
            evidence = (
                f"an entry of {thousands(entry.tokens)} tokens was live and in reach; {thousands(read)} were read"
            )
            cause = Cause.NOT_LOOKED_BACK if self._by_looking_back(entry.position) else Cause.UNEXPLAINED
            return JudgedMiss(cause, gain, evidence, entry.writer, expected=entry.tokens)
        first, place = blockers[0], self._end(entry.position)
        return JudgedMiss(first.cause, gain, first.evidence, entry.writer, place, expected=read)

    def _by_looking_back(self, position: int) -> bool:
        """Whether only the service's own point, from the end of the latest message, could have read there."""
        prompt = self.sent.prompt
        by_itself = self.sent.rules.implicit_point and prompt.implicit is not False
        return by_itself and all(point.after != position for point in prompt.points)

    def _is_same_conversation(self, length: int, match: Match) -> bool:
        if length and self.sent.segments[length - 1].section is Section.MESSAGES:
            return True
        return is_conversation(match, self.sent)

    def _of_difference(self, match: Match) -> JudgedMiss | None:
        """A changed text, where the earlier request had marked what stands behind it."""
        gain = match.shared_tokens - max(self.usage.cache_read, 0)
        behind = match.shared_tokens - match.prefix_tokens
        marked = any(point.after > match.length for point in match.earlier.prompt.points)
        if not marked or gain < self.floor:
            return None
        old, new = match.earlier.prompt.api, self.sent.prompt.api
        if old is not new and self.entries.behaviour.api_in_key == "yes":
            return JudgedMiss(Cause.API_SWITCHED, gain, f"{old.value} -> {new.value}", match.number)
        difference = difference_of(self.memory.archive, match.earlier, self.sent, match.length)
        if difference is None or (difference.cause in _OF_HISTORY and not is_conversation(match, self.sent)):
            return None
        if behind < self.floor and difference.cause not in _OF_HISTORY:
            return None  # a branch: what stands behind the difference is new in any case
        return JudgedMiss(difference.cause, gain, difference.evidence, match.number, difference.place, difference)

    def _of_points(self, length: int, holder: int | None, match: Match) -> JudgedMiss | None:
        """Nothing was ever written where the shared prefix ends: the points stand elsewhere."""
        sent, gain = self.sent, self.sent.prompt.depths[length] - self.usage.cache_read
        if gain < self.floor or holder is None:
            return None
        if sent.prompt.depths[length] < sent.rules.minimum_tokens:
            return self._of_short_prefix(length, holder, gain)
        if self.memory.requests[holder].model.model.id != sent.model.model.id:
            models = f"{self.memory.requests[holder].model.model.id} -> {sent.model.model.id}"
            same = self._is_same_conversation(length, match)
            return JudgedMiss(Cause.MODEL_SWITCHED, gain, models, holder, self._end(length)) if same else None
        idle = self._idle_point(length, holder)
        if idle is not None:
            return JudgedMiss(Cause.UNEXPLAINED, gain, idle, holder)
        place = self._end(length)
        deepest = max((entry.tokens for entry in self.entries.along(sent, length)), default=0)
        if deepest or self.usage.cache_read:
            evidence = (
                f"{self._depth(length)} repeat, marked only up to {thousands(max(deepest, self.usage.cache_read))}"
            )
            return JudgedMiss(Cause.POINT_NOT_ADVANCED, gain, evidence, holder, place)
        evidence = f"{self._depth(length)} repeat, but no cachePoint stands where they end{self._void(holder, length)}"
        return JudgedMiss(Cause.NO_POINT, gain, evidence, holder, place)

    def _of_short_prefix(self, length: int, holder: int, gain: int) -> JudgedMiss | None:
        """The earlier request marked the shared prefix, which is too short to be cached."""
        points = self.memory.requests[holder].prompt.points
        if not any(point.after <= length for point in points):
            return None
        depth, minimum = self.sent.prompt.depths[length], self.sent.rules.minimum_tokens
        evidence = (
            f"the earlier cachePoint came after {thousands(depth)} tokens; {self.sent.model.model.name} "
            f"needs {thousands(minimum)}"
        )
        return JudgedMiss(Cause.UNDER_MINIMUM, gain, evidence, holder, self._end(length))

    def _idle_point(self, length: int, holder: int) -> str | None:
        """A point of the earlier request inside the shared prefix that should have written and did not."""
        earlier = self.memory.requests[holder]
        for point in earlier.prompt.points:
            depth = earlier.prompt.depths[point.after]
            caches = earlier.rules.explicit or earlier.rules.implicit_point
            counts = depth >= earlier.rules.minimum_tokens and caches
            if counts and point.after <= length and depth - self.usage.cache_read >= self.floor:
                place = earlier.prompt.place(point)
                return f"the cachePoint at {place} of the earlier request wrote nothing ({thousands(depth)} tokens)"
        return None

    def _void(self, holder: int, length: int) -> str:
        """What is wrong with the points that the earlier request has."""
        earlier = self.memory.requests[holder]
        for point in earlier.prompt.points:
            depth, minimum = earlier.prompt.depths[point.after], earlier.rules.minimum_tokens
            place = earlier.prompt.place(point)
            if depth < minimum:
                needed = f"{thousands(depth)} tokens precede it, {thousands(minimum)} are needed"
                return f"; the cachePoint at {place} has no effect: {needed}"
            if point.after > length:
                return f"; the cachePoint at {place} has no effect: what precedes it is not sent again"
        return ""

    def _depth(self, length: int) -> str:
        return f"{thousands(self.sent.prompt.depths[length])} tokens"

    def _share(self, match: Match, length: int) -> str:
        return f"{thousands(max(match.shared_tokens, self.sent.prompt.depths[length]))} tokens"

    def _end(self, length: int) -> str:
        prompt = self.sent.prompt
        return f"after {prompt.place(prompt.segments[length - 1])}" if length else "at the start"


_BY_CHOICE = frozenset({Cause.MODEL_SWITCHED, Cause.API_SWITCHED, Cause.HOST_SWITCHED, Cause.PARAMETER_CHANGED})
_OF_HISTORY = frozenset({Cause.HISTORY_REWRITTEN, Cause.HISTORY_TRIMMED})
