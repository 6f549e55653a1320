"""How each kind of client is attached and detached: botocore's clients and sessions here, httpx in its own module."""

import inspect
from typing import Any, Protocol

from rockbottom.catalog import Resolve
from rockbottom.client.attachment import Attachment
from rockbottom.client.botocore_hooks import (
    BotocoreHooks,
    attachment_on,
    core_of,
    is_asynchronous,
    is_botocore_client,
    taken_off,
)
from rockbottom.client.errors import NotAttachable
from rockbottom.client.fitting import Abilities, abilities_of, session_abilities
from rockbottom.client.pinging import pinger, recorded


class ClientKind(Protocol):
    """One kind of client."""

    @staticmethod
    def resolver(client: Any, credentials: Any = None) -> Resolve:
        """What looks up application inference profiles with the client's own credentials."""
        ...

    @staticmethod
    def install(client: Any, attachment: Attachment) -> None:
        """Let the attachment see every call of the client. Raises NotAttachable."""
        ...

    @staticmethod
    def abilities(client: Any) -> Abilities:
        """What the library below the client lets through."""
        ...

    @staticmethod
    def attachment(client: Any) -> Attachment | None:
        """What was installed, if it was."""
        ...

    @staticmethod
    def remove(client: Any) -> None:
        """Put the client back as it was before; calls under way are still counted."""
        ...


class _Botocore:
    @staticmethod
    def resolver(client: Any, credentials: Any = None) -> Resolve:
        from rockbottom.client.control_plane import lookup_with
        from rockbottom.client.profiles import ProfileResolver

        return ProfileResolver(lookup_with(client))

    @staticmethod
    def install(client: Any, attachment: Attachment) -> None:
        if attachment.options.keep_alive_usd is not None:
            if is_asynchronous(client):
                raise NotAttachable("keep-alive needs a synchronous client.", fix="attach without keep_alive_usd")
            from rockbottom.client.keepalive import KeepAlive

            attachment.keep_alive = KeepAlive(
                attachment.options.keep_alive_usd,
                attachment.price,
                recorded(pinger(client), attachment, client),
                attachment.clock,
            )
        BotocoreHooks(attachment).register(client)

    @staticmethod
    def abilities(client: Any) -> Abilities:
        return abilities_of(client.meta.service_model)

    @staticmethod
    def attachment(client: Any) -> Attachment | None:
        return attachment_on(client.meta.events)

    @staticmethod
    def remove(client: Any) -> None:
        taken_off(client.meta.events)


class _Session:
    @staticmethod
    def resolver(client: Any, credentials: Any = None) -> Resolve:
        from rockbottom.client.control_plane import lookup_at
        from rockbottom.client.profiles import ProfileResolver

        return ProfileResolver(lookup_at(lambda: keys_of(client), None))

    @staticmethod
    def install(client: Any, attachment: Attachment) -> None:
        if attachment.options.keep_alive_usd is not None:
            raise NotAttachable("keep-alive needs a client, not a session.", fix="attach without keep_alive_usd")
        BotocoreHooks(attachment).register_session(client)

    @staticmethod
    def abilities(client: Any) -> Abilities:
        return session_abilities(core_of(client))

    @staticmethod
    def attachment(client: Any) -> Attachment | None:
        return attachment_on(core_of(client).get_component("event_emitter"))

    @staticmethod
    def remove(client: Any) -> None:
        taken_off(core_of(client).get_component("event_emitter"))


def keys_of(session: Any) -> Any:
    """A session's credentials; None for an asynchronous one, so that botocore's usual chain is asked."""
    core = core_of(session)
    return None if inspect.iscoroutinefunction(core.get_credentials) else core.get_credentials()


def way_of(client: Any) -> type[ClientKind]:
    """How this client is attached. Raises NotAttachable."""
    try:
        return _way_of(client)
    except NotAttachable:
        raise
    except Exception as error:  # it fails when it is asked for what clients have
        raise NotAttachable(
            f"{_name_of(client)} cannot be inspected ({type(error).__name__}).", fix=_fix_for(client)
        ) from error


def _way_of(client: Any) -> type[ClientKind]:
    if inspect.isclass(client):
        raise NotAttachable(
            f"{_name_of(client)} makes clients and is not one itself.",
            fix=f"an instance: client = {client.__name__}(...), then rockbottom.attach(client)",
        )
    if is_botocore_client(client):
        service = client.meta.service_model.service_name
        if service != "bedrock-runtime":
            raise NotAttachable(
                f"This is a client of {service}; cachePoints are planned for bedrock-runtime.",
                fix='rockbottom.attach(boto3.client("bedrock-runtime"))',
            )
        return _Botocore
    if core_of(client) is not None:
        return _Session
    from rockbottom.client.httpx_clients import Httpx, check_surface, is_httpx_based

    if is_httpx_based(client):
        check_surface(client)
        return Httpx
    raise NotAttachable(f"{_name_of(client)} is not a client that rockbottom can attach to.", fix=_fix_for(client))


def _name_of(candidate: Any) -> str:
    """What was given: the class of an instance; a class, a function and a module by their own names."""
    if inspect.ismodule(candidate):
        return f"The module {candidate.__name__}"
    for kind, holds in (("class", inspect.isclass(candidate)), ("function", inspect.isroutine(candidate))):
        if holds:
            return f"The {kind} {getattr(candidate, '__module__', None) or 'builtins'}.{candidate.__qualname__}"
    return f"{type(candidate).__module__}.{type(candidate).__qualname__}"


def _fix_for(candidate: Any) -> str:
    if inspect.getattr_static(candidate, "__aenter__", None):  # aiobotocore's clients are made by a context
        return "async with session.client(...) as client, then rockbottom.attach(client)"
    return (
        "give a bedrock-runtime client or session of boto3 or aiobotocore, an AnthropicBedrock, a BedrockOpenAI, an "
        "OpenAI or Anthropic whose base_url is Bedrock's, or an httpx client"
    )
