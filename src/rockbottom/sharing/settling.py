"""One settlement with a store."""

from collections.abc import Sequence
from typing import NamedTuple

from rockbottom.sharing.grants import Asks, Settlement, asks_bytes, asks_of, group_bytes, group_of, is_settled, settle
from rockbottom.sharing.store import Store


class Quiet(NamedTuple):
    """Until when, by the clock of a store in this era of it, no group grants anything that begins there.

    It is that of the group in which every member is: where that one is there, the store has lost nothing.
    """

    era: str
    until: float


def settled_with(store: Store, group: str, asks: Asks, for_s: float, quiet: Quiet | None = None) -> Settlement:
    """Settle in the group of this name, which is kept for so long after, and with it what others wait to settle there.
    Raises StoreAway.

    ``quiet``: what is known of another group of the store; None: this one is the first that is asked for.
    """
    answers: list[Settlement] = []

    def change(data: bytes | None, waiting: Sequence[bytes], now: float) -> bytes | None:
        state = group_of(data)
        known = quiet is None or quiet.era == store.era
        until = float("inf") if not known else store.quiet_until(now) if quiet is None else quiet.until
        was_settled = is_settled(state, asks)
        for others in () if was_settled else map(asks_of, waiting):
            if others is not None and others.member != asks.member:
                settle(state, others, now, store.era, until)
        answers.append(settle(state, asks, now, store.era, until))
        return None if was_settled else group_bytes(state)

    store.change(f"group:{group}", asks_bytes(asks), change, for_s)
    return answers[-1]
