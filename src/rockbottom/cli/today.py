"""What a ledger says of today in one line, for a shell prompt or a status bar.

A prompt waits for it, so nothing is imported that takes long: neither click nor, before thousands of calls have come,
msgspec, but the standard library and ``figures``. What was added up is kept in ``today.json`` beside the ledger, so
that only what came since is read. A test holds the sums to those of the ledger's own reader.
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from rockbottom.figures import counted, printable, share, thousands, usd, without_usage_briefly
from rockbottom.files import replacing

KEPT = "today.json"
_FORMAT = 3
_START = b'{"at":'
_AHEAD_S = 3600.0  # by which the clock of another machine may be ahead
_MANY_BYTES = 4 << 20
_STEPS = ((Decimal("0.1"), 2), (Decimal(0), 4))  # cents from ten cents on


class SideSums:
    """What was added up of the calls to one side since midnight; what has no price is in no sum of money.

    ``unmetered`` of those ``without_usage`` were answered: their prompts cost ``least`` to ``most``, estimated.
    """

    def __init__(self) -> None:
        self.calls = self.failed = self.without_usage = self.unmetered = self.unpriced = 0
        self.input = self.read = self.written = 0
        self.cost = self.uncached = self.least = self.most = Decimal(0)
        self.unpriced_models: dict[str, int] = {}

    @classmethod
    def of_json(cls, value: dict[str, Any]) -> "SideSums":
        """As ``to_dict`` spelled them. Raises LookupError, ValueError, TypeError or ArithmeticError otherwise."""
        sums = cls()
        for name, zero in vars(sums).items():
            setattr(sums, name, type(zero)(value[name]))
        sums.unpriced_models = {str(name): int(count) for name, count in sums.unpriced_models.items()}
        return sums

    def to_dict(self) -> dict[str, Any]:
        """The sums for JSON, which spells money as text."""
        return dict(vars(self))

    def add(self, call: "TodaysCall") -> None:
        """Add what the record of a call says. Raises TypeError or ArithmeticError for one that is none."""
        self.calls += 1
        if call.status == "failed":
            self.failed += 1
        elif call.status != "ok":
            self._add_bounds(call)
        elif call.cost_usd is None:
            self.unpriced += 1
            model = printable(str(call.model))
            self.unpriced_models[model] = self.unpriced_models.get(model, 0) + 1
        else:
            cost = Decimal(call.cost_usd)
            self.cost += cost
            self.uncached += cost if call.uncached_usd is None else Decimal(call.uncached_usd)
        self.input += call.input
        self.read += call.cache_read
        self.written += call.written

    def _add_bounds(self, call: "TodaysCall") -> None:
        self.without_usage += 1
        if call.least_usd is not None and call.most_usd is not None:
            self.unmetered += 1
            self.least += Decimal(call.least_usd)
            self.most += Decimal(call.most_usd)


class TodaysCall(NamedTuple):
    """What is summed of the record of a call."""

    endpoint: str | None
    model: str
    cost_usd: str | None
    uncached_usd: str | None
    input: int
    cache_read: int
    written: int
    status: str = "ok"
    least_usd: str | None = None
    most_usd: str | None = None


class Today(NamedTuple):
    """What was called since midnight, calls to AWS and to a local endpoint apart; ``there`` False without a ledger."""

    there: bool
    folder: str
    aws: SideSums
    local: SideSums

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**self._asdict(), "aws": self.aws.to_dict(), "local": self.local.to_dict()}


def said_quickly() -> bool:
    """Print the line of the ledger that the environment or rockbottom.toml names; False where a command is needed."""
    try:
        print(line_of(today_in(_folder(), time.time())))
        sys.stdout.flush()
    except Exception:  # said as every command says it, once more and slower
        return False
    return True


def today_in(folder: Path, now: float) -> Today:
    """What was called since midnight, local time."""
    midnight = time.mktime((*time.localtime(now)[:3], 0, 0, 0, 0, 0, -1))
    if not folder.is_dir():
        return Today(False, str(folder), SideSums(), SideSums())
    totals = _stored_totals(folder, midnight)
    before = dict(totals.position)
    for path in sorted(folder.glob("calls-*.ndjson")):
        if path.name in before or path.stat().st_mtime >= midnight:  # a call is written when it has ended
            _take_in(path, totals, now + _AHEAD_S)
    if totals.position != before:
        _keep(folder, totals)
    return Today(True, str(folder), totals.aws, totals.local)


def line_of(today: Today) -> str:
    """The line: what AWS will bill for today, how much of the input came from the cache, what that saved."""
    if not today.there:
        return f"rockbottom: nothing recorded yet in {today.folder}"
    sums = today.aws
    if not sums.calls:
        simulated = today.local.calls
        return "rockbottom today: no calls" + (f" to AWS ({counted(simulated, 'simulated one')})" if simulated else "")
    parts = [_dollars(sums.cost)]
    whole = sums.input + sums.read + sums.written
    if whole:
        parts.append(f"{share(Decimal(sums.read) / whole)} from cache")
    saved = sums.uncached - sums.cost
    if saved and sums.uncached:
        word = "saved" if saved > 0 else "lost"
        parts.append(f"{word} {_dollars(abs(saved))} ({share(abs(saved) / sums.uncached)})")
    parts.append(counted(sums.calls, "call"))
    if sums.failed:
        parts.append(f"{thousands(sums.failed)} failed")
    if sums.without_usage:
        parts.append(without_usage_briefly(sums.without_usage, sums.unmetered, (sums.least, sums.most)))
    if sums.unpriced:
        parts.append(f"{thousands(sums.unpriced)} without a price ({_names(sums.unpriced_models)})")
    return "rockbottom today: " + " · ".join(parts)


def _names(models: dict[str, int]) -> str:
    """The model with the most calls, and how many more there are: a prompt has one line."""
    first, *others = sorted(models, key=lambda name: (-models[name], name))
    return f"{first} and {counted(len(others), 'more model')}" if others else first


def _dollars(amount: Decimal) -> str:
    return usd(amount, _STEPS, symbol=True)


def _folder() -> Path:
    from rockbottom.cli.places import setting_of_file

    named = os.environ.get("ROCKBOTTOM_LEDGER", "").strip()
    set_in_file = None if named else setting_of_file("ledger")
    if set_in_file is not None:
        return set_in_file
    from rockbottom.ledger import default_folder

    return default_folder(os.environ)


class _Totals(NamedTuple):
    """What is kept beside the ledger: sums of the day that began at ``midnight``, and how far each volume was read."""

    midnight: float
    position: dict[str, int]
    aws: SideSums
    local: SideSums


def _stored_totals(folder: Path, midnight: float) -> _Totals:
    """What was added up earlier: all of it on the same day, on another day only how far was read."""
    try:
        document = json.loads((folder / KEPT).read_bytes(), parse_float=Decimal)
        if document["format"] == _FORMAT:
            position = {str(name): int(offset) for name, offset in document["position"].items()}
            sides = [
                SideSums.of_json(document[side]) if document["day"] == midnight else SideSums()
                for side in ("aws", "local")
            ]
            return _Totals(midnight, position, *sides)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError):
        pass  # damage only costs the time to read everything again
    return _Totals(midnight, {}, SideSums(), SideSums())


def _keep(folder: Path, totals: _Totals) -> None:
    """For its owner alone; where a folder takes nothing, everything is read again each time."""
    document = {
        "format": _FORMAT, "day": totals.midnight, "position": totals.position,
        "aws": totals.aws.to_dict(), "local": totals.local.to_dict(),
    }  # fmt: skip
    with (
        contextlib.suppress(OSError),
        replacing(folder / KEPT) as beside,
        open(beside, "w", encoding="utf-8") as file,
    ):
        json.dump(document, file, default=str)


def _take_in(path: Path, totals: _Totals, until: float) -> None:
    """Add what a volume got since, up to its last whole line; calls after ``until`` are of a clock that was wrong."""
    begin = totals.position.get(path.name, 0)
    state = path.stat()
    if state.st_size == begin or (not begin and state.st_mtime < totals.midnight):
        return
    with path.open("rb") as file:
        if begin:
            file.seek(begin - 1)
            if file.read(1) != b"\n":  # another volume under an old name
                begin = 0
        file.seek(begin)
        data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    called = _quick_reader() if len(whole) > _MANY_BYTES else _call_in
    for line in whole.split(b"\n"):
        if line and (call := called(line, totals.midnight, until)) is not None:
            with contextlib.suppress(TypeError, ArithmeticError):  # damage, which rockbottom ledger info locates
                (totals.local if call.endpoint == "local" else totals.aws).add(call)
    totals.position[path.name] = begin + len(whole)


def _quick_reader() -> Callable[[bytes, float, float], Any]:
    """``_call_in`` by msgspec, which takes a ninth of the time and is imported for nothing less than many calls."""
    import msgspec

    from rockbottom.ledger import CallRecord

    writes = [name for name in CallRecord.__struct_fields__ if name.startswith("cache_write_")]
    counts = [(name, int, 0) for name in ("input", "cache_read", *writes)]
    texts = [(name, str | None, None) for name in ("endpoint", "cost_usd", "uncached_usd", "least_usd", "most_usd")]
    written = property(lambda call: sum(getattr(call, name) for name in writes))
    fields = [("at", float), ("model", str, "no model"), ("status", str, "ok"), *texts, *counts]
    decode = msgspec.json.Decoder(msgspec.defstruct("Call", fields, namespace={"written": written})).decode

    def called(line: bytes, midnight: float, until: float) -> Any:
        try:
            call: Any = decode(line)
        except msgspec.MsgspecError:
            return _call_in(line, midnight, until)
        return call if midnight <= call.at <= until else None

    return called


def _call_in(line: bytes, midnight: float, until: float) -> TodaysCall | None:
    """The call of a line; None for one of before midnight or after ``until``, and for damage."""
    try:
        call = json.loads(line[max(0, line.rfind(_START)) :])
        if not midnight <= call["at"] <= until:
            return None
        written = sum(count for name, count in call.items() if name.startswith("cache_write_"))
        return TodaysCall(
            call.get("endpoint"), call.get("model", "no model"), call.get("cost_usd"), call.get("uncached_usd"),
            call.get("input", 0), call.get("cache_read", 0), written,
            *(call.get(name, default) for name, default in TodaysCall._field_defaults.items()),
        )  # fmt: skip
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
