"""Who writes a prefix first: of many that start together on several machines one writes, the others wait for it."""

import hashlib
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from rockbottom.process import Arrival
from rockbottom.sharing.store import Store

_ARRIVED = b"arrived"
_MOST = 4096


@dataclass(eq=False, slots=True, kw_only=True)
class Claim(Arrival):
    """The question whether somebody else is writing one of these prefixes. It lands when the call may go.

    ``behind``: somebody is, and it lands when his reply begins or fails.
    """

    names: tuple[str, ...]
    for_s: float
    behind: bool = False


@dataclass(eq=False, slots=True)
class Claims:
    """The claims of one member. Thread-safe."""

    member: str
    secret: bytes
    _asked: list[Claim] = field(default_factory=list[Claim])
    _behind: dict[str, list[Claim]] = field(default_factory=dict[str, list[Claim]])
    _arrived: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])
    _abandoned: list[str] = field(default_factory=list[str])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def names(self, prefixes: Iterable[bytes]) -> tuple[str, ...]:
        """The names of prefixes in the store: keyed hashes of them."""
        return tuple(hashlib.blake2b(prefix, digest_size=16, key=self.secret).hexdigest() for prefix in prefixes)

    def ask(self, prefixes: Iterable[bytes], for_s: float) -> Claim:
        """A claim that is put as soon as the member's thread comes to it."""
        claim = Claim(names=self.names(prefixes), for_s=for_s)
        with self._lock:
            self._asked.append(claim)
        return claim

    def arrived(self, prefixes: Iterable[tuple[bytes, float]]) -> None:
        """What was written here can be read by all, for so many seconds."""
        with self._lock:
            self._arrived += [(self.names([prefix])[0], lives_s) for prefix, lives_s in prefixes]

    def abandoned(self, prefixes: Iterable[bytes]) -> None:
        """What was to be written here was not."""
        with self._lock:
            self._abandoned += self.names(prefixes)

    def put(self, store: Store) -> list[str]:
        """Put to the store what came together; answers with the names that others may wait for. Raises StoreAway."""
        with self._lock:
            claims, self._asked = self._asked, []
            arrived, self._arrived = self._arrived, []
            abandoned, self._abandoned = self._abandoned, []
        try:
            for claim in claims:
                self._claim(store, claim)
        except BaseException:
            for claim in claims:
                claim.land()
            raise
        for name, lives_s in arrived:
            store.put(f"flight:{name}", _ARRIVED, lives_s)
        for name in abandoned:
            store.drop(f"flight:{name}")
        return [*(name for name, _ in arrived), *abandoned]

    def heard(self, names: Iterable[str]) -> None:
        """Others began to be answered, or failed: whoever waits for them goes."""
        with self._lock:
            landed = [claim for name in names for claim in self._behind.pop(name, ())]
        for claim in landed:
            claim.land()

    def let_go(self) -> None:
        """The store gives no answer: nobody waits for it."""
        with self._lock:
            landed = [*self._asked, *(claim for claims in self._behind.values() for claim in claims)]
            self._asked.clear()
            self._behind.clear()
            del self._arrived[:-_MOST], self._abandoned[:-_MOST]
        for claim in landed:
            claim.land()

    def _claim(self, store: Store, claim: Claim) -> None:
        for name in claim.names:
            with self._lock:
                self._behind.setdefault(name, []).append(claim)  # before the question: the answer may come at once
            there = store.put_if_absent(f"flight:{name}", self.member.encode(), claim.for_s)
            if there is not None and there not in (_ARRIVED, self.member.encode()):
                claim.behind = True
                return
            with self._lock:
                waiting = self._behind.get(name, [])
                if claim in waiting:
                    waiting.remove(claim)
                if not waiting:
                    self._behind.pop(name, None)
        claim.land()
