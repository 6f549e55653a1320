"""What a ledger says of today in one line, for a shell prompt or a status bar.

A prompt waits for it, so nothing is imported that takes long: neither click nor msgspec, but the standard library and
``figures``. What was added up is kept in ``today.json`` beside the ledger, so that only what came since is read. A test
holds the sums to those of the ledger's own reader.
"""

import contextlib
import json
import os
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from rockbottom.figures import counted, printable, share, thousands, usd

KEPT = "today.json"
_FORMAT = 2
_START = b'{"at":'
_COUNTS = ("calls", "unpriced", "input", "read", "written")
_SUMS = ("cost", "uncached")
_STEPS = ((Decimal("0.1"), 2), (Decimal(0), 4))  # cents from ten cents on

Side = dict[str, Any]


def said_quickly() -> bool:
    """Print the line of the ledger that the environment or rockbottom.toml names; False where a command is needed."""
    try:
        print(line_of(today_in(_folder(), time.time())))
        sys.stdout.flush()
    except Exception:  # said as every command says it, once more and slower
        return False
    return True


def today_in(folder: Path, now: float) -> dict[str, Any]:
    """What was called since midnight, local time: ``aws`` and ``local`` apart; ``there`` False without a ledger."""
    midnight = time.mktime((*time.localtime(now)[:3], 0, 0, 0, 0, 0, -1))
    if not folder.is_dir():
        return {"there": False, "folder": str(folder), "aws": _nothing(), "local": _nothing()}
    totals = _stored_totals(folder, midnight)
    position: dict[str, int] = totals["position"]
    before = dict(position)
    for path in sorted(folder.glob("calls-*.ndjson")):
        _take_in(path, midnight, position, totals)
    if position != before:
        _keep(folder, totals)
    return {"there": True, "folder": str(folder), "aws": totals["aws"], "local": totals["local"]}


def line_of(today: dict[str, Any]) -> str:
    """The line: what AWS will bill for today, how much of the input came from the cache, what that saved."""
    if not today["there"]:
        return f"rockbottom: nothing recorded yet in {today['folder']}"
    side = today["aws"]
    if not side["calls"]:
        simulated = today["local"]["calls"]
        return "rockbottom today: no calls" + (f" to AWS ({counted(simulated, 'simulated one')})" if simulated else "")
    parts = [_dollars(side["cost"])]
    whole = side["input"] + side["read"] + side["written"]
    if whole:
        parts.append(f"{share(Decimal(side['read']) / whole)} from cache")
    saved = side["uncached"] - side["cost"]
    if saved and side["uncached"]:
        word = "saved" if saved > 0 else "lost"
        parts.append(f"{word} {_dollars(abs(saved))} ({share(abs(saved) / side['uncached'])})")
    parts.append(counted(side["calls"], "call"))
    if side["unpriced"]:
        parts.append(f"{thousands(side['unpriced'])} without a price ({_names(side['unpriced_models'])})")
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


def _nothing() -> Side:
    return {**dict.fromkeys(_COUNTS, 0), **dict.fromkeys(_SUMS, Decimal(0)), "unpriced_models": {}}


def _stored_totals(folder: Path, midnight: float) -> dict[str, Any]:
    """What was added up earlier: all of it on the same day, on another day only how far was read."""
    totals: dict[str, Any] = {
        "format": _FORMAT,
        "day": midnight,
        "position": {},
        "aws": _nothing(),
        "local": _nothing(),
    }
    try:
        read = json.loads((folder / KEPT).read_bytes(), parse_float=Decimal)
        if read["format"] != _FORMAT:
            return totals
        totals["position"] = {str(name): int(offset) for name, offset in read["position"].items()}
        if read["day"] == midnight:
            for side in ("aws", "local"):
                counts = {name: int(read[side][name]) for name in _COUNTS}
                models = {str(name): int(count) for name, count in read[side]["unpriced_models"].items()}
                sums = {name: Decimal(read[side][name]) for name in _SUMS}
                totals[side] = {**counts, **sums, "unpriced_models": models}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
        return {"format": _FORMAT, "day": midnight, "position": {}, "aws": _nothing(), "local": _nothing()}
    return totals


def _keep(folder: Path, totals: dict[str, Any]) -> None:
    """Written beside and moved into place, for its owner alone; a folder that takes nothing is read again each time."""
    beside = folder / f"{KEPT}.{os.getpid()}"
    with contextlib.suppress(OSError):
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(totals, file, default=str)
        os.replace(beside, folder / KEPT)


def _take_in(path: Path, midnight: float, position: dict[str, int], totals: dict[str, Any]) -> None:
    """Add what a volume got since, up to its last whole line."""
    begin = position.get(path.name, 0)
    state = path.stat()
    if state.st_size == begin or (not begin and state.st_mtime < midnight):
        return
    with path.open("rb") as file:
        if begin:
            file.seek(begin - 1)
            if file.read(1) != b"\n":  # another volume under an old name
                begin = 0
        file.seek(begin)
        data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    for line in whole.split(b"\n"):
        if line:
            _add(line, midnight, totals)
    position[path.name] = begin + len(whole)


def _add(line: bytes, midnight: float, totals: dict[str, Any]) -> None:
    try:
        call = json.loads(line[max(0, line.rfind(_START)) :])
        if call["at"] < midnight:
            return
        side = totals["local" if call.get("endpoint") == "local" else "aws"]
        cost, uncached = call.get("cost_usd"), call.get("uncached_usd")
        side["calls"] += 1
        if cost is None:
            side["unpriced"] += 1
            model = printable(str(call.get("model", "no model")))
            side["unpriced_models"][model] = side["unpriced_models"].get(model, 0) + 1
        else:
            side["cost"] += Decimal(cost)
            side["uncached"] += Decimal(uncached if uncached is not None else cost)
        side["input"] += call.get("input", 0)
        side["read"] += call.get("cache_read", 0)
        side["written"] += sum(count for name, count in call.items() if name.startswith("cache_write_"))
    except (ValueError, LookupError, TypeError, ArithmeticError):  # damage, which rockbottom ledger info locates
        return
