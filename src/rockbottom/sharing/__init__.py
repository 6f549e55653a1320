"""What planners on several machines share: what they saw, what they may spend, and who writes a prefix first."""

from rockbottom.sharing.addresses import KEY_VARIABLE, StoreAddress, address_of
from rockbottom.sharing.claims import Claim
from rockbottom.sharing.errors import BadAddress, SharingError, StoreAway
from rockbottom.sharing.grants import Ask, Asks, Grant, Settlement, SharedLimit, group_bytes, group_of, settle
from rockbottom.sharing.guarding import GuardLease
from rockbottom.sharing.lessee import Lessee, PotStanding
from rockbottom.sharing.member import Member, StoreStatus, member_of
from rockbottom.sharing.money import AskedLease, BudgetLease, BudgetLeases
from rockbottom.sharing.sqlite import SqliteStore
from rockbottom.sharing.store import Read, Store
from rockbottom.sharing.valkey import ValkeyStore

__all__ = [
    "KEY_VARIABLE",
    "Ask",
    "AskedLease",
    "Asks",
    "BadAddress",
    "BudgetLease",
    "BudgetLeases",
    "Claim",
    "Grant",
    "GuardLease",
    "Lessee",
    "Member",
    "PotStanding",
    "Read",
    "Settlement",
    "SharedLimit",
    "SharingError",
    "SqliteStore",
    "Store",
    "StoreAddress",
    "StoreAway",
    "StoreStatus",
    "ValkeyStore",
    "address_of",
    "group_bytes",
    "group_of",
    "member_of",
    "settle",
]
