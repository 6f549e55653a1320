"""The API surfaces: how each spells a request and a reply. Bodies are read, points put in, usage and streams read here.

Pure: reads no clock and no network, and never changes the caller's objects.
"""

from rockbottom.dialects.anthropic import ANTHROPIC
from rockbottom.dialects.blocks import weigh_block
from rockbottom.dialects.chat import CHAT
from rockbottom.dialects.converse import CONVERSE, UNDOCUMENTED
from rockbottom.dialects.dialect import Dialect, Exchange
from rockbottom.dialects.guarding import (
    GUARDRAIL_ACTION,
    GUARDRAIL_CONFIG,
    GUARDRAIL_HEADER,
    GUARDRAIL_TRACE,
    enforces_guardrails,
    is_guarded,
)
from rockbottom.dialects.locating import block_of
from rockbottom.dialects.media import page_texts
from rockbottom.dialects.members import (
    CACHE_CONTROL,
    CACHE_POINT,
    PERFORMANCE_CONFIG,
    POINT_MARKS,
    POINT_MEMBERS,
    SERVICE_TIER,
    TIER_MEMBERS,
)
from rockbottom.dialects.messages import MESSAGES
from rockbottom.dialects.nova import NOVA
from rockbottom.dialects.points import converse_point, is_point, without_ttls
from rockbottom.dialects.prompts import native_dialect_for
from rockbottom.dialects.reading import BodyReader
from rockbottom.dialects.registry import (
    DIALECTS,
    OPERATIONS,
    OperationRoute,
    api_of,
    counting_of,
    counts_of,
    dialect_for,
    dialect_of,
    is_streaming,
    operation_by,
    operation_of,
    route_to,
    usage_of,
)
from rockbottom.dialects.request import (
    Params,
    Request,
    RequestReader,
    asking_for,
    model_id_of,
    named_tier,
    opened,
    tier_in,
    tier_of,
)
from rockbottom.dialects.responses import RESPONSES
from rockbottom.dialects.routers import invoked_model_of, is_router
from rockbottom.dialects.streams import METRICS, StreamCounts
from rockbottom.dialects.surface_errors import surface_error
from rockbottom.dialects.surface_routes import SurfaceRoute, host_of, surface_route_of
from rockbottom.dialects.usage import (
    INVOKED,
    MOST_UNITS,
    Counts,
    body_counts,
    header_counts,
    header_input,
    headers_of,
    invoked,
    server_tools,
)

__all__ = [
    "ANTHROPIC",
    "CACHE_CONTROL",
    "CACHE_POINT",
    "CHAT",
    "CONVERSE",
    "DIALECTS",
    "GUARDRAIL_ACTION",
    "GUARDRAIL_CONFIG",
    "GUARDRAIL_HEADER",
    "GUARDRAIL_TRACE",
    "INVOKED",
    "MESSAGES",
    "METRICS",
    "MOST_UNITS",
    "NOVA",
    "OPERATIONS",
    "PERFORMANCE_CONFIG",
    "POINT_MARKS",
    "POINT_MEMBERS",
    "RESPONSES",
    "SERVICE_TIER",
    "TIER_MEMBERS",
    "UNDOCUMENTED",
    "BodyReader",
    "Counts",
    "Dialect",
    "Exchange",
    "OperationRoute",
    "Params",
    "Request",
    "RequestReader",
    "StreamCounts",
    "SurfaceRoute",
    "api_of",
    "asking_for",
    "block_of",
    "body_counts",
    "converse_point",
    "counting_of",
    "counts_of",
    "dialect_for",
    "dialect_of",
    "enforces_guardrails",
    "header_counts",
    "header_input",
    "headers_of",
    "host_of",
    "invoked",
    "invoked_model_of",
    "is_guarded",
    "is_point",
    "is_router",
    "is_streaming",
    "model_id_of",
    "named_tier",
    "native_dialect_for",
    "opened",
    "operation_by",
    "operation_of",
    "page_texts",
    "route_to",
    "server_tools",
    "surface_error",
    "surface_route_of",
    "tier_in",
    "tier_of",
    "usage_of",
    "weigh_block",
    "without_ttls",
]
