"""What planners on several machines share: what they saw, what they may spend, and who writes a prefix first."""

from rockbottom.sharing.addresses import StoreAddress, address_of
from rockbottom.sharing.errors import BadAddress, StoreAway
from rockbottom.sharing.grants import group_bytes, group_of, settle
from rockbottom.sharing.guarding import GuardLease
from rockbottom.sharing.lessee import Lessee, PotStanding
from rockbottom.sharing.member import member_of
from rockbottom.sharing.money import BudgetLeases
from rockbottom.sharing.sqlite import SqliteStore
from rockbottom.sharing.store import Store
from rockbottom.sharing.valkey import ValkeyStore

__all__ = [
    "BadAddress",
    "BudgetLeases",
    "GuardLease",
    "Lessee",
    "PotStanding",
    "SqliteStore",
    "Store",
    "StoreAddress",
    "StoreAway",
    "ValkeyStore",
    "address_of",
    "group_bytes",
    "group_of",
    "member_of",
    "settle",
]
