"""One settlement with a store."""

from rockbottom.sharing.grants import Asks, Settled, group_bytes, group_of, settle
from rockbottom.sharing.store import Store


def settled_with(store: Store, group: str, asks: Asks, for_s: float) -> Settled:
    """Settle in the group of this name, which is kept for so long after. Raises StoreAway."""
    answers: list[Settled] = []

    def change(data: bytes | None, now: float) -> bytes:
        state = group_of(data)
        answers.append(settle(state, asks, now, store.era))
        return group_bytes(state)

    store.change(f"group:{group}", change, for_s)
    return answers[-1]
