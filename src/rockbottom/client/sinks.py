"""Where the records of a client go: the ledger in a folder, the sinks given, a budget that wants to know."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rockbottom.client.recording import Recorder
from rockbottom.client.tagging import tidy
from rockbottom.files import from_here
from rockbottom.ledger import LedgerWriter, Sink, chosen_folder, ledger_key
from rockbottom.process import end_at_exit, within

if TYPE_CHECKING:
    from rockbottom.client.arguments import Recording
    from rockbottom.client.attachment import Attachment

log = logging.getLogger("rockbottom.client")

_KEY_S = 3  # how long a disk that does not answer is waited for, once
_WRITERS: dict[Path, LedgerWriter] = {}


def recorder_of(attachment: "Attachment", record: "Recording", budget: Any, env: Mapping[str, str]) -> Recorder | None:
    """What ``attach`` was asked to record; None: nothing."""
    folder = chosen_folder(record.ledger, env)
    sinks: list[Sink] = list(record.sinks)
    if folder is not None:
        sinks.insert(0, writer_of(folder))
    if hasattr(budget, "record") and budget not in sinks:
        sinks.append(budget)
    if not sinks and budget is None and not record.tags and not record.request_metadata:
        return None
    end_at_exit(attachment)
    key = _key_of(folder, attachment.ledger_secret) if folder is not None else None
    talk = attachment.talk
    return Recorder(
        sinks,
        tidy(record.tags or {}),
        key,
        lambda error: talk.failure("recording", error, "calls go through, but are not recorded there"),
        talk.waited,
        attachment.stopwatch,
    )


def writer_of(folder: Path) -> LedgerWriter:
    """The writer of a folder: clients of one process share it."""
    folder = from_here(folder)
    if folder not in _WRITERS:
        _WRITERS[folder] = LedgerWriter(folder)
    return _WRITERS[folder]


def _key_of(folder: Path, shared: bytes) -> bytes | None:
    try:
        return within(_KEY_S, "key", lambda: ledger_key(folder, shared=shared))
    except (OSError, ValueError) as error:  # a ValueError: a name that can be none of a folder
        log.warning(
            "rockbottom: %s keeps no secret (%s), so prefixes are not recorded and the ledger cannot be replayed",
            folder, getattr(error, "strerror", None) or error,
        )  # fmt: skip
        return None
