"""What budgets need of a store that processes on several machines share; ``sharing.BudgetLeases`` is one."""

from collections.abc import Callable
from typing import Protocol

from rockbottom.quantities import Usd


class LeaseLike(Protocol):
    """How it stands with an account; amounts in US dollars."""

    @property
    def limit_usd(self) -> Usd:
        """How far spent and held of this process may rise."""
        ...

    @property
    def spent_usd(self) -> Usd:
        """What all processes have spent, as far as it is settled."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the store says so: it answers, and was told by all."""
        ...


class PendingLease(Protocol):
    """A lease that was asked for."""

    @property
    def leased(self) -> Callable[[], LeaseLike]:
        """How it stands by now."""
        ...

    def wait(self) -> None:
        """Block the thread until the answer is there, or it is not worth waiting any more."""
        ...

    async def wait_async(self) -> None:
        """As ``wait``, without blocking the event loop."""
        ...


class Leases(Protocol):
    """Gives out what is left of a limit that several processes share."""

    def ask(
        self,
        name: str,
        period: tuple[int, int],
        limit_usd: Usd,
        need_usd: Usd,
        spending: Callable[[], tuple[Usd, Usd]],
    ) -> PendingLease:
        """Ask for a lease of an account in the period from one second of the epoch to another, for a call that may cost
        ``need_usd``; returns at once.

        ``spending`` says at any time what this process spent of it and holds; it must take no lock that is held here.
        """
        ...
