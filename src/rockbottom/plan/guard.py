"""The guard: the bill is at most 1 % above no caching, plus a fixed allowance or three of the longest prompts.

Accounts are kept per model and price, in input tokens of that model (a write of 100 tokens at 1.25 counts
125). An account above its 1 % draws on one allowance that all accounts share; a saving on one model never
pays for a loss on another, so the promise holds for each model, for the sum of tokens and for the sum in
dollars (where the allowance is at most what so many tokens of the dearest model in use cost).

Planners that share one allowance each have a limit for every account: so far may it rise, its requests in flight
included. The limits are what was leased to them (``rockbottom.sharing``); together they keep the promise.

Before a request is planned with points, its worst case is counted: what is new is written and never read, and so is
whatever is to be read without anybody's word that it is there. Afterwards the prediction stands in, until the usage
that came back replaces it.
"""

from decimal import Decimal

from msgspec import Struct, field

ALLOWANCE_TOKENS = Decimal(50_000)
"""Input tokens by which all bills together may exceed 1 % above no caching, where no prompt is longer than a third."""

PROMPTS = 3
"""Otherwise, so many of the longest prompt: enough to lose five minutes' write of it (0.25 of a prompt) and then to
try the hour (1.00), which an agent with long gaps needs; or for twelve first writes that wait for their next use. With
two of them and eight, sixteen users who begin within a minute on documents of their own pay 1.27 to 1.39 times what
points by hand cost, with three 1.11 to 1.25, and twelve 1.07 to 1.09 instead of 1.15 to 1.19; chat costs .001 more."""

SHARE = Decimal("0.01")
"""The part of the bill without caching that may be spent on writes that are never read."""

ANY_ACCOUNT = ("*",)
"""Whose limit holds for all accounts together that have none of their own yet."""

_ZERO = Decimal(0)


class GuardAccount(Struct):
    """One model at one price: the bill so far above (or, negative, below) that without caching, and the latter.

    ``risk`` is what plans in flight may still cost beyond their prediction.
    """

    extra: Decimal = _ZERO
    plain: Decimal = _ZERO
    risk: Decimal = _ZERO

    @property
    def net(self) -> Decimal:
        """How far the bill lies above 1 % beyond no caching; negative where it lies below."""
        return self.extra - SHARE * self.plain

    @property
    def drawn(self) -> Decimal:
        """What it takes from the allowance."""
        return max(_ZERO, self.net + self.risk)


class Guard(Struct):
    """All accounts of one planner, and the longest prompt seen."""

    accounts: dict[tuple[str, ...], GuardAccount] = field(default_factory=dict[tuple[str, ...], GuardAccount])
    longest: int = 0
    limits: dict[tuple[str, ...], Decimal] | None = None
    """Where the allowance is shared: up to where ``net`` and ``risk`` of each account may rise together."""
    asked: dict[tuple[str, ...], Decimal] = field(default_factory=dict[tuple[str, ...], Decimal])
    """The most that one request needed of each account since it was last taken away; kept where limits are."""

    @property
    def allowance(self) -> Decimal:
        """Input tokens by which all bills together may exceed 1 % above no caching."""
        return max(ALLOWANCE_TOKENS, Decimal(PROMPTS * self.longest))

    def account(self, key: tuple[str, ...]) -> GuardAccount:
        """The account of a model at a price."""
        account = self.accounts.get(key)
        if account is None:
            account = self.accounts[key] = GuardAccount()
        return account

    def expect(self, key: tuple[str, ...], need: float) -> None:
        """Note that a request of this account, seen by others who share, may come here and need so many tokens."""
        self.account(key)
        if self.limits is not None and need > self.asked.get(key, _ZERO):
            self.asked[key] = Decimal(need)

    def see(self, tokens: int) -> None:
        """A prompt of so many tokens is to be planned."""
        self.longest = max(self.longest, tokens)

    def affords(self, key: tuple[str, ...], worst_extra: Decimal, plain: Decimal) -> bool:
        """Whether the promise holds even if this request costs ``worst_extra`` more than ``plain`` tokens."""
        mine = self.account(key)
        if self.limits is not None:
            if worst_extra > self.asked.get(key, _ZERO):
                self.asked[key] = worst_extra
            return worst_extra <= 0 or self._within(self.limits, key, worst_extra - SHARE * plain)
        drawn = sum((account.drawn for other, account in self.accounts.items() if other != key), _ZERO)
        after = max(_ZERO, mine.extra + mine.risk + worst_extra - SHARE * (mine.plain + plain))
        return worst_extra <= 0 or drawn + after <= self.allowance

    def _within(self, limits: dict[tuple[str, ...], Decimal], key: tuple[str, ...], more: Decimal) -> bool:
        mine = self.account(key)
        after = mine.net + mine.risk + more
        if key in limits:
            return after <= limits[key]
        others = (account.drawn for other, account in self.accounts.items() if other not in limits and other != key)
        return sum(others, max(_ZERO, after)) <= limits.get(ANY_ACCOUNT, _ZERO)

    def count(self, key: tuple[str, ...], extra: Decimal, plain: Decimal, risk: Decimal = _ZERO) -> None:
        """Add a request, or correct one by a difference."""
        account = self.account(key)
        account.extra += extra
        account.plain += plain
        account.risk += risk
