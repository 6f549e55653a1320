"""``attach``: one line that puts the planner on a client; ``report``: what came of it; ``detach``: off again."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from rockbottom.catalog import Catalog, Resolve
from rockbottom.client.arguments import Arguments, Recording, recording_of, shown
from rockbottom.client.attachment import Attachment
from rockbottom.client.botocore_hooks import core_of
from rockbottom.client.calls import Options
from rockbottom.client.checks import check_kinds, seconds_of, usd_of
from rockbottom.client.errors import AlreadyAttached, NotAttachable, NotAttached
from rockbottom.client.fitting import Abilities, too_old, without_ttl_field
from rockbottom.client.flights import DEFAULT_HOLD_S
from rockbottom.client.holdout import Holdout, holdout_of
from rockbottom.client.joining import join, shared_address
from rockbottom.client.keeping import started
from rockbottom.client.planning import PlannerLike
from rockbottom.client.profiles import patient
from rockbottom.client.recording import SpendingLimit
from rockbottom.client.reporting import Report
from rockbottom.client.saved_facts import facts_for
from rockbottom.client.sinks import recorder_of
from rockbottom.client.talking import kept_going
from rockbottom.client.ways import ClientKind, way_of
from rockbottom.files import from_here
from rockbottom.ledger import Sink

Client = TypeVar("Client")


def attach(
    client: Client,
    *,
    planner: PlannerLike | None = None,
    state: str | Path | None = None,
    share: str | None = None,
    resolve: Resolve | None = None,
    hold_s: float = DEFAULT_HOLD_S,
    keep_alive_usd: Decimal | int | str | None = None,
    notices: bool = True,
    record: Recording | None = None,
    ledger: bool | str | Path | None = None,
    sinks: Iterable[Sink] = (),
    tags: Mapping[str, str] | None = None,
    request_metadata: bool = False,
    budget: SpendingLimit | None = None,
    dry_run: bool = False,
    holdout: Holdout | Decimal | float | str | None = None,
    credentials: Any = None,
    catalog: Catalog | None = None,
    clock: Callable[[], float] = time.time,
) -> Client:
    """Put the planner on a client and return that same client; the same arguments a second time change nothing.

    ```python
    import boto3, rockbottom

    bedrock = rockbottom.attach(boto3.client("bedrock-runtime", region_name="us-east-1"))
    ```

    ``client`` is a bedrock-runtime client of boto3, botocore or aiobotocore, a session of these (or of aioboto3), whose
    later bedrock-runtime clients are then all attached, an ``AnthropicBedrock`` or ``AnthropicBedrockMantle``, a
    ``BedrockOpenAI``, an ``OpenAI`` or ``Anthropic`` whose ``base_url`` is one of Bedrock's, each of these also in its
    asynchronous form, or an httpx client that carries Bedrock's requests (LiteLLM's).

    ``planner`` defaults to one of its own; give one to share what is learned. ``state`` is a file from which a
    planner of its own starts and in which it keeps what it learns; several processes may share it.
    ``share`` is the address of a Valkey or Redis (``redis://HOST:6379/0?name=GROUP``) through which clients on several
    machines learn as one, keep one guard and spend one budget; no call waits for it beyond a moment, and calls go on
    without it.
    ``resolve`` takes the ARN of an application inference profile to a model id; by default
    GetInferenceProfile is asked with the client's credentials.
    ``hold_s`` is how long parallel requests on a new prefix wait for the first of them to begin to
    answer (0: never). ``keep_alive_usd`` allows keep-alive requests up to that many US dollars in all.
    ``notices``: log what keeps caching from happening. ``dry_run`` only observes: nothing that is sent is changed, and
    report and ledger say what these very calls would have cost with the planner, its cache played beside.
    ``holdout`` is the share of conversations whose calls are left unplanned (0.02; a ``Holdout`` says by which chance);
    report, ledger and watch set what they cost, and how soon they answered, beside the others.

    ``record`` says what is recorded of each call, and where; ``ledger``, ``sinks``, ``tags`` and ``request_metadata``
    are its members one by one (see ``Recording``). ``budget`` is asked before each call, and what it raises reaches
    the caller. ``credentials`` (a boto3 session, or botocore's credentials) sign changed requests of an httpx client
    that are signed with keys of a call's own (LiteLLM's ``aws_access_key_id=``).

    Raises NotAttachable for what cannot be attached, and AlreadyAttached where the client is attached already, itself
    or through its session, and other arguments are given now.
    """
    way = way_of(client)
    check_kinds(planner=planner, state=state, share=share, resolve=resolve, record=record, sinks=sinks, tags=tags,
                catalog=catalog, clock=clock)  # fmt: skip
    recording = recording_of(record, ledger=ledger, sinks=sinks, tags=tags, request_metadata=request_metadata)
    check_kinds(ledger=recording.ledger)
    arguments = Arguments(
        planner, None if state is None else from_here(state), resolve, seconds_of(hold_s), usd_of(keep_alive_usd),
        notices, recording, _askable(budget), dry_run, holdout_of(holdout), credentials, catalog, clock, share,
    )  # fmt: skip
    _put_on(client, way, arguments)
    return client


def _askable(budget: SpendingLimit | None) -> SpendingLimit | None:
    """The budget, which can be asked. Raises NotAttachable."""
    if budget is not None and not callable(getattr(budget, "check", None)):
        raise NotAttachable(
            f"budget={type(budget).__name__} cannot be asked before a call.",
            fix="budget=rockbottom.Budgets(rockbottom.Budget(...)), or any object with check(tags, now)",
        )
    return budget


def _put_on(client: Any, way: type[ClientKind], arguments: Arguments) -> None:
    attached = way.attachment(client)
    if attached is not None and attached.everyones:  # of the whole program: what its own code says of a client counts
        way.remove(client)
        attached = None
    if attached is None:
        way.install(client, new_attachment(client, way, arguments))
    else:
        _compared(attached.arguments, arguments)


def detach(client: Client) -> Client:
    """Take the planner off a client and return that same client; its calls go out as without rockbottom.

    Calls under way are still counted, and what was learned is saved where ``state`` says. A session takes the clients
    with it that it made since it was attached; such a client can also be detached by itself. Raises NotAttached.

    ```python
    import boto3, rockbottom

    bedrock = rockbottom.attach(boto3.client("bedrock-runtime", region_name="us-east-1"), hold_s=0)
    rockbottom.attach(rockbottom.detach(bedrock), hold_s=2)
    ```
    """
    attachment = attachment_of(client)
    way_of(client).remove(client)
    attachment.detached()
    return client


def report(client: Any) -> Report:
    """Tokens, cost and saving of an attached client so far, by model and by prefix. Raises NotAttached.

    ```python
    import boto3, rockbottom
    from rockbottom.local import running

    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}
    with running() as endpoint:
        bedrock = rockbottom.attach(boto3.client("bedrock-runtime", endpoint_url=endpoint.url, **keys))
        question = [{"role": "user", "content": [{"text": "What does Basic cost?"}]}]
        bedrock.converse(modelId="us.amazon.nova-micro-v1:0", messages=question)
        report = rockbottom.report(bedrock)
    print(report)
    assert report.total.calls == 1
    ```
    """
    return attachment_of(client).report()


def attachment_of(client: Any) -> Attachment:
    """What is kept beside a client. Raises NotAttached."""
    try:
        attachment = way_of(client).attachment(client)
    except NotAttachable:
        attachment = None
    if attachment is None:
        raise NotAttached(
            f"{type(client).__name__} is not attached, so nothing is recorded.",
            fix="client = rockbottom.attach(client), before its first call",
        )
    return attachment


def new_attachment(
    client: Any, way: type[ClientKind], arguments: Arguments, abilities: Abilities | None = None
) -> Attachment:
    """What is kept beside a client from now on; ``abilities`` where they are not those of the client alone."""
    options = _options(arguments)
    region = _region_of(client)
    facts = arguments.catalog or facts_for(region)
    resolve = (
        patient(arguments.resolve) if arguments.resolve is not None else way.resolver(client, arguments.credentials)
    )
    planner, state, address = arguments.planner, arguments.state, shared_address(arguments, os.environ)
    abilities = abilities or way.abilities(client)
    if not abilities.ttl:
        facts = without_ttl_field(facts)
    trouble = ""
    if planner is None:
        planner, trouble = _new_planner(facts, resolve, state, None if address is None else address.secret)
    attachment = Attachment(planner, facts, resolve, options, kept_going(arguments.clock), region=region)
    if trouble:
        attachment.talk.say([trouble])
    attachment.arguments, attachment.abilities = arguments, abilities
    if abilities.missing:
        attachment.talk.say([too_old(abilities)])
    if state is not None and arguments.planner is None:
        attachment.keep_state(state, troubled=bool(trouble))
    if address is not None:
        attachment.ledger_secret = address.ledger_secret
    attachment.recorder = recorder_of(attachment, arguments.record, arguments.budget, os.environ)
    attachment.budget = arguments.budget
    attachment.credentials = arguments.credentials
    if address is not None:
        join(attachment, address, region)
    return attachment


def _options(arguments: Arguments) -> Options:
    metadata = arguments.record.request_metadata
    sending = {"keep_alive_usd": arguments.keep_alive_usd is not None, "request_metadata": metadata}
    if arguments.dry_run and arguments.holdout is not None:
        raise NotAttachable(
            "dry_run=True plans no call, so holdout= has nothing to leave unplanned.", fix="attach without holdout"
        )
    sent_by_us = [name for name, is_set in sending.items() if is_set]
    if arguments.dry_run and sent_by_us:
        raise NotAttachable(
            f"dry_run=True changes nothing that is sent, but {' and '.join(sent_by_us)} would.",
            fix=f"attach without {' and '.join(sent_by_us)}",
        )
    hold_s = 0.0 if arguments.dry_run else arguments.hold_s
    return Options(hold_s, arguments.keep_alive_usd, arguments.notices, metadata, arguments.dry_run, arguments.holdout)


def _compared(first: Arguments | None, later: Arguments) -> None:
    differing = first.differences(later) if first is not None else {}
    if differing:
        both = "; ".join(_both(name, shown(old), shown(new)) for name, (old, new) in differing.items())
        raise AlreadyAttached(
            f"This client is attached already, with other arguments: {both}.",
            fix="attach once, with all of them; or rockbottom.detach(client) first",
            differing=tuple(differing),
        )


def _both(name: str, old: str, new: str) -> str:
    return f"{name}= another {new}" if old == new else f"{name}={old} at first, {new} now"


def _region_of(client: Any) -> str | None:
    """The Region that a client talks to, where it says so: botocore's, AnthropicBedrock's."""
    region = getattr(getattr(client, "meta", None), "region_name", None) or getattr(client, "aws_region", None)
    if region is None and core_of(client) is not None:
        region = core_of(client).get_config_variable("region")
    return region if isinstance(region, str) else None


def _new_planner(
    catalog: Catalog, resolve: Resolve | None, state: Path | None, secret: bytes | None
) -> tuple[PlannerLike, str]:
    """A planner of the client's own, and why it starts from nothing although there is a ``state``."""
    from rockbottom.plan import Planner as Ours  # the heaviest part; not needed by who brings a planner

    def empty() -> Ours:
        return Ours(resolve=resolve, catalog=catalog, secret=secret)

    if state is None:
        return empty(), ""
    return started(lambda: Ours.load(state, resolve=resolve, catalog=catalog), empty, state)
