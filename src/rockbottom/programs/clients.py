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
_EVERYONE: "dict[str, Everyone]" = {}


def attach_made(made: Any, safely: Callable[..., None]) -> None:
    """Attach a client, or have a session attached as soon as it makes a bedrock-runtime client."""
    if "rockbottom.cli" in sys.modules:  # our own command line measures; its clients are as it makes them
        return
    if not hasattr(made, "get_component"):
        everyone().join(made)
        return
    join = partial(_join, weakref.ref(made), safely)
    made.get_component("event_emitter").register_first(_MAKING, join, unique_id="rockbottom-programs")


def everyone() -> "Everyone":
    """The attachment that all clients of this program share, as the environment chose it."""
    if not _EVERYONE:
        from rockbottom.client import Everyone, Recording
        from rockbottom.ledger import LedgerWriter

        choices = choices_in(os.environ)
        record = Recording(sinks=[LedgerWriter(choices.records)] if choices.records else [])
        made = Everyone(
            state=choices.state,
            share=choices.share,
            dry_run=choices.dry_run,
            holdout=choices.holdout,
            record=record,
        )
        _EVERYONE.setdefault("it", made)  # two threads may get here at once: one of the two is kept
    return _EVERYONE["it"]


def _join(session: "weakref.ref[Any]", safely: Callable[..., None], **_: Any) -> None:
    alive = session()
    if alive is not None:
        safely("attaching a client", lambda: everyone().join(alive))
