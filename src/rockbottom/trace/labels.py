"""What requests are told apart by: whose they were, as the record of each says.

A key is one of ``KNOWN``, or else a key of requestMetadata, or of the tags of a ledger. The role stands for all of its
sessions, because a session has a name of its own for every process.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from rockbottom.quantities import Undecodable, decoded, is_object
from rockbottom.trace.records import LogRecord, raw_of

BY_COLUMN: Mapping[str, str] = {
    "model": "model", "region": "region", "served": "served", "account": "account", "session": "session",
    "tier": "tier",
}  # fmt: skip
"""Keys that are columns of every trace."""

_ASSUMED = re.compile(r"^(arn:[^:]*:sts:[^:]*:[^:]*:assumed-role/[^/]+)/.*$")


def label_of_record(record: LogRecord[Any], by: str) -> str | None:
    """The value of a key in a log record; None: not recorded."""
    known = _KNOWN.get(by)
    label = known(record) if known is not None else None
    return label or (record.requestMetadata or {}).get(by)


def labels_of(record: LogRecord[Any]) -> Mapping[str, str]:
    """Every key of a log record with its value, those of ``KNOWN`` over those of requestMetadata."""
    region = record.region or ""
    columns = {
        "model": record.modelId, "region": region, "served": record.inferenceRegion or region,
        "account": record.accountId or "",
    }  # fmt: skip
    known = {by: value for by, read in _KNOWN.items() if (value := read(record))}
    return {**(record.requestMetadata or {}), **{by: value for by, value in columns.items() if value}, **known}


def _identity(record: LogRecord[Any]) -> str | None:
    arn = _member(record.identity, "arn")
    return None if arn is None else _ASSUMED.sub(r"\1", arn)


def _profile(record: LogRecord[Any]) -> str | None:
    return record.modelId if "application-inference-profile/" in record.modelId else None


def _project(record: LogRecord[Any]) -> str | None:
    return _text(record.projectIdentifier)


_KNOWN: Mapping[str, Callable[[LogRecord[Any]], str | None]] = {
    "identity": _identity, "profile": _profile, "project": _project,
}  # fmt: skip
KNOWN = (*BY_COLUMN, *_KNOWN)
"""Keys with a meaning of their own; every other is one of requestMetadata or of tags."""


def _text(raw: Any) -> str | None:
    try:
        value = decoded(raw_of(raw)) if raw_of(raw) else None
    except Undecodable:
        return None
    return value if isinstance(value, str) and value else None


def _member(raw: Any, name: str) -> str | None:
    try:
        value = decoded(raw_of(raw)) if raw_of(raw) else None
    except Undecodable:
        return None
    member = value.get(name) if is_object(value) else None
    return member if isinstance(member, str) and member else None
