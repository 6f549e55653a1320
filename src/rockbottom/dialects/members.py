"""Names of members that several surfaces have in common: of points, and of tiers."""

CACHE_POINT, CACHE_CONTROL, CACHE_BREAKPOINT = "cachePoint", "cache_control", "prompt_cache_breakpoint"
POINT_MEMBERS = frozenset((CACHE_POINT, CACHE_CONTROL, CACHE_BREAKPOINT))
"""What marks a point: the member of a block that is one (Converse), or a member of the block before it (the others)."""

POINT_MARKS = tuple(f'"{member}"'.encode() for member in sorted(POINT_MEMBERS))
"""The same as they stand in the bytes of a body."""

SERVICE_TIER, PERFORMANCE_CONFIG = "serviceTier", "performanceConfig"
TIER_MEMBERS = (SERVICE_TIER, "service_tier", PERFORMANCE_CONFIG, "performanceConfigLatency")
"""Members of bodies, of whatever surface, that a tier is asked for by; see ``tier_of``."""
"""The members with which Converse names a tier, in a request and in a reply."""
