"""Tags on calls: whose they are and what for, as the code that makes them says.

Tags set around a call (``tagged``) lie on top of those of the client (``attach(tags=...)``). They follow the context:
an awaited call and a task started within have them, a thread started within has none unless it is given the context.
"""

import contextvars
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from rockbottom.catalog import limit

_UNSENDABLE = re.compile(r"[^a-zA-Z0-9\s:_@$#=/+,\-.]")
_TAGS: contextvars.ContextVar[Mapping[str, str]] = contextvars.ContextVar("rockbottom_tags", default={})  # noqa: B039


@contextmanager
def tagged(tags: Mapping[str, Any] | None = None, /, **more: Any) -> Generator[None]:
    """Tag every call made within: ``with rockbottom.tagged(tenant="acme", feature="chat"): client.converse(...)``.

    Also a decorator. Inner tags add to outer ones. Values become text; a call carries at most 16 tags of 256
    characters, and what is beyond that is left out.

    ```python
    import rockbottom

    @rockbottom.tagged(feature="chat")
    def answer(bedrock, tenant, **request):
        with rockbottom.tagged(tenant=tenant):
            return bedrock.converse(**request)
    ```
    """
    token = _TAGS.set(_over(_TAGS.get(), tidy({**(tags or {}), **more})))
    try:
        yield
    finally:
        _TAGS.reset(token)


def tag_from_here(tags: Mapping[str, Any]) -> None:
    """Tag every call that this task or thread makes from now on: for code that is called before the calls, and ends."""
    _TAGS.set(_over(_TAGS.get(), tidy(tags)))


_PROJECT_HEADERS = ("openai-project", "anthropic-workspace", "anthropic-workspace-id")
"""Which of the last two bedrock-mantle reads is contested; either names the project that a caller means."""


def with_project(tags: Mapping[str, str], headers: Mapping[str, str]) -> Mapping[str, str]:
    """The tags with the project that the headers of a request name, where no tag says one."""
    named = next((headers[name] for name in _PROJECT_HEADERS if headers.get(name)), "")
    return {**tags, **tidy({"project": named})} if named and "project" not in tags else tags


def tidy(tags: Mapping[str, Any]) -> dict[str, str]:
    """Tags as text within the limits; a value that cannot be text is left out."""
    pairs = ((_text(key), _text(value)) for key, value in tags.items() if value is not None)
    return {key: value for key, value in pairs if key is not None and value is not None}


def _text(value: Any) -> str | None:
    try:
        return str(value).encode("utf-8", "replace").decode()[: limit("metadata_characters")]
    except Exception:  # a tag is not worth a call
        return None


def tags_now(own: Mapping[str, str]) -> Mapping[str, str]:
    """The tags of a call made here and now, over those of its client."""
    around = _TAGS.get()
    both = _over(own, around) if around else own
    most = limit("metadata_pairs")
    return both if len(both) <= most else dict(list(both.items())[-most:])


def _over(outer: Mapping[str, str], inner: Mapping[str, str]) -> dict[str, str]:
    """Inner tags over outer ones, and behind them: what is too many is left out from the front."""
    return {**{key: value for key, value in outer.items() if key not in inner}, **inner}


def metadata_of(tags: Mapping[str, str], existing: Mapping[str, str] | None) -> dict[str, str]:
    """requestMetadata with the tags in it; what the caller gave stays. Signs that AWS refuses become ``_``."""
    ours = {_UNSENDABLE.sub("_", key): _UNSENDABLE.sub("_", value) for key, value in tags.items() if key}
    metadata = dict(existing or {})
    for key, value in ours.items():
        if len(metadata) < limit("metadata_pairs"):
            metadata.setdefault(key, value)
    return metadata
