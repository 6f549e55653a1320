"""Print what genai-prices says of Amazon Bedrock as JSON; run by the Python of an environment that has it."""

import json
from decimal import Decimal
from typing import Any, cast

from genai_prices.data_snapshot import get_snapshot  # type: ignore[import-not-found]


def tables(prices: Any) -> list[Any]:
    """The price tables of a model, the newest last."""
    return [dated.prices for dated in cast("list[Any]", prices)] if isinstance(prices, list) else [prices]


def plain(value: Any) -> Any:
    """A price, or a base price with its tiers by the length of the prompt."""
    if value is None or isinstance(value, int | float | Decimal):
        return None if value is None else str(value)
    return {"base": str(value.base), **{str(tier.start): str(tier.price) for tier in value.tiers}}


provider = next(provider for provider in get_snapshot().providers if provider.id == "aws")
fields = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok")
print(
    json.dumps(
        {
            model.id: [{name: plain(getattr(table, name, None)) for name in fields} for table in tables(model.prices)]
            for model in provider.models
        }
    )
)
