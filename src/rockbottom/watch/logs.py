"""A view that follows invocation logs: what is logged becomes a ledger of its own, kept as long as the view is open."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from msgspec.structs import replace

from rockbottom.catalog import Catalog, CatalogError
from rockbottom.figures import counted
from rockbottom.ledger import LedgerWriter
from rockbottom.quantities import RockbottomError
from rockbottom.trace import Damages, Invocation, Tail, invocations_of
from rockbottom.watch.asking import AUTO
from rockbottom.watch.following import View
from rockbottom.watch.periods import WatchPeriod
from rockbottom.watch.quota import QuotaMinutes, quota_sentences
from rockbottom.watch.recorded import RequestRecorder, most_tokens
from rockbottom.watch.snapshot import Snapshot

_REMEMBERED = 200_000
_REMOTE_EVERY_S = 15.0
"""Between two looks at S3 or CloudWatch Logs: each is a request, and what is delivered is minutes old."""


class LogView(View):
    """Follows the logs at a source as ``View`` follows a ledger. ``since`` leaves out what is older.

    ``quotas`` are tokens a minute by the id of a model; ``behind`` the models of application inference profiles;
    ``key`` is the secret of prefix hashes. Nothing of a prompt is kept.
    """

    def __init__(
        self, source: str, catalog: Catalog, clock: Callable[[], float], timer: Callable[[], float], *,
        since: float, key: bytes, quotas: Mapping[str, int] | None = None, behind: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._own = Path(mkdtemp(prefix="rockbottom-watch-"))
        super().__init__(self._own, catalog, clock, timer)
        self.source = source
        self._remote = source.startswith(("s3://", "log-group:"))
        self._tail = Tail(source, since, clock)
        self._made = RequestRecorder(catalog, key, behind or {})
        self._writer = LedgerWriter(self._own, clock=clock)
        self._minutes = QuotaMinutes(quotas or {})
        self._damages = Damages()
        self._known: OrderedDict[str, None] = OrderedDict()
        self._pieces: Iterator[Invocation] | None = None
        self._due = float("-inf")

    def close(self) -> None:
        """Close the tables and remove the records that were made of the logs."""
        super().close()
        self._writer.close()
        rmtree(self._own, ignore_errors=True)

    def follow(self, seconds: float) -> bool:
        """Take in what was logged since, for about so long at most; whether all of it was taken."""
        began = self._timer()
        whole = self._take(began + seconds)
        return super().follow(max(0.0, began + seconds - self._timer())) and whole

    def snapshot(self, period: WatchPeriod, side: str = AUTO) -> Snapshot:
        """What the logs say now, and how near to its quota each model came."""
        shot = super().snapshot(period, "aws")
        fullest = self._minutes.fullest(shot.since, shot.until)
        named = {minute.model: self._named(minute.model) for minute in fullest}
        return replace(
            shot,
            ledger=replace(shot.ledger, folder=self.source, logs=True),
            quota=fullest,
            measured=(*shot.measured, *quota_sentences(fullest[:3], named)),
            notices=(*shot.notices, *self._notices()),
        )

    def _take(self, until: float) -> bool:
        """Turn what was logged into calls until then; whether there is nothing left."""
        if self._pieces is None:
            if self._remote and self._timer() < self._due:
                return True
            self._due = self._timer() + _REMOTE_EVERY_S
            self._pieces = self._new_invocations()
        for invocation in self._pieces:
            self._record(invocation)
            if self._timer() >= until:
                return False
        self._pieces = None
        return True

    def _new_invocations(self) -> Iterator[Invocation]:
        for name, text in self._tail.pieces():
            yield from invocations_of(name, self._damages, text)

    def _record(self, invocation: Invocation) -> None:
        if invocation.request_id:
            if invocation.request_id in self._known:
                return
            self._known[invocation.request_id] = None
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        try:
            call = self._made.call_of(invocation)
        except (RockbottomError, ValueError, TypeError) as error:
            self._damages.add(invocation.place, str(error))
            return
        self._writer.record(call)
        if call.status == "ok":
            self._minutes.add(call.model, call.at, call.usage, most_tokens(invocation.body))

    def _notices(self) -> Iterator[str]:
        if self._damages.count:
            first = self._damages.first[0]
            damaged = counted(self._damages.count, "damaged record")
            yield f"{damaged} left out; the first: {first.place}: {first.why}"
        if self._damages.failed:
            yield f"Left out: {counted(self._damages.failed, 'call')} that AWS refused."


def quotas_of(pairs: Mapping[str, int], catalog: Catalog) -> dict[str, int]:
    """Quotas by the catalogue's id of each model; an id that it does not know stays."""
    by_model: dict[str, int] = {}
    for name, tokens in pairs.items():
        try:
            by_model[catalog.model(name).model.id] = tokens
        except CatalogError:
            by_model[name] = tokens
    return by_model


def log_view(
    source: str, catalog: Catalog, since: float, key: bytes, quotas: Mapping[str, int], behind: Mapping[str, str]
) -> LogView:
    """A view of logs by the clocks of this machine."""
    return LogView(
        source, catalog, time.time, time.monotonic, since=since, key=key, quotas=quotas_of(quotas, catalog),
        behind=behind,
    )  # fmt: skip
