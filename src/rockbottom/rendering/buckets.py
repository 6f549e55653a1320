"""What a lane's bill is made of: input, cache reads, cache writes and output, in dollars a month."""

from collections.abc import Mapping
from decimal import Decimal

from rockbottom.documents import BenchLane
from rockbottom.quantities import Unit, Usd

BUCKETS = ("input", "cache reads", "cache writes", "output")
_OF_UNIT: Mapping[Unit, str] = {Unit.INPUT: "input", Unit.OUTPUT: "output", Unit.CACHE_READ: "cache reads"}


def by_bucket(lane: BenchLane) -> dict[str, Usd]:
    """US dollars a month by bucket, those it has; empty where the lane did not run or cost nothing."""
    if lane.cost is None or not lane.items or not lane.cost.run:
        return {}
    scale = lane.cost.month / lane.cost.run
    sums: dict[str, Decimal] = {}
    for item in lane.items:
        bucket = _OF_UNIT.get(item.unit, "cache writes")
        sums[bucket] = sums.get(bucket, Decimal(0)) + item.usd * scale
    return {bucket: sums[bucket] for bucket in BUCKETS if bucket in sums}
