"""Records of calls for the tests of this folder."""

from rockbottom.ledger import CallRecord

NOON = 1_795_262_400.0  # 2026-11-21 12:00:00 UTC, the start of a minute
SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"


def call(at=NOON, **given):
    """A call of a model with caching: 10 tokens uncached, 2,000 read, 100 out."""
    fields = {
        "model": SONNET,
        "operation": "Converse",
        "scope": "us",
        "region": "us-east-1",
        "tier": "default",
        "input": 10,
        "cache_read": 2000,
        "output": 100,
        "cost_usd": "0.002",
        "uncached_usd": "0.008",
        "family": "aaaaaa: 2,000 tokens",
        "points": 1,
        "endpoint": "aws",
    }
    return CallRecord(at=at, **(fields | given))


def line_by_line(file, offset):
    """In place of ``ledger.reading.chunks_of``: every line is a run of its own."""
    file.seek(offset)
    for line in file:
        yield offset, line.rstrip(b"\n"), line.endswith(b"\n")
        offset += len(line)
