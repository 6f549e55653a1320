"""``rockbottom explain`` of transcripts, telemetry and imported traces: hashes and counters, and no text."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from rockbottom.cli.bars import working
from rockbottom.cli.trace import say_reading

if TYPE_CHECKING:
    from rockbottom.diagnose import Findings, Hashed
    from rockbottom.trace import Reading


def explained_columns(sources: Sequence[str], name: str | None) -> "Findings":
    """The findings of these sources. Raises UnreadableSource where none of their requests carries counters."""
    from rockbottom.catalog import load_catalog
    from rockbottom.diagnose import Archive, Parts, explain_hashed
    from rockbottom.trace import UnreadableSource, read_trace

    with working("reading"):
        readings = [(source, read_trace(source, None, name)) for source in sources]
    for source, reading in readings:
        say_reading(reading, source)
        if len(reading.trace) and not (reading.trace.requests.observed_read >= 0).any():
            raise UnreadableSource(
                f"{source}: the format {reading.reader} holds no text to explain, and no counters",
                fix=f"what it cost and could have cost: rockbottom replay {source}",
            )
    with working("explaining"):
        findings = explain_hashed(_hashed(readings), Archive(load_catalog()), date.today())
    if all(reading.trace.tells_blocks for _, reading in readings):
        return findings
    return replace(findings, parts=Parts())  # counters do not say what a prompt is made of


def _hashed(readings: "Sequence[tuple[str, Reading]]") -> "Iterator[Hashed]":
    from rockbottom.diagnose import hashed_of

    for source, reading in readings:
        yield from hashed_of(reading.trace, source)
