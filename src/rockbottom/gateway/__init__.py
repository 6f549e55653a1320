"""A server in Bedrock's shape that plans, meters and passes on the calls of programs in any language."""

from rockbottom.extras import needing

with needing("rockbottom.gateway", "gateway"):
    from rockbottom.gateway.configuration import (
        BudgetRow,
        Configuration,
        GatewayLimits,
        Ship,
        Tls,
        Upstream,
        read_configuration,
    )
    from rockbottom.gateway.errors import BadConfiguration, Refused
    from rockbottom.gateway.keys import GatewayKey, KeyTable, key_secret, new_key, revoked, rotated
    from rockbottom.gateway.policy import least_policy
    from rockbottom.gateway.server import RunningGateway, running_gateway, serve_gateway

__all__ = [
    "BadConfiguration",
    "BudgetRow",
    "Configuration",
    "GatewayKey",
    "GatewayLimits",
    "KeyTable",
    "Refused",
    "RunningGateway",
    "Ship",
    "Tls",
    "Upstream",
    "key_secret",
    "least_policy",
    "new_key",
    "read_configuration",
    "revoked",
    "rotated",
    "running_gateway",
    "serve_gateway",
]
