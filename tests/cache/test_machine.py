"""Properties that hold on any traffic: a state machine over random prompts and instants."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from rockbottom.cache import Behaviour, Entry, EntryKey, Namespace, PrefixCache, step
from rockbottom.catalog import load_catalog
from rockbottom.prompt import Api, BlockKind, CachePoint, Parameters, Section, Segment, digest_of, prompt_of
from rockbottom.quantities import Ttl

BLOCKS = st.lists(st.sampled_from("abcd"), min_size=1, max_size=30)
SIZES = {"a": 300, "b": 700, "c": 1200, "d": 40}


class Traffic(RuleBasedStateMachine):
    """Requests from a small alphabet, so that prefixes recur, at instants that move on or stand still."""

    def __init__(self) -> None:
        super().__init__()
        model = load_catalog().model("global.anthropic.claude-sonnet-4-6").model
        self.rules = load_catalog().rule_history(model)[0]
        self.behaviour = Behaviour("all", "yes", "per_block", "prefix", "yes", "marks", "reject", "cached")
        self.state = PrefixCache()
        self.now = 0.0
        self.ever: dict[EntryKey, Entry] = {}

    @rule(blocks=BLOCKS, marks=st.sets(st.integers(1, 30), max_size=4), hour=st.integers(0, 4), wait=st.floats(0, 4000))
    def request(self, blocks, marks, hour, wait):
        """One request; its first ``hour`` points ask for an hour, so that the order is legal."""
        self.now += wait
        segments = [
            Segment(Section.MESSAGES, BlockKind.TEXT, digest_of("x", "user", b.encode()), SIZES[b], 1, "user", 0, i)
            for i, b in enumerate(blocks)
        ]
        points = [
            CachePoint(p, Ttl.ONE_HOUR if n < hour else Ttl.FIVE_MINUTES, Section.MESSAGES, BlockKind.TEXT)
            for n, p in enumerate(sorted(mark for mark in marks if mark <= len(blocks)))
        ]
        prompt = prompt_of(Api.CONVERSE, segments, points, Parameters())
        before = self.state
        self.state, result = step(before, prompt, self.now, self.rules, self.behaviour, Namespace("1", "r", "m"))
        assert result.read + result.written + result.uncached == prompt.tokens + self.rules.residual_tokens
        assert min(result.read, result.written, result.uncached, *result.writes.values()) >= 0
        alive = [e.tokens for e in before.entries.values() if e.expires_at > self.now]
        assert result.read == 0 or result.read in alive
        assert all(key in self.ever for key, entry in before.entries.items())
        self.ever.update(result.changes)

    @invariant()
    def entries_are_deep_enough_and_bounded(self):
        """No entry lies below the minimum, and none lives longer than its TTL from now."""
        for entry in self.state.entries.values():
            assert entry.tokens >= self.rules.minimum_tokens
            assert entry.expires_at <= self.now + entry.ttl.seconds


TestTraffic = Traffic.TestCase
TestTraffic.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
