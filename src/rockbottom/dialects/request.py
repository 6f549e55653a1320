"""What a request asks of the service beside its prompt."""

from collections.abc import Mapping
from typing import Any

from rockbottom.catalog import Tier
from rockbottom.quantities import is_object

_TIERS = {"flex": Tier.FLEX, "priority": Tier.PRIORITY}


def tier_of(request: Mapping[str, Any]) -> Tier:
    """The service tier that the request asks for; one that has no prices of its own counts as the default."""
    tier = request.get("serviceTier")
    asked = tier.get("type") if is_object(tier) else tier
    return _TIERS.get(str(asked), Tier.DEFAULT)
