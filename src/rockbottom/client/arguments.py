"""The arguments of ``attach``, kept so that a second call can be compared with the first."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from typing import Any

from rockbottom.catalog import Catalog, Resolve
from rockbottom.client.errors import NotAttachable
from rockbottom.client.flights import DEFAULT_HOLD_S
from rockbottom.client.holdout import Holdout
from rockbottom.client.planning import PlannerLike
from rockbottom.client.recording import SpendingLimit
from rockbottom.ledger import Sink

_PLAIN = (bool, int, float, str, Path, Decimal, type(None))


@dataclass(frozen=True)
class Recording:
    """What is recorded of each call, and where: ``attach(client, record=Recording(ledger=True))``.

    ``ledger``: a folder; True: the one that ``ROCKBOTTOM_LEDGER`` names, or ``~/.local/state/rockbottom/ledger``;
    None: a folder only if that variable is set; False: none. ``sinks`` are given every record too. ``tags`` are put on
    every call (see ``tagged``); ``request_metadata`` also sends them to AWS as requestMetadata, which invocation logs
    keep. A record holds tokens, cost, tags and keyed hashes of prefixes, never text.

    ```python
    import boto3, rockbottom

    record = rockbottom.Recording(ledger="calls", tags={"team": "search"})
    bedrock = rockbottom.attach(boto3.client("bedrock-runtime", region_name="us-east-1"), record=record)
    ```
    """

    ledger: bool | str | Path | None = None
    sinks: Iterable[Sink] = ()
    tags: Mapping[str, str] | None = None
    request_metadata: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "sinks", tuple(self.sinks or ()))


@dataclass(frozen=True, slots=True)
class Arguments:
    """What ``attach`` was given, in one spelling."""

    planner: PlannerLike | None = None
    state: Path | None = None
    resolve: Resolve | None = None
    hold_s: float = DEFAULT_HOLD_S
    keep_alive_usd: Decimal | None = None
    notices: bool = True
    record: Recording = field(default_factory=Recording)
    budget: SpendingLimit | None = None
    dry_run: bool = False
    holdout: Holdout | None = None
    credentials: Any = None
    catalog: Catalog | None = None
    clock: Callable[[], float] = time.time
    share: str | None = None

    @property
    def place(self) -> str | None:
        """``share`` as it may be said: without passwords and keys."""
        return None if self.share is None else self.share.partition("?")[0].rpartition("@")[2]

    def differences(self, later: "Arguments") -> dict[str, tuple[Any, Any]]:
        """The arguments that another call gave otherwise, each with both values; ``record`` member by member."""
        pairs = {member.name: (getattr(self, member.name), getattr(later, member.name)) for member in fields(self)}
        pairs["share"] = (self.place, later.place) if self.share != later.share else (None, None)
        first, second = pairs.pop("record")
        pairs |= {member.name: (getattr(first, member.name), getattr(second, member.name)) for member in fields(first)}
        return {name: both for name, both in pairs.items() if both[0] is not both[1] and both[0] != both[1]}


def recording_of(record: Recording | None, **spelled: Any) -> Recording:
    """``record``, or the same made of the arguments ``ledger``, ``sinks``, ``tags`` and ``request_metadata``.

    Raises NotAttachable where both are given.
    """
    of_arguments = Recording(**spelled)
    if record is None:
        return of_arguments
    twice = [member.name for member in fields(of_arguments) if getattr(of_arguments, member.name) != member.default]
    if twice:
        raise NotAttachable(
            f"record= is given together with {' and '.join(f'{name}=' for name in twice)} beside it.",
            fix=f"record=Recording({', '.join(f'{name}=...' for name in twice)}) holds them all",
        )
    return record


def shown(value: Any) -> str:
    """A value in an error message: plain ones as they are, of others the type."""
    return repr(value) if isinstance(value, _PLAIN) else type(value).__name__
