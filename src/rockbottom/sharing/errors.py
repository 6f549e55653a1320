"""What can go wrong with what several processes share.

RockbottomError
+-- SharingError
    +-- BadAddress    an address of a store that cannot be one
    +-- StoreAway     the store gives no answer, or takes nothing more
"""

from rockbottom.quantities import RockbottomError


class SharingError(RockbottomError):
    """The base of the errors of sharing."""


class BadAddress(SharingError):
    """An address that names no store."""


class StoreAway(SharingError):
    """The store gives no answer in time, or refuses what it is given; it is asked again, for ever."""
