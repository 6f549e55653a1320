"""Owners in a store, put there and asked for by one thread beside the calls, so that no call waits for a store.

What cannot be put waits, and is put once the store answers again; the store is tried at least every second.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from rockbottom.process import Arrival, Worker
from rockbottom.sharing import Store

KEPT_S = 30 * 86_400.0
"""Seconds that an owner is remembered; OpenAI keeps a response for 30 days (API reference, Responses, ``store``)."""
_ASKED_S = 0.001  # how long the question who owns a name stands in the store as an answer
_LATE = 10_000  # owners that wait for the store; of more the oldest are forgotten
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.1, 1.0
_END_S = 1.0
_PROBE = "owner:"  # no cell of a name


@dataclass(eq=False, slots=True, kw_only=True)
class Lookup(Arrival):
    """The question who owns a cell. Once it landed, ``owner`` is the answer ("": nobody); None: the store gave none."""

    cell: str
    owner: str | None = None


@dataclass(eq=False, slots=True, kw_only=True)
class Deposit(Arrival):
    """An owner on its way to the store; lands when it is there or the store gave no answer."""

    cell: str
    owner: str


class OwnerStore:
    """The side of one gateway. Thread-safe; ``warn`` is called with the error when the store gives no answer."""

    def __init__(self, store: Store, warn: Callable[[Exception], None]) -> None:
        self._store, self._warn = store, warn
        self._coming: deque[Lookup | Deposit] = deque()
        self._late: OrderedDict[str, str] = OrderedDict()
        self._woken, self._ends = threading.Event(), threading.Event()
        self._away = False
        self._worker = Worker("owners", self._run)

    def put(self, cell: str, owner: str) -> Deposit:
        """Have an owner put. It has landed already where the store gives no answer now."""
        deposit = Deposit(cell=cell, owner=owner)
        self._come(deposit)
        return deposit

    def ask(self, cell: str) -> Lookup:
        """Have a cell looked up. It has landed already, unanswered, where the store gives no answer now."""
        lookup = Lookup(cell=cell)
        self._come(lookup)
        return lookup

    def close(self) -> None:
        """Put what is left, and end; at most a second."""
        self._ends.set()
        self._woken.set()
        self._worker.join(_END_S)

    def _come(self, arrival: Lookup | Deposit) -> None:
        self._coming.append(arrival)
        if self._away:
            arrival.land()
        self._woken.set()
        self._worker.start()

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while True:
            self._woken.wait()
            self._woken.clear()
            ends = self._ends.is_set()
            try:
                self._work()
                self._away, pause_s = False, _FIRST_PAUSE_S
            except Exception as error:  # whatever it is: a thread that ends would have every call wait
                self._let_go(error)
                self._ends.wait(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
                self._woken.set()  # tried again, whether or not anybody comes
            if ends:
                self._store.close()
                return

    def _work(self) -> None:
        """Do all that has come. Raises StoreAway, with what is left still to come."""
        if self._away:
            self._store.put_if_absent(_PROBE, b"", _ASKED_S)
        while self._late:
            cell, owner = next(iter(self._late.items()))
            self._store.put(cell, owner.encode(), KEPT_S)
            self._late.pop(cell)
        while self._coming:
            coming = self._coming[0]
            if isinstance(coming, Deposit):
                self._store.put(coming.cell, coming.owner.encode(), KEPT_S)
            elif not coming.landed:  # to ask and to claim for nobody is one in a store
                coming.owner = (self._store.put_if_absent(coming.cell, b"", _ASKED_S) or b"").decode()
            self._coming.popleft()
            coming.land()

    def _let_go(self, error: Exception) -> None:
        """Land everything that waits: the store gives no answer."""
        self._away = True
        while self._coming:
            coming = self._coming.popleft()
            if isinstance(coming, Deposit):
                self._late[coming.cell] = coming.owner
                if len(self._late) > _LATE:
                    self._late.popitem(last=False)
            coming.land()
        self._warn(error)
