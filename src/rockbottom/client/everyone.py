"""One attachment for every client of a program, whichever session makes it and whenever.

It knows what ``attach`` knows of one client: a planner, books, what is under way. A client that the program itself
attaches leaves it (see ``attach``).
"""

import weakref
from itertools import islice
from pathlib import Path
from typing import Any

from rockbottom.client.arguments import Arguments, Recording
from rockbottom.client.attach import new_attachment
from rockbottom.client.attachment import Attachment
from rockbottom.client.botocore_hooks import core_of
from rockbottom.client.control_plane import lookup_at
from rockbottom.client.errors import NotAttached
from rockbottom.client.fitting import EVERYTHING, Abilities, session_abilities
from rockbottom.client.holdout import holdout_of
from rockbottom.client.profiles import ProfileResolver
from rockbottom.client.reporting import Report
from rockbottom.client.ways import ClientKind, keys_of, way_of
from rockbottom.files import from_here

_MOST_ASKED = 4


class Everyone:
    """Clients and sessions that share one attachment, which is made with the first of them."""

    def __init__(
        self,
        *,
        state: str | Path | None = None,
        share: str | None = None,
        dry_run: bool = False,
        holdout: str | None = None,
        record: Recording | None = None,
    ) -> None:
        self._sessions: list[weakref.ref[Any]] = []  # the latest first
        self._arguments = Arguments(
            state=None if state is None else from_here(state),
            share=share,
            dry_run=dry_run,
            holdout=None if dry_run else holdout_of(holdout),
            record=record or Recording(),
            resolve=ProfileResolver(self._looked_up),
        )
        self._made: dict[str, Attachment] = {}

    def join(self, client: Any) -> None:
        """Put the attachment on a client or session, unless it has one. Raises NotAttachable."""
        way = way_of(client)
        if core_of(client) is not None:
            self._remember(client)
        if way.attachment(client) is None:
            way.install(client, self._attachment(client, way))

    def report(self) -> Report:
        """What all of them used. Raises NotAttached where there is no client yet."""
        if not self._made:
            raise NotAttached("No Bedrock client was made yet, so nothing is recorded.")
        return self._made["it"].report()

    def _attachment(self, client: Any, way: type[ClientKind]) -> Attachment:
        if not self._made:
            attachment = new_attachment(client, way, self._arguments, _abilities_here())
            attachment.everyones = True
            self._made.setdefault("it", attachment)  # two threads may get here at once: one of the two is kept
        return self._made["it"]

    def _remember(self, session: Any) -> None:
        living = [reference for reference in self._sessions if reference() not in (None, session)]
        self._sessions = [weakref.ref(session), *islice(living, _MOST_ASKED - 1)]

    def _looked_up(self, arn: str) -> dict[str, Any]:
        """GetInferenceProfile with the keys of the latest sessions, one after the other, until one may ask."""
        failure: Exception | None = None
        for session in [reference() for reference in self._sessions] or [None]:
            try:
                return lookup_at(
                    lambda asking_session=session: None if asking_session is None else keys_of(asking_session), None
                )(arn)
            except Exception as error:
                failure = error
        assert failure is not None
        raise failure


def _abilities_here() -> Abilities:
    """What the botocore of this program takes: of clients of other kinds nothing more is asked."""
    try:
        import botocore.session
    except ImportError:
        return EVERYTHING
    return session_abilities(botocore.session.Session())
