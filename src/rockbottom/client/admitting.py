"""Before a call leaves its budget is asked: in the caller's thread, or without blocking the event loop."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

from rockbottom.client.recording import SpendingLimit
from rockbottom.client.talking import Talk
from rockbottom.quantities import RockbottomError


def admit(
    budget: SpendingLimit,
    tags: Mapping[str, str],
    clock: Callable[[], float],
    talk: Talk,
    stopwatch: Callable[[], float] | None,
) -> None:
    """Ask for a call with these tags. Raises what the budget says to the caller, and nothing else.

    ``stopwatch``: whoever keeps calls waiting is named; None: it may wait for others, in the first seconds.
    """
    began = stopwatch() if stopwatch is not None else 0.0
    with _asking(talk):
        budget.check(tags, clock())
    if stopwatch is not None:
        talk.waited(f"budget={type(budget).__name__}", stopwatch() - began)


async def admit_async(
    budget: SpendingLimit,
    tags: Mapping[str, str],
    clock: Callable[[], float],
    talk: Talk,
    stopwatch: Callable[[], float] | None,
) -> None:
    """As ``admit``, without blocking the event loop, where the budget can be asked so (``check_async``)."""
    check = getattr(budget, "check_async", None)
    if check is None:
        return admit(budget, tags, clock, talk, stopwatch)
    with _asking(talk):
        await check(tags, clock())
    return None


@contextmanager
def _asking(talk: Talk) -> Generator[None]:
    try:
        yield
    except RockbottomError:
        raise
    except Exception as error:
        talk.failure("asking the budget", error)
