"""Where recorded calls come from: the ledger, a folder of a bench run, invocation logs, an imported trace."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rockbottom.cli.console import tell
from rockbottom.cli.settings import ledger_folder
from rockbottom.figures import counted
from rockbottom.quantities import RockbottomError

if TYPE_CHECKING:
    from rockbottom.ledger import CallRecord

_DAY_S = 86_400


class NoHistory(RockbottomError):
    """Nothing was recorded where it was looked for."""


def recorded_calls(source: str | None, since: float | None, until: float | None) -> "list[CallRecord]":
    """The calls of a source (None: the user's ledger) that left in a stretch of time; raises NoHistory."""
    calls = [
        _light(call)
        for call in _calls(source, since, until)
        if (since is None or call.at >= since) and (until is None or call.at < until)
    ]
    if not calls:
        where = source or _ledger_folder()
        which = "no call" if since is None and until is None else "no call of that time"
        raise NoHistory(f"{where} holds {which}.", fix="rockbottom.attach(client, ledger=True) records calls")
    return _of_one_history(calls)


def _of_one_history(calls: "list[CallRecord]") -> "list[CallRecord]":
    """The calls for which CloudWatch would still have metrics, when the last one left. A wrong clock dates one 1970."""
    from rockbottom.cloudwatch import limits

    days = limits().kept_days
    first = max(call.at for call in calls) - days * _DAY_S
    recent = [call for call in calls if call.at >= first]
    if len(recent) < len(calls):
        many = counted(len(calls) - len(recent), "call")
        tell(f"{many} left out: more than {days} days before the last one, for which CloudWatch keeps metrics")
    return recent


def _light(call: "CallRecord") -> "CallRecord":
    """The call without what only a replay needs, its names shared with the other calls: half of the memory."""
    from sys import intern

    from msgspec.structs import replace

    return replace(
        call, model=intern(call.model), operation=intern(call.operation), scope=intern(call.scope),
        region=intern(call.region), tier=intern(call.tier), family=intern(call.family), status=intern(call.status),
        source="", endpoint=intern(call.endpoint), cause="", request_id="", tags={}, hashes=(), depths=(),
    )  # fmt: skip


def _ledger_folder() -> Path:

    return ledger_folder()


def _calls(source: str | None, since: float | None, until: float | None) -> "Iterator[CallRecord]":
    folder = Path(source) if source else _ledger_folder()
    if source is None or (folder.is_dir() and any(folder.glob("calls-*.ndjson"))):
        yield from _of_ledger(folder, since, until)
    elif (folder / "run.json").is_file():
        yield from _of_bench(folder)
    else:
        yield from _of_trace(str(source))


def _of_ledger(folder: Path, since: float | None, until: float | None) -> "Iterator[CallRecord]":
    from rockbottom.ledger import LedgerReader

    reader = LedgerReader(folder)
    yield from reader.calls(since, until)
    if reader.damaged_count:
        first = reader.damaged[0]
        damaged = counted(reader.damaged_count, "damaged line")
        tell(f"{damaged} left out, the first in {first.volume} at byte {first.offset}")


def _of_bench(folder: Path) -> "Iterator[CallRecord]":
    """The turns of a run; each lane and repeat is a prefix family of its own."""
    from rockbottom.alarms import priced
    from rockbottom.bench import open_notebook
    from rockbottom.catalog import load_catalog
    from rockbottom.ledger import CallRecord

    catalog = load_catalog()
    notebook = open_notebook(folder)
    for turn in notebook.turns:
        model = catalog.model(turn.key.model)
        call = CallRecord(
            at=datetime.fromisoformat(turn.at).timestamp(),
            model=model.model.id,
            operation="Converse",
            scope=model.scope.value,
            region=notebook.settings.region,
            **turn.usage.fields(),
            family=f"{turn.key.lane}-{turn.key.repeat}",
            points=turn.points,
            first_ms=turn.first_ms,
            elapsed_ms=turn.elapsed_ms,
            source="bench",
            endpoint="aws" if notebook.settings.endpoint == "aws" else "local",
        )
        yield priced(call, catalog)


def _of_trace(source: str) -> "Iterator[CallRecord]":
    from rockbottom.alarms import calls_of_trace
    from rockbottom.catalog import load_catalog
    from rockbottom.cli.trace import say_reading
    from rockbottom.trace import read_trace

    read = read_trace(source)
    say_reading(read, source)
    yield from calls_of_trace(read.trace, load_catalog())
