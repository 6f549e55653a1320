"""What the table at the end of a run says."""

import re
from typing import NamedTuple


class Total(NamedTuple):
    """The last line of the table."""

    calls: int
    read_percent: int
    saved_usd: float


def total_in(text: str) -> Total:
    found = re.search(r"^total +(\d+) +[\d,.kM]+ +>?(\d+)(?:\.\d)?% +[\d.]+ +([-\u2212]?[\d.]+) ", text, re.MULTILINE)
    assert found, text
    return Total(int(found[1]), int(found[2]), float(found[3].replace("\u2212", "-")))
