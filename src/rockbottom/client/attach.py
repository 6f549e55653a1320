"""``attach``: one line that puts the planner on a client, and ``report``: what came of it."""

import inspect
import os
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from rockbottom.catalog import Catalog, Resolve, load_catalog
from rockbottom.client.attachment import Attachment
from rockbottom.client.botocore_hooks import Hooks, core_of, is_asynchronous, is_botocore_client
from rockbottom.client.calls import Options
from rockbottom.client.errors import NotAttachable, NotAttached
from rockbottom.client.flights import DEFAULT_HOLD_S
from rockbottom.client.planning import Planner
from rockbottom.client.recording import SpendingLimit
from rockbottom.client.reporting import Report
from rockbottom.client.saved_facts import with_saved_facts
from rockbottom.client.sinks import recorder_of
from rockbottom.ledger import Sink

Client = TypeVar("Client")

_ATTACHED: "weakref.WeakKeyDictionary[Any, Attachment]" = weakref.WeakKeyDictionary()


def attach(
    client: Client,
    *,
    planner: Planner | None = None,
    state: str | Path | None = None,
    resolve: Resolve | None = None,
    hold_s: float = DEFAULT_HOLD_S,
    keep_alive_usd: Decimal | int | str | None = None,
    notices: bool = True,
    ledger: bool | str | Path | None = None,
    sinks: Iterable[Sink] = (),
    tags: Mapping[str, str] | None = None,
    budget: SpendingLimit | None = None,
    request_metadata: bool = False,
    credentials: Any = None,
    catalog: Catalog | None = None,
    clock: Callable[[], float] = time.time,
) -> Client:
    """Put the planner on a client and return that same client; a second time changes nothing.

    ``client`` is a bedrock-runtime client of boto3, botocore or aiobotocore, a session of these (or of aioboto3), whose
    later bedrock-runtime clients are then all attached, an ``AnthropicBedrock`` or ``AsyncAnthropicBedrock``, or an
    httpx client that carries signed Bedrock requests (LiteLLM's).

    ``planner`` defaults to one of its own; give one to share what is learned. ``state`` is a file from which a
    planner of its own starts and in which it keeps what it learns; several processes may share it.
    ``resolve`` takes the ARN of an application inference profile to a model id; by default
    GetInferenceProfile is asked with the client's credentials.
    ``hold_s`` is how long parallel requests on a new prefix wait for the first of them to begin to
    answer (0: never). ``keep_alive_usd`` allows keep-alive requests up to that many US dollars in all.
    ``notices``: log what keeps caching from happening.

    ``ledger`` records every call (tokens, cost, tags; never text) in a folder, or with True in the one that
    ``ROCKBOTTOM_LEDGER`` names or ``~/.local/state/rockbottom/ledger``; by default it does so if that
    variable is set. ``sinks`` are given every record too. ``tags`` are put on every call (see ``tagged``), and
    ``request_metadata`` also sends them to AWS as requestMetadata, which invocation logs keep. ``budget`` is asked
    before each call, and what it raises reaches the caller. ``credentials`` (a boto3 session, or botocore's
    credentials) sign changed requests of an httpx client that are signed with keys of a call's own (LiteLLM's
    ``aws_access_key_id=``). Raises NotAttachable.
    """
    if client in _ATTACHED:
        return client
    if budget is not None and not callable(getattr(budget, "check", None)):
        raise NotAttachable(
            f"budget={type(budget).__name__} cannot be asked before a call.",
            fix="budget=rockbottom.budgets.Budgets(Budget(...)), or any object with check(tags, now)",
        )
    options = Options(
        max(0.0, float(hold_s)),
        None if keep_alive_usd is None else Decimal(str(keep_alive_usd)),
        notices,
        request_metadata,
    )
    facts = catalog or with_saved_facts(load_catalog(), _region_of(client))
    make = _maker(client)
    if resolve is None:
        resolve = make.resolver(client, credentials)
    adopt = getattr(planner, "adopt", None)
    if adopt is not None:
        adopt(resolve, facts)
    attachment = Attachment(planner or _new_planner(facts, resolve, state), facts, resolve, options, clock)
    if state is not None and planner is None:
        attachment.keep_state(Path(state))
    attachment.recorder = recorder_of(attachment, ledger, sinks, tags, budget, os.environ)
    attachment.budget = budget
    attachment.credentials = credentials
    make.install(client, attachment)
    _ATTACHED[client] = attachment
    return client


def report(client: Any) -> Report:
    """Tokens, cost and saving of an attached client so far, by model and by prefix. Raises NotAttached."""
    return attachment_of(client).report()


def attachment_of(client: Any) -> Attachment:
    """What is kept beside a client. Raises NotAttached."""
    try:
        return _ATTACHED[client]
    except (KeyError, TypeError):
        raise NotAttached(
            f"{type(client).__name__} was never attached, so nothing was recorded.",
            fix="client = rockbottom.attach(client), before its first call",
        ) from None


def _region_of(client: Any) -> str | None:
    """The Region that a client talks to, where it says so: botocore's, AnthropicBedrock's."""
    region = getattr(getattr(client, "meta", None), "region_name", None) or getattr(client, "aws_region", None)
    if region is None and core_of(client) is not None:
        region = core_of(client).get_config_variable("region")
    return region if isinstance(region, str) else None


def _new_planner(catalog: Catalog, resolve: Resolve | None, state: str | Path | None) -> Planner:
    from rockbottom.plan import Planner as Ours  # the heaviest part; not needed by who brings a planner

    if state is not None:
        return Ours.load(state, resolve=resolve, catalog=catalog)
    return Ours(resolve=resolve, catalog=catalog)


class _Botocore:
    """How a botocore client is attached."""

    @staticmethod
    def resolver(client: Any, credentials: Any = None) -> Resolve:
        from rockbottom.client.control_plane import lookup_with
        from rockbottom.client.profiles import ProfileResolver

        return ProfileResolver(lookup_with(client))

    @staticmethod
    def install(client: Any, attachment: Attachment) -> None:
        Hooks(attachment).register(client)
        if attachment.options.keep_alive_usd is not None:
            if is_asynchronous(client):
                raise NotAttachable("keep-alive needs a synchronous client.", fix="attach without keep_alive_usd")
            from rockbottom.client.botocore_hooks import pinger, recorded
            from rockbottom.client.keepalive import KeepAlive

            attachment.keep_alive = KeepAlive(
                attachment.options.keep_alive_usd,
                attachment.price,
                recorded(pinger(client), attachment, client),
                attachment.clock,
            )


class _Session:
    """How a session is attached: through the events that its clients begin with."""

    @staticmethod
    def resolver(session: Any, credentials: Any = None) -> Resolve:
        from rockbottom.client.control_plane import lookup_at
        from rockbottom.client.profiles import ProfileResolver

        return ProfileResolver(lookup_at(lambda: _keys_of(session), None))

    @staticmethod
    def install(session: Any, attachment: Attachment) -> None:
        if attachment.options.keep_alive_usd is not None:
            raise NotAttachable("keep-alive needs a client, not a session.", fix="attach without keep_alive_usd")
        Hooks(attachment).register_session(session)


def _keys_of(session: Any) -> Any:
    """A session's credentials; None for an asynchronous one, so that botocore's usual chain is asked."""
    core = core_of(session)
    return None if inspect.iscoroutinefunction(core.get_credentials) else core.get_credentials()


def _maker(client: Any) -> Any:
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
    from rockbottom.client.httpx_hooks import Httpx, is_httpx_based

    if is_httpx_based(client):
        return Httpx
    raise NotAttachable(
        f"{type(client).__module__}.{type(client).__qualname__} is no client that rockbottom can attach to.",
        fix="give a bedrock-runtime client or session of boto3 or aiobotocore, an AnthropicBedrock, or an httpx client",
    )
