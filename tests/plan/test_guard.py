"""The bill is never more than 1 % above no caching plus the allowance, whoever sends the traffic.

The allowance is 50,000 input tokens, or three of the longest prompts where those are more. On a service that keeps its
entries that is all; where entries are dropped, it may be passed by what the reads in flight at one moment cost to
write again: once for entries whose writing no reply has confirmed, and once for confirmed ones.
"""

from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from rockbottom.cache import behaviour_of
from rockbottom.catalog import load_catalog
from rockbottom.plan import Planner
from rockbottom.plan.completing import with_placements
from rockbottom.plan.guard import Guard
from rockbottom.plan.priors import load_priors
from rockbottom.prompt import Api, BlockKind, Parameters, Prompt, Section, Segment, digest_of, prompt_of
from rockbottom.quantities import Ttl, Usage
from tests.plan import simulate

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


def allowance(longest: int) -> Decimal:
    """As documented: 50,000 input tokens, or three of the longest prompts."""
    return Decimal(max(50_000, 3 * longest))


class Adversary(RuleBasedStateMachine):
    """Sees every plan before it decides what the service did and what comes next; drops entries as it likes."""

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
        self.longest = 0
        self.exposed = Decimal(0)  # the most that reads in flight at one moment would have cost to write again

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
        self.longest = max(self.longest, prompt.tokens)
        in_flight = [plan.read, *(other.read for other, _ in self.waiting)]
        self.exposed = max(self.exposed, sum(in_flight) * ((write_1h or write_5m) - 1))
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
            for _ in range(1 if self.count % 7 == 0 else 40):
                if self.send(model, parts, reads=False):
                    break
                self.now += 60
            self.now += 60

    @rule(model=st.sampled_from(sorted(MODELS)), rounds=st.integers(2, 15))
    def hopping(self, model: str, rounds: int) -> None:
        """A conversation whose every read misses."""
        for _ in range(rounds):
            self.now += 5
            self.count += 1
            self.parts = [*self.parts[-30:], (f"h{self.count}", 700)]
            self.send(model, self.parts, reads=False)

    @rule(model=st.sampled_from(sorted(MODELS)), rounds=st.integers(2, 20), every=st.integers(1, 3))
    def dropping(self, model: str, rounds: int, every: int) -> None:
        """A conversation of which every so many-th read comes, so that trust is won again and lost again."""
        for number in range(rounds):
            self.now += 20
            self.count += 1
            self.parts = [*self.parts[-30:], (f"d{self.count}", 900)]
            self.send(model, self.parts, reads=number % (every + 1) == every)

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
        assert drawn <= allowance(self.longest) + 2 * self.exposed


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


class Honest(RuleBasedStateMachine):
    """The reference semantics serve; an adversary knows every plan before it decides what comes next, and when."""

    @initialize()
    def begin(self) -> None:
        """A new planner, an empty cache."""
        self.planner, self.now, self.count, self.longest = Planner(), NOW, 0, 0
        self.services = {model: simulate.Service() for model in MODELS}
        self.parts: list[tuple[str, int]] = [("system", 3000), ("question", 500)]

    def send(self, model: str, parts: list[tuple[str, int]]) -> tuple:
        """One request, not observed yet."""
        prompt = prompt_from(parts)
        self.longest = max(self.longest, prompt.tokens)
        plan = self.planner.plan_prompt(prompt, model, self.now)
        return plan, self.services[model].serve(with_placements(prompt, plan.placements), model, self.now)

    def answered(self, plan, usage) -> None:
        """Its usage comes back."""
        self.planner.observe(plan, usage, now=self.now)

    @rule(model=st.sampled_from(sorted(MODELS)), size=st.sampled_from((900, 5000, 60_000, 300_000, 900_000)))
    def new_prompt(self, model: str, size: int) -> None:
        """Something never seen, of any length."""
        self.count += 1
        self.parts = [(f"s{self.count}", size), (f"q{self.count}", 400)]
        self.answered(*self.send(model, self.parts))

    @rule(
        model=st.sampled_from(sorted(MODELS)),
        gap=st.sampled_from((1.0, 60.0, 290.0, 420.0, 3500.0, 8000.0)),
        grow=st.sampled_from((0, 300, 8000)),
    )
    def again(self, model: str, gap: float, grow: int) -> None:
        """The same conversation again, perhaps longer."""
        self.now += gap
        if grow:
            self.count += 1
            self.parts = [*self.parts, (f"g{self.count}", grow)]
        self.answered(*self.send(model, self.parts))

    @rule(model=st.sampled_from(sorted(MODELS)), rounds=st.integers(3, 10), size=st.sampled_from((2000, 90_000)))
    def train_and_betray(self, model: str, rounds: int, size: int) -> None:
        """Comes back after a minute exactly when nothing was written."""
        for _ in range(rounds):
            self.count += 1
            for _ in range(3):
                plan, usage = self.send(model, [(f"b{self.count}", size), ("tail", 300)])
                self.answered(plan, usage)
                self.now += 60
                if usage.cache_write:
                    break

    @rule(model=st.sampled_from(sorted(MODELS)), number=st.integers(2, 14), own=st.booleans())
    def herd(self, model: str, number: int, own: bool) -> None:
        """The first is alone until its reply begins; the others, each perhaps with a long prompt of its own, follow."""
        under_way = [self.send(model, self.parts)]
        for _ in range(number):
            self.count += 1
            parts = [(f"o{self.count}", 40_000)] if own else self.parts
            under_way.append(self.send(model, [*parts, (f"p{self.count}", 900)]))
        self.now += 3
        for plan, usage in under_way:
            self.answered(plan, usage)

    @invariant()
    def promise_holds(self) -> None:
        """Summed up over the models, each with what it is above 1 %."""
        bills = [service.bill for service in self.services.values()]
        assert sum(max(0.0, bill.cost - 1.01 * bill.plain) for bill in bills) <= float(allowance(self.longest)) + 1e-3


Honest.TestCase.settings = settings(max_examples=12, stateful_step_count=10, deadline=None)
TestHonest = Honest.TestCase


def test_a_confirmed_entry_is_read_again_whatever_its_length():
    """600,000 tokens asked ten times, 15 s apart: written once at 1.25, read nine times at 0.1."""
    service, planner = simulate.Service(), Planner()
    for number in range(10):
        prompt, now = prompt_from([("long", 600_000), (f"question {number}", 60)]), NOW + 15 * number
        plan = planner.plan_prompt(prompt, "global.anthropic.claude-sonnet-4-6", now)
        usage = service.serve(with_placements(prompt, plan.placements), "global.anthropic.claude-sonnet-4-6", now)
        planner.observe(plan, usage, now=now)
        assert (usage.cache_read > 0) == (number > 0)
    assert service.bill.relative < 0.216


def test_a_run_of_lost_reads_stops_writing_and_one_notice_says_so():
    """Three confirmed entries in a row are not read: five minutes without points, then it is tried again."""
    planner, model, paused = Planner(), "global.anthropic.claude-sonnet-4-6", []
    for number in range(12):
        prompt, now = prompt_from([("long", 30_000), (f"question {number}", 60)]), NOW + 20 * number
        plan = planner.plan_prompt(prompt, model, now)
        paused.append(plan.held_back)
        written = max((prompt.depths[point.after] for point in plan.placements), default=0)
        planner.observe(plan, Usage(prompt.tokens - written, 1, 0, written), now=now)
    first = paused.index(True)
    assert all(paused[first:])
    assert len(planner.notices) == 2  # that it is paused, and that a write is held back for it
    assert "times in a row" in planner.notices[0]
    later = planner.plan_prompt(prompt_from([("long", 30_000), ("later", 60)]), model, NOW + 20 * 12 + 300)
    assert not later.held_back


def test_what_the_guard_holds_back_is_said_once_and_marked_on_every_plan():
    """A new prompt of 200,000 tokens, when losses have used up the allowance: no point, and one notice for all such."""
    planner, model = Planner(), "global.anthropic.claude-sonnet-4-6"
    planner.plan_prompt(prompt_from([("s", 200_000), ("q", 60)]), model, NOW)
    account = next(iter(planner.guard.accounts))
    planner.guard.count(account, Decimal(600_000), Decimal(0))
    plans = [planner.plan_prompt(prompt_from([(f"s{n}", 200_000), ("q", 60)]), model, NOW + n) for n in range(3)]
    assert [plan.held_back for plan in plans] == [True] * 3
    assert not any(plan.placements for plan in plans)
    assert len(planner.notices) == 1
    assert "held back" in planner.notices[0]


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
