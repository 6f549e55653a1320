"""Limits of AWS's services are data, each with its source and the day it was read."""

import tomllib
from datetime import date
from importlib import resources

from rockbottom.batch.rejoining import LONG_PROMPT
from rockbottom.catalog import limit, load_catalog


def test_every_limit_has_a_source_and_a_day():
    """As every other fact."""
    data = resources.files("rockbottom.catalog") / "data" / "limits.toml"
    for name, row in tomllib.loads(data.read_text(encoding="utf-8")).items():
        assert row["source"].startswith("https://"), name
        assert isinstance(row["checked_on"], date), name
        assert limit(name) == row["limit"] > 0


def test_no_long_context_price_starts_below_what_batch_takes_for_short():
    """Results of shorter prompts are added up before they are priced."""
    bands = {row.above_context_tokens for row in load_catalog().price_book.rows if row.above_context_tokens}
    assert min(bands) >= LONG_PROMPT
