"""The one attachment of a program, and which of the things that were made it is put on.

Imported when the first of them was made, so what it imports at its head is small.
"""

import os
import sys
import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from rockbottom.programs.environment import choices_in

if TYPE_CHECKING:
    from rockbottom.client import Everyone

_MAKING = "creating-client-class.bedrock-runtime"  # botocore's event: a client is about to be made
_WORTH_ASKING = ("bedrock-", "localhost", "127.", "::1")
_EVERYONE: "dict[str, Everyone]" = {}


def attach_made(client: Any, safely: Callable[..., None]) -> None:
    """Attach a client, or have a session attached as soon as it makes a bedrock-runtime client."""
    if "rockbottom.cli" in sys.modules:  # our own command line measures; its clients are as it makes them
        return
    if not hasattr(client, "get_component"):
        if _may_reach_bedrock(client):
            everyone().join(client)
        return
    join = partial(_join, weakref.ref(client), safely)
    client.get_component("event_emitter").register_first(_MAKING, join, unique_id="rockbottom-programs")


def _may_reach_bedrock(client: Any) -> bool:
    """Whether a client of openai or anthropic goes to Bedrock, or to this machine; one without a base_url may.

    What goes elsewhere is left alone, and nothing of the planner is imported for it.
    """
    host = getattr(getattr(client, "base_url", None), "host", None)
    if host is not None and not host.startswith(_WORTH_ASKING):
        return False
    from rockbottom.client import goes_to_bedrock

    return goes_to_bedrock(client)


def everyone() -> "Everyone":
    """The attachment that all clients of this program share, as the environment chose it."""
    if not _EVERYONE:
        from rockbottom.client import Everyone, Recording
        from rockbottom.ledger import LedgerWriter

        choices = choices_in(os.environ)
        sinks = [LedgerWriter(choices.records)] if choices.records else []
        record = Recording(sinks=sinks, tags=choices.tag_values)
        shared = Everyone(
            state=choices.state,
            share=choices.share,
            dry_run=choices.dry_run,
            holdout=choices.holdout,
            record=record,
        )
        _EVERYONE.setdefault("it", shared)  # two threads may get here at once: one of the two is kept
    return _EVERYONE["it"]


def _join(session: "weakref.ref[Any]", safely: Callable[..., None], **_: Any) -> None:
    alive = session()
    if alive is not None:
        safely("attaching a client", lambda: everyone().join(alive))
