"""Model invocation logging of an account, set up and taken down: bucket or log group, role, retention, cost."""

from rockbottom.invocation_logging.account import LoggingPlan, RoleTaken, plan, removal
from rockbottom.invocation_logging.asking import LoggingClients
from rockbottom.invocation_logging.doing import apply
from rockbottom.invocation_logging.policies import (
    apply_policy,
    bucket_statement,
    read_policy,
    role_policy,
    trust_policy,
)
from rockbottom.invocation_logging.settings import (
    DEFAULT_RETENTION_DAYS,
    DEFAULT_ROLE,
    AccountRegion,
    InvalidLogging,
    LoggingSettings,
    address_of,
    delivery,
    fees,
)
from rockbottom.invocation_logging.stacks import cloudformation, terraform

__all__ = [
    "DEFAULT_RETENTION_DAYS",
    "DEFAULT_ROLE",
    "AccountRegion",
    "InvalidLogging",
    "LoggingClients",
    "LoggingPlan",
    "LoggingSettings",
    "RoleTaken",
    "address_of",
    "apply",
    "apply_policy",
    "bucket_statement",
    "cloudformation",
    "delivery",
    "fees",
    "plan",
    "read_policy",
    "removal",
    "role_policy",
    "terraform",
    "trust_policy",
]
