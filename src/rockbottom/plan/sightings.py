"""What one planner tells others: a request that it planned, and what its reply said. Keyed hashes, never text.

Sightings are what a planner needs to learn from requests that it did not see (``Planner.witness``). Prefixes are named
by the keyed hashes of the planner that saw them, so all who share have one secret.
"""

import sys
from array import array
from collections.abc import Iterable
from decimal import Decimal

import msgspec

from rockbottom.plan.alive import Sending
from rockbottom.plan.kinds import PromptShape

Account = tuple[str, ...]


class Planned(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="p"):
    """A request was planned at an instant (seconds since the epoch).

    ``keys`` are the hashes of its prefixes, 16 bytes each, the shortest first; ``depths`` the tokens below each, that
    of nothing first, as ``packed``; ``tokens`` those of the whole prompt. ``awaited``: its usage will be told.
    ``sending`` None: it leaves without points of the planner's. ``need`` is the most that requests like it asked of the
    guard lately, in input tokens.
    """

    account: Account
    at: float
    tokens: int
    keys: bytes
    depths: bytes
    shape: PromptShape
    awaited: bool
    sending: Sending | None
    need: float = 0.0


class SeenUsage(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="o"):
    """The usage of a planned request came. ``key`` is the last of its keys; ``total`` all input tokens.

    ``came``: whether what it should have read was read (None: nothing was to be read). ``insured`` is that of a read
    that rests on tail insurance, with whether it came after a long gap. ``saved`` and ``lost`` are input tokens of a
    read that an earlier reply had confirmed; at most one of them is set.
    """

    account: Account
    at: float
    key: bytes
    total: int
    read: int
    written: int
    came: bool | None = None
    insured: tuple[bool, bool] | None = None
    saved: Decimal | None = None
    lost: Decimal | None = None


Sighting = Planned | SeenUsage
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Planned | SeenUsage)


def sighting_bytes(sighting: Sighting) -> bytes:
    """A sighting as it is sent to the clients that learn with this one."""
    return _ENCODER.encode(sighting)


def sighting_of(data: bytes) -> Sighting:
    """A sighting that has travelled. Raises msgspec.DecodeError for what is none."""
    return _DECODER.decode(data)


def moved(sighting: Sighting, seconds: float) -> Sighting:
    """The sighting dated ``seconds`` later: its origin's clock is behind."""
    return msgspec.structs.replace(sighting, at=sighting.at + seconds) if seconds else sighting


def no_later(sighting: Sighting, now: float) -> Sighting:
    """The sighting, dated ``now`` where the clock of its origin is ahead."""
    return sighting if sighting.at <= now else msgspec.structs.replace(sighting, at=now)


def packed(depths: Iterable[int]) -> bytes:
    """Counts of tokens as they travel: four bytes each, the lowest first."""
    return _native(array("I", depths)).tobytes()


def unpacked(data: bytes) -> "array[int]":
    """The counts of tokens in ``packed`` bytes."""
    depths = array("I")
    depths.frombytes(data)
    return _native(depths)


def _native(depths: "array[int]") -> "array[int]":
    if sys.byteorder == "big":
        depths.byteswap()
    return depths
