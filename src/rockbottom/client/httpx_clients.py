"""Which objects carry an httpx client, and how they are attached: at their transports."""

import sys
from typing import Any, cast

from rockbottom.catalog import Resolve
from rockbottom.client.attachment import Attachment
from rockbottom.client.errors import NotAttachable
from rockbottom.client.fitting import EVERYTHING, Abilities
from rockbottom.client.httpx_hooks import HttpxHooks, reaches_bedrock, transport_class
from rockbottom.client.signing import credentials_of

# Objects around an httpx client whose requests are those of Bedrock, by module and class; and those whose requests go
# where their base_url says, which may be Bedrock, but is another service unless somebody changed it.
_SERVED = {
    ("anthropic", name)
    for name in ("AnthropicBedrock", "AsyncAnthropicBedrock", "AnthropicBedrockMantle", "AsyncAnthropicBedrockMantle")
}
_BY_BASE_URL = {
    ("openai", "OpenAI"),
    ("openai", "AsyncOpenAI"),
    ("anthropic", "Anthropic"),
    ("anthropic", "AsyncAnthropic"),
}
_ELSEWHERE = {"AzureOpenAI", "AsyncAzureOpenAI", "AnthropicAWS", "AsyncAnthropicAWS"}
_HANDLERS = {"litellm"}


def is_httpx_based(client: Any) -> bool:
    """Whether there is an httpx client in this object, or it is one."""
    return _inner(client) is not None


def check_surface(client: Any) -> None:
    """Refuse an SDK whose requests go to another surface: nothing of them would be planned or counted.

    Raises NotAttachable.
    """
    if goes_to_bedrock(client):
        return
    raise NotAttachable(
        f"{type(client).__module__}.{type(client).__qualname__} does not send its requests to Bedrock, and only those "
        "can be planned and counted.",
        fix="a base_url of bedrock-runtime or bedrock-mantle (or of an endpoint on this machine), AnthropicBedrock(), "
        "or a boto3 client of bedrock-runtime",
    )


def goes_to_bedrock(client: Any) -> bool:
    """Whether an SDK sends its requests to Bedrock, or to an endpoint on this machine; of bare httpx each is asked."""
    if _inner(client) is client:
        return True
    classes = {(base.__module__.partition(".")[0], base.__qualname__) for base in type(client).__mro__}
    if classes & _SERVED or {module for module, _ in classes} & _HANDLERS:
        return True
    elsewhere = _ELSEWHERE & {name for _, name in classes}
    return bool(classes & _BY_BASE_URL) and not elsewhere and reaches_bedrock(base_host(client))


def base_host(client: Any) -> str:
    """The host that an SDK sends its requests to; empty where it does not say."""
    try:
        return str(client.base_url.host)
    except AttributeError:
        return ""


def _inner(client: Any) -> Any | None:
    for candidate in (client, getattr(client, "_client", None), getattr(client, "client", None)):
        if hasattr(candidate, "_transport") and isinstance(getattr(candidate, "_mounts", None), dict):
            return candidate
    return None


class Httpx:
    """How an httpx-based client is attached."""

    @staticmethod
    def resolver(client: Any, credentials: Any = None) -> Resolve:
        """Asks GetInferenceProfile with the client's credentials, at the place its requests go to."""
        from rockbottom.client.control_plane import lookup_at
        from rockbottom.client.profiles import ProfileResolver

        source = credentials_of(client, credentials)
        base = getattr(client, "base_url", None)
        return ProfileResolver(lookup_at(source, str(base) if base else None))

    @staticmethod
    def install(client: Any, attachment: Attachment) -> None:
        """Watch every transport of the client."""
        if attachment.options.keep_alive_usd is not None:
            raise NotAttachable("keep-alive needs a boto3 client.", fix="attach without keep_alive_usd")
        inner = _inner(client)
        assert inner is not None
        # The host of an SDK was judged when it was attached; behind another client every request is.
        host = base_host(client) if inner is not client else ""
        hooks = HttpxHooks(attachment, client, _library_of(inner), host, answers_for_budget=inner is not client)
        for transport in _transports(client):
            if not hasattr(transport, "_rockbottom"):
                transport.__class__ = transport_class(cast(Any, type(transport)))
                transport._rockbottom = hooks

    @staticmethod
    def abilities(client: Any) -> Abilities:
        """An httpx client carries whatever is in a body."""
        return EVERYTHING

    @staticmethod
    def attachment(client: Any) -> Attachment | None:
        """What watches the client's transports."""
        hooks = [transport._rockbottom for transport in _transports(client) if hasattr(transport, "_rockbottom")]
        return hooks[0].attachment if hooks else None

    @staticmethod
    def remove(client: Any) -> None:
        """Give the transports their own class back."""
        for transport in _transports(client):
            if hasattr(transport, "_rockbottom"):
                transport.__class__ = transport._rockbottom_base
                del transport._rockbottom


def _transports(client: Any) -> list[Any]:
    """Every transport of a client, each once."""
    inner = _inner(client)
    if inner is None:
        return []
    every = {
        id(transport): transport for transport in (inner._transport, *inner._mounts.values()) if transport is not None
    }
    return list(every.values())


def _library_of(inner: Any) -> Any:
    """The module, httpx or a successor of the same shape, that a client's class comes from."""
    for base in type(inner).__mro__:
        library = sys.modules.get(base.__module__.partition(".")[0])
        if library is not None and hasattr(library, "SyncByteStream"):
            return library
    raise NotAttachable(f"{type(inner).__module__} is not a library that rockbottom can attach to.")
