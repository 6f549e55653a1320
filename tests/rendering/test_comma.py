"""The CSV of a bench run."""

import csv
from io import StringIO

from msgspec.structs import replace

from rockbottom.documents import BenchResults
from rockbottom.rendering import csv_of


def test_writes_of_every_lifetime_stand_in_a_column_of_their_own(document: BenchResults) -> None:
    """A lane that wrote 700 tokens for 5 minutes, 800 for 30 and 900 for an hour, none of them in another's column."""
    model = document.models[0]
    lane = next(lane for lane in model.lanes if lane.usage and lane.turns)
    assert lane.usage is not None
    writes = {"5m": 700, "30m": 800, "1h": 900}
    turn = replace(lane.turns[0], write=2400, write_1h=900, writes=writes)
    lane = replace(lane, turns=(turn,), usage=replace(lane.usage, write=2400, write_1h=900, writes=writes))
    rows = list(csv.DictReader(StringIO(csv_of(replace(document, models=(replace(model, lanes=(lane,)),))))))
    columns = ("write", "write_5m", "write_30m", "write_1h")
    assert [(row["kind"], *(row[column] for column in columns)) for row in rows] == [
        ("turn", "2400", "700", "800", "900"), ("lane", "2400", "700", "800", "900"),
    ]  # fmt: skip


def test_a_turn_that_wrote_nothing_wrote_zero_at_every_lifetime(document: BenchResults) -> None:
    """The lane without caching."""
    baseline = [row for row in csv.DictReader(StringIO(csv_of(document))) if row["lane"] == "baseline"]
    assert {row[f"write{ttl}"] for row in baseline for ttl in ("", "_5m", "_30m", "_1h")} == {"0"}
