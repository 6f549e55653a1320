"""A conversation with the local endpoint, or a list of requests, held to a budget. Every figure is simulated."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from importlib import import_module
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pytest

from rockbottom.catalog import load_catalog
from rockbottom.dialects import OPERATIONS, SERVICE_TIER, usage_of
from rockbottom.extras import MissingExtra, needing
from rockbottom.pins import ConversationBill, archive_of, observed_bill, simulated_bill
from rockbottom.process import local_client
from rockbottom.quantities import RockbottomError, Usd
from rockbottom.rendering import conversation_lines

if TYPE_CHECKING:
    from rockbottom.local import Running

Limit = Decimal | int | str | None

_KEPT = 1000  # requests that the endpoint remembers
_accounts = count(200_000_000_000)


@contextmanager
def endpoint() -> "Generator[Running]":
    """A local endpoint whose clock stands at noon of today (UTC); fails the test where it is not installed."""
    try:
        with needing("a conversation in a test", "local", "aws"):
            import_module("boto3")  # a missing one is said here, rather than in the middle of a test

            from rockbottom.local import ClockKind, running
    except MissingExtra as error:
        pytest.fail(f"{error}: {error.fix}", pytrace=False)
    noon = datetime.combine(date.today(), time(12), UTC).timestamp()
    with running(clock=ClockKind.MANUAL, start_at=noon, data_retention="aws_review") as server:
        yield server


class Conversation:
    """A client of its own account, so that the cache is empty, and the bill of its calls.

    ``max_usd`` and ``min_hit_rate`` (percent) are held when the ``with`` block ends, or by ``hold()``. ``attached``
    puts the planner on the client. ``client`` is made when it is first asked for.
    """

    def __init__(
        self,
        running: "Running",
        *,
        max_usd: Limit = None,
        min_hit_rate: Limit = None,
        attached: bool = False,
        region: str = "us-east-1",
    ) -> None:
        self._running, self._attached = running, attached
        self._max_usd, self._min_hit_rate = _limit(max_usd, "max_usd"), _limit(min_hit_rate, "min_hit_rate")
        self._client: Any = None
        self._first = running.state.served
        self.region = region
        self.account = str(next(_accounts))

    @property
    def url(self) -> str:
        """The address of the endpoint, for clients other than boto3's; sign with ``account`` as the access key."""
        return self._running.url

    @property
    def client(self) -> Any:
        """A bedrock-runtime client of boto3 that does not retry."""
        if self._client is None:
            self._client = self._new_client()
        return self._client

    def advance(self, seconds: float) -> None:
        """Let time pass: entries of the cache grow old."""
        self._running.state.clock.advance(seconds)

    def answer(self, text: str) -> None:
        """Fix the text of the next reply that has none yet."""
        self._running.state.add_scripts({"text": text})

    @property
    def bill(self) -> ConversationBill:
        """The bill of the calls so far."""
        state = self._running.state
        mine = [row for row in state.requests if row["account"] == self.account and row["operation"] in OPERATIONS]
        day = datetime.fromtimestamp(state.clock.now(), UTC).date()
        return observed_bill(map(_row, mine), state.catalog, day, self.region)

    def hold(self) -> None:
        """Fail the test where a limit is not kept, with the turns."""
        __tracebackhide__ = True
        if self._running.state.served - self._first > _KEPT:
            pytest.fail(f"more than {_KEPT} requests: the endpoint does not remember the first ones", pytrace=False)
        _hold(self.bill, self._max_usd, self._min_hit_rate)

    def __enter__(self) -> "Conversation":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        if kind is None:
            self.hold()

    def _new_client(self) -> Any:
        client = local_client(
            "bedrock-runtime", self._running.url, self.region, key=self.account,
            retries={"total_max_attempts": 1}, read_timeout=60,
        )  # fmt: skip
        if not self._attached:
            return client
        from rockbottom.client import attach

        return attach(client, catalog=load_catalog(), clock=self._running.state.clock.now, hold_s=0)


def budgeted(
    requests: Sequence[Mapping[str, Any]],
    *,
    max_usd: Limit = None,
    min_hit_rate: Limit = None,
    gap_s: float = 30.0,
    output_tokens: Sequence[int] = (),
    model: str | None = None,
) -> ConversationBill:
    """The bill of requests sent ``gap_s`` seconds apart; fails the test where a limit is not kept."""
    __tracebackhide__ = True
    limits = _limit(max_usd, "max_usd"), _limit(min_hit_rate, "min_hit_rate")
    archive = archive_of(load_catalog())
    try:
        bill = simulated_bill(
            requests, archive=archive, on=date.today(), model=model, gap_s=gap_s, output_tokens=output_tokens
        )
    except RockbottomError as error:
        pytest.fail(f"the conversation cannot be billed: {error}", pytrace=False)
    _hold(bill, *limits)
    return bill


def _hold(bill: ConversationBill, max_usd: Usd | None, min_hit_rate: Usd | None) -> None:
    __tracebackhide__ = True
    broken = bill.failures(max_usd, min_hit_rate)
    if broken:
        pytest.fail("\n".join([*broken, "", *conversation_lines(bill)]), pytrace=False)


def _row(row: Mapping[str, Any]) -> tuple[str, Any, str, str]:
    error = f"{row['error']}: {row['message']}" if "error" in row else ""
    usage = usage_of(row["usage"]) if "usage" in row else None
    return row["model"], usage, str(row.get(SERVICE_TIER, "default")), error


def _limit(value: object, name: str) -> Usd | None:
    """An exact number; a float is none, because money has to be what was written."""
    if value is None:
        return None
    try:
        number = Decimal(value) if isinstance(value, str | int | Decimal) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        pytest.fail(f"{name}={value!r}: write a text such as '0.02', or a whole number", pytrace=False)
    return number
