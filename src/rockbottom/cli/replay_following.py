"""``rockbottom replay --follow``: the answer over logs while they are written."""

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from rockbottom.cli.console import show, width
from rockbottom.cli.trace import say_apart, say_reading

if TYPE_CHECKING:
    from rockbottom.catalog import Catalog
    from rockbottom.replay import ReplayQuestion
    from rockbottom.trace import ReaderSettings, Reading, ReadPart


def followed(
    source: str, settings: "ReaderSettings", question: "ReplayQuestion", catalog: "Catalog", every_s: float,
    clock: Callable[[], float], wait: Callable[[float], None], *, as_json: bool,
) -> None:  # fmt: skip
    """Prints the answer over all that was logged, and again whenever more was, until it is interrupted."""
    from rockbottom.trace import Tail, assembled, log_part

    tail = Tail(source, float("-inf"), clock)
    parts: Sequence[ReadPart] = ()
    try:
        while True:
            new = [log_part(name, settings, text) for name, text in tail.pieces()]
            if any(len(part.trace) or part.damages.count for part in new):
                reading = assembled("bedrock-logs", [*parts, *new], grows=True)
                parts = [_whole(reading)]
                _print(reading, source, question, catalog, clock(), as_json=as_json)
            wait(every_s)
    except KeyboardInterrupt:  # the way to end it
        return


def _whole(reading: "Reading") -> "ReadPart":
    from rockbottom.trace import ReadPart

    return ReadPart(reading.trace, reading.damages, reading.bytes_read)


def _print(
    reading: "Reading", source: str, question: "ReplayQuestion", catalog: "Catalog", now: float, *, as_json: bool
) -> None:
    from rockbottom.cache import behaviour_of
    from rockbottom.cli.replay_planner import attached
    from rockbottom.documents import ReplayResult
    from rockbottom.rendering import followed_text, json_text
    from rockbottom.replay import PLANNER, cached_as_sent, documents_of, tally

    if not len(reading.trace.blocks.depth):
        say_reading(reading, source)
        return
    online = {PLANNER: attached}
    chosen = question.with_defaults(cached_as_sent(reading.trace, question, catalog), online)
    tallied = tally(reading.trace, chosen, catalog, behaviour_of(catalog.switches), online)
    (answer,) = documents_of([(chosen, tallied)])
    if as_json:
        click.echo(json_text(answer, indent=None))
    elif isinstance(answer, ReplayResult):
        show(followed_text(answer, now, width=width()))
    say_apart(tallied.apart, source)
    sys.stdout.flush()
