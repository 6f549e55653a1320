"""Calls that are made elsewhere and carried on: an attachment without a client, and replies watched as bytes go by."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from rockbottom.client.arguments import Arguments, Recording
from rockbottom.client.attachment import Attachment
from rockbottom.client.calls import Call, Options
from rockbottom.client.control_plane import lookup_at
from rockbottom.client.feeding import feed_of
from rockbottom.client.httpx_streams import Feed, UsageFeed, shown
from rockbottom.client.joining import join, lend, shared_address
from rockbottom.client.keeping import started
from rockbottom.client.listening import CallListener
from rockbottom.client.profiles import ProfileResolver
from rockbottom.client.recording import SpendingLimit
from rockbottom.client.saved_facts import facts_for
from rockbottom.client.sinks import recorder_of, writer_of
from rockbottom.ledger import Sink


class Carriage(Struct, frozen=True):
    """How calls of others are carried: to which Region and address, and as ``attach`` says of its arguments.

    ``own_points`` and ``move_volatile`` are those of ``Planner``; who only observes (``dry_run``) shares nothing.
    ``credentials`` gives botocore's, for the look-up of application profiles. ``reserve_bytes`` of the ledger's disk
    are kept for lines that find it full.
    """

    region: str
    url: str
    credentials: Callable[[], Any]
    own_points: str = "keep"
    move_volatile: bool = False
    dry_run: bool = False
    state: Path | None = None
    share: str | None = None
    ledger: Path | None = None
    reserve_bytes: int = 0
    sinks: Iterable[Sink] = ()
    tags: Mapping[str, str] | None = None
    budget: SpendingLimit | None = None


def carrier(how: Carriage) -> Attachment:
    """An attachment without a client: it plans, watches and books calls that others send, as a gateway does."""
    from rockbottom.plan import Planner  # the heaviest part

    address = shared_address(Arguments(state=how.state, share=None if how.dry_run else how.share), os.environ)
    facts = facts_for(how.region)
    resolve = ProfileResolver(lookup_at(how.credentials, how.url))
    options: dict[str, Any] = {
        "resolve": resolve,
        "catalog": facts,
        "own_points": how.own_points,
        "move_volatile": how.move_volatile,
        **({} if address is None else {"secret": address.secret}),
    }
    state, trouble = how.state, ""
    planner = Planner(**options)
    if state is not None:
        planner, trouble = started(lambda: Planner.load(state, **options), lambda: planner, state)
    hold = Options(0.0, dry_run=True) if how.dry_run else Options()
    attachment = Attachment(planner, facts, resolve, hold, region=how.region)
    if trouble:
        attachment.talk.say([trouble])
    if state is not None:
        attachment.keep_state(state, troubled=bool(trouble))
    if address is not None:
        attachment.ledger_secret = address.ledger_secret
    equip(attachment, how)
    if address is not None:
        join(attachment, address, how.region, f"{how.own_points}{':moving' if how.move_volatile else ''}")
    return attachment


def equip(attachment: Attachment, how: Carriage) -> None:
    """Book from now on as ``how`` says: ledger, tags and budget. What was learned and is under way stays."""
    ledger = str(how.ledger) if how.ledger is not None else False
    recording = Recording(ledger=ledger, sinks=how.sinks, tags=how.tags)
    attachment.arguments = Arguments(attachment.planner, record=recording, budget=how.budget)
    attachment.recorder = recorder_of(attachment, recording, how.budget, os.environ)
    if how.ledger is not None:
        writer_of(how.ledger).keep_room(how.reserve_bytes)
    attachment.budget = how.budget
    lend(attachment)


class Watched(Struct):
    """The reply of one call: shown piece by piece as it goes by, then ended once, however it ends."""

    _attachment: Attachment
    _call: Call
    _feed: Feed | None

    def see(self, piece: bytes) -> bytes:
        """Look at some bytes of the reply, in their order; those that the caller is to have."""
        feed = self._feed
        if feed is None:
            return piece
        try:
            feed.see(piece)
        except Exception as error:
            self._attachment.talk.failure("observing", error)
            self._feed = None
            return feed.rest() + piece if isinstance(feed, UsageFeed) else piece
        return shown(feed, piece)

    def ended(self) -> bytes:
        """Book a reply that is whole, or whose caller has gone, by what came of its usage.

        The bytes that the caller is still to have.
        """
        if self._feed is not None:
            self._feed.close()
        self._attachment.abandoned(self._call)  # nothing, where it is ended already
        return self._feed.rest() if isinstance(self._feed, UsageFeed) else b""

    def broke(self) -> None:
        """Book the call as failed: its reply broke off."""
        self._attachment.failed(self._call)


def watched(attachment: Attachment, call: Call, headers: Mapping[str, str], *, counting: bool = False) -> Watched:
    """The good reply of a call that begins now; header names in lower case.

    ``counting``: its usage was asked for here (``with_usage``), and not by the caller, who is not to see it.
    """
    attachment.answered(call)
    call.request_id = headers.get("x-amzn-requestid", "")
    listener = CallListener(attachment, call)
    return Watched(attachment, call, feed_of(call, headers, listener, counting=counting))
