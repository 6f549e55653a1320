"""Model invocation logging of an account, set up and taken down: bucket or log group, role, retention, cost."""

from rockbottom.invocation_logging.account import Plan, RoleTaken, place_of, plan, removal
from rockbottom.invocation_logging.asking import Clients
from rockbottom.invocation_logging.doing import apply
from rockbottom.invocation_logging.policies import (
    apply_policy,
    bucket_statement,
    read_policy,
    role_policy,
    trust_policy,
)
from rockbottom.invocation_logging.settings import (
    DATA_KINDS,
    DEFAULT_RETENTION_DAYS,
    DEFAULT_ROLE,
    Fees,
    InvalidLogging,
    Place,
    Wanted,
    address_of,
    delivery,
    fees,
)
from rockbottom.invocation_logging.stacks import cloudformation, terraform

__all__ = [
    "DATA_KINDS",
    "DEFAULT_RETENTION_DAYS",
    "DEFAULT_ROLE",
    "Clients",
    "Fees",
    "InvalidLogging",
    "Place",
    "Plan",
    "RoleTaken",
    "Wanted",
    "address_of",
    "apply",
    "apply_policy",
    "bucket_statement",
    "cloudformation",
    "delivery",
    "fees",
    "place_of",
    "plan",
    "read_policy",
    "removal",
    "role_policy",
    "terraform",
    "trust_policy",
]
