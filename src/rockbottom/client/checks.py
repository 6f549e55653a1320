"""Arguments of ``attach`` that cannot be what they are meant to be, told apart before anything is put on a client."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Any
from weakref import ref

from rockbottom.client.arguments import Recording
from rockbottom.client.errors import NotAttachable
from rockbottom.files import is_path

_PLANNER = "planner=rockbottom.Planner(), or an object with plan(request, now=...) and observe(request, usage, now=...)"


def check_kinds(**arguments: Any) -> None:
    """Raises NotAttachable where an argument that is there has nothing of what it is used for."""
    for name, value in arguments.items():
        is_of_kind, fix = _KINDS[name]
        if value is not None and not is_of_kind(value):
            raise NotAttachable(f"{name}={type(value).__name__} cannot be used as {name}.", fix=fix)


def seconds_of(hold_s: Any) -> float:
    """A number of seconds, at least 0. Raises NotAttachable."""
    try:
        seconds = float(hold_s)
    except (TypeError, ValueError, OverflowError):
        seconds = float("nan")
    if not isfinite(seconds):
        raise NotAttachable(f"hold_s={hold_s!r} is not a number of seconds.", fix="hold_s=5; hold_s=0 never waits")
    return max(0.0, seconds)


def usd_of(amount: Decimal | int | str | None) -> Decimal | None:
    """US dollars, or None. Raises NotAttachable."""
    try:
        usd = None if amount is None else Decimal(str(amount))
    except InvalidOperation:
        usd = Decimal("nan")
    if usd is not None and not usd.is_finite():
        raise NotAttachable(f"keep_alive_usd={amount!r} is not an amount of US dollars.", fix='keep_alive_usd="2.00"')
    return usd


def _plans(planner: Any) -> bool:
    if isinstance(planner, type) or not all(callable(getattr(planner, name, None)) for name in ("plan", "observe")):
        return False
    try:
        ref(planner)  # its lock is kept beside it, for as long as it lives
    except TypeError as error:
        raise NotAttachable(
            f"planner={type(planner).__name__} does not allow weak references.", fix='"__weakref__" among its __slots__'
        ) from error
    return True


def _is_list(sinks: Any) -> bool:
    return isinstance(sinks, Iterable) and not isinstance(sinks, (str, bytes))


_KINDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "planner": (_plans, _PLANNER),
    "state": (is_path, 'state="planner.db", the path of a file'),
    "ledger": (lambda folder: isinstance(folder, bool) or is_path(folder), 'ledger=True, or ledger="calls", a folder'),
    "catalog": (lambda catalog: hasattr(catalog, "caching_since"), "catalog=rockbottom.catalog.load_catalog()"),
    "share": (lambda address: isinstance(address, str), 'share="redis://HOST:6379/0?name=GROUP"'),
    "resolve": (callable, "resolve=a function of an ARN that answers with a model id"),
    "record": (lambda record: isinstance(record, Recording), "record=rockbottom.Recording(ledger=True)"),
    "sinks": (_is_list, "sinks=[SINK], a list of them"),
    "tags": (lambda tags: isinstance(tags, Mapping), 'tags={"team": "search"}'),
    "clock": (callable, "clock=a function that answers with seconds since the epoch"),
}
