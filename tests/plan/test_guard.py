"""The bill is never more than 1 % above no caching plus the allowance, whoever sends the traffic."""

from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from rockbottom.cache import behaviour_of
from rockbottom.catalog import load_catalog
from rockbottom.plan import Planner
from rockbottom.plan.guard import ALLOWANCE_TOKENS, Guard
from rockbottom.plan.priors import load_priors
from rockbottom.prompt import Api, BlockKind, Parameters, Prompt, Section, Segment, digest_of, prompt_of
from rockbottom.quantities import Ttl, Usage

NOW = 1_795_000_000.0
MODELS = {  # read, write for 5 minutes, write for an hour: the price rows of the catalogue
    "global.anthropic.claude-sonnet-4-6": (Decimal("0.1"), Decimal("1.25"), Decimal(2)),
    "global.anthropic.claude-fable-5-1": (Decimal("0.025"), Decimal("1.25"), Decimal(2)),
    "us.anthropic.claude-3-7-sonnet-20250219-v1:0": (Decimal("0.1"), Decimal("1.25"), None),
}


def prompt_from(parts: list[tuple[str, int]]) -> Prompt:
    """A prompt of named parts; the first stands in the system prompt."""
    segments = []
    for number, (name, tokens) in enumerate(parts):
        section, role = (Section.MESSAGES, "user") if number else (Section.SYSTEM, "")
        digest = digest_of("t", role, name.encode())
        segments.append(Segment(section, BlockKind.TEXT, digest, tokens, 1, role, number, 0))
    return prompt_of(Api.CONVERSE, segments, (), Parameters())


class Adversary(RuleBasedStateMachine):
    """Sees every plan before it decides what the service did and what comes next."""

    @initialize()
    def begin(self) -> None:
        """A new planner, an empty bill."""
        self.planner = Planner()
        self.now = NOW
        self.bills: dict[str, Decimal] = {}
        self.plain: dict[str, Decimal] = {}
        self.parts: list[tuple[str, int]] = [("system", 3000), ("question", 500)]
        self.count = 0
        self.waiting: list[tuple] = []

    def send(self, model: str, parts: list[tuple[str, int]], reads: bool, wait: bool = False) -> bool:
        """One request; the service reads what it is asked to only if ``reads``. Says whether anything was written."""
        prompt = prompt_from(parts)
        plan = self.planner.plan_prompt(prompt, model, self.now)
        read, write_5m, write_1h = MODELS[model]
        last = max((prompt.depths[p.after] for p in plan.placements), default=0)
        hour = max((prompt.depths[p.after] for p in plan.placements if p.ttl is Ttl.ONE_HOUR), default=0)
        hit = plan.read if reads else 0
        hour = max(hour, hit)
        usage = Usage(prompt.tokens - max(last, hour), 1, hit, max(0, last - hour), 0, hour - hit)
        cost = usage.input + usage.cache_read * read + usage.cache_write_5m * write_5m
        cost += usage.cache_write_1h * (write_1h or 0)
        self.bills[model] = self.bills.get(model, Decimal(0)) + cost
        self.plain[model] = self.plain.get(model, Decimal(0)) + prompt.tokens
        if wait:
            self.waiting.append((plan, usage))
        else:
            self.planner.observe(plan, usage, now=self.now)
        return usage.cache_write > 0

    @rule(model=st.sampled_from(sorted(MODELS)), size=st.sampled_from((900, 5000, 60_000)), reads=st.booleans())
    def new_prompt(self, model: str, size: int, reads: bool) -> None:
        """Something never seen."""
        self.count += 1
        self.parts = [(f"s{self.count}", size), (f"q{self.count}", 400)]
        self.send(model, self.parts, reads)

    @rule(
        model=st.sampled_from(sorted(MODELS)),
        gap=st.sampled_from((1.0, 60.0, 290.0, 420.0, 3500.0, 8000.0)),
        reads=st.booleans(),
        grow=st.sampled_from((0, 300, 8000)),
    )
    def again(self, model: str, gap: float, reads: bool, grow: int) -> None:
        """The same conversation again, perhaps longer; read, or missed as by a Region hop or an eviction."""
        self.now += gap
        if grow:
            self.count += 1
            self.parts = [*self.parts, (f"g{self.count}", grow)]
        self.send(model, self.parts, reads)

    @rule(model=st.sampled_from(sorted(MODELS)), rounds=st.integers(5, 25), size=st.sampled_from((2000, 20_000)))
    def train_and_betray(self, model: str, rounds: int, size: int) -> None:
        """Comes back after a minute exactly when nothing was written."""
        for _ in range(rounds):
            self.count += 1
            parts = [(f"b{self.count}", size), ("tail", 300)]
            while not self.send(model, parts, reads=False):
                self.now += 60
                if self.count % 7 == 0:
                    break
            self.now += 60

    @rule(model=st.sampled_from(sorted(MODELS)), rounds=st.integers(2, 15))
    def hopping(self, model: str, rounds: int) -> None:
        """A conversation whose every read misses."""
        for _ in range(rounds):
            self.now += 5
            self.count += 1
            self.parts = [*self.parts[-30:], (f"h{self.count}", 700)]
            self.send(model, self.parts, reads=False)

    @rule(model=st.sampled_from(sorted(MODELS)), number=st.integers(2, 12))
    def burst(self, model: str, number: int) -> None:
        """Many at once whose usage comes back only afterwards, without any read."""
        self.send(model, self.parts, reads=False)
        for _ in range(number):
            self.count += 1
            self.send(model, [*self.parts, (f"p{self.count}", 900)], reads=False, wait=True)
        for plan, usage in self.waiting:
            self.planner.observe(plan, usage, now=self.now + 3)
        self.waiting = []

    @invariant()
    def promise_holds(self) -> None:
        """Per model, and summed up in tokens."""
        drawn = Decimal(0)
        for model, bill in self.bills.items():
            drawn += max(Decimal(0), bill - self.plain[model] * Decimal("1.01"))
        assert drawn <= ALLOWANCE_TOKENS


class InsuredAdversary(Adversary):
    """The same where a one-hour tail was found to keep its prefix, and long gaps are expected."""

    @initialize()
    def begin(self) -> None:
        """A planner that insures tails."""
        super().begin()
        found = behaviour_of(load_catalog().switches, entry_lifetime="whole_prefix", ttl_in_key="no")
        slow = dict.fromkeys(load_priors(), ((3.0, 0.0, 2.0, 0.0), (2.0, 2.0, 0.0, 0.0)))
        self.planner = Planner(behaviour=found, priors=slow)


InsuredAdversary.TestCase.settings = settings(max_examples=12, stateful_step_count=12, deadline=None)
TestInsuredAdversary = InsuredAdversary.TestCase

Adversary.TestCase.settings = settings(max_examples=12, stateful_step_count=12, deadline=None)
TestAdversary = Adversary.TestCase


def test_the_allowance_is_shared_by_all_accounts():
    """Two accounts that draw 30,000 tokens each ask for more than the 50,000 there are."""
    guard = Guard()
    guard.count(("a",), Decimal(30_000), Decimal(0))
    assert guard.affords(("b",), Decimal(20_000), Decimal(0))
    assert not guard.affords(("b",), Decimal(30_000), Decimal(0))


def test_a_saving_on_one_model_pays_for_nothing_on_another():
    """An account that saved a million tokens leaves the allowance of another as it is."""
    guard = Guard()
    guard.count(("a",), Decimal(-1_000_000), Decimal(1_500_000))
    assert not guard.affords(("b",), Decimal(50_001), Decimal(0))
    assert guard.affords(("b",), Decimal(50_100), Decimal(10_000))


def test_one_percent_of_what_no_caching_costs_may_be_spent():
    """After 2,000,000 tokens without caching 20,000 more than the allowance may be spent."""
    guard = Guard()
    guard.count(("a",), Decimal(0), Decimal(2_000_000))
    assert guard.affords(("a",), Decimal(70_000), Decimal(0))
    assert not guard.affords(("a",), Decimal(70_001), Decimal(0))
