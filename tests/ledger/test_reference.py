"""docs/reference/ledger.md names everything that is in a record and in the tables."""

import re
from pathlib import Path

from rockbottom.ledger import CallRecord
from rockbottom.tables import LedgerTables

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "ledger.md").read_text(encoding="utf-8")


def test_every_member_of_a_record_is_explained() -> None:
    """In a row of the table of members."""
    rows = re.findall(r"^\| (`.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
    named = {name for first, _ in rows for name in re.findall(r"`(\w+)`", first)}
    assert set(CallRecord.__struct_fields__) <= named


def test_every_column_is_named(tmp_path: Path) -> None:
    """Those of the calls and those of the sums."""
    with LedgerTables(tmp_path) as tables:
        columns = {name for names in tables.columns().values() for name in names}
    assert columns <= set(re.findall(r"`(\w+)`", PAGE))
